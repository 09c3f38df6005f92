//! A file is written before its owner exists.

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::{Entry, Node, Style};
use crate::lint::{Context, Edit, Example, Rule, config, template};
use crate::version;

/// The rule.
pub const RULE: Rule = Rule {
    id: "owner-too-early",
    title: "A file is written before its owner exists",
    severity: Severity::Medium,
    rationale: "cloud-init writes files before it makes users and installs packages. An owner who comes only then is an error: this file keeps root as its owner, and files after it are not written at all.",
    remedy: "Say `defer: true` (cloud-init 21.4 or newer): the file is then written at the end.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   ssh_import_id: [gh:mira]\n\
              write_files:\n\
              \x20 - path: /home/mira/.vimrc\n\
              \x20   owner: mira:mira\n\
              \x20   content: \"syntax on\"\n",
        line: 8,
        good: "#cloud-config\n\
              users:\n\
              \x20 - default\n\
              \x20 - name: mira\n\
              \x20   ssh_import_id: [gh:mira]\n\
              write_files:\n\
              \x20 - path: /home/mira/.vimrc\n\
              \x20   owner: mira:mira\n\
              \x20   defer: true\n\
              \x20   content: \"syntax on\"\n",
        fixed: true,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        let made: Vec<&str> = config::users(root).iter().filter_map(|user| user.name).collect();
        for file in root.get("write_files").into_iter().flat_map(|files| files.items()) {
            let Some(entry) = file.entry("owner") else { continue };
            let names = entry.value.text().unwrap_or_default();
            let late = file.get("defer").is_some_and(|defer| config::is_true(defer));
            let unknown = names.split(':').map(str::trim).find(|name| {
                let known = context.facts.accounts.iter().any(|account| account == name);
                !name.is_empty()
                    && !known
                    && !name.bytes().all(|b| b.is_ascii_digit())
                    && !template::has_hole(name)
            });
            let Some(name) = unknown.filter(|_| !late) else { continue };
            let why = if made.contains(&name) { "is made only after" } else { "may not exist yet when" };
            let message = format!("user or group `{name}` {why} this file is written");
            let edits = after_line(context, part.unit, file, entry);
            context.report_with(part.unit, entry.value.at.clone(), message, edits);
        }
    }
}

/// `defer: true` on a line of its own after the owner's, where the file's keys stand in lines and the version knows it.
fn after_line(context: &Context<'_>, unit: usize, file: &Node, owner: &Entry) -> Vec<Edit> {
    let text = &context.unit(unit).text;
    let is_known =
        context.options.cloud_init.as_deref().is_none_or(|version| version::at_least(version, "21.4"));
    let one_line =
        text.get(owner.key.at.start..owner.value.at.end).is_some_and(|written| !written.contains('\n'));
    if file.style != Style::Indented || file.get("defer").is_some() || !is_known || !one_line {
        return Vec::new();
    }
    let line = text.get(..owner.key.at.start).and_then(|before| before.rfind('\n')).map_or(0, |end| end + 1);
    let Some(lead) = text.get(line..owner.key.at.start) else { return Vec::new() };
    let indent: String = lead.chars().map(|_| ' ').collect();
    let Some(end) = text.get(owner.value.at.end..).and_then(|rest| rest.find('\n')) else {
        return Vec::new();
    };
    let end = owner.value.at.end + end + 1;
    let line_end = if text.get(..end).is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
    vec![Edit { at: end..end, text: format!("{indent}defer: true{line_end}") }]
}
