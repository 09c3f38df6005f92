//! A user's password is unlocked.

use crate::check::Severity;
use crate::lint::config;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "password-unlocked",
    title: "A user's password is unlocked",
    severity: Severity::Medium,
    rationale: "cloud-init locks the passwords of the users that it makes. `lock_passwd: false` takes that back: whoever knows or guesses the password gets in at the console, with su, and over SSH where it takes passwords.",
    remedy: "Leave `lock_passwd` away and log in with a key.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   lock_passwd: false\n\
              \x20   ssh_import_id: [gh:mira]\n",
        line: 5,
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
        for user in config::users(root).iter().filter(|user| user.is_unlocked()) {
            let name = user.name.unwrap_or("without a name");
            let what = if user.password().is_some() {
                "may be used to log in"
            } else {
                "is unlocked, and none is set here"
            };
            if let Some(value) = user.get("lock_passwd") {
                context.report(part.unit, value.at.clone(), format!("the password of user `{name}` {what}"));
            }
        }
    }
}
