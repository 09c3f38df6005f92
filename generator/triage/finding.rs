//! What a scanner found, whichever it was.
//!
//! Owns the common form of findings. Knows no scan's format, no policy and no dates.

use std::fmt::{self, Display, Formatter};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rating::{Rating, Scores};

/// Characters that are kept of a title, and of a solution.
const TITLE: usize = 300;
const SOLUTION: usize = 1000;

/// Weaknesses of one finding that are kept by name.
const CVES: usize = 200;

/// What sort of thing was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A weakness of a program, or of how it is set up.
    #[default]
    Vulnerability,
    /// A key, token or password.
    Secret,
    /// A setting that a rule forbids.
    Misconfiguration,
}

/// Where on its host it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Place {
    /// The host as a whole.
    #[default]
    Host,
    /// A port that answers.
    Port {
        /// Its number.
        number: u16,
        /// `tcp`, `udp`.
        protocol: String,
    },
    /// An installed package.
    Package {
        /// Its name.
        name: String,
        /// The installed version.
        version: String,
        /// Whether the distribution's package manager installed it, and so updates it.
        of_system: bool,
        /// The file that it was found in, where it is not the package manager's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<String>,
    },
    /// A file.
    File {
        /// Its path.
        path: String,
    },
}

impl Place {
    /// What stays the same of the place while a finding is open: a package's version may change.
    pub fn key(&self) -> String {
        match self {
            Self::Package { name, file: Some(file), .. } => format!("{name} in {file}"),
            Self::Package { name, .. } => name.clone(),
            other => other.to_string(),
        }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host => Ok(()),
            Self::Port { number, protocol } => write!(f, "{protocol}/{number}"),
            Self::Package { name, version, file: None, .. } => write!(f, "{name} {version}"),
            Self::Package { name, version, file: Some(file), .. } => write!(f, "{name} {version} in {file}"),
            Self::File { path } => f.write_str(path),
        }
    }
}

/// One thing that a scanner found on a host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The scanner's own id: a plugin's number, a CVE, a definition.
    pub id: String,
    /// One line.
    pub title: String,
    /// What sort of thing it is.
    #[serde(default)]
    pub kind: Kind,
    /// Where on the host it is.
    #[serde(default)]
    pub place: Place,
    /// Names of the weaknesses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cves: Vec<String>,
    /// The scanner's family of such findings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// CVSS base scores.
    #[serde(default)]
    pub scores: Scores,
    /// The scanner's own word for how bad it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// The rating that somebody gave it by hand within the scanner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recast: Option<Rating>,
    /// What the scanner says to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solution: Option<String>,
    /// Whether there is a fixed version, where the scan tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixable: Option<bool>,
}

impl Finding {
    /// The finding with its texts in one line each and cut to a length that a report can hold.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        self.title = line(&self.title, TITLE);
        self.solution = self.solution.map(|s| line(&s, SOLUTION)).filter(|s| !s.is_empty() && s != "n/a");
        self.cves.truncate(CVES);
        self
    }

    /// Takes in the same finding as another row or item of the scan tells it.
    pub fn absorb(&mut self, other: Self) {
        for cve in other.cves {
            if self.cves.len() < CVES && !self.cves.contains(&cve) {
                self.cves.push(cve);
            }
        }
        self.scores = self.scores.or_higher(other.scores);
        self.recast = self.recast.max(other.recast);
        let rated = |said: &Option<String>| said.as_deref().and_then(Rating::of_word);
        if rated(&other.said) > rated(&self.said) {
            self.said = other.said;
        }
    }
}

/// A text's words with one space between them, at most so many characters of it.
fn line(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 2));
    let mut left = most;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if !out.is_empty() {
            out.push(' ');
        }
        if length >= left {
            out.extend(word.chars().take(left.saturating_sub(1)));
            out.push('…');
            return out;
        }
        out.push_str(word);
        left -= length + 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_short_lines() {
        assert_eq!(line("  a\n\tb  c ", 10), "a b c");
        assert_eq!(line("abc defg", 6), "abc d…");
        assert_eq!(line(&"x".repeat(2000), 5), "xxxx…");
        assert_eq!(line("", 5), "");
    }

    #[test]
    fn a_new_version_of_the_package_is_the_same_place() {
        let place = |version: &str| Place::Package {
            name: "openssl".into(),
            version: version.into(),
            of_system: true,
            file: None,
        };
        assert_eq!(place("1").key(), place("2").key());
        assert_eq!(place("1").to_string(), "openssl 1");
        assert_eq!(Place::Host.key(), "");
    }
}
