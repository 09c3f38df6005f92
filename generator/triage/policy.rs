//! The policy: bands of scores, time limits, what the gate refuses, and recasts.
//!
//! Owns the policy's file format. Knows no scan.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Display, Formatter};
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use super::rating::{Rating, Score};
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::yaml::{self, Source, Spanned};

/// The built-in policy.
pub const BUILT_IN: &str = "profiles/triage/policy.yaml";

/// Longest time limit, in days.
const LONGEST: u32 = 36_500;

/// How findings are rated and how long they may stay open.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The file's name.
    pub name: String,
    /// The zone that days are counted in, and whose time a scan without a zone tells.
    pub zone: TimeZone,
    /// Bands of scores.
    pub bands: Bands,
    /// How long findings of a rating may stay open; those that are not named, for ever.
    pub limits: BTreeMap<Rating, TimeLimit>,
    /// What the gate refuses.
    pub refuse: Refuse,
    /// How soon a finding must come back to count from its first day.
    pub reopens_within: TimeLimit,
    /// Ratings by the security team.
    pub recasts: Vec<Recast>,
    by_id: HashMap<String, Vec<usize>>,
}

/// The lowest score of each band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bands {
    /// Of Low.
    pub low: Score,
    /// Of Medium.
    pub medium: Score,
    /// Of High.
    pub high: Score,
    /// Of Critical.
    pub critical: Score,
}

impl Bands {
    /// The band that a score lies in.
    pub fn rating(&self, score: Score) -> Rating {
        match score {
            s if s >= self.critical => Rating::Critical,
            s if s >= self.high => Rating::High,
            s if s >= self.medium => Rating::Medium,
            s if s >= self.low => Rating::Low,
            _ => Rating::Informational,
        }
    }
}

/// What the gate refuses.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refuse {
    /// Open findings of these ratings.
    pub ratings: Vec<Rating>,
    /// Open findings past their time limit, whatever their rating.
    pub overdue: bool,
    /// Scans older than this, where an image is to be published.
    #[serde(default)]
    pub scans_older_than: Option<TimeLimit>,
}

/// A rating by the security team, which wins over the score.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recast {
    /// The finding: the scanner's id, or the CVE.
    pub id: String,
    /// What it is to be rated as; `informational` accepts it.
    pub rating: Rating,
    /// The hosts where it holds; every one where none is named.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Who answers for it.
    #[schemars(length(min = 1))]
    pub owner: String,
    /// Why.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Last day it holds, in the policy's zone.
    pub expires: Date,
}

/// A length of time: `48 hours` to the second, or `30 days` of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum TimeLimit {
    /// Hours of 3,600 seconds.
    Hours(u32),
    /// Days of the policy's zone: until the same time of the day, whatever the clocks did in between.
    Days(u32),
}

impl JsonSchema for TimeLimit {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeLimit".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[0-9]+ (hours?|days?)$",
            "description": "A length of time: `48 hours`, or `30 days` of the calendar.",
        })
    }
}

impl TryFrom<String> for TimeLimit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no length of time such as `48 hours` or `30 days`");
        let (number, unit) = text.split_once(' ').ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        let limit = match unit {
            "hour" | "hours" => Self::Hours(number),
            "day" | "days" => Self::Days(number),
            _ => return Err(wrong()),
        };
        let longest = if matches!(limit, Self::Hours(_)) { LONGEST * 24 } else { LONGEST };
        if number > longest { Err(format!("`{text}` is longer than {LONGEST} days")) } else { Ok(limit) }
    }
}

impl From<TimeLimit> for String {
    fn from(limit: TimeLimit) -> String {
        limit.to_string()
    }
}

impl Display for TimeLimit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (number, unit) = match self {
            Self::Hours(n) => (n, "hour"),
            Self::Days(n) => (n, "day"),
        };
        write!(f, "{number} {unit}{}", if *number == 1 { "" } else { "s" })
    }
}

impl TimeLimit {
    /// The instant so much later than another.
    pub fn after(self, start: Timestamp, zone: &TimeZone) -> Timestamp {
        let end = match self {
            Self::Hours(hours) => start.checked_add(i64::from(hours).hours()),
            Self::Days(days) => {
                start.to_zoned(zone.clone()).checked_add(i64::from(days).days()).map(|z| z.timestamp())
            }
        };
        end.unwrap_or(Timestamp::MAX)
    }
}

