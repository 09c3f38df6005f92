//! root may log in over SSH.

use std::sync::LazyLock;

use crate::check::Severity;
use crate::lint::config;
use crate::lint::patterns::{CommandPattern, LinePattern, Patterns};
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "root-login",
    title: "root may log in over SSH",
    severity: Severity::High,
    rationale: "Everybody knows the name `root`, nobody sees who used it, and nothing lies between a stolen key and the whole machine. `disable_root: false` leaves out the forced command that cloud-init puts before the cloud's key in root's authorized_keys.",
    remedy: "Log in as a user of your own and become root with sudo; leave `disable_root` away.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              disable_root: false\n",
        line: 2,
        good: "#cloud-config\n\
              disable_root: true\n",
        fixed: false,
    },
    check,
};

const COMMANDS: [CommandPattern; 0] = [];

const LINES: [LinePattern; 1] = [LinePattern {
    pattern: r"(?i)\bPermitRootLogin[ =]+yes\b",
    says: "sshd is told to let root in, even with a password",
}];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(&COMMANDS, &LINES));

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        if let Some(value) = root.get("disable_root").filter(|value| config::is_false(value)) {
            context.report(part.unit, value.at.clone(), "root gets the cloud's key without a forced command");
        }
    }
    PATTERNS.look(context);
}
