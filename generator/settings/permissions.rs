//! Permission bits and owners as settings write them, and how a file's are held against them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::target::Meta;
use crate::verify::Look;

/// Permission bits, in YAML a quoted octal number: unquoted, YAML would make another one of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Mode(pub u32);

impl Mode {
    /// Whether only a file's owner may delete it from the directory that has this mode.
    pub fn is_sticky(self) -> bool {
        self.0 & 0o1000 != 0
    }
}

impl TryFrom<String> for Mode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match u32::from_str_radix(&text, 8) {
            Ok(bits) if text.starts_with('0') && bits <= 0o7777 => Ok(Self(bits)),
            _ => Err(format!("a mode is a quoted octal number such as \"0640\", not {text}")),
        }
    }
}

impl From<Mode> for String {
    fn from(mode: Mode) -> Self {
        mode.to_string()
    }
}

impl std::fmt::Display for Mode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// root, the owner of nearly everything here.
pub fn root() -> String {
    "root".into()
}

/// What a file's owner and group are instead of the wanted ones; empty where they are these.
///
/// # Errors
/// The target's accounts can't be read.
pub fn wrong_owners(look: &Look<'_>, meta: &Meta, owner: &str, group: &str) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    let (uid, gid) = ids(look, owner, group)?;
    if uid != Some(meta.uid) {
        wrong.push(format!("it belongs to user {} instead of {owner}", meta.uid));
    }
    if gid != Some(meta.gid) {
        wrong.push(format!("it belongs to group {} instead of {group}", meta.gid));
    }
    Ok(wrong)
}

/// Numbers of a user and a group. The kernel knows root without any file.
fn ids(look: &Look<'_>, owner: &str, group: &str) -> Result<(Option<u32>, Option<u32>), String> {
    if (owner, group) == ("root", "root") {
        return Ok((Some(0), Some(0)));
    }
    let accounts = look.accounts()?;
    let uid = accounts.users().find(|u| u.value.name == owner).map(|u| u.value.uid);
    let gid = accounts.groups.iter().flatten().find(|g| g.value.name == group).map(|g| g.value.gid);
    Ok((uid, gid))
}