/// How findings of scans are rated, how long each may stay open, and what keeps an image from being published.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Triage policy")]
pub struct PolicyFile {
    /// The zone that days are counted in, and whose time a scan without a zone tells: `UTC`, `Pacific/Auckland`.
    #[schemars(with = "String")]
    zone: Spanned<String>,
    /// The lowest score of each band.
    #[schemars(with = "Bands")]
    bands: Spanned<Bands>,
    /// How long findings of a rating may stay open, from the first time they were seen.
    limits: BTreeMap<Rating, TimeLimit>,
    /// What the gate refuses.
    refuse: Refuse,
    /// How soon a finding must come back to count from its first day.
    reopens_within: TimeLimit,
    /// Ratings by the security team.
    #[serde(default)]
    #[schemars(with = "Vec<Recast>")]
    recasts: Vec<Spanned<Recast>>,
}

impl Policy {
    /// The user's own policy, or the built-in one.
    ///
    /// # Errors
    /// A broken file.
    pub fn load(path: Option<&Path>, assets: &Assets) -> Result<Self, ConfigError> {
        match path {
            Some(path) => Self::parse(assets.read(path)?),
            None => match assets.get(BUILT_IN)? {
                Some(source) => Self::parse(source),
                None => Err(ConfigError::plain(format!("there is no {BUILT_IN}"))),
            },
        }
    }

    /// Reads a policy.
    ///
    /// # Errors
    /// Bad YAML, a zone that nobody knows, bands out of order, a recast without a rating or an owner.
    pub fn parse(source: Source) -> Result<Self, ConfigError> {
        let file: PolicyFile = yaml::parse(&source)?;
        let wrong =
            |at, width, title: &str, label: &str| ConfigError::at(&source, at, width, title, label, "");
        let name = &file.zone.value;
        let zone = TimeZone::get(name).map_err(|_| {
            let label = "names look like `UTC` or `Pacific/Auckland`";
            wrong(
                file.zone.referenced,
                name.chars().count(),
                &format!("no time zone `{name}` is known"),
                label,
            )
        })?;
        let bands = file.bands.value;
        if !(bands.low < bands.medium && bands.medium < bands.high && bands.high < bands.critical) {
            let label = "each must begin above the one before it";
            return Err(wrong(file.bands.referenced, 1, "the bands are out of order", label));
        }
        let mut recasts = Vec::new();
        for recast in file.recasts {
            let at = recast.referenced;
            let recast = recast.value;
            let missing = [("an id", &recast.id), ("an owner", &recast.owner), ("a reason", &recast.reason)];
            if let Some((what, _)) = missing.into_iter().find(|(_, text)| text.trim().is_empty()) {
                return Err(wrong(
                    at,
                    1,
                    "a recast needs an id, an owner and a reason",
                    &format!("it lacks {what}"),
                ));
            }
            if recast.rating == Rating::Unrated {
                return Err(wrong(at, 1, "a recast rates a finding", "`unrated` is no rating"));
            }
            recasts.push(recast);
        }
        let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, recast) in recasts.iter().enumerate() {
            by_id.entry(recast.id.clone()).or_default().push(index);
        }
        let PolicyFile { limits, refuse, reopens_within, .. } = file;
        Ok(Self { name: source.name, zone, bands, limits, refuse, reopens_within, recasts, by_id })
    }

    /// The recasts that are about a finding of a host, in the file's order.
    pub fn recasts_of<'p>(&'p self, finding: &Finding, host: &str) -> impl Iterator<Item = &'p Recast> {
        let mut found: Vec<usize> = Vec::new();
        if !self.by_id.is_empty() {
            let ids = std::iter::once(&finding.id).chain(&finding.cves);
            found.extend(ids.filter_map(|id| self.by_id.get(id)).flatten());
            found.sort_unstable();
            found.dedup();
            found.retain(|i| {
                self.recasts.get(*i).is_some_and(|r| r.hosts.is_empty() || r.hosts.iter().any(|h| h == host))
            });
        }
        found.into_iter().filter_map(|i| self.recasts.get(i))
    }

    /// When a finding of a rating that counts from an instant must be gone.
    pub fn due(&self, rating: Rating, since: Timestamp) -> Option<Timestamp> {
        self.limits.get(&rating).map(|limit| limit.after(since, &self.zone))
    }
}

#[cfg(test)]
mod tests;
