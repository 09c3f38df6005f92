//! From a ledger to what triage tells: each open finding rated, with the time it has left, and the gate's verdict.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::document::{Count, FORMAT, Host, Judged, Prevented, Release, Summary, Triage};
use super::finding::Finding;
use super::ledger::{Changes, Entry, Ledger, Record};
use super::policy::Policy;
use super::prevention::Prevention;
use super::rating::{Rated, Rating, rate};
use super::system;
use crate::observation::Outcome;
use crate::release;
use crate::report::text::short;

/// Findings that one refusal names.
const NAMED: usize = 5;

/// Characters of a title in a refusal.
const TITLE: usize = 80;

/// Seconds of an hour and of a day.
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// What findings are judged by.
pub struct Judge<'a> {
    /// Bands, limits and recasts.
    pub policy: &'a Policy,
    /// Which checks prevent what.
    pub prevention: &'a Prevention,
    /// Every release that is known.
    pub releases: &'a [release::Release],
    /// The image that the hosts were made of.
    pub image: Option<&'a Image>,
    /// The instant that time limits are held against.
    pub now: Timestamp,
}

/// What the report on an image says.
#[derive(Clone, Debug, Default)]
pub struct Image {
    /// Id of its release.
    pub release: String,
    /// How each check came out.
    pub outcomes: BTreeMap<String, Outcome>,
}

/// What this run did before it judged.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What has to be known of its scans.
    pub notes: Vec<String>,
    /// What it changed.
    pub changes: Changes,
    /// Hosts on which its scans looked.
    pub looked_at: std::collections::HashSet<String>,
}

/// Reasons of refusals while they are gathered: how many findings, and the first of them.
#[derive(Default)]
struct Gathered {
    count: usize,
    named: Vec<String>,
}

impl Gathered {
    fn add(&mut self, name: impl FnOnce() -> String) {
        self.count += 1;
        if self.named.len() < NAMED {
            self.named.push(name());
        }
    }

    /// The sentence, or none where there is nothing.
    fn sentence(self, what: &str) -> Option<String> {
        let Self { count, named } = self;
        let more =
            if count > named.len() { format!("; and {} more", count - named.len()) } else { String::new() };
        let (findings, are) = if count == 1 { ("finding", "is") } else { ("findings", "are") };
        (count > 0).then(|| format!("{count} open {findings} {are} {what}: {}{more}", named.join("; ")))
    }
}

/// What is gathered over all hosts.
#[derive(Default)]
struct Totals<'a> {
    summary: Summary,
    refused: BTreeMap<Rating, Gathered>,
    overdue: Gathered,
    expired: BTreeMap<String, usize>,
    prevention: HashMap<&'a str, Prevented<'a>>,
}

impl<'a> Judge<'a> {
    /// Judges everything that is open in a ledger.
    pub fn triage(&self, ledger: &'a Ledger, run: Run) -> Triage<'a> {
        let mut totals = Totals::default();
        let hosts: Vec<Host<'a>> = ledger
            .hosts
            .values()
            .map(|record| self.host(record, run.looked_at.contains(&record.name), &mut totals))
            .collect();
        totals.summary.hosts = hosts.len();
        totals.summary.changes = run.changes;
        totals.summary.hosts_that_may_be_locked = hosts.iter().filter(|h| h.may_be_locked).count();
        let refusals = totals.refusals();
        let mut prevention: Vec<Prevented<'a>> = totals.prevention.into_values().collect();
        prevention.sort_by_key(|p| (std::cmp::Reverse(p.findings), p.check));
        Triage {
            version: FORMAT,
            ironseed: env!("CARGO_PKG_VERSION"),
            now: self.now,
            zone: self.policy.zone.iana_name().unwrap_or("UTC").to_owned(),
            policy: &self.policy.name,
            summary: totals.summary,
            refusals,
            notes: run.notes,
            prevention,
            hosts,
        }
    }

    fn host(&self, record: &'a Record, looked_at: bool, totals: &mut Totals<'a>) -> Host<'a> {
        let today = self.now.to_zoned(self.policy.zone.clone()).date();
        let release = self.release(record);
        let past = release.is_some_and(|r| r.lifecycle.on(today).is_past());
        let open = record.entries.iter().filter(|e| e.closed.is_none());
        let mut findings: Vec<Judged<'a>> = open
            .filter_map(|entry| {
                let rated = rate(&entry.finding, &record.name, self.policy, today);
                totals.expire(&entry.finding, &rated);
                let accepted = rated.rating == Rating::Informational;
                (!accepted).then(|| self.judged(entry, rated, past, looked_at, totals))
            })
            .collect();
        findings.sort_by(|a, b| {
            (b.rating.cmp(&a.rating))
                .then(a.due.cmp(&b.due))
                .then_with(|| (a.id, &a.place).cmp(&(b.id, &b.place)))
        });
        totals.count(&record.name, &findings);
        Host {
            name: &record.name,
            system: record.system.as_deref(),
            release: release.map(|r| {
                let verdict = r.lifecycle.on(today);
                let (stands, past_end_of_life) = (verdict.words(), verdict.is_past());
                Release {
                    id: &r.id,
                    title: &r.title,
                    end_of_life: r.lifecycle.end_of_life,
                    past_end_of_life,
                    stands,
                }
            }),
            steps: if findings.is_empty() { Vec::new() } else { system::steps(release, today) },
            may_be_locked: findings.iter().any(|f| f.overdue),
            findings,
        }
    }

