//! What was seen of a check, in plain lines: the same words in every form that shows them.

use super::CheckReport;
use super::text::{plain, short};
use crate::observation::{Observation, Outcome};

/// Observations shown of one check where space is short: a scan can have thousands.
const MOST: usize = 12;

/// Characters shown of one value.
const LONGEST: usize = 2_000;

/// What is worth showing of a check: its observations but for plain passes, and how many are left out.
pub fn telling(check: &CheckReport) -> (Vec<&Observation>, usize) {
    let worth = |o: &&Observation| o.outcome != Outcome::Pass || o.reason.is_some();
    let mut shown: Vec<&Observation> = check.observations.iter().filter(worth).collect();
    let left_out = shown.len().saturating_sub(MOST);
    shown.truncate(MOST);
    (shown, left_out)
}

/// Why nothing at all was seen of a check, where one reason without a place says it all.
pub fn common_reason(check: &CheckReport) -> Option<&str> {
    let first = check.observations.first()?;
    let says_the_same = |o: &Observation| {
        o.outcome == Outcome::Unobserved && o.location.is_none() && o.reason == first.reason
    };
    let nothing = check.outcome == Outcome::Unobserved && check.observations.iter().all(says_the_same);
    first.reason.as_deref().filter(|_| nothing)
}

/// Who accepts a check's failure, until when and why.
pub fn waiver(check: &CheckReport) -> Option<String> {
    check.waiver.as_ref().map(|waiver| {
        let (owner, reason) = (short(&waiver.owner, LONGEST), short(&waiver.reason, LONGEST));
        let (expires, left) = (waiver.expires, waiver.days_left);
        format!("waived by {owner} until {expires} ({left} days left): {reason}")
    })
}

/// An observation: where, what is there, what was wanted by which line, why it counts so, and what loses.
pub fn lines(observation: &Observation) -> Vec<String> {
    let place = observation.location.as_ref().map(|l| plain(&l.to_string())).unwrap_or_default();
    let (plane, word) = (observation.plane, observation.outcome.word());
    let mut lines = vec![format!("{word} ({plane}) {place}")];
    if !observation.found.is_empty() {
        lines.push(format!("  found:  {}", short(&observation.found, LONGEST)));
    }
    let origin = observation.origin.as_ref().map(|o| plain(&format!("  ({o})"))).unwrap_or_default();
    lines.push(format!("  wanted: {}{origin}", short(&observation.wanted, LONGEST)));
    if let Some(reason) = &observation.reason {
        lines.push(format!("  reason: {}", short(reason, LONGEST)));
    }
    lines.extend(
        observation.overridden.iter().map(|losing| format!("  loses:  {}", plain(&losing.to_string()))),
    );
    lines
}

/// Everything worth telling of a check: its waiver, its observations, and how a failure is mended.
pub fn story(check: &CheckReport) -> Vec<String> {
    let mut story: Vec<String> = waiver(check).into_iter().collect();
    if let Some(reason) = common_reason(check) {
        story.push(short(reason, LONGEST));
        return story;
    }
    let (shown, left_out) = telling(check);
    story.extend(shown.into_iter().flat_map(lines));
    if left_out > 0 {
        story.push(format!("… and {left_out} more (see --format json)"));
    }
    if check.outcome == Outcome::Fail {
        story.push(format!("to mend it: {}", plain(&check.remediation)));
    }
    story
}

/// Why a check has its outcome, in one sentence: the worst observation's reason.
pub fn gist(check: &CheckReport) -> String {
    let reasoned = check.observations.iter().filter(|o| o.reason.is_some() && o.outcome != Outcome::Pass);
    let worst = reasoned.max_by_key(|o| (o.outcome != Outcome::NotApplicable, o.outcome));
    let reason = worst.and_then(|o| o.reason.as_deref()).unwrap_or(&check.title);
    short(reason, LONGEST)
}
