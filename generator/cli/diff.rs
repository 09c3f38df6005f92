//! `ironseed diff`: what two profiles want of machines, compared.

use clap::{Args, ValueEnum};

use super::{Ended, Outcome, print, today};
use crate::assets::Assets;
use crate::diff::change::{Change, Comparison};
use crate::diff::form::Form;
use crate::diff::subject::Opener;
use crate::diff::{self, Wish};
use crate::settings::order::Direction;

/// Compares what two sides want: what was added, removed, loosened, tightened or changed
///
/// A side is a profile (name or file), a plan (`plan --format json`), a rendered directory, a report, or a profile in a git
/// revision (`main:profiles/lab.yaml`). A range of revisions (`main..HEAD`) alone compares every profile in them;
/// `main...HEAD` starts where the two parted.
///
/// Exit code 0: compared. 1: it differs in a way that --fail-on names. 2: could not run.
#[derive(Args)]
pub struct Diff {
    /// The old side, or a range of revisions
    old: String,
    /// The new side
    new: Option<String>,
    /// Distribution to compare for: a built-in id, or the path of your own YAML; repeatable [default: all supported ones]
    #[arg(short, long, value_name = "ID|FILE")]
    distro: Vec<String>,
    /// Output form
    #[arg(long, default_value = "human")]
    format: Form,
    /// Compare rendered files line by line as well
    #[arg(long)]
    files: bool,
    /// End with exit code 1 where the sides differ in this way
    #[arg(long, value_name = "HOW")]
    fail_on: Option<FailOn>,
}

/// Differences that count as findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// Anything is looser: a check or setting went, a waiver came, a value is less strict
    Loosened,
    /// Anything is looser, or changed in a way that has no order
    Changed,
    /// Anything differs at all
    Any,
}

impl Diff {
    pub fn run(self, assets: &Assets) -> Outcome {
        let sides = Opener::new(assets)?.sides(&self.old, self.new.as_deref())?;
        let wish = Wish { distros: self.distro, files: self.files, today: today() };
        let comparison = diff::compare(&sides, &wish)?;
        print(&self.format.write(&comparison)?)?;
        let fails = self.fail_on.is_some_and(|how| how.finds(&comparison));
        Ok(if fails { Ended::Findings } else { Ended::Fine })
    }
}

impl FailOn {
    fn finds(self, comparison: &Comparison) -> bool {
        let any =
            |counts: fn(&Change) -> bool| comparison.pairs.iter().any(|pair| pair.changes.iter().any(counts));
        match self {
            Self::Loosened => any(Change::loosens),
            Self::Changed => any(|c| c.loosens() || c.directions.contains(&Direction::Unordered)),
            Self::Any => !comparison.is_empty(),
        }
    }
}
