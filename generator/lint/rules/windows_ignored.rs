//! cloudbase-init on Windows takes no notice of it.

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::Node;
use crate::lint::{Context, Example, Kind, Part, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "windows-ignored",
    title: "cloudbase-init on Windows takes no notice of it",
    severity: Severity::Medium,
    rationale: "cloudbase-init reads a few keys of cloud-config and skips all others without a word: a machine that looks hardened by its user-data has none of it.",
    remedy: "Do it in a PowerShell part (`#ps1_sysnative`), or keep to the keys that cloudbase-init knows.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              set_timezone: UTC\n\
              ssh_pwauth: false\n",
        line: 3,
        good: "#cloud-config\n\
              set_timezone: UTC\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    let of_windows = |part: &Part| part.kind == Kind::WindowsScript;
    let configs = context.configs();
    let only = |root: &Node| context.facts.windows_only.iter().any(|key| root.get(key).is_some());
    let is_windows = context.options.windows
        || context.opened.parts.iter().any(of_windows)
        || configs.iter().any(|(_, root)| only(root));
    for (part, root) in configs.into_iter().filter(|_| is_windows) {
        for entry in root.entries() {
            let Some(name) = entry.key.text() else { continue };
            if !context.facts.windows_keys.iter().any(|key| key == name) {
                context.report(
                    part.unit,
                    entry.key.at.clone(),
                    format!("cloudbase-init does nothing with `{name}`"),
                );
            }
        }
    }
}
