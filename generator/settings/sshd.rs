//! `sshd`: an option of the SSH daemon, as the daemon itself would conclude it.

use serde::{Deserialize, Serialize};

use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::observation::{Observation, Plane};
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// An option and the values it may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Sshd {
    /// Keyword as in `sshd_config(5)`.
    pub keyword: String,
    /// What is accepted.
    pub accepts: Accepts,
}

/// What an option's value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Exactly this.
    Value(String),
    /// This number or a smaller one, but not 0, which means "no limit".
    AtMost(u64),
    /// A list of these and no others, in any order.
    Only(Vec<String>),
}

/// The form in YAML: a keyword and one of the others.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    keyword: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<Vec<String>>,
}

impl TryFrom<Fields> for Sshd {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let accepts = match (fields.value, fields.at_most, fields.only) {
            (Some(value), None, None) => Accepts::Value(value),
            (None, Some(number), None) => Accepts::AtMost(number),
            (None, None, Some(list)) if !list.is_empty() => Accepts::Only(list),
            _ => return Err("an sshd option wants one of `value`, `at_most` or `only`".into()),
        };
        Ok(Self { keyword: fields.keyword, accepts })
    }
}

impl From<Sshd> for Fields {
    fn from(sshd: Sshd) -> Self {
        let (value, at_most, only) = match sshd.accepts {
            Accepts::Value(value) => (Some(value), None, None),
            Accepts::AtMost(number) => (None, Some(number), None),
            Accepts::Only(list) => (None, None, Some(list)),
        };
        Self { keyword: sshd.keyword, value, at_most, only }
    }
}
