//! The files of `images/`: a release's own, laid over the family that it extends.
//!
//! Owns `extends`. Knows no fact.

use serde_json::Value;

use crate::assets::Assets;
use crate::diagnostic::{ConfigError, suggestion};
use crate::yaml::{self, Source};

/// A release's file with all that it extends: maps merged key by key, everything else replaced.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its name in messages.
    pub name: String,
    /// Keys that the file itself states.
    pub(super) own: Vec<String>,
    pub(super) facts: Value,
}

/// The files of all releases, by name.
///
/// # Errors
/// A broken file.
pub fn documents(assets: &Assets) -> Result<Vec<Document>, ConfigError> {
    let files = assets.list("images")?.into_iter().filter(|s| s.file_name().ends_with(".yaml"));
    files.map(|source| Document::parse(source, assets)).collect()
}

impl Document {
    /// A release's file by built-in id, or the user's own where `id` is a path.
    ///
    /// # Errors
    /// A missing or broken file, or a family that extends itself.
    pub fn open(id: &str, assets: &Assets) -> Result<Self, ConfigError> {
        if id.contains('/') || id.ends_with(".yaml") || id.ends_with(".yml") {
            return Self::parse(assets.read(std::path::Path::new(id))?, assets);
        }
        if let Some(source) = assets.get(&format!("images/{id}.yaml"))? {
            return Self::parse(source, assets);
        }
        let known = assets.list("images")?;
        let known: Vec<&str> = known.iter().filter_map(|s| s.file_name().strip_suffix(".yaml")).collect();
        Err(ConfigError::plain(format!(
            "no built-in distribution `{id}`; {} (a path to your own YAML works too)",
            suggestion(id, known.into_iter())
        )))
    }

    /// A file's text with all that it extends.
    ///
    /// # Errors
    /// See [`Document::open`].
    pub fn parse(source: Source, assets: &Assets) -> Result<Self, ConfigError> {
        let name = source.name.clone();
        let (facts, own) = merge(source, assets, &mut Vec::new())?;
        Ok(Self { name, own, facts })
    }
}

/// The facts of a file and those below it, and the keys that the file itself states.
fn merge(
    source: Source,
    assets: &Assets,
    seen: &mut Vec<String>,
) -> Result<(Value, Vec<String>), ConfigError> {
    let mut value: Value = yaml::parse(&source)?;
    if seen.contains(&source.name) {
        return Err(ConfigError::plain(format!(
            "{}: extends itself through {}",
            source.name,
            seen.join(", ")
        )));
    }
    seen.push(source.name.clone());
    let Some(map) = value.as_object_mut() else {
        return Err(ConfigError::plain(format!("{}: wants a map of facts", source.name)));
    };
    let family = map.remove("extends");
    let own: Vec<String> = map.keys().cloned().collect();
    let mut facts = Value::Object(serde_json::Map::new());
    for family in families(family) {
        let path = format!("images/families/{family}.yaml");
        let below = assets.get(&path)?.ok_or_else(|| {
            ConfigError::plain(format!("{}: extends `{family}`, but there is no {path}", source.name))
        })?;
        overlay(&mut facts, merge(below, assets, seen)?.0);
    }
    seen.pop();
    overlay(&mut facts, value);
    Ok((facts, own))
}

/// The names in `extends`: one, or several of which a later one wins.
fn families(extends: Option<Value>) -> Vec<String> {
    match extends {
        Some(Value::Array(names)) => names.iter().flat_map(|n| families(Some(n.clone()))).collect(),
        Some(name) => vec![name.as_str().unwrap_or_default().to_owned()],
        None => Vec::new(),
    }
}

/// Lays `over` on `base`: maps key by key, everything else replaced.
fn overlay(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (key, value) in over {
                overlay(base.entry(key).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}
