//! Triage for people: the summary first, then each host with what to do and its findings, the worst first.

use std::io::{self, Write};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::document::{Host, Judged, Triage};
use super::rating::Rating;
use crate::report::text::plain;

/// Hours from which time is told in days.
const IN_DAYS: i64 = 72;

/// Writes all of it.
///
/// # Errors
/// The output refuses.
pub fn human(triage: &Triage<'_>, zone: &TimeZone, out: &mut impl Write) -> io::Result<()> {
    let text = Text { zone };
    text.summary(triage, out)?;
    triage.hosts.iter().try_for_each(|host| text.host(host, out))
}

/// The time that is left or over, in words: days, or hours where it is less than three days.
pub fn left(hours: i64) -> String {
    let (amount, unit) = match hours.unsigned_abs() {
        hours if hours < IN_DAYS.unsigned_abs() => (hours, "hour"),
        hours => (hours / 24, "day"),
    };
    let s = if amount == 1 { "" } else { "s" };
    if hours < 0 { format!("overdue by {amount} {unit}{s}") } else { format!("{amount} {unit}{s} left") }
}

/// The first line of a summary, in words.
pub fn headline(triage: &Triage<'_>) -> String {
    let hosts = triage.summary.hosts;
    let s = if hosts == 1 { "" } else { "s" };
    match triage.refusals.len() {
        0 => format!("{hosts} host{s}: nothing is open that the policy refuses"),
        _ => format!("{hosts} host{s}: refused"),
    }
}

/// How many hosts may be locked, in words.
pub fn lockable(hosts: usize) -> String {
    let s = if hosts == 1 { "" } else { "s" };
    format!("{hosts} host{s} may be locked: a time limit is missed")
}

/// What a run changed and what it did not look at, in words; empty where that is nothing.
pub fn movements(triage: &Triage<'_>) -> String {
    let summary = &triage.summary;
    let changes = &summary.changes;
    let counts = [
        (changes.new, "new"),
        (changes.reopened, "back again"),
        (changes.closed, "gone"),
        (changes.kept, "not seen and still open, for this scan would not have seen them"),
        (summary.not_looked_at, "open on hosts that were not looked at"),
    ];
    let counts = counts.into_iter().filter(|(count, _)| *count > 0);
    counts.map(|(count, what)| format!("{count} {what}")).collect::<Vec<_>>().join(", ")
}

/// Writes in a zone.
struct Text<'z> {
    zone: &'z TimeZone,
}

impl Text<'_> {
    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%F %R %Z").to_string()
    }

    fn summary(&self, triage: &Triage<'_>, out: &mut impl Write) -> io::Result<()> {
        let summary = &triage.summary;
        writeln!(out, "{}", headline(triage))?;
        writeln!(out, "as of {}, by {}", self.time(triage.now), plain(triage.policy))?;
        for (rating, count) in summary.ratings.iter().rev() {
            let overdue = match count.overdue {
                0 => String::new(),
                overdue => format!(", {overdue} past the time limit"),
            };
            writeln!(out, "{rating:>14}  {} open{overdue}", count.open)?;
        }
        if summary.hosts_that_may_be_locked > 0 {
            writeln!(out, "{}", lockable(summary.hosts_that_may_be_locked))?;
        }
        let movements = movements(triage);
        if !movements.is_empty() {
            writeln!(out, "{movements}")?;
        }
        for note in &triage.notes {
            writeln!(out, "note: {}", plain(note))?;
        }
        for refusal in &triage.refusals {
            writeln!(out, "refused: {}", plain(refusal))?;
        }
        if !triage.prevention.is_empty() {
            writeln!(out, "\nchecks that keep such findings from coming up:")?;
        }
        for prevented in &triage.prevention {
            let image = prevented.image.map(|o| format!(" [in the image: {}]", o.word())).unwrap_or_default();
            let (check, findings) = (prevented.check, prevented.findings);
            let because = prevented.because.join("; ");
            writeln!(out, "  {check}: {findings} of {}{image}: {because}", summary.open)?;
        }
        Ok(())
    }

    fn host(&self, host: &Host<'_>, out: &mut impl Write) -> io::Result<()> {
        write!(out, "\n{}", plain(host.name))?;
        if let Some(system) = host.system {
            write!(out, " ({})", plain(system))?;
        }
        if let Some(release) = &host.release {
            write!(out, ": {}, {}", release.title, release.stands)?;
        }
        if host.may_be_locked {
            write!(out, "; may be locked")?;
        }
        if host.findings.is_empty() {
            return writeln!(out, "; nothing is open");
        }
        writeln!(out, "\n  what to do:")?;
        for (number, step) in host.steps.iter().enumerate() {
            writeln!(out, "    {}. {step}", number + 1)?;
        }
        let mut rating = None;
        for finding in &host.findings {
            if rating.replace(finding.rating) != Some(finding.rating) {
                writeln!(out, "  {}", finding.rating)?;
            }
            self.finding(finding, out)?;
        }
        Ok(())
    }

    fn finding(&self, finding: &Judged<'_>, out: &mut impl Write) -> io::Result<()> {
        write!(out, "    {}", plain(finding.id))?;
        if !finding.place.is_empty() {
            write!(out, " {}", plain(&finding.place))?;
        }
        writeln!(out, " {}", plain(finding.title))?;
        write!(out, "      {}: {}", finding.rating, plain(&finding.why))?;
        match &finding.scanner_says {
            Some(word) => writeln!(out, "; the scanner says {}", plain(word))?,
            None => writeln!(out)?,
        }
        write!(out, "      first seen {}", self.time(finding.first_seen))?;
        if finding.counts_from != finding.first_seen {
            write!(out, ", back since {}", self.time(finding.counts_from))?;
        }
        if let (Some(due), Some(hours)) = (finding.due, finding.hours_left) {
            let lock = if finding.overdue { "; the machine may be locked" } else { "" };
            // Begun hours count while time is over.
            let hours = if finding.overdue { hours.min(-1) } else { hours };
            write!(out, ", due {}: {}{lock}", self.time(due), left(hours))?;
        }
        writeln!(out)?;
        if finding.rating < Rating::Unrated {
            return Ok(());
        }
        match (finding.solution, finding.fixable) {
            (Some(solution), _) => writeln!(out, "      to do: {}", plain(solution))?,
            (None, Some(false)) => {
                writeln!(out, "      to do: nobody has fixed it yet; remove or shield what has it")?
            }
            (None, _) => {}
        }
        if !finding.prevented_by.is_empty() {
            writeln!(out, "      prevented by: {}", finding.prevented_by.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::left;

    #[test]
    fn little_time_is_told_in_hours() {
        let cases = [
            (0, "0 hours left"),
            (1, "1 hour left"),
            (48, "48 hours left"),
            (71, "71 hours left"),
            (72, "3 days left"),
            (24 * 30, "30 days left"),
            (-1, "overdue by 1 hour"),
            (-80, "overdue by 3 days"),
        ];
        for (hours, words) in cases {
            assert_eq!(left(hours), words);
        }
    }
}
