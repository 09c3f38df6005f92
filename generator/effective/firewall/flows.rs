//! Packets on their way through the chains, in groups that took the same way so far.

use super::ranges::Ranges;
use crate::location::Location;

/// Groups that are compared with each other; more are left as they are.
const MAX_UNITED: usize = 64;

/// What stays the same of a packet on its way, however often it is asked: a condition on one of
/// these holds or doesn't, while a rate may let a packet pass at one place and not at the next.
const STABLE: [&str; 6] = ["iifname ", "iif ", "oifname ", "oif ", "ip daddr ", "ip6 daddr "];

/// Packets that took the same way so far.
#[derive(Clone, Debug)]
pub(super) struct Flow {
    pub(super) sources: Ranges,
    /// What holds of them beside; sorted, each once. `not a, b` is that not both hold.
    pub(super) conditions: Vec<String>,
    /// Only under a condition that the model can't decide.
    pub(super) special: bool,
    /// The line that let them go on.
    pub(super) at: Location,
}

/// Adds a condition, keeping the list sorted and free of repetitions.
pub(super) fn add(conditions: &mut Vec<String>, condition: String) {
    if let Err(place) = conditions.binary_search(&condition) {
        conditions.insert(place, condition);
    }
}

/// Whether a condition can't hold where these do.
pub(super) fn rules_out(conditions: &[String], condition: &str) -> bool {
    is_stable(condition) && conditions.iter().any(|c| c.strip_prefix("not ") == Some(condition))
}

/// Whether the contrary of an exception (`not a`) is among the conditions, so that nothing is left.
pub(super) fn is_sure(conditions: &[String], exception: &str) -> bool {
    let condition = exception.strip_prefix("not ").unwrap_or(exception);
    is_stable(condition) && conditions.iter().any(|c| c == condition)
}

fn is_stable(condition: &str) -> bool {
    STABLE.iter().any(|start| condition.starts_with(start))
}

/// The same packets in fewer groups: two that differ in one condition and its contrary are one,
/// and a group within another is none.
pub(super) fn united(mut flows: Vec<Flow>) -> Vec<Flow> {
    while flows.len() <= MAX_UNITED {
        let Some((first, second, shared)) = contraries(&flows) else { break };
        flows[first].special &= flows[second].special || !shared.is_empty();
        flows[first].conditions = shared;
        flows.remove(second);
    }
    if flows.len() > MAX_UNITED {
        return flows;
    }
    let mut kept: Vec<Flow> = Vec::new();
    for flow in flows {
        let within = |inner: &Flow, outer: &Flow| {
            outer.conditions.iter().all(|c| inner.conditions.binary_search(c).is_ok())
                && inner.sources.difference(&outer.sources).is_empty()
        };
        if !kept.iter().any(|other| within(&flow, other)) {
            kept.retain(|other| !within(other, &flow));
            kept.push(flow);
        }
    }
    kept
}

/// Two groups that are all of what their common conditions leave.
fn contraries(flows: &[Flow]) -> Option<(usize, usize, Vec<String>)> {
    for (first, flow) in flows.iter().enumerate() {
        for exception in &flow.conditions {
            let Some(condition) = exception.strip_prefix("not ").filter(|c| is_stable(c)) else { continue };
            let shared: Vec<String> = flow.conditions.iter().filter(|c| *c != exception).cloned().collect();
            let mut wanted = shared.clone();
            add(&mut wanted, condition.to_owned());
            let found = flows.iter().position(|f| f.conditions == wanted && f.sources == flow.sources);
            if let Some(second) = found {
                return Some((first, second, shared));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::firewall::Family;

    fn flow(conditions: &[&str]) -> Flow {
        let conditions: Vec<String> = conditions.iter().map(|c| (*c).to_owned()).collect();
        let special = !conditions.is_empty();
        Flow { sources: Ranges::all_addresses(Family::V4), conditions, special, at: Location::file("/x") }
    }

    #[test]
    fn contraries_unite_and_parts_vanish() {
        let shown = |flows: Vec<Flow>| flows.into_iter().map(|f| f.conditions).collect::<Vec<_>>();
        let halves = vec![flow(&["iifname a", "limit rate"]), flow(&["limit rate", "not iifname a"])];
        assert_eq!(shown(united(halves)), [["limit rate"]]);
        let part = vec![flow(&["iifname a"]), flow(&[]), flow(&["limit rate"])];
        assert_eq!(shown(united(part)), [Vec::<String>::new()]);
        let rates = vec![flow(&["limit rate"]), flow(&["not limit rate"])];
        assert_eq!(united(rates).len(), 2);
        assert!(rules_out(&["not iifname a".to_owned()], "iifname a"));
        assert!(!rules_out(&["not limit rate".to_owned()], "limit rate"));
    }
}
