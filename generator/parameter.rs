//! Parameters: the values that profiles choose and that checks refer to as `${name}`.
//!
//! Declared in `profiles/parameters.yaml` with a type, a description and a default. Owns types
//! and substitution; knows no check and no setting.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::yaml;

/// What values a parameter takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Type {
    /// A TCP or UDP port: 1 to 65535.
    Port,
    /// A whole number within bounds, both included.
    Integer {
        /// Smallest.
        min: i64,
        /// Largest.
        max: i64,
    },
    /// `true` or `false`.
    Boolean,
    /// Text without line breaks.
    Text,
    /// A time of day, `HH:MM`.
    Time,
    /// One of several words.
    OneOf(Vec<String>),
    /// A list of texts.
    List,
    /// A list of network services: `{name, port, protocol, unit}`.
    Services,
}

/// A parameter's declaration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// What values it takes.
    #[serde(rename = "type")]
    pub kind: Type,
    /// What it decides, in one line.
    pub description: String,
    /// Its value where no profile says one.
    pub default: Value,
}

/// All declarations, by name.
pub type Declarations = BTreeMap<String, Declaration>;

/// Reads `profiles/parameters.yaml`.
///
/// # Errors
/// A broken file, or a default that its own type refuses.
pub fn load(assets: &Assets) -> Result<Declarations, ConfigError> {
    let path = "profiles/parameters.yaml";
    let source =
        assets.get(path)?.ok_or_else(|| ConfigError::plain(format!("{path} is missing from the assets")))?;
    let declarations: Declarations = yaml::parse(&source)?;
    for (name, declaration) in &declarations {
        declaration
            .kind
            .accepts(&declaration.default)
            .map_err(|why| ConfigError::plain(format!("{path}: default of `{name}`: {why}")))?;
    }
    Ok(declarations)
}

impl Type {
    /// Whether a value is one of this type.
    ///
    /// # Errors
    /// What the type wants, as words.
    pub fn accepts(&self, value: &Value) -> Result<(), String> {
        let fits = match self {
            Self::Port => in_range(value, 1, 65535),
            Self::Integer { min, max } => in_range(value, *min, *max),
            Self::Boolean => value.is_boolean(),
            Self::Text => is_text(value),
            Self::Time => value.as_str().is_some_and(is_time),
            Self::OneOf(words) => value.as_str().is_some_and(|v| words.iter().any(|w| w == v)),
            Self::List => value.as_array().is_some_and(|a| a.iter().all(is_text)),
            Self::Services => {
                return serde_json::from_value::<Vec<Service>>(value.clone())
                    .map(|_| ())
                    .map_err(|e| format!("wants a list of {{name, port, protocol, unit}}: {e}"));
            }
        };
        if fits { Ok(()) } else { Err(format!("wants {self}, not {value}")) }
    }
}

impl std::fmt::Display for Type {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Port => f.write_str("a port from 1 to 65535"),
            Self::Integer { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Boolean => f.write_str("true or false"),
            Self::Text => f.write_str("one line of text"),
            Self::Time => f.write_str("a quoted time of day such as \"03:30\""),
            Self::OneOf(words) => write!(f, "one of {}", words.join(", ")),
            Self::List => f.write_str("a list of texts"),
            Self::Services => f.write_str("a list of services"),
        }
    }
}

/// A network service that the profile offers to other hosts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name in firewall comments and reports.
    pub name: String,
    /// Port from 1 to 65535.
    pub port: u16,
    /// `tcp` or `udp`.
    #[serde(default)]
    pub protocol: Protocol,
    /// The systemd unit that listens there.
    pub unit: String,
}

/// A transport protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

impl std::fmt::Display for Protocol {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        })
    }
}

fn in_range(value: &Value, min: i64, max: i64) -> bool {
    value.as_i64().is_some_and(|n| (min..=max).contains(&n))
}

fn is_text(value: &Value) -> bool {
    value.as_str().is_some_and(|s| !s.contains(['\n', '\r', '\0']))
}

fn is_time(text: &str) -> bool {
    let digits = |s: &str, below: u32| {
        s.len() == 2 && s.bytes().all(|b| b.is_ascii_digit()) && s.parse().is_ok_and(|n: u32| n < below)
    };
    text.split_once(':').is_some_and(|(h, m)| digits(h, 24) && digits(m, 60))
}

/// Fills `${name}` places in a check's setting. A text that is one place alone takes the
/// parameter's own type; inside other text it is put in as text.
///
/// Returns the filled value and the names used, in order.
///
/// # Errors
/// The name of an undeclared parameter, or of one that is no scalar inside other text.
pub fn substitute(
    template: &Value,
    values: &BTreeMap<String, Value>,
) -> Result<(Value, Vec<String>), String> {
    let mut used = Vec::new();
    let filled = fill(template, values, &mut used)?;
    Ok((filled, used))
}

fn fill(template: &Value, values: &BTreeMap<String, Value>, used: &mut Vec<String>) -> Result<Value, String> {
    Ok(match template {
        Value::String(text) => fill_text(text, values, used)?,
        Value::Array(items) => {
            Value::Array(items.iter().map(|i| fill(i, values, used)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => Value::Object(
            map.iter()
                .map(|(k, v)| Ok((k.clone(), fill(v, values, used)?)))
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

fn fill_text(text: &str, values: &BTreeMap<String, Value>, used: &mut Vec<String>) -> Result<Value, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, place)) = rest.split_once("${") {
        let Some((name, after)) = place.split_once('}') else {
            return Err(format!("`${{` without its `}}` in `{text}`"));
        };
        let value = values
            .get(name)
            .ok_or_else(|| format!("`${{{name}}}` is no parameter of profiles/parameters.yaml"))?;
        used.push(name.to_owned());
        if before.is_empty() && after.is_empty() && out.is_empty() {
            return Ok(value.clone());
        }
        out.push_str(before);
        match value {
            Value::String(s) => out.push_str(s),
            Value::Number(_) | Value::Bool(_) => out.push_str(&value.to_string()),
            _ => return Err(format!("`${{{name}}}` is a list and can't stand inside text")),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(Value::String(out))
}
