//! cloud-init's own configuration: `/etc/cloud/cloud.cfg` with `/etc/cloud/cloud.cfg.d/*.cfg`.
//!
//! cloud-init merges the drop-ins from the last name to the first, then the main file, and what
//! is there already is not replaced (`cloudinit.util.read_conf_with_confd`): for a key
//! that holds no map, the file that sorts last wins; maps are joined key by key.
//!
//! Not read: user-data and the kernel's command line, which only a boot brings, and cloud-init's built-in defaults.

#[cfg(test)]
mod differential;
pub mod pyyaml;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root};
use crate::yaml::Source;

const MAIN: &str = "/etc/cloud/cloud.cfg";

/// The merged configuration's top-level keys.
#[derive(Debug, Default)]
pub struct CloudConfig {
    keys: BTreeMap<String, Sourced<Value>>,
    /// Files that cloud-init could not read, with the reason: it leaves them out with a warning.
    pub broken: Vec<Sourced<String>>,
    /// Why the files alone don't say what the configuration is: then no key's value is certain.
    pub undecided: Option<Sourced<String>>,
}

impl CloudConfig {
    /// Reads the files; `None` where cloud-init is not installed.
    ///
    /// # Errors
    /// The target can't be read.
    pub fn read(root: Root<'_>) -> Result<Option<Self>> {
        if !root.exists(MAIN)? {
            return Ok(None);
        }
        let mut config = Self::default();
        let main = config.file(root, MAIN)?;
        let folder = match main.iter().find(|(key, _)| key == "conf_d").map(|(_, folder)| folder) {
            None => format!("{MAIN}.d"),
            Some(Sourced { value: Value::String(folder), at }) => {
                if folder.starts_with(|c: char| c.is_ascii_digit()) {
                    config.doubt("cloud-init may take this conf_d for a date", at.clone());
                }
                folder.trim().to_owned()
            }
            Some(folder) => {
                if is_truthy(&folder.value) {
                    config.doubt("cloud-init stops at a conf_d that is no text", folder.at.clone());
                }
                String::new()
            }
        };
        for name in names(root, &folder)? {
            let keys = config.file(root, &format!("{folder}/{name}"))?;
            config.add(keys);
        }
        config.add(main);
        Ok(Some(config))
    }

    /// The keys of one file; none where cloud-init leaves it out.
    fn file(&mut self, root: Root<'_>, path: &str) -> Result<Vec<(String, Sourced<Value>)>> {
        let Some(bytes) = root.read(path)? else { return Ok(Vec::new()) };
        let Ok(text) = String::from_utf8(bytes) else {
            self.doubt("cloud-init stops at a file that is no UTF-8", Location::file(path));
            return Ok(Vec::new());
        };
        if text.to_lowercase().trim_start().starts_with("## template:") {
            self.doubt("this is a template that cloud-init fills in on the machine", Location::line(path, 1));
        }
        let keys = pyyaml::mapping(&Source { name: path.to_owned(), text });
        Ok(keys.unwrap_or_else(|why| {
            self.broken.push(Sourced::new(why, Location::file(path)));
            Vec::new()
        }))
    }

    fn add(&mut self, keys: Vec<(String, Sourced<Value>)>) {
        for (key, new) in keys {
            if matches!(key.as_str(), "merge_how" | "merge_type") {
                if !new.value.is_null() {
                    self.doubt("this changes how cloud-init merges files", new.at.clone());
                }
                continue;
            }
            match self.keys.get_mut(&key) {
                Some(old) if gives_way(&old.value, &new.value) => *old = new,
                Some(old) => merge(&mut old.value, new.value),
                None => _ = self.keys.insert(key, new),
            }
        }
    }

    fn doubt(&mut self, why: &str, at: Location) {
        self.undecided.get_or_insert_with(|| Sourced::new(why.to_owned(), at));
    }

    /// A top-level key's value and the line that decides it.
    pub fn get(&self, key: &str) -> Option<&Sourced<Value>> {
        self.keys.get(key)
    }
}

/// Joins two maps; a map replaces a text or a list, and of anything else the first stays.
fn merge(old: &mut Value, new: Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (key, new) in new {
                match old.get_mut(&key) {
                    Some(old) => merge(old, new),
                    None => _ = Map::insert(old, key, new),
                }
            }
        }
        (old, new) if gives_way(old, &new) => *old = new,
        _ => {}
    }
}

fn gives_way(old: &Value, new: &Value) -> bool {
    (old.is_string() || old.is_array()) && new.is_object()
}

/// Names of a folder's `.cfg` files, the last one first.
fn names(root: Root<'_>, folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in root.read_dir(folder)?.into_iter().rev() {
        let Ok(name) = String::from_utf8(entry.name) else { continue };
        let end = root.resolve(format!("{folder}/{name}"))?;
        if name.ends_with(".cfg") && end.is_some_and(|end| end.meta.kind == FileKind::File) {
            found.push(name);
        }
    }
    Ok(found)
}

/// What Python takes for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}
