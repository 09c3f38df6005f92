//! The image's own user is left out.

use crate::check::Severity;
use crate::lint::config;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "default-user-missing",
    title: "The image's own user is left out",
    severity: Severity::Low,
    rationale: "A list `users` replaces the one of the image. Without `default` in it, cloud-init does not make the image's own user, and the key that the cloud brings lets nobody in but root, who is usually refused.",
    remedy: "Begin the list with `- default`, or say in a comment why the image's user is not wanted.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              users:\n\
              \x20 - name: mira\n\
              \x20   ssh_import_id: [gh:mira]\n",
        line: 2,
        good: "#cloud-config\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   ssh_import_id: [gh:mira]\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        let Some(entry) = root.entry("users") else { continue };
        let users = config::users(root);
        let lists_any = !entry.value.items().is_empty() || !entry.value.entries().is_empty();
        let has_default = users.iter().any(|user| user.name == Some("default")) || root.get("user").is_some();
        // Where nobody may log in, another rule says so.
        if lists_any && !has_default && users.iter().any(config::User::may_log_in) {
            context.report(
                part.unit,
                entry.key.at.clone(),
                "`users` without `default`: the cloud's key lets nobody in",
            );
        }
    }
}
