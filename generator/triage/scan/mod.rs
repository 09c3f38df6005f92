//! Scans of vulnerability scanners: five formats, known by their content, read into one form.
//!
//! Owns what a scan is and how it is told which format it has; a file here reads each. A scan is hostile: its length,
//! its depth and each piece of it are bounded, and errors name file, line and column. Knows no policy and no ledger.

mod bounded;
mod grype;
mod json;
mod nessus;
mod nessus_csv;
mod oval;
#[cfg(test)]
mod tests;
mod time;
mod trivy;
mod xml;

use std::collections::HashMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::Path;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::Finding;
use crate::location::Location;

/// Bytes that a scan is known by.
const HEAD: u64 = 64 << 10;

/// A scan that can't be read, and where.
#[derive(Debug, thiserror::Error)]
#[error("{at}: {why}")]
pub struct ScanError {
    /// Where; the file alone where it is no place in it.
    pub at: Location,
    /// What is wrong.
    pub why: String,
}

impl ScanError {
    fn file(name: &str, why: impl Into<String>) -> Self {
        Self { at: Location::file(name), why: why.into() }
    }

    fn at(name: &str, line: u64, column: u64, why: impl Into<String>) -> Self {
        let number = |n: u64| u32::try_from(n).ok().filter(|n| *n > 0);
        Self {
            at: Location { file: name.to_owned(), line: number(line), column: number(column) },
            why: why.into(),
        }
    }
}

/// Who scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scanner {
    /// Tenable's Nessus, whichever form it was exported in.
    Nessus,
    /// Trivy.
    Trivy,
    /// Grype.
    Grype,
    /// OpenSCAP's evaluation of OVAL definitions.
    Openscap,
}

/// A scan in the common form.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The file as the user named it.
    pub name: String,
    /// Who made it.
    pub scanner: Scanner,
    /// The scanner's own policy, where the scan names it: another one looks for other things.
    pub policy: Option<String>,
    /// The hosts that were looked at, findings or not.
    pub hosts: Vec<Host>,
    /// What whoever reads the result has to know of the scan.
    pub notes: Vec<String>,
}

/// A host as one scan saw it.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Its name or address.
    pub name: String,
    /// Its operating system, in the scanner's words.
    pub system: Option<String>,
    /// When it was looked at, where the scan says so.
    pub at: Option<Timestamp>,
    /// Whether the scanner could log in, where the scan says so: without, it sees less.
    pub credentialed: Option<bool>,
    /// What was found, each once.
    pub findings: Vec<Finding>,
    /// Ids of what the scanner could not decide.
    pub undecided: Vec<String>,
}

impl Host {
    /// Makes one of what the scan tells several times: a row for each CVE, for instance.
    fn merge(&mut self) {
        let mut known: HashMap<(String, String), usize> = HashMap::new();
        let mut merged: Vec<Finding> = Vec::with_capacity(self.findings.len());
        for finding in std::mem::take(&mut self.findings) {
            let index = *known.entry((finding.id.clone(), finding.place.key())).or_insert(merged.len());
            match merged.get_mut(index) {
                Some(first) => first.absorb(finding),
                None => merged.push(finding),
            }
        }
        self.findings = merged;
    }
}

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    NessusXml,
    NessusCsv,
    Trivy,
    Grype,
    Oval,
}

/// Reads a scan of this machine; `-` is what comes in on stdin. A host of which the scan tells no time was looked at when
/// `seen` says, or else when the file was last changed.
///
/// # Errors
/// It can't be opened, or see [`read`].
pub fn open(path: &Path, zone: &TimeZone, seen: Option<Timestamp>) -> Result<Scan, ScanError> {
    let name = path.display().to_string();
    let (mut scan, changed) = if name == "-" {
        (read(std::io::stdin().lock(), &name, zone)?, None)
    } else {
        let file = File::open(path).map_err(|e| ScanError::file(&name, e.to_string()))?;
        let changed = file.metadata().and_then(|m| m.modified()).ok();
        (read(file, &name, zone)?, changed.and_then(|time| Timestamp::try_from(time).ok()))
    };
    let mut dateless = scan.hosts.iter_mut().filter(|host| host.at.is_none()).peekable();
    if dateless.peek().is_some() {
        dateless.for_each(|host| host.at = seen.or(changed));
        if let (None, Some(changed)) = (seen, changed) {
            scan.notes.push(format!(
                "it tells no time: taken as of {}, when the file was last changed (or say --seen)",
                changed.to_zoned(zone.clone()).strftime("%F %R %Z")
            ));
        }
    }
    Ok(scan)
}