    /// The release that the scan names, else that of the image.
    fn release(&self, record: &Record) -> Option<&'a release::Release> {
        let named = record.system.as_deref().and_then(|words| system::release(words, self.releases));
        named.or_else(|| self.releases.iter().find(|r| self.image.is_some_and(|i| i.release == r.id)))
    }

    fn judged(
        &self,
        entry: &'a Entry,
        rated: Rated<'_>,
        past: bool,
        looked_at: bool,
        totals: &mut Totals<'a>,
    ) -> Judged<'a> {
        let finding = &entry.finding;
        let checks = self.prevention.checks(finding, past);
        for (check, because) in &checks {
            let image = || self.image.and_then(|i| i.outcomes.get(*check)).copied();
            let prevented = totals.prevention.entry(check).or_insert_with(|| Prevented {
                check,
                findings: 0,
                because: Vec::new(),
                image: image(),
            });
            prevented.findings += 1;
            if !prevented.because.contains(because) {
                prevented.because.push(because);
            }
        }
        let due = self.policy.due(rated.rating, entry.since);
        let left = due.map(|due| due.as_second() - self.now.as_second());
        let overdue = due.is_some_and(|due| due < self.now);
        let refuse = &self.policy.refuse;
        Judged {
            id: &finding.id,
            title: &finding.title,
            kind: finding.kind,
            place: finding.place.to_string(),
            cves: &finding.cves,
            scanner: entry.seen.scanner,
            rating: rated.rating,
            why: rated.why,
            scanner_says: rated.differing,
            first_seen: entry.first_seen,
            counts_from: entry.since,
            last_seen: entry.seen.at,
            looked_at,
            due,
            days_left: left.map(|left| left.div_euclid(DAY)),
            hours_left: left.map(|left| left.div_euclid(HOUR)),
            overdue,
            refused: refuse.ratings.contains(&rated.rating) || (overdue && refuse.overdue),
            solution: finding.solution.as_deref(),
            fixable: finding.fixable,
            prevented_by: checks.into_iter().map(|(check, _)| check).collect(),
        }
    }
}

impl Totals<'_> {
    fn expire(&mut self, finding: &Finding, rated: &Rated<'_>) {
        if let Some(recast) = rated.expired {
            let words = format!(
                "the recast of {} expired on {} (owner: {})",
                recast.id, recast.expires, recast.owner
            );
            *self.expired.entry(format!("{words}; it is about {}", finding.id)).or_default() += 1;
        }
    }

    fn count(&mut self, host: &str, findings: &[Judged<'_>]) {
        for finding in findings {
            let count: &mut Count = self.summary.ratings.entry(finding.rating).or_default();
            count.open += 1;
            count.overdue += usize::from(finding.overdue);
            self.summary.open += 1;
            self.summary.overdue += usize::from(finding.overdue);
            self.summary.not_looked_at += usize::from(!finding.looked_at);
            if finding.refused {
                let name = || {
                    let place = if finding.place.is_empty() {
                        String::new()
                    } else {
                        format!(" ({})", finding.place)
                    };
                    format!("{host}: {}{place} {}", finding.id, short(finding.title, TITLE))
                };
                if finding.overdue {
                    self.overdue.add(name);
                } else {
                    self.refused.entry(finding.rating).or_default().add(name);
                }
            }
        }
    }

    fn refusals(&mut self) -> Vec<String> {
        let overdue = std::mem::take(&mut self.overdue).sentence("past the time limit");
        let rated = std::mem::take(&mut self.refused).into_iter().rev();
        let rated = rated.filter_map(|(rating, gathered)| gathered.sentence(&format!("rated {rating}")));
        let expired = std::mem::take(&mut self.expired).into_iter();
        let expired = expired.map(|(words, count)| match count {
            1 => words,
            count => format!("{words}, {count} times"),
        });
        overdue.into_iter().chain(rated).chain(expired).collect()
    }
}
