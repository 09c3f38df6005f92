//! A key stands twice in one mapping.

use crate::check::Severity;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "key-twice",
    title: "A key stands twice in one mapping",
    severity: Severity::Medium,
    rationale: "PyYAML takes the later one and forgets the earlier one without a word: of two `runcmd`, the first never runs.",
    remedy: "Join both into one.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd: [first]\n\
              runcmd: [second]\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd: [first, second]\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for part in &context.opened.parts {
        // A template may have both under conditions.
        let Ok(document) = part.document.as_ref().map_err(|_| ()) else { continue };
        for (first, second) in document.duplicates.iter().filter(|_| !part.template) {
            let text = &context.unit(part.unit).text;
            let line = text.get(..first.start).unwrap_or_default().matches('\n').count() + 1;
            let name = text.get(second.clone()).unwrap_or_default();
            context.report(
                part.unit,
                second.clone(),
                format!("this takes the place of `{name}` in line {line}"),
            );
        }
    }
}
