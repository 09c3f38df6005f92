//! A user that takes passwords becomes root without one.

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::Node;
use crate::lint::{Context, Example, Rule, config};

/// The rule.
pub const RULE: Rule = Rule {
    id: "sudo-nopasswd",
    title: "A user that takes passwords becomes root without one",
    severity: Severity::Medium,
    rationale: "`NOPASSWD` is usual for a user that only a key lets in. With a password that can be guessed, it makes root of the first guess.",
    remedy: "Lock the password and keep the key, or leave `NOPASSWD` away.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              # The pipeline sets the password.\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   passwd: \"${mira_hash}\"\n\
              \x20   lock_passwd: false  # ironseed: ignore[password-unlocked] the example is about sudo\n\
              \x20   sudo: \"ALL=(ALL) NOPASSWD:ALL\"\n",
        line: 8,
        good: "#cloud-config\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   ssh_import_id: [gh:mira]\n\
              \x20   sudo: \"ALL=(ALL) NOPASSWD:ALL\"\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        for user in config::users(root) {
            let Some(rules) = user.get("sudo") else { continue };
            let set_later = user.name.is_some_and(|name| gets_password(root, name));
            let takes_passwords = user.is_unlocked() && user.password().is_some() || set_later;
            for rule in rules.items().iter().chain([rules]) {
                if takes_passwords && rule.text().is_some_and(|text| text.contains("NOPASSWD")) {
                    let name = user.name.unwrap_or("without a name");
                    context.report(
                        part.unit,
                        rule.at.clone(),
                        format!("user `{name}` takes a password, and is root without one"),
                    );
                }
            }
        }
    }
}

/// Whether `chpasswd` gives a user a password.
fn gets_password(root: &Node, name: &str) -> bool {
    let Some(chpasswd) = root.get("chpasswd") else { return false };
    let users = chpasswd.get("users").into_iter().flat_map(|users| users.items());
    let mut named = users.filter_map(|item| item.get("name").and_then(|name| name.text()));
    let list = chpasswd.get("list");
    let lines = list.into_iter().flat_map(|list| list.items().iter().chain([list]));
    let mut lines = lines.filter_map(|node| node.text()).flat_map(str::lines);
    named.any(|other| other == name) || lines.any(|line| line.trim().split(':').next() == Some(name))
}
