//! Sensitivity, from the plan: every setting of every built-in profile, on every release, is
//! broken in every way that its files allow, and what looks like a break and is none is tried too.
//!
//! A change that wins turns exactly the checks red that want what it takes away; one that loses
//! turns none. What wins is the programs' business ([`format`], held against them in [`truth`]),
//! never that of ironseed's readers. `docs/sensitivity.md` counts.

mod base;
mod edits;
mod format;
mod kinds;
mod lines;
mod matches;
mod mutant;
mod order;
mod page;
mod truth;
mod wrong;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::OnceLock;

use ironseed::assets::Assets;
use ironseed::plan::Plan;
use ironseed::{render, target};
use rayon::prelude::*;

pub use self::base::{Base, Remembered};
use self::mutant::{Mutant, Operator};
use crate::tree::Changed;
use crate::{image, plans, trees};

/// A user and group that no account has, and those of an account that may do nothing.
const NOBODY: u32 = 54321;
const SOMEBODY: (u32, u32) = (5, 60);

/// What became of one mutant.
pub struct Verdict {
    operator: Operator,
    /// The check that it was made for.
    subject: String,
    /// Broken, and seen.
    killed: BTreeSet<String>,
    /// Broken, and not seen.
    survived: BTreeSet<String>,
    /// Seen, and not broken.
    alarms: BTreeSet<String>,
    /// For people.
    words: String,
}

/// Every verdict over every tree; `None` where a tree could not be made.
fn verdicts() -> Option<&'static Vec<Verdict>> {
    static VERDICTS: OnceLock<Option<Vec<Verdict>>> = OnceLock::new();
    VERDICTS
        .get_or_init(|| {
            let mut all = Vec::new();
            for plan in plans::with_trees() {
                all.extend(over(&trees::path(&plan)?, &plan, "rendered tree"));
                if (plan.profile.as_str(), plan.distro.id.as_str()) == (image::PROFILE, image::DISTRO) {
                    all.extend(over(image::path()?, &plan, "built image"));
                }
            }
            Some(all)
        })
        .as_ref()
}

fn over(path: &std::path::Path, plan: &Plan, what: &str) -> Vec<Verdict> {
    let start = std::time::Instant::now();
    let base = Base::new(target::open(path).unwrap().tree, plan.clone());
    let bundle = render::bundle(plan, &Assets::embedded()).unwrap();
    let name = format!("{what} of {} for {}", plan.profile, plan.distro.id);
    let looked = start.elapsed();
    let red = base.red();
    let unexpected: Vec<_> = red.checks.iter().filter(|(id, _)| plan.waiver(id).is_none()).collect();
    assert!(unexpected.is_empty(), "{name} does not pass: {unexpected:#?}");
    let mut mutants = lines::mutants(&base, &bundle);
    mutants.extend(kinds::mutants(&base));
    let verdicts: Vec<Verdict> = mutants.par_iter().map(|m| judge(&base, m, &name)).collect();
    let _ = writeln!(
        std::io::stderr(),
        "{name}: {} mutants in {:.1} s, after {:.1} s for the tree itself",
        verdicts.len(),
        (start.elapsed() - looked).as_secs_f32(),
        looked.as_secs_f32()
    );
    verdicts
}

fn judge(base: &Base, mutant: &Mutant, tree: &str) -> Verdict {
    let broken: BTreeSet<String> = mutant.breaks(base).into_iter().map(str::to_owned).collect();
    let red = base.after(&Changed::edited(&base.tree, &mutant.edits));
    let seen: BTreeSet<String> = red.checks.keys().cloned().collect();
    let words = |id: &String| format!("\n      {id}: {}", red.checks[id]);
    let alarms: BTreeSet<String> = seen.difference(&broken).cloned().collect();
    Verdict {
        operator: mutant.operator,
        subject: mutant.subject.clone(),
        killed: seen.intersection(&broken).cloned().collect(),
        survived: broken.difference(&seen).cloned().collect(),
        words: format!(
            "{tree}: {:?} {}{}",
            mutant.operator,
            mutant.name,
            alarms.iter().map(words).collect::<String>()
        ),
        alarms,
    }
}

/// The words of the verdicts that are not as they should be.
fn told(which: impl Fn(&Verdict) -> &BTreeSet<String>) -> String {
    let Some(verdicts) = verdicts() else { return String::new() };
    let bad = verdicts.iter().filter(|v| !which(v).is_empty());
    bad.map(|v| format!("\n  {:?} {}", which(v), v.words)).collect()
}

#[test]
fn what_wins_is_seen_by_every_check_that_it_breaks() {
    let survived = told(|v| &v.survived);
    assert!(survived.is_empty(), "{} survived:{survived}", survived.lines().count() - 1);
}

#[test]
fn what_loses_and_what_is_not_broken_stays_green() {
    let alarms = told(|v| &v.alarms);
    assert!(alarms.is_empty(), "false alarms:{alarms}");
}

#[test]
fn the_page_counts_what_was_tried() {
    let Some(verdicts) = verdicts() else { return };
    page::hold(verdicts);
}
