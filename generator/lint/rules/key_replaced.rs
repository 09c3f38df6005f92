//! A later part replaces a key of an earlier one.

use std::collections::BTreeMap;

use crate::check::Severity;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "key-replaced",
    title: "A later part replaces a key of an earlier one",
    severity: Severity::Medium,
    rationale: "Parts are merged key by key at the top level, and the later part's value takes the place of the earlier one as a whole: of two lists `packages`, the first is lost without a word.",
    remedy: "Say `merge_how: \"list(append)+dict(no_replace,recurse_list)+str()\"` in the later part, or keep each key in one part.",
    example: Example {
        arguments: &[],
        bad: "MIME-Version: 1.0\n\
              Content-Type: multipart/mixed; boundary=PART\n\
              \n\
              --PART\n\
              Content-Type: text/cloud-config\n\
              \n\
              #cloud-config\n\
              runcmd: [first]\n\
              --PART\n\
              Content-Type: text/cloud-config\n\
              \n\
              #cloud-config\n\
              runcmd: [second]\n\
              --PART--\n",
        line: 13,
        good: "MIME-Version: 1.0\n\
              Content-Type: multipart/mixed; boundary=PART\n\
              \n\
              --PART\n\
              Content-Type: text/cloud-config\n\
              \n\
              #cloud-config\n\
              runcmd: [first]\n\
              --PART\n\
              Content-Type: text/cloud-config\n\
              \n\
              #cloud-config\n\
              merge_how: \"list(append)+dict(no_replace,recurse_list)+str()\"\n\
              runcmd: [second]\n\
              --PART--\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (part, root) in context.configs() {
        let merges = part.merges || ["merge_how", "merge_type"].iter().any(|key| root.get(key).is_some());
        for entry in root.entries() {
            let Some(name) =
                entry.key.text().filter(|name| !matches!(*name, "merge_how" | "merge_type" | "launch-index"))
            else {
                continue;
            };
            if let Some(first) = seen.insert(name, part.unit).filter(|first| !merges && *first != part.unit) {
                let label = context.unit(first).label.as_deref().unwrap_or("an earlier part");
                context.report(
                    part.unit,
                    entry.key.at.clone(),
                    format!("this takes the place of `{name}` in {label}"),
                );
            }
        }
    }
}
