//! SELinux or AppArmor is turned off.

use std::sync::LazyLock;

use crate::check::Severity;
use crate::lint::patterns::{CommandPattern, LinePattern, Patterns};
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "confinement-off",
    title: "SELinux or AppArmor is turned off",
    severity: Severity::High,
    rationale: "They are what holds a service that was broken into away from the rest of the machine. Off or permissive, they only watch.",
    remedy: "Give the service the label, port or boolean that it needs (`semanage`, `setsebool`, a local profile).",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd:\n\
              \x20 - setenforce 0\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - semanage port -a -t http_port_t -p tcp 8443\n",
        fixed: false,
    },
    check,
};

const COMMANDS: [CommandPattern; 5] = [
    CommandPattern {
        program: "setenforce",
        arguments: r"(?i)^(0|permissive)$",
        says: "SELinux stops to enforce",
    },
    CommandPattern {
        program: "systemctl",
        arguments: r"\b(stop|disable|mask)\b.*\bapparmor\b",
        says: "AppArmor goes off",
    },
    CommandPattern { program: "aa-teardown|aa-disable", arguments: "", says: "AppArmor lets go of programs" },
    CommandPattern {
        program: "apt|apt-get",
        arguments: r"(^| )(remove|purge)\b.*\bapparmor\b",
        says: "AppArmor is removed",
    },
    CommandPattern {
        program: "grubby",
        arguments: r"\b(selinux|apparmor|enforcing)=0\b",
        says: "the kernel starts without confinement",
    },
];

const LINES: [LinePattern; 2] = [
    LinePattern { pattern: r"\bSELINUX=(disabled|permissive)\b", says: "SELinux no longer enforces" },
    LinePattern {
        pattern: r"GRUB_CMDLINE_LINUX.*\b(selinux|apparmor|enforcing)=0\b",
        says: "the kernel starts without confinement",
    },
];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(&COMMANDS, &LINES));

fn check(context: &mut Context<'_>) {
    PATTERNS.look(context);
}
