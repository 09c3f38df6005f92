//! Findings for programs. `ironseed schema lint` prints the JSON Schema of the form.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Position, place};
use crate::check::Severity;
use crate::lint::{self, Kind, Linted, Options};

/// Version of the form.
const FORMAT: u32 = 1;

/// What `lint` found. Fields may be added; none is taken away or changes its meaning within a version.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Findings {
    /// Version of this form.
    pub version: u32,
    /// The version of cloud-init that was chosen; null stands for the newest.
    pub cloud_init: Option<String>,
    /// Most bytes that the cloud takes.
    pub limit: usize,
    /// The files, in the order in which they were named.
    pub files: Vec<File>,
}

/// A file of user-data.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// As it was named.
    pub file: String,
    /// How the file as a whole is packed, the outermost first: `gzip`, `base64`.
    pub packed: Vec<&'static str>,
    /// Its parts, in the order in which cloud-init takes them.
    pub parts: Vec<Part>,
    /// What is wrong with it.
    pub findings: Vec<Finding>,
    /// How many findings a comment silences.
    pub ignored: usize,
    /// What could not be looked into, and why.
    pub not_read: Vec<String>,
}

/// A part of user-data.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// What it is called; null for the file itself.
    pub name: Option<String>,
    /// What it is.
    pub kind: Kind,
    /// Whether it is a template: of jinja for cloud-init, or of another program before that.
    pub template: bool,
}

/// Something that is wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// The rule's id, by which a comment silences it.
    pub rule: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// The rule in a sentence.
    pub title: &'static str,
    /// What is wrong here.
    pub message: String,
    /// What to do.
    pub help: &'static str,
    /// Where it begins in the file. In what is packed, where that begins.
    pub start: Position,
    /// Behind its last character on the line where it begins.
    pub end: Position,
    /// The part that it is in, and where in it; null for the file itself.
    pub part: Option<InPart>,
    /// Whether `--fix` mends it.
    pub fixable: bool,
}

/// A place within a part.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InPart {
    /// What the part is called.
    pub name: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// All files.
pub fn json(files: &[Linted], options: &Options) -> Findings {
    Findings {
        version: FORMAT,
        cloud_init: options.cloud_init.clone(),
        limit: options.limit,
        files: files.iter().map(file).collect(),
    }
}

fn file(linted: &Linted) -> File {
    let opened = &linted.opened;
    let part = |part: &lint::Part| Part {
        name: opened.units.get(part.unit).and_then(|unit| unit.label.clone()),
        kind: part.kind,
        template: part.template,
    };
    File {
        file: linted.name.clone(),
        packed: opened.packed.clone(),
        parts: opened.parts.iter().map(part).collect(),
        findings: linted.findings.iter().map(|found| finding(linted, found)).collect(),
        ignored: linted.silenced.len(),
        not_read: opened.not_read.clone(),
    }
}

fn finding(linted: &Linted, finding: &lint::Finding) -> Finding {
    let place = place(linted, finding);
    let part =
        place.part.map(|(name, at)| InPart { name: name.to_owned(), line: at.line, column: at.column });
    Finding {
        rule: finding.rule.id,
        severity: finding.rule.severity,
        title: finding.rule.title,
        message: finding.message.clone(),
        help: finding.rule.remedy,
        start: place.start,
        end: place.end,
        part,
        fixable: !finding.edits.is_empty(),
    }
}
