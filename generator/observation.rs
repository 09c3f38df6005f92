//! What was seen of a setting, where, and what it means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::location::Location;

/// Where an observation was made.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Plane {
    /// Read from the files of an image, offline.
    Configured,
    /// Asked of the booted system, from inside or over its network.
    Running,
}

impl std::fmt::Display for Plane {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Configured => "configured",
            Self::Running => "running",
        })
    }
}

/// What an observation means. Never silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// As wanted.
    Pass,
    /// A human duty that the image states; nothing a machine can observe.
    Attested,
    /// Does not apply here; the reason says why. Never decides where anything else was seen.
    NotApplicable,
    /// Failed, and the profile accepts it for now.
    Waived,
    /// Could not be seen; the reason says why.
    Unobserved,
    /// Looking went wrong; the reason says how.
    Error,
    /// Not as wanted.
    Fail,
}

impl Outcome {
    /// Every outcome, from good to bad.
    pub const ALL: [Self; 7] = [
        Self::Pass,
        Self::Attested,
        Self::NotApplicable,
        Self::Waived,
        Self::Unobserved,
        Self::Error,
        Self::Fail,
    ];

    /// Whether a gate may let this through.
    pub fn is_acceptable(self) -> bool {
        matches!(self, Self::Pass | Self::Attested | Self::NotApplicable | Self::Waived)
    }

    /// The word that reports use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Attested => "attested",
            Self::NotApplicable => "not-applicable",
            Self::Waived => "waived",
            Self::Unobserved => "unobserved",
            Self::Error => "error",
            Self::Fail => "fail",
        }
    }
}

/// One thing seen on one plane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Observation {
    /// Where it was made.
    pub plane: Plane,
    /// The line that decides, or what was asked; `None` where nothing is there to point at.
    pub location: Option<Location>,
    /// What is there.
    pub found: String,
    /// What the plan wants.
    pub wanted: String,
    /// What it means.
    pub outcome: Outcome,
    /// Why, in a sentence; always there unless the outcome is a pass.
    pub reason: Option<String>,
    /// Lines that say otherwise but lose against [`Observation::location`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Location>,
    /// The line of the profile that wants it. The verifier fills it in.
    pub origin: Option<Location>,
}

impl Observation {
    /// Something that is as wanted.
    pub fn pass(plane: Plane, found: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self {
            plane,
            location: None,
            found: found.into(),
            wanted: wanted.into(),
            outcome: Outcome::Pass,
            reason: None,
            overridden: Vec::new(),
            origin: None,
        }
    }

    fn reasoned(plane: Plane, outcome: Outcome, found: String, wanted: String, reason: String) -> Self {
        Self { outcome, reason: Some(reason), ..Self::pass(plane, found, wanted) }
    }

    /// Something that is not as wanted.
    pub fn fail(
        plane: Plane,
        found: impl Into<String>,
        wanted: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::reasoned(plane, Outcome::Fail, found.into(), wanted.into(), reason.into())
    }

    /// A pass where `good`, else a failure for this reason.
    pub fn judge(
        plane: Plane,
        good: bool,
        found: impl Into<String>,
        wanted: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        if good { Self::pass(plane, found, wanted) } else { Self::fail(plane, found, wanted, reason) }
    }

    /// Something that could not be seen.
    pub fn unobserved(plane: Plane, wanted: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::reasoned(plane, Outcome::Unobserved, String::new(), wanted.into(), reason.into())
    }

    /// Looking went wrong.
    pub fn error(plane: Plane, wanted: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::reasoned(plane, Outcome::Error, String::new(), wanted.into(), reason.into())
    }

    /// Something that does not apply here.
    pub fn not_applicable(plane: Plane, wanted: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::reasoned(plane, Outcome::NotApplicable, String::new(), wanted.into(), reason.into())
    }

    /// A human duty that the image states.
    pub fn attested(
        plane: Plane,
        found: impl Into<String>,
        wanted: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        Self::reasoned(plane, Outcome::Attested, found.into(), wanted.into(), reason.into())
    }

    /// Adds the deciding place.
    #[must_use]
    pub fn at(mut self, location: impl Into<Option<Location>>) -> Self {
        self.location = location.into();
        self
    }

    /// Adds the lines that lose.
    #[must_use]
    pub fn over(mut self, losing: Vec<Location>) -> Self {
        self.overridden = losing;
        self
    }
}

/// What observations amount to: the worst decides, but what does not apply says nothing about the
/// rest. Something of which nothing was seen is unobserved.
pub fn aggregate<'a>(observations: impl IntoIterator<Item = &'a Observation>) -> Outcome {
    let (mut decisive, mut any) = (None, None);
    for outcome in observations.into_iter().map(|o| o.outcome) {
        any = any.max(Some(outcome));
        if outcome != Outcome::NotApplicable {
            decisive = decisive.max(Some(outcome));
        }
    }
    decisive.or(any).unwrap_or(Outcome::Unobserved)
}
