//! Nessus' CSV export, and those of its relatives, by the names of their columns.
//!
//! There is a row for each CVE of a finding; rows of one finding become one. The rating that somebody gave by hand can
//! be told from `Risk` where the scores that it would come from are there too.

use std::collections::HashMap;
use std::io::Read;

use csv::{ReaderBuilder, StringRecord};
use jiff::tz::TimeZone;

use super::bounded::Bounded;
use super::nessus::place;
use super::{Host, Scan, ScanError, Scanner, time};
use crate::triage::finding::Finding;
use crate::triage::rating::{Rating, Score, Scores};

/// What a column holds, and the names that it goes by in lower case.
const COLUMNS: [(Column, &[&str]); 14] = [
    (Column::Plugin, &["plugin id", "plugin"]),
    (Column::Cve, &["cve"]),
    (Column::Cvss2, &["cvss v2.0 base score", "cvss base score", "cvss v2 base score", "cvss"]),
    (Column::Cvss3, &["cvss v3.0 base score", "cvss3 base score", "cvss v3 base score"]),
    (Column::Cvss4, &["cvss v4.0 base score", "cvss4 base score", "cvss v4 base score"]),
    (Column::Risk, &["risk", "severity"]),
    (Column::Host, &["host", "ip address"]),
    (Column::Protocol, &["protocol"]),
    (Column::Port, &["port"]),
    (Column::Name, &["name", "plugin name"]),
    (Column::Solution, &["solution", "steps to remediate"]),
    (Column::Family, &["plugin family", "family"]),
    (Column::System, &["os", "operating system"]),
    (Column::End, &["host end", "host start"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Column {
    Plugin,
    Cve,
    Cvss2,
    Cvss3,
    Cvss4,
    Risk,
    Host,
    Protocol,
    Port,
    Name,
    Solution,
    Family,
    System,
    End,
}

/// Where each column stands.
struct Header(HashMap<Column, usize>);

impl Header {
    fn of(record: &StringRecord) -> Self {
        let names: Vec<String> = record.iter().map(|n| n.trim().to_lowercase()).collect();
        let place = |known: &[&str]| known.iter().find_map(|k| names.iter().position(|name| name == k));
        Self(COLUMNS.into_iter().filter_map(|(column, known)| Some((column, place(known)?))).collect())
    }

    /// Whether rows under it are findings of hosts.
    fn is_of_a_scan(&self) -> bool {
        [Column::Plugin, Column::Risk, Column::Host].iter().all(|c| self.0.contains_key(c))
    }

    fn get<'r>(&self, record: &'r StringRecord, column: Column) -> &'r str {
        self.0.get(&column).and_then(|i| record.get(*i)).unwrap_or_default()
    }
}

/// Whether the first line names the columns of a scan.
pub fn is_header(head: &[u8]) -> bool {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(head);
    let mut first = StringRecord::new();
    matches!(reader.read_record(&mut first), Ok(true)) && Header::of(&first).is_of_a_scan()
}

/// Reads a scan.
///
/// # Errors
/// A row that has more or fewer fields than there are columns, text that is no UTF-8, a score or a port that is none.
pub fn read(input: impl Read, name: &str, zone: &TimeZone) -> Result<Scan, ScanError> {
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(Bounded::new(input));
    let mut record = StringRecord::new();
    let mut header: Option<Header> = None;
    let mut hosts: Vec<Host> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    loop {
        reader.get_mut().begin_piece();
        let line = reader.position().line();
        let wrong = |line: u64, why: String| ScanError::at(name, line, 0, why);
        let more = reader.read_record(&mut record).map_err(|error| {
            let line = error.position().map_or(line, csv::Position::line);
            wrong(line, in_words(&error))
        })?;
        if !more {
            break;
        }
        let line = record.position().map_or(line, csv::Position::line);
        let Some(header) = &header else {
            header = Some(Header::of(&record));
            continue;
        };
        let found = header.get(&record, Column::Host).trim();
        if found.is_empty() {
            return Err(wrong(line, "the row names no host".into()));
        }
        let index = match known.get(found) {
            Some(index) => *index,
            None => {
                known.insert(found.to_owned(), hosts.len());
                hosts.push(Host { name: found.to_owned(), ..Host::default() });
                hosts.len() - 1
            }
        };
        let Some(host) = hosts.get_mut(index) else { continue };
        if host.system.is_none() {
            host.system =
                Some(header.get(&record, Column::System).trim().to_owned()).filter(|s| !s.is_empty());
        }
        if host.at.is_none() {
            host.at = time::instant(header.get(&record, Column::End), zone);
        }
        host.findings.push(finding(header, &record).map_err(|why| wrong(line, why))?);
    }
    Ok(Scan { name: name.to_owned(), scanner: Scanner::Nessus, policy: None, hosts, notes: Vec::new() })
}

fn in_words(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Utf8 { .. } => "it is no UTF-8".into(),
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} fields, and there are {expected_len} columns")
        }
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
}

fn finding(header: &Header, record: &StringRecord) -> Result<Finding, String> {
    let get = |column| header.get(record, column);
    let scores = Scores {
        v2: Score::parse(get(Column::Cvss2))?,
        v3: Score::parse(get(Column::Cvss3))?,
        v4: Score::parse(get(Column::Cvss4))?,
    };
    let risk = get(Column::Risk).trim();
    let rating = Rating::of_word(risk);
    let complete = header.0.contains_key(&Column::Cvss2) && header.0.contains_key(&Column::Cvss3);
    let cves = get(Column::Cve).split([',', ' ', '\n']).filter(|c| !c.is_empty()).map(str::to_owned);
    let id = get(Column::Plugin).trim();
    if id.is_empty() {
        return Err("the row names no plugin".into());
    }
    let finding = Finding {
        id: id.to_owned(),
        title: get(Column::Name).to_owned(),
        place: place(get(Column::Port), get(Column::Protocol))?,
        cves: cves.collect(),
        family: Some(get(Column::Family).trim().to_owned()).filter(|f| !f.is_empty()),
        scores,
        said: Some(risk.to_owned()).filter(|r| !r.is_empty()),
        recast: rating.and_then(|rating| scores.given_by_hand(rating, None, complete)),
        solution: Some(get(Column::Solution).to_owned()),
        ..Finding::default()
    };
    Ok(finding.tidied())
}
