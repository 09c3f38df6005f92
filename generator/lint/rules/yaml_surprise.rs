//! YAML reads it as something else than it looks.

use std::sync::Arc;

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::{Content, Node, Style};
use crate::lint::{Context, Edit, Example, Rule, config};

/// The rule.
pub const RULE: Rule = Rule {
    id: "yaml-surprise",
    title: "YAML reads it as something else than it looks",
    severity: Severity::Medium,
    rationale: "cloud-init reads YAML 1.1: `no` and `on` are false and true, `0755` is 493, `22:30` is 1350 and `1_000` is 1000. Where text is wanted, Python writes the value out, so that a command gets `False` or `493`.",
    remedy: "Put it into quotes.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd:\n\
              \x20 - [chmod, 0750, /srv/app]\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - [chmod, '0750', /srv/app]\n",
        fixed: true,
    },
    check,
};

/// Top-level keys whose values are text, as paths.
const TEXTS: [&str; 11] = [
    "hostname",
    "fqdn",
    "timezone",
    "password",
    "users[].name",
    "users[].gecos",
    "users[].passwd",
    "users[].plain_text_passwd",
    "users[].shell",
    "write_files[].path",
    "write_files[].content",
];

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        let mut values: Vec<&Arc<Node>> =
            TEXTS.iter().flat_map(|path| config::find(root, path)).map(|(_, value)| value).collect();
        for key in ["runcmd", "bootcmd"] {
            // A command that is a list takes each item as a word; an item of its own is a whole command.
            let commands = root.get(key).into_iter().flat_map(|list| list.items());
            values.extend(commands.flat_map(|command| command.items().iter().chain([command])));
        }
        let packages = root.get("packages").into_iter().flat_map(|list| list.items());
        values.extend(packages.flat_map(|package| package.items().iter().chain([package])));
        for value in values {
            let written = context.unit(part.unit).text.get(value.at.clone()).unwrap_or_default().trim();
            // `true` says what it means, wherever a word of its own is wanted.
            if matches!(written, "true" | "false") && value.bool().is_some() && !in_command(root, value) {
                continue;
            }
            let read = match &value.content {
                Content::Bool(true) => "True".to_owned(),
                Content::Bool(false) => "False".to_owned(),
                Content::Number(number) => number.to_string(),
                _ => continue,
            };
            if value.style == Style::Plain && read != written && !written.is_empty() {
                let edit = Edit { at: value.at.clone(), text: format!("'{written}'") };
                context.report_with(
                    part.unit,
                    value.at.clone(),
                    format!("YAML reads `{written}` as {read}"),
                    vec![edit],
                );
            }
        }
    }
}

/// Whether a value is a word of a command.
fn in_command(root: &Node, value: &Node) -> bool {
    let lists = ["runcmd", "bootcmd"].iter().filter_map(|key| root.get(key));
    lists.into_iter().any(|list| list.at.start <= value.at.start && value.at.end <= list.at.end)
}
