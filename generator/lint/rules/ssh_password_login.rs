//! SSH lets passwords in.

use std::sync::LazyLock;

use crate::check::Severity;
use crate::lint::config;
use crate::lint::patterns::{CommandPattern, LinePattern, Patterns};
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "ssh-password-login",
    title: "SSH lets passwords in",
    severity: Severity::High,
    rationale: "Passwords are guessed around the clock wherever SSH can be reached, and one weak one is enough. `ssh_pwauth: true` makes cloud-init write `PasswordAuthentication yes` into a file that sshd reads before most others.",
    remedy: "Log in with keys, and say `ssh_pwauth: false`.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              ssh_pwauth: true\n",
        line: 2,
        good: "#cloud-config\n\
              ssh_pwauth: false\n",
        fixed: false,
    },
    check,
};

const COMMANDS: [CommandPattern; 0] = [];

const LINES: [LinePattern; 1] = [LinePattern {
    pattern: r"(?i)\bPasswordAuthentication[ =]+yes\b",
    says: "sshd is told to let passwords in",
}];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(&COMMANDS, &LINES));

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        if let Some(value) = root.get("ssh_pwauth").filter(|value| config::is_true(value)) {
            context.report(part.unit, value.at.clone(), "sshd is told to let passwords in");
        }
    }
    PATTERNS.look(context);
}
