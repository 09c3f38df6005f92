//! Nessus' own XML, version 2 (`.nessus`).
//!
//! `severity` of an item is the rating that counts in the scanner; whoever recasts a finding there changes it, and
//! `risk_factor` stays the plugin's own. Where no score explains the severity, it was given by hand.

use std::io::Read;

use jiff::tz::TimeZone;

use super::xml::{Tag, Visitor, walk};
use super::{Host, Scan, ScanError, Scanner, time};
use crate::triage::finding::{Finding, Kind, Place};
use crate::triage::rating::{Rating, Score};

/// Items and what is in them.
const HOST: &str = "NessusClientData_v2/Report/ReportHost";
const TAG: &str = "NessusClientData_v2/Report/ReportHost/HostProperties/tag";
const ITEM: &str = "NessusClientData_v2/Report/ReportHost/ReportItem";
const POLICY: &str = "NessusClientData_v2/Policy/policyName";

/// Reads a scan.
///
/// # Errors
/// Broken XML, an item without its attributes, a score that is none.
pub fn read(input: impl Read, name: &str, zone: &TimeZone) -> Result<Scan, ScanError> {
    let mut report =
        Report { zone, policy: None, hosts: Vec::new(), property: String::new(), item: Item::default() };
    walk(input, name, &mut report)?;
    let Report { policy, hosts, .. } = report;
    Ok(Scan { name: name.to_owned(), scanner: Scanner::Nessus, policy, hosts, notes: Vec::new() })
}

/// What of the report was read so far.
struct Report<'z> {
    zone: &'z TimeZone,
    policy: Option<String>,
    hosts: Vec<Host>,
    property: String,
    item: Item,
}

/// The item that is open.
#[derive(Default)]
struct Item {
    finding: Finding,
    severity: Option<Rating>,
    risk_factor: Option<Rating>,
    compliance: Option<String>,
    passed: bool,
}

/// The word of a severity.
pub fn word(severity: &str) -> Result<&'static str, String> {
    match severity.trim() {
        "0" => Ok("None"),
        "1" => Ok("Low"),
        "2" => Ok("Medium"),
        "3" => Ok("High"),
        "4" => Ok("Critical"),
        other => Err(format!("`{other}` is no severity: they go from 0 to 4")),
    }
}

/// The place that a port and a protocol name; port 0 is the host itself.
pub fn place(port: &str, protocol: &str) -> Result<Place, String> {
    match port.trim() {
        "" | "0" => Ok(Place::Host),
        port => match port.parse() {
            Ok(number) => Ok(Place::Port { number, protocol: protocol.trim().to_lowercase() }),
            Err(_) => Err(format!("`{port}` is no port")),
        },
    }
}

impl Item {
    fn open(tag: &Tag<'_>) -> Result<Self, String> {
        let word = word(&tag.want("severity")?)?;
        let finding = Finding {
            id: tag.want("pluginID")?.into_owned(),
            title: tag.get("pluginName")?.unwrap_or_default().into_owned(),
            place: place(&tag.want("port")?, &tag.get("protocol")?.unwrap_or_default())?,
            family: tag.get("pluginFamily")?.map(|f| f.into_owned()),
            said: Some(word.to_owned()),
            ..Finding::default()
        };
        Ok(Self { finding, severity: Rating::of_word(word), ..Self::default() })
    }

    /// Takes in what an element of the item says.
    fn say(&mut self, element: &str, text: &str) -> Result<(), String> {
        let Self { finding, .. } = self;
        match element {
            "cve" => finding.cves.push(text.trim().to_owned()),
            "cvss_base_score" => finding.scores.v2 = Score::parse(text)?,
            "cvss3_base_score" => finding.scores.v3 = Score::parse(text)?,
            "cvss4_base_score" => finding.scores.v4 = Score::parse(text)?,
            "solution" => finding.solution = Some(text.to_owned()),
            "risk_factor" => self.risk_factor = Rating::of_word(text),
            // Audits have one plugin for all their rules.
            "compliance-check-name" => self.compliance = Some(text.trim().to_owned()),
            "compliance-result" => self.passed = text.trim() == "PASSED",
            _ => {}
        }
        Ok(())
    }

    fn finding(self) -> Option<Finding> {
        let Self { mut finding, severity, risk_factor, compliance, passed } = self;
        match compliance {
            Some(_) if passed => return None,
            Some(rule) => {
                finding.id = format!("{} {rule}", finding.id);
                finding.title = rule;
                finding.kind = Kind::Misconfiguration;
            }
            None => {
                let told = risk_factor.is_some();
                finding.recast = severity.and_then(|s| finding.scores.given_by_hand(s, risk_factor, told));
            }
        }
        Some(finding.tidied())
    }
}

impl Visitor for Report<'_> {
    fn open(&mut self, path: &str, tag: &Tag<'_>) -> Result<bool, String> {
        match path {
            HOST => self.hosts.push(Host { name: tag.want("name")?.into_owned(), ..Host::default() }),
            TAG => self.property = tag.want("name")?.into_owned(),
            ITEM => self.item = Item::open(tag)?,
            _ => {}
        }
        let within = path.strip_prefix(ITEM).is_some_and(|rest| {
            // The long texts, which nothing here needs.
            !matches!(rest, "/description" | "/plugin_output" | "/synopsis" | "/see_also" | "/attachment")
        });
        Ok(within || path == TAG || path == POLICY)
    }

    fn close(&mut self, path: &str, text: &str) -> Result<(), String> {
        if let Some(element) = path.strip_prefix(ITEM).and_then(|rest| rest.strip_prefix('/')) {
            return self.item.say(element, text);
        }
        let Some(host) = self.hosts.last_mut() else {
            if path == POLICY {
                self.policy = Some(text.trim().to_owned()).filter(|name| !name.is_empty());
            }
            return Ok(());
        };
        match path {
            ITEM => host.findings.extend(std::mem::take(&mut self.item).finding()),
            TAG => match self.property.as_str() {
                "operating-system" => host.system = Some(text.trim().to_owned()).filter(|s| !s.is_empty()),
                "Credentialed_Scan" => host.credentialed = text.trim().parse().ok(),
                // The timestamps know their zone; the clock times beside them don't.
                "HOST_END_TIMESTAMP" => host.at = time::instant(text, self.zone).or(host.at),
                "HOST_START_TIMESTAMP" | "HOST_START" | "HOST_END" if host.at.is_none() => {
                    host.at = time::instant(text, self.zone);
                }
                _ => {}
            },
            _ => {}
        }
        Ok(())
    }
}
