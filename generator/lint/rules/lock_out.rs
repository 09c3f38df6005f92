//! Nobody can log in.

use crate::check::Severity;
use crate::lint::config;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "lock-out",
    title: "Nobody can log in",
    severity: Severity::Medium,
    rationale: "A list `users` without `default` replaces the image's own user, and no user of the list has a key or a password that is not locked. The machine comes up, and nobody gets in.",
    remedy: "Begin the list with `- default`, or give a user `ssh_authorized_keys` or `ssh_import_id`.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              users:\n\
              \x20 - name: mira\n\
              \x20   groups: [adm]\n",
        line: 2,
        good: "#cloud-config\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   groups: [adm]\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    // What another part or a script sets up is not looked into.
    let alone = context.opened.parts.len() == 1 && context.opened.not_read.is_empty();
    for (part, root) in context.configs() {
        let Some(entry) = root.entry("users") else { continue };
        let users = config::users(root);
        let lists_any = !entry.value.items().is_empty() || !entry.value.entries().is_empty();
        let another_way = [
            "chpasswd",
            "password",
            "user",
            "ssh_import_id",
            "ssh_authorized_keys",
            "runcmd",
            "bootcmd",
            "write_files",
        ]
        .iter()
        .any(|key| root.get(key).is_some());
        let may = users.iter().any(|user| user.name == Some("default") || user.may_log_in());
        if alone && lists_any && !may && !another_way && !part.template {
            context.report(
                part.unit,
                entry.key.at.clone(),
                "none of these users has a key, or a password that is not locked",
            );
        }
    }
}
