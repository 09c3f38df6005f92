//! The hash of a password stands in user-data.

use std::sync::LazyLock;

use regex::Regex;

use crate::check::Severity;
use crate::effective::secrets::SecretKind;
use crate::lint::rules::secret::place;
use crate::lint::{Context, Example, Rule, config, template};

/// The rule.
pub const RULE: Rule = Rule {
    id: "password-hash",
    title: "The hash of a password stands in user-data",
    severity: Severity::Medium,
    rationale: "A hash can be tried against word lists at leisure by everybody who can read user-data: all accounts of the machine, and whoever sees the cloud's API or the repository.",
    remedy: "Log in with keys. Where there must be a password, set it on the machine after its first boot.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   passwd: \"$6$‖Lk2bS9dE$vYwq0Fh7l4nR1xPzC8uT5oMjB3gKaXeVdNsQiHyUtWrEpOlZ6cF2mJbGkDvSxAnQ9hT4yRwLu7iP0oEaKzM1C/\"\n\
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

static HASH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\$(?:1|2[aby]|5|6|y|gy|7|argon2\w*)\$[^\s<>{}]{20,}$").ok());

fn check(context: &mut Context<'_>) {
    // Where a hash is wanted, one is enough that looks like it.
    for (part, root) in context.configs() {
        let users = config::users(root);
        let own =
            users.iter().flat_map(|user| ["passwd", "hashed_passwd"].iter().filter_map(|key| user.get(key)));
        let listed = config::find(root, "chpasswd.users[].password").into_iter().map(|(_, value)| value);
        for value in own.chain(listed) {
            let is_hash =
                |text: &str| HASH.as_ref().is_some_and(|hash| hash.is_match(text)) && !text.contains("...");
            if value.text().is_some_and(|text| is_hash(text) && !template::has_hole(text)) {
                context.report(part.unit, value.at.clone(), "the hash of a password");
            }
        }
    }
    for (unit, secret) in
        context.secrets().iter().filter(|(_, secret)| secret.kind == SecretKind::PasswordHash)
    {
        let at = place(&context.unit(*unit).text, secret);
        context.report(*unit, at, "the hash of a password");
    }
}
