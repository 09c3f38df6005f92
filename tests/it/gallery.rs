//! `docs/gallery.md`: what ironseed says when something is wrong. Every message is a real one, of a
//! real run over a tree that passed and was broken.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;

use ironseed::observation::{Outcome, Plane};
use ironseed::plan::Plan;
use ironseed::report::{TargetReport, human};
use ironseed::target::{self, Root, Tree};
use ironseed::verify::{self, Look, Nature};
use jiff::civil::{Date, date};
use rayon::prelude::*;
use tempfile::TempDir;

use crate::mutations::{Mutation, SCANS, by, strict, table};
use crate::program::run;
use crate::sensitivity::Remembered;
use crate::tree::Change::Replace;
use crate::tree::Changed;
use crate::{image, pages, plans, trees};

/// The profile with every check.
const PROFILE: &str = "strict";

/// The day of every look.
const TODAY: Date = date(2026, 11, 23);

/// Ways to break a check that are shown.
const SHOWN: usize = 2;

/// What the tables of mutations don't break: it wants packages alone.
const MORE: [Mutation; 1] = [by(
    "package-care",
    "a package was removed",
    &[Replace(
        "/var/lib/dpkg/status",
        "Package: libpam-tmpdir\nStatus: install ok installed",
        "Package: libpam-tmpdir\nStatus: deinstall ok config-files",
    )],
)];

/// Profiles that are refused.
const BROKEN: [(&str, &str); 7] = [
    (
        "a check that there is none of",
        "name: web\ntitle: Web\nextends: [nectar-base]\nchecks: [ssh-paswords]\n",
    ),
    (
        "a parameter of the wrong type",
        "name: web\ntitle: Web\nextends: [nectar-base]\nparameters:\n  ssh_port: eighty\n",
    ),
    (
        "a parameter beyond its bounds",
        "name: web\ntitle: Web\nextends: [nectar-base]\nparameters:\n  ssh_port: 70000\n",
    ),
    ("a key twice", "name: web\ntitle: Web\nextends: [nectar-base]\ntitle: Again\n"),
    ("a field that is none", "name: web\ntitle: Web\nextend: [nectar-base]\n"),
    (
        "a waiver without an end",
        "name: web\ntitle: Web\nextends: [nectar-base]\nwaivers:\n  - {check: updates, owner: ops, reason: later}\n",
    ),
    ("a profile that extends itself", "name: web\ntitle: Web\nextends: [./own.yaml]\n"),
];

/// The report of one check over a tree with a change, as people read it, without what is in order.
fn said(base: &Remembered, plan: &Plan, mutation: &Mutation) -> (Outcome, String) {
    let changed = Changed::new(base, mutation.changes);
    let mut one = plan.clone();
    one.checks.retain(|check| check.info.id == mutation.check);
    one.waivers.clear();
    let only = changed.only();
    let tree: &dyn Tree = if mutation.check == SCANS { &only } else { &changed };
    let look = Look::new(Root::new(tree), &one, Nature::Image, TODAY);
    let seen = verify::observe(&look, Plane::Configured);
    let target = TargetReport { name: "broken".into(), kind: "tar".into(), sha256: None, base: None };
    let mut report = verify::report(&one, target, &[Plane::Configured], seen, TODAY);
    let check = &mut report.checks[0];
    check.observations.retain(|seen| !seen.outcome.is_acceptable());
    let outcome = check.outcome;
    let words = anstream::adapter::strip_str(&human(&report)).to_string();
    // Without the lines about the whole report above and below.
    let (_, words) = words.split_once("\n\n").unwrap();
    (outcome, words.rsplit_once("\n\n").unwrap().0.to_owned())
}

/// What a profile is told that is refused.
fn refused(profile: &str) -> String {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("own.yaml"), profile).unwrap();
    let (code, _, said) = run(&["plan", "--profile", "./own.yaml"], folder.path());
    assert_eq!(code, 2, "{profile}: {said}");
    said
}

#[test]
fn the_gallery_shows_what_is_really_said() {
    let plan = plans::resolve(PROFILE, image::DISTRO);
    let Some(path) = trees::path(&plan) else { return };
    let base = Remembered::new(target::open(&path).unwrap().tree);
    let mut page = format!(
        "# Messages\n\n{}\n\n\
         What is said when something is wrong: where the line is that decides, what it says, what was wanted instead by \
         which line of the profile, and which lines lose against it. Each message is from a verification of \
         `{PROFILE}`'s rendered tree for {} after the change that its heading tells.\n",
        pages::generated("gallery"),
        image::DISTRO
    );
    let all: Vec<&Mutation> = strict::WINNING.iter().chain(table::WINNING).chain(&MORE).collect();
    let sections: Vec<String> = plan
        .checks
        .par_iter()
        .map(|check| {
            let (id, mut section) = (&check.info.id, String::new());
            write!(section, "\n## {id}\n").unwrap();
            let mut shown = 0;
            for mutation in all.iter().filter(|mutation| mutation.check == id) {
                let (outcome, words) = said(&base, &plan, mutation);
                if outcome == Outcome::Fail && shown < SHOWN {
                    write!(section, "\n### {}\n\n```text\n{}\n```\n", mutation.name, words.trim_end())
                        .unwrap();
                    shown += 1;
                }
            }
            assert!(shown > 0, "nothing that breaks {id} is shown");
            section
        })
        .collect();
    page.extend(sections);
    page.push_str("\n# Profiles that are refused\n\nEach with exit code 2, and nothing is done.\n");
    for (what, profile) in BROKEN {
        write!(
            page,
            "\n### {what}\n\n```yaml\n{profile}```\n\n```text\n{}\n```\n",
            refused(profile).trim_end()
        )
        .unwrap();
    }
    let headings: BTreeSet<&str> = page.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(headings.len(), plan.checks.len());
    pages::hold("gallery", &page);
}
