//! Updates are turned off.

use std::sync::LazyLock;

use crate::check::Severity;
use crate::lint::patterns::{CommandPattern, LinePattern, Patterns};
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "updates-off",
    title: "Updates are turned off",
    severity: Severity::High,
    rationale: "A machine that no longer updates itself keeps every hole that is found from now on. Turning updates off to have the lock of the package manager at the first boot leaves them off for good.",
    remedy: "Wait for the lock (`apt-get -o DPkg::Lock::Timeout=300`) and leave the timers alone.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd:\n\
              \x20 - systemctl mask apt-daily-upgrade.timer\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - apt-get -o DPkg::Lock::Timeout=300 install --yes nginx\n",
        fixed: false,
    },
    check,
};

const COMMANDS: [CommandPattern; 5] = [
    CommandPattern {
        program: "systemctl",
        arguments: r"\b(disable|mask)\b.*\b(apt-daily(-upgrade)?|unattended-upgrades|dnf-automatic(-install)?|dnf5-automatic|packagekit|yum-cron|transactional-update)\b",
        says: "updates no longer install themselves",
    },
    CommandPattern {
        program: "apt|apt-get|aptitude|dpkg",
        arguments: r"(^| )(remove|purge|autoremove|--purge|-r|-P)\b.*\bunattended-upgrades\b",
        says: "updates no longer install themselves",
    },
    CommandPattern {
        program: "dnf5?|yum",
        arguments: r"(^| )(remove|erase)\b.*\b(dnf-automatic|yum-cron)\b",
        says: "updates no longer install themselves",
    },
    CommandPattern {
        program: "snap",
        arguments: r"^(refresh --hold(=forever)?$|set system refresh\.hold)",
        says: "snaps are no longer updated",
    },
    CommandPattern {
        program: "apt-mark",
        arguments: r"^hold .*\b(linux-image|openssh|sudo|libc6|openssl)",
        says: "this package gets no security updates any more",
    },
];

const LINES: [LinePattern; 1] = [LinePattern {
    pattern: r"APT::Periodic::(Unattended-Upgrade|Update-Package-Lists|Enable)[\s\x22\\]+0",
    says: "updates no longer install themselves",
}];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(&COMMANDS, &LINES));

fn check(context: &mut Context<'_>) {
    PATTERNS.look(context);
}
