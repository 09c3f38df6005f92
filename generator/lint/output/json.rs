//! Findings for programs.

use serde_json::{Value, json};

use super::place;
use crate::lint::{Linted, Options};

/// Version of the form.
const FORMAT: u32 = 1;

/// All files. `docs/lint.md` describes the form.
pub fn json(files: &[Linted], options: &Options) -> Value {
    let files: Vec<Value> = files.iter().map(file).collect();
    json!({
        "version": FORMAT,
        "cloud_init": options.cloud_init,
        "limit": options.limit,
        "files": files,
    })
}

fn file(linted: &Linted) -> Value {
    let parts: Vec<Value> = (linted.opened.parts.iter())
        .map(|part| {
            let name = linted.opened.units.get(part.unit).and_then(|unit| unit.label.as_deref());
            json!({ "name": name, "kind": part.kind, "template": part.template })
        })
        .collect();
    let findings: Vec<Value> = (linted.findings.iter())
        .map(|finding| {
            let place = place(linted, finding);
            let part =
                place.part.map(|(name, at)| json!({ "name": name, "line": at.line, "column": at.column }));
            json!({
                "rule": finding.rule.id,
                "severity": finding.rule.severity,
                "title": finding.rule.title,
                "message": finding.message,
                "help": finding.rule.remedy,
                "start": place.start,
                "end": place.end,
                "part": part,
                "fixable": !finding.edits.is_empty(),
            })
        })
        .collect();
    json!({
        "file": linted.name,
        "packed": linted.opened.packed,
        "parts": parts,
        "findings": findings,
        "ignored": linted.silenced,
        "not_read": linted.opened.not_read,
    })
}
