//! Mends what is safe to mend, by changing no more than the place of the fault.

use super::{Edit, Finding, Linted};

/// The file's text with its edits made; `None` where there are none. Edits that touch each other
/// wait for the next round.
pub fn mended(linted: &Linted, text: &str) -> Option<String> {
    let mut edits: Vec<Edit> = linted.findings.iter().flat_map(|finding| in_file(linted, finding)).collect();
    edits.sort_by_key(|edit| (edit.at.start, edit.at.end));
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    let mut changed = false;
    for edit in edits {
        let Some(kept) = text.get(from..edit.at.start) else { continue };
        if text.get(edit.at.clone()).is_none() || (changed && edit.at.start == from) {
            continue;
        }
        out.push_str(kept);
        out.push_str(&edit.text);
        from = edit.at.end;
        changed = true;
    }
    out.push_str(text.get(from..)?);
    changed.then_some(out)
}

/// A finding's edits as edits of the file; none where its unit does not stand there as it is.
fn in_file(linted: &Linted, finding: &Finding) -> Vec<Edit> {
    let Some(unit) = linted.opened.units.get(finding.unit).filter(|unit| unit.trace.is_whole()) else {
        return Vec::new();
    };
    let edit = |edit: &Edit| {
        let start = unit.trace.follow(edit.at.start)?;
        Some(Edit { at: start..start + edit.at.len(), text: edit.text.clone() })
    };
    finding.edits.iter().filter_map(edit).collect()
}
