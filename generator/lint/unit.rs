//! Texts within user-data, and how their places lead back to the file that people see.

use std::ops::Range;

use crate::effective::cloud_init::pyyaml::{Node, Style};

/// How far a line of a value is looked for in the value, in bytes: a line that is written otherwise is not found.
const SEARCH: usize = 4096;

/// A text of its own: the file, a part of it, or what a part holds packed.
#[derive(Clone, Debug)]
pub struct Unit {
    /// What it is called; `None` for the file itself.
    pub label: Option<String>,
    /// The text.
    pub text: String,
    /// How its places lead to the file's; empty where it doesn't stand there as it is.
    pub trace: Trace,
    /// What in the file stands for places that the trace does not lead to.
    pub stand_in: Range<usize>,
}

/// Pieces of a text that stand elsewhere byte for byte: where they begin here, and there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace(Vec<(usize, usize)>);

impl Trace {
    /// All of a text stands there in one piece.
    pub fn whole(start: usize) -> Self {
        Self(vec![(0, start)])
    }

    /// Where a place leads.
    pub fn follow(&self, place: usize) -> Option<usize> {
        let index = self.0.partition_point(|(here, _)| *here <= place).checked_sub(1)?;
        let (here, there) = self.0.get(index)?;
        Some(there + (place - here))
    }

    /// Where a range leads.
    pub fn range(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let start = self.follow(range.start)?;
        // The end may stand in another piece than the start.
        let end = self.follow(range.end.saturating_sub(1)).map_or(start, |last| last + 1);
        Some(start..end.max(start))
    }

    /// The trace of a text whose places this one's lead to.
    fn through(&self, outer: &Trace) -> Self {
        Self(self.0.iter().filter_map(|(here, there)| Some((*here, outer.follow(*there)?))).collect())
    }

    /// Whether the text stands there in one piece, so that it can be changed there.
    pub fn is_whole(&self) -> bool {
        self.0.len() == 1
    }
}

/// A piece of text within a unit, such as a script in a list of commands.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// The text as programs get it.
    pub text: String,
    trace: Trace,
    /// What stands for it as a whole, in the unit.
    pub at: Range<usize>,
}

impl Snippet {
    /// All of a unit.
    pub fn of_unit(unit: &Unit) -> Self {
        Self { text: unit.text.clone(), trace: Trace::whole(0), at: 0..unit.text.len() }
    }

    /// A range of a unit's text.
    pub fn of_range(text: &str, at: Range<usize>) -> Self {
        Self { text: text.get(at.clone()).unwrap_or_default().to_owned(), trace: Trace::whole(at.start), at }
    }

    /// The text of a scalar in a document; `None` where it is none.
    pub fn of_node(source: &str, node: &Node) -> Option<Self> {
        let text = node.text()?.to_owned();
        let raw = source.get(node.at.clone())?;
        let trace = trace(raw, &text, node);
        Some(Self { text, trace, at: node.at.clone() })
    }

    /// A text that is made of several nodes, such as the words of a command.
    pub fn joined(source: &str, nodes: &[std::sync::Arc<Node>], at: Range<usize>) -> Self {
        let (mut text, mut pieces) = (String::new(), Vec::new());
        for node in nodes {
            if !text.is_empty() {
                text.push(' ');
            }
            let word = node.text().unwrap_or_else(|| source.get(node.at.clone()).unwrap_or_default());
            let inner = source.get(node.at.clone()).and_then(|raw| raw.find(word)).unwrap_or_default();
            pieces.push((text.len(), node.at.start + inner));
            text.push_str(&shell_word(word));
        }
        Self { text, trace: Trace(pieces), at }
    }

    /// A part of it.
    pub fn part(&self, range: Range<usize>) -> Self {
        let text = self.text.get(range.clone()).unwrap_or_default().to_owned();
        let at = self.place(&range);
        let inner = self.trace.0.iter().filter(|(here, _)| range.contains(here));
        let mut pieces: Vec<(usize, usize)> =
            inner.map(|(here, there)| (here - range.start, *there)).collect();
        if pieces.first().is_none_or(|(here, _)| *here > 0) {
            pieces.extend(self.trace.follow(range.start).map(|there| (0, there)));
            pieces.sort_unstable();
        }
        Self { text, trace: Trace(pieces), at }
    }

    /// Where a range of it stands in the unit; the whole of it where that can't be told.
    pub fn place(&self, range: &Range<usize>) -> Range<usize> {
        self.trace
            .range(range)
            .filter(|found| found.end <= self.at.end.max(found.start + 1))
            .unwrap_or_else(|| self.at.clone())
    }

    /// As a unit, within the one that it stands in.
    pub fn unit(&self, outer: &Unit, label: Option<String>) -> Unit {
        Unit {
            label: label.or_else(|| outer.label.clone()),
            text: self.text.clone(),
            trace: self.trace.through(&outer.trace),
            stand_in: outer.trace.range(&self.at).unwrap_or_else(|| outer.stand_in.clone()),
        }
    }
}

/// A word as a shell reads it back: in quotes where it would fall apart.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// Line by line: a line of the source that stands in the value just so leads from there.
fn trace(raw: &str, text: &str, node: &Node) -> Trace {
    let mut pieces = Vec::new();
    let (mut from, mut start) = (0, node.at.start);
    for line in raw.split_inclusive('\n') {
        let mut word = line.trim_matches([' ', '\t', '\n', '\r']);
        if node.style == Style::Quoted {
            word = word.trim_matches(['"', '\'']);
        }
        let lead = line.find(word).unwrap_or_default();
        let end = (from + word.len() + SEARCH).min(text.len());
        let window = (0..=3).find_map(|less| text.get(from..end.checked_sub(less)?)).unwrap_or_default();
        if let Some(found) = window.find(word).filter(|_| !word.is_empty()) {
            pieces.push((from + found, start + lead));
            from += found + word.len();
        }
        start += line.len();
    }
    if pieces.first().is_none_or(|(here, _)| *here > 0) {
        pieces.insert(0, (0, node.at.start));
    }
    Trace(pieces)
}
