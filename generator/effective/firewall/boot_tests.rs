//! Which packet filters a boot sets up, on made trees.

use super::*;
use crate::effective::systemd::Units;
use crate::effective::testing::MemoryTree;

const SERVICE: &str = "[Service]\nType=oneshot\nExecStart=/usr/sbin/nft -f /etc/nftables.conf\n";
const CLOSED: &str = "table inet f { chain i { type filter hook input priority 0; policy drop; tcp dport { 22, 80 } accept; } }\n";
const RULES: &str = "*filter\n:INPUT DROP\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";

/// A tree whose boot starts these units.
fn tree(units: &[&str]) -> MemoryTree {
    let mut tree = MemoryTree::of(&[
        ("/usr/lib/systemd/system/multi-user.target", "[Unit]\n"),
        ("/etc/nftables.conf", CLOSED),
        ("/etc/iptables/rules.v4", RULES),
    ]);
    tree.link("/usr/lib/systemd/system/default.target", "multi-user.target");
    for unit in units {
        tree.write(format!("/usr/lib/systemd/system/{unit}"), SERVICE);
        let link = format!("/etc/systemd/system/multi-user.target.wants/{unit}");
        tree.link(link, format!("/usr/lib/systemd/system/{unit}"));
    }
    tree
}

fn boot(tree: &MemoryTree) -> AtBoot {
    at_boot(tree.root(), &Units::read(tree.root(), 252).unwrap()).unwrap()
}

#[test]
fn only_what_starts_counts_and_several_must_all_accept() {
    assert!(boot(&tree(&[])).active.is_empty());
    let nftables = boot(&tree(&["nftables.service"]));
    assert_eq!(nftables.active.len(), 1);
    assert!(matches!(nftables.rules.reach(Protocol::Tcp, 80, Family::V4), Reach::Open(_)));
    let both = boot(&tree(&["nftables.service", "netfilter-persistent.service"]));
    assert_eq!(
        both.active.iter().map(|a| a.backend).collect::<Vec<_>>(),
        [Backend::Nftables, Backend::Iptables]
    );
    assert!(matches!(both.rules.reach(Protocol::Tcp, 22, Family::V4), Reach::Open(_)));
    assert!(matches!(both.rules.reach(Protocol::Tcp, 80, Family::V4), Reach::Closed(_)));
    assert!(matches!(both.rules.reach(Protocol::Tcp, 80, Family::V6), Reach::Open(_)));
}

#[test]
fn an_order_that_nothing_fixes_is_no_answer() {
    let mut flushing = tree(&["nftables.service", "netfilter-persistent.service"]);
    flushing.write("/etc/nftables.conf", format!("flush ruleset\n{CLOSED}"));
    assert!(matches!(boot(&flushing).rules.input_default(Family::V4), Fate::Unobserved(_)));
    let mut other = tree(&["nftables.service"]);
    let service = "[Service]\nExecStart=/usr/local/sbin/rules\n";
    other.write("/usr/lib/systemd/system/nftables.service", service);
    assert!(matches!(boot(&other).rules.input_default(Family::V4), Fate::Unobserved(_)));
}
