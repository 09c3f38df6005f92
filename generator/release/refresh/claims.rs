//! What trackers say of releases: the CSV of Debian's package distro-info-data, and the JSON of
//! endoflife.date, both in its first form (a list of cycles) and in its second (`result.releases`).

use std::path::Path;

use jiff::civil::Date;
use serde_json::Value;

use crate::diagnostic::ConfigError;
use crate::release::Release;

/// The dates that a tracker names for one release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Name of the tracker, as release files name their sources.
    pub source: &'static str,
    subject: Subject,
    /// Day of release.
    pub released: Option<Date>,
    /// End of what is called active support, where that differs from security support.
    active: Option<Date>,
    /// End of security support.
    security: Option<Date>,
    /// End of extended support, free or paid.
    extended: Option<Date>,
}

/// Which release a tracker speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    /// `ID=` of os-release, which is the CSV file's name, and the code name.
    Series { id: String, codename: String },
    /// Product and cycle.
    Tracked(String),
}

impl Claim {
    /// Whether it is about a release.
    pub fn is_about(&self, release: &Release) -> bool {
        match &self.subject {
            Subject::Series { id, codename } => {
                release.os_release.as_ref().is_some_and(|o| o.id == *id)
                    && release.codename.as_ref() == Some(codename)
            }
            Subject::Tracked(name) => release.lifecycle.tracked_as.as_ref() == Some(name),
        }
    }

    /// The last day of regular support, as release files mean it.
    pub fn end_of_support(&self, extended_counts: bool) -> Option<Date> {
        if extended_counts { self.security } else { self.active.or(self.security) }
    }

    /// The last day with updates for everybody.
    pub fn end_of_life(&self, extended_counts: bool) -> Option<Date> {
        let extended = self.extended.filter(|_| extended_counts);
        extended.or(self.security)
    }
}

/// Reads one of distro-info-data's files; its name says which distribution it is about.
///
/// # Errors
/// No CSV of that form.
pub fn distro_info(path: &Path, text: &str) -> Result<Vec<Claim>, ConfigError> {
    let name = path.display();
    let id = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let column = |wanted: &str| header.iter().position(|h| *h == wanted);
    let (Some(series), Some(release), Some(eol)) = (column("series"), column("release"), column("eol"))
    else {
        return Err(ConfigError::plain(format!(
            "{name}: no file of distro-info-data: its first line names no columns series, release and eol"
        )));
    };
    let mut claims = Vec::new();
    for (number, line) in lines.enumerate().filter(|(_, l)| !l.is_empty()) {
        let cells: Vec<&str> = line.split(',').collect();
        let date = |column: Option<usize>| match column.and_then(|c| cells.get(c)).filter(|c| !c.is_empty()) {
            Some(cell) => cell.parse::<Date>().map(Some).map_err(|_| {
                ConfigError::plain(format!("{name}:{}: {cell:?} is no date such as 2026-11-23", number + 2))
            }),
            None => Ok(None),
        };
        let codename = cells.get(series).copied().unwrap_or_default().to_owned();
        claims.push(Claim {
            source: "distro-info-data",
            subject: Subject::Series { id: id.clone(), codename },
            released: date(Some(release))?,
            active: None,
            security: date(Some(eol))?,
            extended: date(column("eol-lts"))?,
        });
    }
    Ok(claims)
}

/// Reads a product's file of endoflife.date; its name says which product it is about.
///
/// # Errors
/// No JSON of that form.
pub fn endoflife(path: &Path, text: &str) -> Result<Vec<Claim>, ConfigError> {
    let name = path.display();
    let product = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let value: Value = serde_json::from_str(text).map_err(|e| ConfigError::plain(format!("{name}: {e}")))?;
    let cycles = value.pointer("/result/releases").unwrap_or(&value).as_array().ok_or_else(|| {
        ConfigError::plain(format!("{name}: no product's file of endoflife.date: it has no list of cycles"))
    })?;
    let claim = |cycle: &Value| {
        let text = |keys: [&str; 2]| keys.iter().find_map(|k| cycle.get(k)).and_then(Value::as_str);
        // An end that has no date yet is a boolean.
        let date = |keys: [&str; 2]| text(keys).and_then(|t| t.parse::<Date>().ok());
        let number = text(["cycle", "name"]).ok_or_else(|| {
            ConfigError::plain(format!("{name}: a release without `cycle` or `name`: {cycle}"))
        })?;
        Ok(Claim {
            source: "endoflife.date",
            subject: Subject::Tracked(format!("{product}/{number}")),
            released: date(["releaseDate", "releaseDate"]),
            active: date(["support", "eoasFrom"]),
            security: date(["eol", "eolFrom"]),
            extended: date(["extendedSupport", "eoesFrom"]),
        })
    };
    cycles.iter().map(claim).collect()
}
