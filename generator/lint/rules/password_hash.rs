//! The hash of a password stands in user-data.

use std::sync::LazyLock;

use regex::Regex;

use crate::check::Severity;
use crate::lint::{Context, Example, Rule};

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
              \x20   passwd: \"$6$Lk2bS9dE$vYwq0Fh7l4nR1xPzC8uT5oMjB3gKaXeVdNsQiHyUtWrEpOlZ6cF2mJbGkDvSxAnQ9hT4yRwLu7iP0oEaKzM1C/\"\n\
              \x20   ssh_import_id: [gh:mira]\n",
        line: 5,
        good: "#cloud-config\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   ssh_import_id: [gh:mira]\n",
        fixed: false,
    },
    check: check,
};

static HASH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\$(?:1|2[aby]|5|6|y|gy|7)\$[./0-9A-Za-z=$,]{20,}|\$argon2\w*\$\S{20,}").ok()
});

fn check(context: &mut Context<'_>) {
    let Some(pattern) = HASH.as_ref() else { return };
    for number in 0..context.opened.units.len() {
        let unit = context.unit(number);
        // A unit that other units are made of speaks through them.
        if !context.opened.is_leaf(number) {
            continue;
        }
        for found in pattern.find_iter(&unit.text) {
            if !is_comment(&unit.text, found.start()) {
                context.report(number, found.range(), "the hash of a password");
            }
        }
    }
}

/// Whether the line is a comment up to there.
fn is_comment(text: &str, place: usize) -> bool {
    let before = text.get(..place).unwrap_or_default();
    before.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with('#'))
}
