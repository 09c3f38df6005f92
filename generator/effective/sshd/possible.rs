//! Whether any login at all can meet several conditions at once.
//!
//! Errs on the side of yes: only lists without wildcards are followed, by trying what they name.

use std::collections::BTreeSet;

use super::criteria::Criterion;
use super::pattern::{self, Match, Net};

/// More names or networks than this are not tried: somebody may be meant.
const MAX_TRIED: usize = 256;

/// `false` where no login meets all of these.
pub(super) fn possible(criteria: &BTreeSet<&Criterion>) -> bool {
    let lists = |of: fn(&Criterion) -> Option<&String>| -> Vec<&str> {
        criteria.iter().filter_map(|c| of(c)).map(String::as_str).collect()
    };
    let ports: BTreeSet<u16> = criteria.iter().filter_map(|c| c.port()).collect();
    let accounts = lists(|c| if let Criterion::User(list) = c { Some(list) } else { None });
    let hosts = lists(|c| if let Criterion::Host(list) = c { Some(list) } else { None });
    let domains = lists(|c| if let Criterion::RoutingDomain(list) = c { Some(list) } else { None });
    let groups = lists(|c| if let Criterion::Group(list) = c { Some(list) } else { None });
    let clients = lists(|c| if let Criterion::Address(list) = c { Some(list) } else { None });
    let servers = lists(|c| if let Criterion::LocalAddress(list) = c { Some(list) } else { None });
    ports.len() <= 1
        && [accounts, hosts, domains].iter().all(|lists| has_one_text(lists))
        && has_groups(&groups)
        && [clients, servers].iter().all(|lists| has_one_address(lists))
}

/// Whether one text matches all lists: what a list without wildcards names, or anything.
fn has_one_text(lists: &[&str]) -> bool {
    let Some(names) = lists.iter().find_map(|list| named(list)) else { return true };
    names.iter().any(|name| lists.iter().all(|list| pattern::match_list(name, list) == Match::Yes))
}

/// An account has many groups: for each list one, and none that any list denies.
fn has_groups(lists: &[&str]) -> bool {
    let allowed = |name: &&str| lists.iter().all(|list| pattern::match_list(name, list) != Match::Denied);
    lists.iter().filter_map(|list| named(list)).all(|names| names.iter().any(allowed))
}

/// What a list names; `None` where it has wildcards, or too many names.
fn named(list: &str) -> Option<Vec<&str>> {
    let names: Vec<&str> = pattern::positives(list).collect();
    let plain = !names.iter().any(|name| name.contains(['*', '?']));
    (plain && names.len() <= MAX_TRIED).then_some(names)
}

/// Whether one address matches all lists. Networks lie one in the other or apart, so that the
/// smallest of those that share an address is in all of them.
fn has_one_address(lists: &[&str]) -> bool {
    let Some(lists) = lists.iter().map(|list| pattern::networks(list)).collect::<Option<Vec<_>>>() else {
        return true;
    };
    let wanted = || lists.iter().flatten().filter(|(negated, _)| !negated).map(|(_, net)| net);
    let fits = |net: &Net, list: &Vec<(bool, Net)>| {
        let within = |denies: bool| list.iter().any(|(negated, n)| *negated == denies && n.holds(net));
        within(false) && !within(true)
    };
    lists.is_empty()
        || wanted().nth(MAX_TRIED).is_some()
        || wanted().any(|net| lists.iter().all(|list| fits(net, list)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(criteria: &[Criterion]) -> bool {
        possible(&criteria.iter().collect())
    }

    #[test]
    fn names_that_exclude_each_other_leave_nobody() {
        let user = |list: &str| Criterion::User(list.into());
        assert!(meets(&[user("alice"), user("al*")]) && meets(&[user("a*"), user("*b")]));
        assert!(meets(&[user("alice,bob"), user("bob,carol")]));
        assert!(!meets(&[user("alice"), user("bob")]) && !meets(&[user("alice,!alice")]));
        assert!(!meets(&[user("alice,bob"), user("*,!alice,!b?b")]));
        let group = |list: &str| Criterion::Group(list.into());
        assert!(meets(&[group("adm"), group("sudo")]), "a user may have both");
        assert!(!meets(&[group("adm"), group("*,!adm")]));
        assert!(!meets(&[Criterion::LocalPort(22), Criterion::LocalPort(23)]));
    }

    #[test]
    fn networks_that_lie_apart_leave_nobody() {
        let address = |list: &str| Criterion::Address(list.into());
        assert!(meets(&[address("10.0.0.0/8"), address("192.168.0.0/16,10.1.0.0/16")]));
        assert!(
            meets(&[address("10.0.0.0/8,!10.1.0.0/16")]) && meets(&[address("10.*"), address("11.0.0.0/8")])
        );
        assert!(!meets(&[address("10.0.0.0/8"), address("192.168.0.0/16")]));
        assert!(!meets(&[address("10.1.0.0/16,!10.0.0.0/8")]));
        assert!(!meets(&[address("10.0.0.1"), address("::1")]));
        assert!(meets(&[address("10.0.0.1"), Criterion::LocalAddress("::1".into())]));
    }
}
