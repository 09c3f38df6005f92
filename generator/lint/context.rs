//! What a rule sees, and where it says what it found.

use std::ops::Range;
use std::sync::Arc;

use super::config;
use super::facts::Facts;
use super::kind::Kind;
use super::open::{Opened, Part};
use super::shell::{self, Command};
use super::unit::{Snippet, Unit};
use super::{Edit, Finding, Options, Rule};
use crate::effective::cloud_init::pyyaml::{Content, Node, Style};
use crate::effective::secrets::{Finding as Secret, Scanner, base64};

/// Most findings of one rule in one file: a file with more is as bad with these.
const MAX_FINDINGS: usize = 100;

/// How deep values within values are looked into for texts.
const MAX_DEPTH: usize = 64;

/// Most texts of one file that are looked at.
const MAX_PIECES: usize = 20_000;

/// A text that programs get.
pub struct Piece {
    /// The unit that it stands in.
    pub unit: usize,
    /// The text.
    pub snippet: Snippet,
    /// Its commands, if it is a script.
    pub commands: Option<Vec<Command>>,
    /// The file that it is written to.
    pub path: Option<String>,
    /// Where its value begins.
    pub header: Option<usize>,
}

impl Piece {
    /// The commands; none where it is no script.
    pub fn commands(&self) -> &[Command] {
        self.commands.as_deref().unwrap_or_default()
    }
}

/// All texts of user-data. Packed contents of files become units of their own.
pub fn pieces(opened: &mut Opened) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut packed = Vec::new();
    for part in &opened.parts {
        let Some(unit) = opened.units.get(part.unit) else { continue };
        match part.kind {
            Kind::Script | Kind::Boothook => {
                let snippet = Snippet::of_unit(unit);
                let commands = is_shell_script(&snippet.text).then(|| shell::commands(&snippet.text));
                pieces.push(Piece { unit: part.unit, snippet, commands, path: None, header: None });
            }
            Kind::CloudConfig | Kind::Headless => {
                let Some(root) = config::root(part) else { continue };
                for entry in root.entries() {
                    let key = entry.key.text().unwrap_or_default();
                    let mut gather = Gather { unit: part.unit, text: &unit.text, pieces: &mut pieces };
                    match key {
                        "runcmd" | "bootcmd" => gather.commands(&entry.value),
                        "write_files" => packed.extend(gather.files(&entry.value)),
                        "snap" => {
                            entry.value.get("commands").into_iter().for_each(|list| gather.commands(list));
                        }
                        _ => gather.texts(&entry.value, 0),
                    }
                }
            }
            _ => {}
        }
    }
    for (outer, path, bytes, at) in packed {
        let unit = opened.packed_unit(outer, format!("file {path}"), bytes, &at);
        let snippet = Snippet::of_unit(&opened.units[unit]);
        let commands = (is_shell_script(&snippet.text)).then(|| shell::commands(&snippet.text));
        pieces.push(Piece { unit, snippet, commands, path: Some(path), header: None });
    }
    pieces
}

/// Whether the first line names a shell, or none at all (a boothook's comment).
fn is_shell_script(text: &str) -> bool {
    let mut lines = text.trim_start().lines();
    let first = lines.find(|line| !line.starts_with("#cloud-boothook") && !line.starts_with("## template"));
    first.is_some_and(|line| {
        line.strip_prefix("#!").is_none_or(|program| {
            let words = program.split([' ', '/', '\t']);
            words.into_iter().any(shell::is_shell)
        })
    })
}

/// Gathers the texts of a document.
struct Gather<'g> {
    unit: usize,
    text: &'g str,
    pieces: &'g mut Vec<Piece>,
}

/// A file's content to unpack: its unit, path, bytes and place.
type Packed = (usize, String, Vec<u8>, Range<usize>);

impl Gather<'_> {
    fn add(&mut self, snippet: Snippet, is_script: bool, path: Option<String>) {
        if self.pieces.len() < MAX_PIECES {
            let commands = is_script.then(|| shell::commands(&snippet.text));
            let header = Some(snippet.at.start);
            self.pieces.push(Piece { unit: self.unit, snippet, commands, path, header });
        }
    }

    /// A list of commands: texts, or lists of words; or a mapping of them.
    fn commands(&mut self, node: &Node) {
        let values = node.entries().iter().map(|entry| &entry.value);
        for item in node.items().iter().chain(values) {
            let snippet = match &item.content {
                Content::Text(_) => Snippet::of_node(self.text, item),
                Content::List(words) => Some(Snippet::joined(self.text, words, item.at.clone())),
                _ => None,
            };
            snippet.into_iter().for_each(|snippet| self.add(snippet, true, None));
        }
        if node.text().is_some() {
            Snippet::of_node(self.text, node).into_iter().for_each(|snippet| self.add(snippet, true, None));
        }
    }

    /// Files to write. Returns what has to be unpacked first.
    fn files(&mut self, node: &Node) -> Vec<Packed> {
        let mut packed = Vec::new();
        for item in node.items() {
            let Some(content) = item.get("content") else { continue };
            let path = item.get("path").and_then(|path| path.text()).unwrap_or_default().to_owned();
            let encoding = item.get("encoding").and_then(|encoding| encoding.text()).unwrap_or_default();
            match unpack(content, encoding) {
                Some(bytes) => packed.push((self.unit, path, bytes, content.at.clone())),
                None => {
                    let Some(snippet) = Snippet::of_node(self.text, content) else { continue };
                    let is_script = snippet.text.starts_with("#!") && is_shell_script(&snippet.text);
                    let is_script = is_script || (!snippet.text.starts_with("#!") && path.ends_with(".sh"));
                    self.add(snippet, is_script, Some(path));
                }
            }
        }
        packed
    }

    /// Every text in a value.
    fn texts(&mut self, node: &Arc<Node>, depth: usize) {
        if depth > MAX_DEPTH || self.pieces.len() >= MAX_PIECES {
            return;
        }
        match &node.content {
            Content::Text(text) if text.len() >= 8 || node.style == Style::Block => {
                Snippet::of_node(self.text, node)
                    .into_iter()
                    .for_each(|snippet| self.add(snippet, false, None));
            }
            Content::List(items) => items.iter().for_each(|item| self.texts(item, depth + 1)),
            Content::Map(entries) => entries.iter().for_each(|entry| self.texts(&entry.value, depth + 1)),
            _ => {}
        }
    }
}

