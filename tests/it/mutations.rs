//! Sensitivity: every check of the base profile notices what breaks it, and nothing else does.
//!
//! Two tables of changes to a real, built image. What wins turns exactly its own check red; what
//! loses changes nothing.

pub mod strict;
pub mod table;

use std::collections::{BTreeMap, BTreeSet};

use ironseed::observation::{Outcome, Plane};
use ironseed::plan::Plan;
use ironseed::report::TargetReport;
use ironseed::target::{self, Root, Tree};
use ironseed::verify::{self, Look, Nature};
use jiff::civil::{Date, date};
use rayon::prelude::*;

use self::table::{LOSING, WINNING};
pub use self::table::{Mutation, by};
use crate::sensitivity::Base;
use crate::tree::Changed;
use crate::{image, plans, trees};

/// The day that the image is looked at: both releases are supported.
const TODAY: Date = date(2026, 11, 23);

/// The check that reads every byte of every file. A change is scanned by itself: the rest of the
/// image was scanned once.
pub const SCANS: &str = "keys-in-image";

/// Every check's outcome on a tree, with what was seen of those that are not in order.
struct Seen {
    outcomes: BTreeMap<String, Outcome>,
    words: String,
}

impl Seen {
    fn of(tree: &dyn Tree, plan: &Plan) -> Self {
        let look = Look::new(Root::new(tree), plan, Nature::Image, TODAY);
        let seen = verify::observe(&look, Plane::Configured);
        let target = TargetReport { name: "test".into(), kind: "qcow2".into(), sha256: None, base: None };
        let report = verify::report(plan, target, &[Plane::Configured], seen, TODAY);
        let mut words = String::new();
        for check in report.checks.iter().filter(|c| !c.outcome.is_acceptable()) {
            for seen in check.observations.iter().filter(|o| !o.outcome.is_acceptable()).take(5) {
                let reason = seen.reason.as_deref().unwrap_or_default();
                words.push_str(&format!("\n      {}: {}: {reason}", check.id, seen.found));
            }
        }
        Self { outcomes: report.checks.into_iter().map(|c| (c.id, c.outcome)).collect(), words }
    }

    /// The checks that a gate would stop at.
    fn red(&self) -> BTreeSet<&str> {
        self.outcomes.iter().filter(|(_, o)| !o.is_acceptable()).map(|(id, _)| id.as_str()).collect()
    }
}

/// The plan in two: all checks but the scan, and the scan.
fn split(plan: &Plan) -> (Plan, Plan) {
    let (mut quick, mut scan) = (plan.clone(), plan.clone());
    quick.checks.retain(|c| c.info.id != SCANS);
    scan.checks.retain(|c| c.info.id == SCANS);
    (quick, scan)
}

/// Looks at the image with each mutation and returns, in words, each that did not do as wanted.
fn surprises(
    mutations: &[Mutation],
    as_wanted: fn(&Mutation, &BTreeSet<&str>, &Seen) -> bool,
) -> Vec<String> {
    let Some(image) = image::path() else { return Vec::new() };
    let base = target::open(image).unwrap();
    let (quick, scan) = split(&plans::resolve(image::PROFILE, image::DISTRO));
    let surprise = |mutation: &Mutation| {
        let changed = Changed::new(base.tree.as_ref(), mutation.changes);
        let mut seen = Seen::of(&changed, &quick);
        let scanned = Seen::of(&changed.only(), &scan);
        seen.outcomes.extend(scanned.outcomes);
        seen.words.push_str(&scanned.words);
        let red = seen.red();
        let good = as_wanted(mutation, &red, &seen);
        (!good).then(|| format!("\n  {} ({}): red are {red:?}{}", mutation.check, mutation.name, seen.words))
    };
    mutations.par_iter().filter_map(surprise).collect()
}

#[test]
fn the_built_image_passes_every_check() {
    let Some(image) = image::path() else { return };
    let base = target::open(image).unwrap();
    let seen = Seen::of(base.tree.as_ref(), &plans::resolve(image::PROFILE, image::DISTRO));
    assert!(seen.red().is_empty(), "{}", seen.words);
}

#[test]
fn what_wins_turns_exactly_its_check_red() {
    let surprises = surprises(WINNING, |mutation, red, seen| {
        let outcome = seen.outcomes.get(mutation.check);
        *red == BTreeSet::from([mutation.check])
            && matches!(outcome, Some(Outcome::Fail | Outcome::Unobserved))
    });
    assert!(surprises.is_empty(), "{}", surprises.concat());
}

#[test]
fn what_loses_changes_nothing() {
    let surprises = surprises(LOSING, |_, red, _| red.is_empty());
    assert!(surprises.is_empty(), "{}", surprises.concat());
}

#[test]
fn every_check_is_broken_in_at_least_two_ways() {
    for check in plans::resolve(image::PROFILE, image::DISTRO).checks {
        let ways: BTreeSet<&str> =
            WINNING.iter().filter(|m| m.check == check.info.id).map(|m| m.name).collect();
        assert!(ways.len() >= 2, "{} is broken in {ways:?} only", check.info.id);
    }
}

/// The rendered tree of the strict profile, and the mutations that its own checks have to notice.
fn strict_surprises(mutations: &[Mutation], wins: bool) -> String {
    let plan = plans::resolve("strict", image::DISTRO);
    let Some(path) = trees::path(&plan) else { return String::new() };
    let base = Base::new(target::open(&path).unwrap().tree, plan);
    let surprise = |mutation: &Mutation| {
        let red = base.after(&Changed::new(&base.tree, mutation.changes));
        let seen: Vec<&str> = red.checks.keys().map(String::as_str).collect();
        let wanted = if wins { vec![mutation.check] } else { Vec::new() };
        let words = || red.checks.values().map(|w| format!("\n      {w}")).collect::<String>();
        (seen != wanted)
            .then(|| format!("\n  {} ({}): red are {seen:?}{}", mutation.check, mutation.name, words()))
    };
    mutations.par_iter().filter_map(surprise).collect()
}

#[test]
fn strict_notices_what_wins_against_it() {
    let surprises = strict_surprises(strict::WINNING, true);
    assert!(surprises.is_empty(), "{surprises}");
}

#[test]
fn strict_does_not_mind_what_loses() {
    let surprises = strict_surprises(strict::LOSING, false);
    assert!(surprises.is_empty(), "{surprises}");
}

#[test]
fn every_check_of_strict_is_broken_in_at_least_two_ways() {
    let base: BTreeSet<String> =
        plans::resolve(image::PROFILE, image::DISTRO).checks.into_iter().map(|c| c.info.id).collect();
    for check in plans::resolve("strict", image::DISTRO).checks {
        let id = check.info.id.as_str();
        // It wants packages alone; the mutants made from the plan take each away.
        if base.contains(id) || id == "package-care" {
            continue;
        }
        let ways = strict::WINNING.iter().filter(|m| m.check == id).count();
        assert!(ways >= 2, "{id} is broken in {ways} ways only");
    }
}
