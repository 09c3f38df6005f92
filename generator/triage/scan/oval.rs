//! OVAL results, as `oscap oval eval --results` writes them.
//!
//! Definitions of the classes `patch` and `vulnerability` that came out true are findings. Those that could not be
//! evaluated are neither found nor gone.

use std::collections::HashMap;
use std::io::Read;

use jiff::tz::TimeZone;

use super::xml::{Tag, Visitor, walk};
use super::{Host, Scan, ScanError, Scanner, time};
use crate::triage::finding::Finding;
use crate::triage::rating::{Score, Scores};

const TIMESTAMP: &str = "oval_results/generator/timestamp";
const DEFINITION: &str = "oval_results/oval_definitions/definitions/definition";
const SYSTEM: &str = "oval_results/results/system";
const RESULT: &str = "oval_results/results/system/definitions/definition";
const INFO: &str = "oval_results/results/system/oval_system_characteristics/system_info";

/// Reads a scan.
///
/// # Errors
/// Broken XML, a definition without its attributes, a score that is none, results without their definitions.
pub fn read(input: impl Read, name: &str, zone: &TimeZone) -> Result<Scan, ScanError> {
    let mut results = Results::new(zone);
    walk(input, name, &mut results)?;
    let Results { mut hosts, at, undefined, undecided, .. } = results;
    hosts.iter_mut().for_each(|host| host.at = at);
    let mut notes = Vec::new();
    if undecided > 0 {
        notes.push(format!("{undecided} definitions could not be evaluated: nobody knows of them"));
    }
    if undefined > 0 {
        return Err(ScanError::file(
            name,
            format!(
                "{undefined} results are of definitions that are not in it: make it with the definitions"
            ),
        ));
    }
    Ok(Scan { name: name.to_owned(), scanner: Scanner::Openscap, policy: None, hosts, notes })
}

/// What was read so far.
struct Results<'z> {
    zone: &'z TimeZone,
    at: Option<jiff::Timestamp>,
    /// Definitions whose result counts; none for those of other classes.
    definitions: HashMap<String, Option<Finding>>,
    /// The definition that is open, if its result counts.
    open: Option<Finding>,
    hosts: Vec<Host>,
    undefined: usize,
    undecided: usize,
    system: [String; 2],
}

impl<'z> Results<'z> {
    fn new(zone: &'z TimeZone) -> Self {
        Self {
            zone,
            at: None,
            definitions: HashMap::new(),
            open: None,
            hosts: Vec::new(),
            undefined: 0,
            undecided: 0,
            system: Default::default(),
        }
    }

    fn begin(&mut self, tag: &Tag<'_>) -> Result<(), String> {
        let id = tag.want("id")?.into_owned();
        let open = |fixable| Some(Finding { id: id.clone(), fixable, ..Finding::default() });
        self.open = match &*tag.want("class")? {
            "patch" => open(Some(true)),
            "vulnerability" => open(None),
            _ => None,
        };
        if self.open.is_none() {
            self.definitions.insert(id, None);
        }
        Ok(())
    }

    fn result(&mut self, tag: &Tag<'_>) -> Result<(), String> {
        let id = tag.want("definition_id")?;
        let result = tag.want("result")?;
        let Some(host) = self.hosts.last_mut() else { return Ok(()) };
        match (self.definitions.get(&*id), &*result) {
            (None, _) => self.undefined += 1,
            (Some(Some(finding)), "true") => host.findings.push(finding.clone()),
            (Some(Some(_)), "error" | "unknown" | "not evaluated") => {
                self.undecided += 1;
                host.undecided.push(id.into_owned());
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes in what an element of the open definition says.
    fn say(&mut self, element: &str, text: &str) {
        let Some(finding) = &mut self.open else { return };
        match element {
            "metadata/title" => finding.title = text.to_owned(),
            "metadata/advisory/severity" => finding.said = Some(text.trim().to_owned()),
            "metadata/advisory/cve" if !text.trim().is_empty() => note(finding, text.trim()),
            _ => {}
        }
    }

    /// Takes in the attributes of an element of the open definition.
    fn show(&mut self, element: &str, tag: &Tag<'_>) -> Result<(), String> {
        let Some(finding) = &mut self.open else { return Ok(()) };
        match element {
            "metadata/reference" => {
                let id = tag.get("ref_id")?.unwrap_or_default();
                if tag.get("source")?.is_some_and(|s| s.eq_ignore_ascii_case("cve")) && !id.is_empty() {
                    note(finding, &id);
                }
            }
            "metadata/advisory/cve" => {
                let score = |attribute| -> Result<Option<Score>, String> {
                    let value = tag.get(attribute)?.unwrap_or_default();
                    Score::parse(value.split('/').next().unwrap_or_default())
                };
                let scores = Scores { v2: score("cvss2")?, v3: score("cvss3")?, v4: score("cvss4")? };
                finding.scores = finding.scores.or_higher(scores);
            }
            // The class says that something is wrong; the words for how to mend it lie with the vendor.
            "metadata/affected" => finding.family = tag.get("family")?.map(|f| f.into_owned()),
            _ => {}
        }
        Ok(())
    }
}

fn note(finding: &mut Finding, cve: &str) {
    if finding.cves.len() < 200 && !finding.cves.iter().any(|known| known == cve) {
        finding.cves.push(cve.to_owned());
    }
}

/// What of a path lies below an element.
fn below<'p>(path: &'p str, element: &str) -> Option<&'p str> {
    path.strip_prefix(element)?.strip_prefix('/')
}

impl Visitor for Results<'_> {
    fn open(&mut self, path: &str, tag: &Tag<'_>) -> Result<bool, String> {
        match path {
            DEFINITION => self.begin(tag)?,
            SYSTEM => self.hosts.push(Host { credentialed: Some(true), ..Host::default() }),
            RESULT => self.result(tag)?,
            _ => {
                if let Some(element) = below(path, DEFINITION) {
                    self.show(element, tag)?;
                    return Ok(element.starts_with("metadata/"));
                }
            }
        }
        Ok(path == TIMESTAMP || below(path, INFO).is_some())
    }

    fn close(&mut self, path: &str, text: &str) -> Result<(), String> {
        match path {
            TIMESTAMP => self.at = time::instant(text, self.zone),
            DEFINITION => {
                if let Some(finding) = self.open.take() {
                    self.definitions.insert(finding.id.clone(), Some(finding.tidied()));
                }
            }
            SYSTEM => {
                let words = std::mem::take(&mut self.system).join(" ");
                if let Some(host) = self.hosts.last_mut() {
                    host.system = Some(words.trim().to_owned()).filter(|w| !w.is_empty());
                }
            }
            _ => {
                if let Some(element) = below(path, DEFINITION) {
                    self.say(element, text);
                }
                match (below(path, INFO), self.hosts.last_mut()) {
                    (Some("primary_host_name"), Some(host)) => host.name = text.trim().to_owned(),
                    (Some("os_name"), _) => self.system[0] = text.trim().to_owned(),
                    (Some("os_version"), _) => self.system[1] = text.trim().to_owned(),
                    _ => {}
                }
            }
        }
        Ok(())
    }
}