/// Reads a scan in any of the formats. Times without a zone are of `zone`.
///
/// # Errors
/// A format that is none of the known ones, and everything that is broken, too long or too deep in one.
pub fn read(mut input: impl Read, name: &str, zone: &TimeZone) -> Result<Scan, ScanError> {
    let mut head = Vec::new();
    input.by_ref().take(HEAD).read_to_end(&mut head).map_err(|e| ScanError::file(name, e.to_string()))?;
    let format = format(&head).map_err(|why| ScanError::file(name, why))?;
    let start = head.len() - without_mark(&head).len();
    let mut head = Cursor::new(head);
    head.set_position(start as u64);
    let input = head.chain(input);
    let mut scan = match format {
        Format::NessusXml => nessus::read(input, name, zone)?,
        Format::NessusCsv => nessus_csv::read(input, name, zone)?,
        Format::Trivy => trivy::read(input, name)?,
        Format::Grype => grype::read(input, name)?,
        Format::Oval => oval::read(input, name, zone)?,
    };
    scan.hosts.iter_mut().for_each(Host::merge);
    if scan.hosts.is_empty() {
        scan.notes.push("it names no host: nothing was looked at".into());
    }
    Ok(scan)
}

/// The bytes behind the mark that some programs of Windows begin UTF-8 with.
fn without_mark(head: &[u8]) -> &[u8] {
    head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head)
}

const KNOWN: &str = "scans are read as Nessus XML (.nessus) and CSV, Trivy and Grype JSON, and OVAL results";

/// The format that a scan's first bytes show.
fn format(head: &[u8]) -> Result<Format, String> {
    if head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff") || head.iter().take(4).any(|b| *b == 0)
    {
        return Err("it is in UTF-16, or no text: export it as UTF-8".into());
    }
    let head = without_mark(head);
    let text = head.trim_ascii_start();
    match text.first() {
        None => Err("it is empty".into()),
        Some(b'<') => format_of_xml(text),
        Some(b'{') => format_of_json(text),
        Some(b'[') => Err(format!("it is a list of JSON; {KNOWN}; Trivy before 0.20 wrote lists")),
        Some(_) if nessus_csv::is_header(head) => Ok(Format::NessusCsv),
        Some(_) => Err(format!("its format is not known; {KNOWN}")),
    }
}

fn format_of_xml(head: &[u8]) -> Result<Format, String> {
    /// Stops at the first element.
    struct Root(Option<String>);
    impl xml::Visitor for Root {
        fn open(&mut self, path: &str, _: &xml::Tag<'_>) -> Result<bool, String> {
            self.0 = Some(path.to_owned());
            Err(String::new())
        }

        fn close(&mut self, _: &str, _: &str) -> Result<(), String> {
            Ok(())
        }
    }
    let mut root = Root(None);
    let walked = xml::walk(head, "", &mut root);
    match (root.0.as_deref(), walked) {
        (Some("NessusClientData_v2"), _) => Ok(Format::NessusXml),
        (Some("oval_results"), _) => Ok(Format::Oval),
        (Some("oval_definitions"), _) => {
            Err("these are OVAL definitions; what is wanted are the results of \
                                              `oscap oval eval --results`"
                .into())
        }
        (Some("Benchmark" | "TestResult" | "asset-report-collection" | "data-stream-collection"), _) => Err(
            "this is XCCDF or a data stream; what is wanted are the results of `oscap oval eval --results`"
                .into(),
        ),
        (Some(other), _) => Err(format!("it begins with the element `{other}`; {KNOWN}")),
        (None, Err(error)) => Err(error.why),
        (None, Ok(())) => Err(format!("there is no element in it; {KNOWN}")),
    }
}

fn format_of_json(head: &[u8]) -> Result<Format, String> {
    let keys = json::first_keys(head);
    let is = |known: &[&str]| keys.iter().any(|key| known.contains(&key.as_str()));
    if is(&["SchemaVersion", "ArtifactName", "ArtifactType", "Results"]) {
        Ok(Format::Trivy)
    } else if is(&["matches", "ignoredMatches", "descriptor"]) {
        Ok(Format::Grype)
    } else {
        Err(format!("it is JSON of another kind, with `{}`; {KNOWN}", keys.join("`, `")))
    }
}
