//! Findings for people: each with its line and a caret, and what to do.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{place, secrets};
use crate::check::Severity;
use crate::lint::Linted;

/// Longest line that is shown, in bytes; of a longer one, what is around the place.
const MAX_LINE: usize = 240;

/// All findings of a file; nothing where there are none.
pub fn human(linted: &Linted, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let hidden = secrets(linted);
    let mut out = String::new();
    for finding in &linted.findings {
        let place = place(linted, finding);
        let unit = (!place.is_file).then_some(finding.unit);
        let (first, mut line) = line_of(place.text, place.at.start);
        let mut shown = line.to_owned();
        for (_, range) in hidden.iter().filter(|(other, _)| *other == unit) {
            hide(&mut shown, first, range);
        }
        let mut at = place.at.start - first..(place.at.end - first).min(shown.len());
        let cut = around(&shown, &at);
        at = at.start - cut.start..at.end.min(cut.end) - cut.start;
        line = &shown[cut];
        let number = place.text.get(..first).unwrap_or_default().matches('\n').count() + 1;
        let name = match &place.part {
            Some((part, _)) => format!("{}: {part}", linted.name),
            None => linted.name.clone(),
        };
        let level = match finding.rule.severity {
            Severity::High => Level::ERROR,
            Severity::Medium => Level::WARNING,
            Severity::Low => Level::NOTE,
        };
        let title = format!("{} [{}]", finding.rule.title, finding.rule.id);
        let snippet = Snippet::source(line)
            .path(name)
            .line_start(number)
            .annotation(AnnotationKind::Primary.span(at).label(finding.message.as_str()));
        let mut group = level.primary_title(title).element(snippet);
        if let (true, Some((_, inside))) = (place.is_file, &place.part) {
            group = group.element(Level::NOTE.message(format!("line {} of the part", inside.line)));
        }
        if !place.is_file {
            group = group.element(
                Level::NOTE.message(format!("packed in the file from line {} on", place.start.line)),
            );
        }
        let remedy = if finding.edits.is_empty() {
            finding.rule.remedy.to_owned()
        } else {
            format!("{} (`--fix` does it)", finding.rule.remedy)
        };
        group = group.element(Level::HELP.message(remedy));
        out.push_str(&renderer.render(&[group]));
        out.push_str("\n\n");
    }
    for what in &linted.opened.not_read {
        out.push_str(&format!("{}: not looked into: {what}\n", linted.name));
    }
    out
}

/// The last line, over all files.
pub fn summary(files: &[Linted]) -> String {
    let all = || files.iter().flat_map(|file| &file.findings);
    let count = |severity| all().filter(|finding| finding.rule.severity == severity).count();
    let silenced: usize = files.iter().map(|file| file.silenced.len()).sum();
    let ignored = if silenced > 0 { format!(", {silenced} ignored with a reason") } else { String::new() };
    format!(
        "{} in {}: {} high, {} medium, {} low{ignored}",
        counted(all().count(), "finding"),
        counted(files.len(), "file"),
        count(Severity::High),
        count(Severity::Medium),
        count(Severity::Low)
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// The line of a place and where it begins.
fn line_of(text: &str, at: usize) -> (usize, &str) {
    let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let rest = text.get(start..).unwrap_or_default();
    (start, rest.lines().next().unwrap_or_default())
}

/// Stars in place of what must not be shown.
fn hide(line: &mut String, first: usize, secret: &std::ops::Range<usize>) {
    let range = secret.start.max(first)..secret.end.min(first + line.len());
    if range.start < range.end {
        let range = range.start - first..range.end - first;
        if line.is_char_boundary(range.start) && line.is_char_boundary(range.end) {
            line.replace_range(range.clone(), &"*".repeat(range.len()));
        }
    }
}

/// What of a long line is shown.
fn around(line: &str, at: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    if line.len() <= MAX_LINE {
        return 0..line.len();
    }
    let boundary = |mut place: usize| {
        while !line.is_char_boundary(place) {
            place -= 1;
        }
        place
    };
    let start = boundary(at.start.saturating_sub(MAX_LINE / 4).min(line.len()));
    start..boundary((start + MAX_LINE).min(line.len())).max(at.start)
}
