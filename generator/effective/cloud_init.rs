//! cloud-init's own configuration: `/etc/cloud/cloud.cfg` with `/etc/cloud/cloud.cfg.d/*.cfg`.
//!
//! cloud-init merges the drop-ins from the last name to the first, then the main file, and what
//! is there already is not replaced (`cloudinit.util.read_conf_with_confd`): for a top-level key
//! that holds no map, the file that sorts last wins.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::location::Sourced;
use crate::target::{Result, Root};
use crate::yaml::{self, Source, Spanned};

/// The merged configuration's top-level keys.
#[derive(Debug, Default)]
pub struct CloudConfig {
    keys: BTreeMap<String, Sourced<Value>>,
    /// Files that cloud-init could not read, with the reason: it leaves them out with a warning.
    pub broken: Vec<Sourced<String>>,
}

impl CloudConfig {
    /// Reads the files; `None` where cloud-init is not installed.
    ///
    /// # Errors
    /// The target can't be read.
    pub fn read(root: Root<'_>) -> Result<Option<Self>> {
        let main = "/etc/cloud/cloud.cfg";
        if !root.exists(main)? {
            return Ok(None);
        }
        let folder = "/etc/cloud/cloud.cfg.d";
        let mut paths: Vec<String> = root
            .read_dir(folder)?
            .into_iter()
            .filter_map(|e| String::from_utf8(e.name).ok())
            .filter(|n| n.ends_with(".cfg"))
            .map(|n| format!("{folder}/{n}"))
            .collect();
        paths.sort_by(|a, b| b.cmp(a));
        paths.push(main.to_owned());
        let mut config = Self::default();
        for path in paths {
            if let Some(text) = root.read_text(&path)? {
                config.add(Source { name: path, text });
            }
        }
        Ok(Some(config))
    }

    fn add(&mut self, source: Source) {
        let parsed = yaml::parse::<Option<BTreeMap<String, Spanned<Value>>>>(&source);
        let keys = match parsed {
            Ok(keys) => keys.unwrap_or_default(),
            Err(error) => {
                let at = crate::location::Location::file(&source.name);
                self.broken.push(Sourced::new(error.to_string(), at));
                return;
            }
        };
        for (key, value) in keys {
            let at = source.locate(value.referenced);
            self.keys.entry(key).or_insert_with(|| Sourced::new(value.value, at));
        }
    }

    /// A top-level key's value and the line that decides it.
    pub fn get(&self, key: &str) -> Option<&Sourced<Value>> {
        self.keys.get(key)
    }
}
