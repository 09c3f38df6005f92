//! Changes of dates in a release's file that leave everything else as it is: comments, order, layout.

use jiff::civil::Date;

/// One changed or new line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineChange {
    /// Its number in the file before, from 1; of a new line, that of the line before it.
    pub number: usize,
    /// What it said; `None` where it is new.
    pub before: Option<String>,
    /// What it says now.
    pub after: String,
}

/// A release's file that is being changed.
pub struct Editor {
    lines: Vec<String>,
    changes: Vec<LineChange>,
}

impl Editor {
    /// Begins with the file's text.
    pub fn new(text: &str) -> Self {
        Self { lines: text.split('\n').map(str::to_owned).collect(), changes: Vec::new() }
    }

    /// Sets a date of `lifecycle`, where the file has a line for it.
    pub fn set(&mut self, key: &str, date: Date) {
        let prefix = format!("{key}:");
        if let Some(at) = self.block().find(|i| self.lines[*i].trim_start().starts_with(&prefix)) {
            self.redate(at, date);
        }
    }

    /// Sets what another source says, or adds it behind the file's own source.
    pub fn other(&mut self, source: &str, date: Date) {
        let named = |line: &str| line.contains(&format!("source: {source},"));
        if let Some(at) = self.block().find(|i| named(&self.lines[*i])) {
            return self.redate(at, date);
        }
        let find = |key: &str| self.block().find(|i| self.lines[*i].trim_start().starts_with(key));
        let (list, own) = (find("others:"), find("source:"));
        let entry = format!("    - {{source: {source}, end_of_life: \"{date}\"}}");
        match (list, own) {
            (Some(list), _) => self.insert(list, vec![entry]),
            (None, Some(own)) => self.insert(own, vec!["  others:".to_owned(), entry]),
            (None, None) => {}
        }
    }

    /// The text with its changes, and the changes in order.
    pub fn finish(mut self) -> (String, Vec<LineChange>) {
        self.changes.sort_by_key(|c| c.number);
        (self.lines.join("\n"), self.changes)
    }

    /// The lines of the block `lifecycle`.
    fn block(&self) -> impl Iterator<Item = usize> + use<> {
        let start =
            self.lines.iter().position(|l| l.starts_with("lifecycle:")).map_or(self.lines.len(), |i| i + 1);
        let more = self.lines[start..].iter();
        start..start + more.take_while(|l| l.is_empty() || l.starts_with([' ', '#'])).count()
    }

    /// Replaces the date in a line.
    fn redate(&mut self, at: usize, date: Date) {
        let line = &self.lines[at];
        let is_date = |from: &usize| line.get(*from..from + 10).is_some_and(|t| t.parse::<Date>().is_ok());
        let Some(from) = (0..line.len()).rev().find(is_date) else { return };
        let after = format!("{}{date}{}", &line[..from], &line[from + 10..]);
        if after != *line {
            let before = Some(std::mem::replace(&mut self.lines[at], after.clone()));
            self.changes.push(LineChange { number: self.number(at), before, after });
        }
    }

    fn insert(&mut self, behind: usize, new: Vec<String>) {
        let number = self.number(behind);
        for (offset, after) in new.into_iter().enumerate() {
            self.lines.insert(behind + 1 + offset, after.clone());
            self.changes.push(LineChange { number, before: None, after });
        }
    }

    /// The number that a line had before anything was added.
    fn number(&self, at: usize) -> usize {
        let added = self.changes.iter().filter(|c| c.before.is_none() && c.number <= at).count();
        at + 1 - added.min(at)
    }
}