/// A content as its `encoding` says; `None` where it is plain, or not what it says.
fn unpack(content: &Node, encoding: &str) -> Option<Vec<u8>> {
    let text = content.text()?;
    match encoding.to_ascii_lowercase().trim() {
        "b64" | "base64" => base64(text.as_bytes()),
        "gz+base64" | "gzip+base64" | "gz+b64" | "gzip+b64" => super::open::gunzip(&base64(text.as_bytes())?),
        _ => None,
    }
}

/// What a scan for secrets finds in each unit that speaks for itself.
fn secrets(opened: &Opened, scanner: &mut Scanner) -> Arc<[(usize, Secret)]> {
    let mut secrets = Vec::new();
    for (number, unit) in opened.units.iter().enumerate().filter(|(number, _)| opened.is_leaf(*number)) {
        // Reading from memory does not fail.
        let found = scanner.scan(b"user-data", unit.text.as_bytes()).unwrap_or_default();
        secrets.extend(found.into_iter().map(|secret| (number, secret)));
    }
    secrets.into()
}

/// What a rule sees, and where it says what it found.
pub struct Context<'a> {
    /// User-data, laid open.
    pub opened: &'a Opened,
    /// Every text in it that programs get.
    pub pieces: &'a [Piece],
    /// What decides besides the text.
    pub options: &'a Options,
    /// What cloud-init knows.
    pub facts: &'a Facts,
    /// The file's size in bytes.
    pub size: usize,
    secrets: Arc<[(usize, Secret)]>,
    findings: Vec<Finding>,
    rule: &'static Rule,
    count: usize,
}

impl<'a> Context<'a> {
    /// A context without findings.
    pub fn new(
        opened: &'a Opened,
        pieces: &'a [Piece],
        options: &'a Options,
        facts: &'a Facts,
        size: usize,
        scanner: &'a mut Scanner,
    ) -> Self {
        let rule = super::rules::ALL[0];
        let secrets = secrets(opened, scanner);
        Self { opened, pieces, options, facts, size, secrets, findings: Vec::new(), rule, count: 0 }
    }

    /// Keys, tokens and hashes in the units' texts.
    pub fn secrets(&self) -> Arc<[(usize, Secret)]> {
        Arc::clone(&self.secrets)
    }

    /// Lets a rule look.
    pub fn run(&mut self, rule: &'static Rule) {
        (self.rule, self.count) = (rule, 0);
        (rule.check)(self);
    }

    /// What was found.
    pub fn findings(self) -> Vec<Finding> {
        self.findings
    }

    /// Parts that are cloud-config, with their top-level mappings.
    pub fn configs(&self) -> Vec<(&'a Part, &'a Node)> {
        self.opened.parts.iter().filter_map(|part| Some((part, config::root(part)?))).collect()
    }

    /// A unit.
    pub fn unit(&self, number: usize) -> &'a Unit {
        &self.opened.units[number]
    }

    /// Something is wrong at a place of a unit.
    pub fn report(&mut self, unit: usize, at: Range<usize>, message: impl Into<String>) {
        self.add(unit, Some(at), None, message.into(), Vec::new());
    }

    /// Something is wrong at a place of a unit, and edits mend it.
    pub fn report_with(
        &mut self,
        unit: usize,
        at: Range<usize>,
        message: impl Into<String>,
        edits: Vec<Edit>,
    ) {
        self.add(unit, Some(at), None, message.into(), edits);
    }

    /// Something is wrong with a unit as a whole.
    pub fn report_whole(&mut self, unit: usize, message: impl Into<String>) {
        self.add(unit, None, None, message.into(), Vec::new());
    }

    /// Something is wrong at a place of a text.
    pub fn report_in(&mut self, piece: &Piece, at: &Range<usize>, message: impl Into<String>) {
        let at = piece.snippet.place(at);
        self.add(piece.unit, Some(at), piece.header, message.into(), Vec::new());
    }

    fn add(
        &mut self,
        unit: usize,
        at: Option<Range<usize>>,
        header: Option<usize>,
        message: String,
        edits: Vec<Edit>,
    ) {
        // A rule that looks in two ways finds some faults twice.
        let overlaps = |other: &Option<Range<usize>>| match (other, &at) {
            (Some(other), Some(at)) => other.start < at.end && at.start < other.end,
            (other, at) => other == at,
        };
        let repeated =
            |other: &Finding| other.rule.id == self.rule.id && other.unit == unit && overlaps(&other.at);
        if self.count < MAX_FINDINGS && !self.findings.iter().rev().take(MAX_FINDINGS).any(repeated) {
            self.count += 1;
            self.findings.push(Finding { rule: self.rule, message, unit, at, header, edits });
        }
    }
}
