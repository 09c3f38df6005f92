//! The firewall is turned off.

use std::sync::LazyLock;

use crate::check::Severity;
use crate::lint::context::Piece;
use crate::lint::patterns::{CommandPattern, Patterns};
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "firewall-off",
    title: "The firewall is turned off",
    severity: Severity::High,
    rationale: "What was open by accident is then open to everybody. The cloud's security group is one careless rule away from letting it through.",
    remedy: "Open the port that is wanted, and leave the firewall on.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd:\n\
              \x20 - systemctl disable --now firewalld\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - firewall-cmd --permanent --add-port=8443/tcp\n\
              \x20 - firewall-cmd --reload\n",
        fixed: false,
    },
    check,
};

const COMMANDS: [CommandPattern; 8] = [
    CommandPattern {
        program: "ufw",
        arguments: r"^(--force )?(disable|reset)\b",
        says: "the firewall goes off",
    },
    CommandPattern {
        program: "ufw",
        arguments: r"^default allow( incoming)?$",
        says: "the firewall lets everything in",
    },
    CommandPattern {
        program: "ip6?tables",
        arguments: r"^(-w )?(-F|--flush)( INPUT)?$",
        says: "the firewall's rules are thrown away",
    },
    CommandPattern {
        program: "ip6?tables",
        arguments: r"(-P|--policy) INPUT ACCEPT",
        says: "the firewall lets in what no rule is about",
    },
    CommandPattern {
        program: "nft",
        arguments: r"^flush ruleset$",
        says: "the firewall's rules are thrown away",
    },
    CommandPattern {
        program: "systemctl",
        arguments: r"\b(stop|disable|mask)\b.*\b(firewalld|ufw|nftables|iptables|netfilter-persistent)(\.service)?\b",
        says: "the firewall goes off",
    },
    CommandPattern {
        program: "service|rc-service",
        arguments: r"^(firewalld|ufw|nftables|iptables)\S* stop",
        says: "the firewall goes off",
    },
    CommandPattern {
        program: "apt|apt-get|dnf5?|yum",
        arguments: r"(^| )(remove|purge|erase)\b.*\b(ufw|firewalld|nftables|iptables-persistent|netfilter-persistent)\b",
        says: "the firewall is removed",
    },
];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(&COMMANDS, &[]));

fn check(context: &mut Context<'_>) {
    PATTERNS.look_unless(context, is_rebuilt);
}

/// Whether the rules are thrown away only to be written anew: a later command of the same program, in this script
/// or in one after it, refuses what is not wanted.
fn is_rebuilt(pieces: &[Piece], number: usize, index: usize) -> bool {
    let mut later = pieces[number..]
        .iter()
        .filter(|piece| piece.unit == pieces[number].unit)
        .flat_map(Piece::commands)
        .skip(index);
    let Some(first) = later.next() else { return false };
    later.any(|command| {
        let (program, arguments) = (command.program(), command.arguments());
        let refuses = [
            "INPUT DROP",
            "INPUT REJECT",
            "-j DROP",
            "-j REJECT",
            "policy drop",
            "deny incoming",
            "enable",
            "-f ",
        ];
        (program == first.program() && refuses.iter().any(|word| arguments.contains(word)))
            || (program.ends_with("tables-restore") && first.program().ends_with("tables"))
    })
}
