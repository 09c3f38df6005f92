//! The list of cloud-init's modules is replaced.

use crate::check::Severity;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "modules-replaced",
    title: "The list of cloud-init's modules is replaced",
    severity: Severity::Medium,
    rationale: "`cloud_init_modules`, `cloud_config_modules` and `cloud_final_modules` replace the image's list as a whole. What is not in it does not run any more: without `scripts_user`, `runcmd` does nothing; without `ssh`, the cloud's key is not installed.",
    remedy: "Leave the lists to the image; most modules do nothing unless their key is there.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              cloud_final_modules: [final_message]\n",
        line: 2,
        good: "#cloud-config\n\
              final_message: up\n",
        fixed: false,
    },
    check,
};

const LISTS: [&str; 3] = ["cloud_init_modules", "cloud_config_modules", "cloud_final_modules"];

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        for entry in LISTS.iter().filter_map(|name| root.entry(name)) {
            let name = entry.key.name();
            context.report(
                part.unit,
                entry.key.at.clone(),
                format!("`{name}` replaces the image's list as a whole"),
            );
        }
    }
}
