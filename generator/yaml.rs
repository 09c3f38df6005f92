//! Reading and writing YAML: strict on the way in, unmistakable on the way out.
//!
//! serde over YAML as `serde_yaml` did it, through its maintained successor `serde-saphyr`:
//! duplicate keys, unknown fields and alias bombs are errors with file, line, column and a caret,
//! and what is written reads back the same in YAML 1.1 parsers (PyYAML, which cloud-init uses).

use std::fmt::{self, Formatter};
use std::marker::PhantomData;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_saphyr::options::DuplicateKeyPolicy;

use crate::diagnostic::ConfigError;
use crate::location::Location;

pub use serde_saphyr::Spanned;

/// Largest YAML file read, in bytes: profiles are a few kilobytes.
pub const MAX_YAML_BYTES: usize = 1 << 20;

/// A YAML text and the name that messages give it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path as the user knows it; built-in files are named as in the repository.
    pub name: String,
    /// The text.
    pub text: String,
}

impl Source {
    /// The last part of the name: a user's own file goes by its whole path, a built-in one by its
    /// path below the assets.
    pub fn file_name(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }

    /// The place of a byte of the text.
    pub fn place(&self, offset: usize) -> Location {
        let before = self.text.get(..offset).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Location { column: u32::try_from(column).ok(), ..Location::line(&self.name, line) }
    }

    /// The place of a spanned value in this file.
    pub fn locate(&self, at: serde_saphyr::Location) -> Location {
        Location {
            file: self.name.clone(),
            line: u32::try_from(at.line()).ok().filter(|l| *l > 0),
            column: u32::try_from(at.column()).ok().filter(|c| *c > 0),
        }
    }
}

/// A mapping in the order of the file, whose keys know their places.
#[derive(Clone, Debug)]
pub struct Mapping<V>(pub Vec<(Spanned<String>, V)>);

impl<V> Default for Mapping<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Mapping<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
            type Value = Mapping<V>;

            fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
                formatter.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Mapping(entries))
            }
        }
        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// Reads one document.
///
/// # Errors
/// Bad syntax, duplicate keys, unknown fields, wrong types, too many aliases or levels: each with
/// file, line, column and an excerpt.
pub fn parse<T: DeserializeOwned>(source: &Source) -> Result<T, ConfigError> {
    if source.text.len() > MAX_YAML_BYTES {
        return Err(ConfigError::plain(format!(
            "{}: {} bytes; a profile, check or distribution file has at most {MAX_YAML_BYTES}",
            source.name,
            source.text.len()
        )));
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        with_snippet: true,
    };
    serde_saphyr::from_str_with_options(&source.text, options).map_err(|error| {
        let rendering = serde_saphyr::render_options! { source_name: Some(source.name.as_str()) };
        ConfigError::rendered(
            error.location().map(|at| source.locate(at)),
            error.render_with_options(rendering),
        )
    })
}

/// Writes a value as YAML that cloud-init's YAML 1.1 parser reads back unchanged.
///
/// # Errors
/// A value that YAML can't hold, such as a map with a map as key.
pub fn write<T: Serialize>(value: &T) -> Result<String, ConfigError> {
    serde_saphyr::to_string(value).map_err(|e| ConfigError::plain(format!("writing YAML: {e}")))
}
