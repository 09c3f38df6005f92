//! Everybody may read a file that holds a secret.

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::Content;
use crate::effective::files::matches;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "readable-secret",
    title: "Everybody may read a file that holds a secret",
    severity: Severity::High,
    rationale: "Without `permissions`, cloud-init writes files that every account of the machine can read. For a key or a password that is as bad as no secret.",
    remedy: "Say `permissions: '0600'`, or `'0640'` with the group of the one service that reads it.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              write_files:\n\
              \x20 - path: /root/.netrc\n\
              \x20   content: \"${netrc}\"\n",
        line: 3,
        good: "#cloud-config\n\
              write_files:\n\
              \x20 - path: /root/.netrc\n\
              \x20   permissions: '0600'\n\
              \x20   content: \"${netrc}\"\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        for file in root.get("write_files").into_iter().flat_map(|files| files.items()) {
            let Some(path) = file.get("path") else { continue };
            let name = path.text().unwrap_or_default();
            let by_name =
                context.facts.secret_files.iter().any(|pattern| matches(pattern.as_bytes(), name.as_bytes()));
            let by_content = || {
                let text = file.get("content").and_then(|content| content.text()).unwrap_or_default();
                text.contains("-----BEGIN ") && text.contains("PRIVATE KEY-----")
            };
            let mode = file.get("permissions");
            let bits = match mode.map(|mode| &mode.content) {
                Some(Content::Text(text)) => {
                    u64::from_str_radix(text.trim().trim_start_matches("0o"), 8).ok()
                }
                Some(Content::Number(number)) => number.as_u64(),
                Some(_) => None,
                // What cloud-init takes where nothing is said.
                None => Some(0o644),
            };
            if bits.is_some_and(|bits| bits & 0o004 != 0)
                && !name.ends_with(".pub")
                && (by_name || by_content())
            {
                let (at, why) = match mode {
                    Some(mode) => (mode.at.clone(), "with this mode"),
                    None => (path.at.clone(), "without `permissions`"),
                };
                context.report(part.unit, at, format!("{why}, everybody on the machine may read `{name}`"));
            }
        }
    }
}
