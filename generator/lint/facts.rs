//! What cloud-init and cloudbase-init know, as data with the versions that changed it (`facts.yaml`).

use std::sync::LazyLock;

use serde::Deserialize;

use super::Options;
use crate::diagnostic::ConfigError;
use crate::effective::cloud_init::pyyaml::{Content, Node};
use crate::version;
use crate::yaml::{self, Source};

static FACTS: LazyLock<Result<Facts, String>> = LazyLock::new(|| {
    let source =
        Source { name: "generator/lint/facts.yaml".to_owned(), text: include_str!("facts.yaml").to_owned() };
    yaml::parse(&source).map_err(|error| error.to_string())
});

/// The facts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Keys and values that cloud-init warns of.
    pub deprecated: Vec<Deprecated>,
    /// Every top-level key that a module of cloud-init reads.
    pub keys: Vec<String>,
    /// Keys whose value is a secret.
    pub secret_keys: Vec<String>,
    /// Accounts that every system has before cloud-init makes any.
    pub accounts: Vec<String>,
    /// Top-level keys that cloudbase-init acts on.
    pub windows_keys: Vec<String>,
    /// Those of them that cloud-init knows nothing of.
    pub windows_only: Vec<String>,
    /// Paths, as globs, of files whose content is a secret.
    pub secret_files: Vec<String>,
}

/// A key, or a kind of value, that cloud-init warns of.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deprecated {
    /// Where: keys with dots in between; `[]` stands for every item.
    pub at: String,
    /// From which version on.
    pub since: String,
    /// What to write instead, in words.
    pub instead: String,
    /// The key's new name, where that is all that changes.
    #[serde(default)]
    pub rename: Option<String>,
    /// Only where the value is of this kind.
    #[serde(default)]
    pub only: Option<Only>,
}

/// Kinds of values.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Only {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// A mapping.
    Mapping,
    /// `false`.
    False,
    /// Text that is none of the words for true and false, or they in quotes.
    NoBoolean,
    /// The words `none` and `unchanged`.
    NoneOrUnchanged,
    /// The word `template`.
    Template,
}

impl Only {
    /// Whether a value is of this kind.
    pub fn is(self, node: &Node) -> bool {
        match self {
            Self::Text => node.text().is_some(),
            Self::Number => matches!(node.content, Content::Number(_)),
            Self::Mapping => matches!(node.content, Content::Map(_)),
            Self::False => node.bool() == Some(false),
            Self::NoBoolean => matches!(node.content, Content::Text(_) | Content::Number(_)),
            Self::NoneOrUnchanged => matches!(node.text(), Some("none" | "unchanged")),
            Self::Template => node.text() == Some("template"),
        }
    }
}

/// The built-in facts.
///
/// # Errors
/// They are broken, which a test excludes.
pub fn facts() -> Result<&'static Facts, ConfigError> {
    FACTS.as_ref().map_err(|why| ConfigError::plain(why.clone()))
}

impl Deprecated {
    /// Whether the version that was chosen, or the newest, warns of it.
    pub fn applies(&self, options: &Options) -> bool {
        let version = options.cloud_init.as_deref();
        version.is_none_or(|version| version::at_least(version, &self.since))
    }
}
