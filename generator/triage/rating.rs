//! How bad a finding is: its score in the policy's bands, unless the security team or a recast of the policy says
//! otherwise.
//!
//! Owns scores, scanners' words and their order of precedence. Knows no scan's format and no dates but a recast's end.

use std::fmt::{self, Display, Formatter};

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::policy::{Policy, Recast};

/// How bad a finding is, the least first. What nobody rated stands below High: it may turn out as anything.
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
pub enum Rating {
    /// No weakness, or one that the policy accepts.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// Neither a score nor a word that is known.
    Unrated,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Rating {
    /// All of them, the worst first.
    pub const ALL: [Self; 6] =
        [Self::Critical, Self::High, Self::Unrated, Self::Medium, Self::Low, Self::Informational];

    /// What a scanner's or a vendor's word means; `None` for one that says nothing, such as "unknown".
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "critical" => Self::Critical,
            "high" | "important" => Self::High,
            "medium" | "moderate" => Self::Medium,
            "low" | "minor" | "negligible" => Self::Low,
            "none" | "info" | "informational" => Self::Informational,
            _ => return None,
        })
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Critical => "Critical",
            Self::High => "High",
            Self::Unrated => "Unrated",
            Self::Medium => "Medium",
            Self::Low => "Low",
            Self::Informational => "Informational",
        }
    }
}

impl Display for Rating {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A CVSS score in tenths: 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Score(u8);

impl JsonSchema for Score {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Score".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number", "minimum": 0, "maximum": 10, "description": "A CVSS score." })
    }
}

impl TryFrom<f64> for Score {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        let tenths = (value * 10.0).round();
        (0..=100u8)
            .find(|t| f64::from(*t) == tenths)
            .map(Self)
            .ok_or_else(|| format!("`{value}` is no CVSS score: they go from 0 to 10"))
    }
}

impl From<Score> for f64 {
    fn from(score: Score) -> f64 {
        f64::from(score.0) / 10.0
    }
}

impl Display for Score {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0 / 10, self.0 % 10)
    }
}

impl Score {
    /// Reads a number such as `7.5`; nothing stands for no score.
    ///
    /// # Errors
    /// Text that is no number from 0 to 10.
    pub fn parse(text: &str) -> Result<Option<Self>, String> {
        match text.trim() {
            "" => Ok(None),
            text => match text.parse::<f64>() {
                Ok(value) => Self::try_from(value).map(Some),
                Err(_) => Err(format!("`{text}` is no CVSS score")),
            },
        }
    }

    /// What CVSS 3 and 4 themselves call it.
    fn word_of_cvss3(self) -> Rating {
        match self.0 {
            0 => Rating::Informational,
            1..=39 => Rating::Low,
            40..=69 => Rating::Medium,
            70..=89 => Rating::High,
            _ => Rating::Critical,
        }
    }

    /// What scanners that go by CVSS 2 call it.
    fn word_of_cvss2(self) -> Rating {
        match self.0 {
            0 => Rating::Informational,
            1..=39 => Rating::Low,
            40..=69 => Rating::Medium,
            70..=99 => Rating::High,
            _ => Rating::Critical,
        }
    }
}

/// The base scores of a finding, by version of CVSS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// CVSS 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v2: Option<Score>,
    /// CVSS 3.0 or 3.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v3: Option<Score>,
    /// CVSS 4.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub v4: Option<Score>,
}

impl Scores {
    /// The score that counts, with its version: 3, which nearly every weakness has, then 4, then 2.
    pub fn leading(&self) -> Option<(u8, Score)> {
        [(3, self.v3), (4, self.v4), (2, self.v2)].into_iter().find_map(|(v, s)| Some((v, s?)))
    }

    /// The higher of each version's.
    #[must_use]
    pub fn or_higher(self, other: Self) -> Self {
        Self { v2: self.v2.max(other.v2), v3: self.v3.max(other.v3), v4: self.v4.max(other.v4) }
    }

    /// Ratings that a scanner would give by itself for these scores.
    fn explained(&self) -> impl Iterator<Item = Rating> {
        let newer = self.v3.into_iter().chain(self.v4).map(Score::word_of_cvss3);
        newer.chain(self.v2.map(Score::word_of_cvss2))
    }

    /// The rating that somebody gave a finding by hand: one that none of its scores explains. `own` is the scanner's
    /// own word where the scan keeps it beside the rating; `complete` says whether all scores there are were written. A
    /// lower rating counts only where it can be told from a score that was left out.
    pub fn given_by_hand(&self, rating: Rating, own: Option<Rating>, complete: bool) -> Option<Rating> {
        let Some(highest) = self.explained().max() else {
            return own.filter(|own| *own != rating).map(|_| rating);
        };
        let explained = self.explained().any(|r| r == rating);
        let told_apart = rating > highest || (complete && own != Some(rating));
        (!explained && told_apart).then_some(rating)
    }
}

/// A finding's rating and the reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rated<'p> {
    /// How bad it is.
    pub rating: Rating,
    /// Why, in words.
    pub why: String,
    /// The scanner's own word, where it says something else.
    pub differing: Option<String>,
    /// A recast that would apply had it not run out.
    pub expired: Option<&'p Recast>,
}

/// Rates a finding of a host on a day.
pub fn rate<'p>(finding: &Finding, host: &str, policy: &'p Policy, today: Date) -> Rated<'p> {
    let (mut rating, mut why) = unaided(finding, policy);
    let mut expired = None;
    for recast in policy.recasts_of(finding, host) {
        // Of a finding with several weaknesses, one that is judged mild does not make the others so.
        let whole = finding.id == recast.id || finding.cves.len() <= 1;
        if !whole && recast.rating < rating {
            continue;
        }
        if recast.expires < today {
            expired = Some(recast);
            continue;
        }
        let Recast { owner, reason, expires, .. } = recast;
        why = format!("recast by {owner} until {expires}: {reason}; otherwise {rating}: {why}");
        rating = recast.rating;
        expired = None;
        break;
    }
    let said =
        finding.said.as_deref().filter(|word| Rating::of_word(word).is_some_and(|said| said != rating));
    Rated { rating, why, differing: said.map(str::to_owned), expired }
}

/// Whether a finding is mere information: neither its score nor anybody makes a weakness of it.
pub fn says_nothing(finding: &Finding, host: &str, policy: &Policy) -> bool {
    unaided(finding, policy).0 == Rating::Informational && policy.recasts_of(finding, host).next().is_none()
}

/// The rating without the policy's recasts.
fn unaided(finding: &Finding, policy: &Policy) -> (Rating, String) {
    let said = finding.said.as_deref().and_then(Rating::of_word);
    let by_score = finding.scores.leading().map(|(version, score)| {
        let nothing = f64::from(score) == 0.0 && said == Some(Rating::Informational);
        let rating = if nothing { Rating::Informational } else { policy.bands.rating(score) };
        (rating, format!("CVSS {version} score {score}"))
    });
    match (finding.recast, by_score, said) {
        (Some(rating), Some((band, score)), _) => {
            (rating, format!("the security team's rating in the scan; {score} alone is {band}"))
        }
        (Some(rating), None, _) => (rating, "the security team's rating in the scan".into()),
        (None, Some(by_score), _) => by_score,
        (None, None, Some(said)) => (said, "the scanner's word; there is no score".into()),
        (None, None, None) => {
            (Rating::Unrated, "there is neither a score nor a word that says how bad it is".into())
        }
    }
}

#[cfg(test)]
mod tests;
