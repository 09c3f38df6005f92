//! A key that cloud-init does not know.

use crate::check::Severity;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "unknown-key",
    title: "A key that cloud-init does not know",
    severity: Severity::Medium,
    rationale: "cloud-init takes no notice of a top-level key that none of its modules reads; from 23.4 on its schema refuses it. A slip of the pen then drops all that stands under it.",
    remedy: "Write the key that the message names.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              run_cmd:\n\
              \x20 - systemctl restart app\n",
        line: 2,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - systemctl restart app\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        if context.options.windows {
            continue;
        }
        for entry in root.entries() {
            let Some(name) = entry.key.text() else { continue };
            let known = |key: &String| key == name;
            if context.facts.keys.iter().chain(&context.facts.windows_only).any(known)
                || name.starts_with('x')
            {
                continue;
            }
            // Keys of other programs are nothing to us: only what is nearly right is taken for a slip.
            let plain = name.to_lowercase().replace('-', "_");
            let near = context.facts.keys.iter().find(|key| {
                let distance = strsim::damerau_levenshtein(&plain, &key.replace('-', "_"));
                distance <= 1 + usize::from(name.len() >= 10) && name.len() >= 4
            });
            if let Some(near) = near {
                context.report(
                    part.unit,
                    entry.key.at.clone(),
                    format!("cloud-init knows no `{name}`: `{near}`?"),
                );
            }
        }
    }
}
