//! Two bundles: which rendered items differ, and which part of user-data carries them.

use std::collections::{BTreeMap, BTreeSet};

use super::change::{Item, Part, Word};
use crate::plan::Plan;
use crate::render::apply::Packages;
use crate::render::{Bundle, security_group};

/// The part of user-data that runs the apply script.
const SCRIPT: &str = "runcmd";

/// An item as far as it is compared.
struct Rendered {
    content: String,
    user_data: Option<String>,
    checks: Vec<String>,
}

/// Items by kind and name.
type Items = BTreeMap<(Item, String), Rendered>;

/// What differs between two renderings. `changed` are the checks that changes were found of: an item that serves some
/// of them is put down to these alone.
pub fn changes(old: (&Plan, &Bundle), new: (&Plan, &Bundle), changed: &BTreeSet<String>) -> Vec<Part> {
    let (old, new) = (items(old.0, old.1), items(new.0, new.1));
    let names: BTreeSet<&(Item, String)> = old.keys().chain(new.keys()).collect();
    let mut parts = Vec::new();
    for name in names {
        let (change, shown) = match (old.get(name), new.get(name)) {
            (Some(before), None) => (Word::Removed, before),
            (None, Some(after)) => (Word::Added, after),
            (Some(before), Some(after)) if before.content != after.content => (Word::Changed, after),
            _ => continue,
        };
        let sides = [old.get(name), new.get(name)];
        let serves: BTreeSet<&String> = sides.into_iter().flatten().flat_map(|r| &r.checks).collect();
        let named: Vec<String> =
            serves.iter().filter(|c| changed.contains(**c)).map(|c| (*c).clone()).collect();
        let checks = if named.is_empty() { serves.into_iter().cloned().collect() } else { named };
        let user_data = shown.user_data.clone();
        parts.push(Part {
            item: name.0,
            name: name.1.clone(),
            change,
            user_data,
            checks,
            distros: Vec::new(),
        });
    }
    parts
}

fn items(plan: &Plan, bundle: &Bundle) -> Items {
    let mut items = Items::new();
    let mut add = |item: Item, name: &str, content: String, part: Option<&str>, checks: &[String]| {
        let (user_data, checks) = (part.map(str::to_owned), checks.to_vec());
        items.insert((item, name.to_owned()), Rendered { content, user_data, checks });
    };
    for file in bundle.files.values() {
        let content = format!("{:o} {}:{} {}", file.mode, file.owner, file.group, file.content);
        add(Item::File, &file.path, content, Some("write_files"), &file.checks);
    }
    let early: BTreeSet<String> = Packages::of(plan, bundle).early.into_iter().collect();
    for (name, checks) in &bundle.packages {
        let part = if early.contains(name) { "packages" } else { SCRIPT };
        add(Item::Package, name, String::new(), Some(part), checks);
    }
    for (name, checks) in &bundle.absent {
        add(Item::RemovedPackage, name, String::new(), Some(SCRIPT), checks);
    }
    for (path, checks) in &bundle.removals {
        add(Item::DeletedFile, path, String::new(), Some(SCRIPT), checks);
    }
    for (unit, (state, checks)) in &bundle.units {
        add(Item::Unit, unit, state.word().to_owned(), Some(SCRIPT), checks);
    }
    for (point, (line, checks)) in &bundle.mounts {
        add(Item::Mount, point, line.clone(), Some(SCRIPT), checks);
    }
    for (port, (label, checks)) in &bundle.port_labels {
        add(Item::PortLabel, port, label.label.clone(), Some(SCRIPT), checks);
    }
    for command in &bundle.commands {
        let content = format!("{:?} {:?}", command.phase, command.guards);
        add(Item::Command, &command.argv.join(" "), content, Some(SCRIPT), &command.checks);
    }
    for (key, (value, checks)) in &bundle.cloud_config {
        add(Item::CloudConfig, key, value.to_string(), Some(key), checks);
    }
    // The template also names the profile and its digest, which are no part of the group.
    let rules = serde_json::Value::from(security_group::rules(plan)).to_string();
    add(Item::Output, "security-group.yaml", rules, None, &[]);
    items
}
