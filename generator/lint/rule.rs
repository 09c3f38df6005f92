//! What a rule is, and what it finds.

use std::ops::Range;

use super::Context;
use crate::check::Severity;

/// Something that user-data should not do. Each stands in a file of its own in `rules/`.
pub struct Rule {
    /// Slug, as `# ironseed: ignore[…]` names it.
    pub id: &'static str,
    /// One line: what is wrong where it is found.
    pub title: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// Why it matters.
    pub rationale: &'static str,
    /// What to do instead.
    pub remedy: &'static str,
    /// User-data in which exactly this is found, and user-data in which nothing is.
    pub example: Example,
    /// Looks for it.
    pub check: fn(&mut Context<'_>),
}

/// A rule's example, which tests execute.
pub struct Example {
    /// What more is given on the command line.
    pub arguments: &'static [&'static str],
    /// With the fault, and a seam where a made-up secret would be taken for one: see [`Example::bad`].
    pub bad: &'static str,
    /// The line of it, from 1.
    pub line: usize,
    /// Without it. Where `--fix` mends the rule, this is what it makes of the bad one.
    pub good: &'static str,
    /// Whether `--fix` mends it.
    pub fixed: bool,
}

/// Parts a made-up secret in two. Images carry this program, and their files are searched for secrets, so that it may hold
/// nothing that looks like one.
pub const SEAM: &str = "‖";

impl Example {
    /// The example with the fault, as somebody would have written it.
    pub fn bad(&self) -> String {
        self.bad.replace(SEAM, "")
    }
}

/// One fault.
#[derive(Clone)]
pub struct Finding {
    /// What is wrong.
    pub rule: &'static Rule,
    /// What is wrong here.
    pub message: String,
    /// The unit that it is in: its number.
    pub unit: usize,
    /// Where in the unit's text; `None` where all of it is meant.
    pub at: Option<Range<usize>>,
    /// Where the value begins that it is in: a comment there silences it too.
    pub header: Option<usize>,
    /// What mends it; empty where nothing is safe.
    pub edits: Vec<Edit>,
}

/// A change of a unit's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub at: Range<usize>,
    /// What comes.
    pub text: String,
}

impl std::fmt::Debug for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} at {:?} of unit {}: {}", self.rule.id, self.at, self.unit, self.message)
    }
}
