//! A key or value that cloud-init gives up.

use std::ops::Range;

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::{Node, Style};
use crate::lint::facts::Deprecated;
use crate::lint::{Context, Edit, Example, Rule, config};

/// The rule.
pub const RULE: Rule = Rule {
    id: "deprecated-key",
    title: "A key or value that cloud-init gives up",
    severity: Severity::Low,
    rationale: "cloud-init warns of it, `cloud-init status` is no longer clean, and a later version takes no notice of it any more. Which keys these are comes from cloud-init's own schema, with the version that began to warn.",
    remedy: "Write what the message names.",
    example: Example {
        arguments: &["--cloud-init", "25.1"],
        bad: "#cloud-config\n\
              apt_upgrade: true  # at the first boot\n",
        line: 2,
        good: "#cloud-config\n\
              package_upgrade: true  # at the first boot\n",
        fixed: true,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        let mut found = Vec::new();
        for row in context.facts.deprecated.iter().filter(|row| row.applies(context.options)) {
            for (key, value) in config::find(root, &row.at) {
                // Words for true and false are the same value to cloud-init in quotes.
                if row.only.is_none_or(|only| only.is(value)) {
                    found.push((key, value, row));
                }
            }
        }
        for (key, value, row) in found {
            let old = row.at.rsplit('.').next().unwrap_or(&row.at).trim_end_matches("[]");
            let what = if row.only.is_some() {
                format!("this kind of value of `{old}`")
            } else {
                format!("`{old}`")
            };
            let message = format!("cloud-init warns of {what} since {}: write {}", row.since, row.instead);
            let at = if row.only.is_some() { value.at.clone() } else { key.at.clone() };
            context.report_with(
                part.unit,
                one_line(context, part.unit, at),
                message,
                renamed(context, root, key, row),
            );
        }
    }
}

/// A value of several lines is shown by its first one.
fn one_line(context: &Context<'_>, unit: usize, at: Range<usize>) -> Range<usize> {
    let text = context.unit(unit).text.get(at.clone()).unwrap_or_default();
    at.start..at.start + text.find('\n').unwrap_or(text.len())
}

/// The key's new name, where the version is known, so that it knows the new name, and the name is not taken.
fn renamed(context: &Context<'_>, root: &Node, key: &Node, row: &Deprecated) -> Vec<Edit> {
    let Some(name) = row.rename.as_ref().filter(|_| context.options.cloud_init.is_some()) else {
        return Vec::new();
    };
    let is_taken = row.at.rsplit_once('.').is_none() && root.get(name).is_some();
    if is_taken || key.style != Style::Plain {
        return Vec::new();
    }
    vec![Edit { at: key.at.clone(), text: name.clone() }]
}
