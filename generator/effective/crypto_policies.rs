//! The system's crypto policy (`crypto-policies` of the rpm family): which one counts, and where its programs read it.
//!
//! Owns what `update-crypto-policies(8)` leaves behind. What a program makes of its part (`back-ends/`) is that program's
//! reader's business: this one only says whose work the part is.

use crate::location::{Location, Sourced};
use crate::target::{Result, Root, display};

/// Its folder.
const FOLDER: &str = "/etc/crypto-policies";

/// A policy, as it is chosen and as it was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CryptoPolicy {
    /// What `config` chooses, sub-policies behind colons (`DEFAULT:SHA1`).
    pub chosen: Option<Sourced<String>>,
    /// What the programs' parts were made of; without `update-crypto-policies` a choice has no effect.
    pub applied: Option<Sourced<String>>,
    /// Files of the administrator's that are added to the part that was asked for.
    pub local: Vec<String>,
}

/// Whether a file is a program's part of the policy.
pub fn is_part(file: &str) -> bool {
    file.strip_prefix(FOLDER).is_some_and(|rest| rest.starts_with("/back-ends/"))
}

/// Reads the policy that stands behind a program's part (`/etc/crypto-policies/back-ends/NAME.config`); `None` where the
/// system has none.
///
/// # Errors
/// A target that can't be read.
pub fn behind(root: Root<'_>, part: &str) -> Result<Option<CryptoPolicy>> {
    let chosen = first(root, &format!("{FOLDER}/config"))?;
    let applied = first(root, &format!("{FOLDER}/state/current"))?;
    let program = part.rsplit('/').next().unwrap_or_default().trim_end_matches(".config");
    let folder = format!("{FOLDER}/local.d");
    let mut local = Vec::new();
    for entry in root.read_dir(&folder)? {
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        if name.strip_prefix(program).is_some_and(|rest| rest.starts_with('-') && rest.ends_with(".config")) {
            local.push(display(format!("{folder}/{name}").as_bytes()));
        }
    }
    let policy = CryptoPolicy { chosen, applied, local };
    Ok((policy.chosen.is_some() || policy.applied.is_some()).then_some(policy))
}

/// The first line that is neither blank nor a comment.
fn first(root: Root<'_>, file: &str) -> Result<Option<Sourced<String>>> {
    let text = root.read_text(file)?.unwrap_or_default();
    let mut lines = text.lines().map(str::trim).enumerate();
    let found = lines.find(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    Ok(found.map(|(index, line)| Sourced::new(line.to_owned(), Location::line(file, index + 1))))
}

impl CryptoPolicy {
    /// The policy in words: which, what it was made with besides, and a choice that was never applied.
    pub fn words(&self) -> String {
        let name = |policy: &Option<Sourced<String>>| policy.as_ref().map(|policy| policy.value.clone());
        let (applied, chosen) = (name(&self.applied), name(&self.chosen));
        let mut words =
            format!("the system's crypto policy {}", applied.as_deref().or(chosen.as_deref()).unwrap_or("?"));
        if let (Some(applied), Some(chosen)) = (&applied, &chosen)
            && applied != chosen
        {
            words.push_str(&format!(" ({chosen} is chosen and not applied)"));
        }
        if !self.local.is_empty() {
            words.push_str(&format!(" with {}", self.local.join(", ")));
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    const PART: &str = "/etc/crypto-policies/back-ends/opensshserver.config";

    #[test]
    fn what_was_applied_counts_and_not_what_was_chosen_since() {
        let tree = MemoryTree::of(&[
            ("/etc/crypto-policies/config", "# x\n\nLEGACY\n"),
            ("/etc/crypto-policies/state/current", "DEFAULT:SHA1\n"),
            ("/etc/crypto-policies/local.d/opensshserver-a.config", ""),
            ("/etc/crypto-policies/local.d/openssh-b.config", ""),
        ]);
        let policy = behind(tree.root(), PART).unwrap().unwrap();
        assert_eq!(policy.chosen.as_ref().unwrap().at, Location::line("/etc/crypto-policies/config", 3));
        assert_eq!(
            policy.words(),
            "the system's crypto policy DEFAULT:SHA1 (LEGACY is chosen and not applied) with \
             /etc/crypto-policies/local.d/opensshserver-a.config"
        );
        assert_eq!(behind(MemoryTree::new().root(), PART).unwrap(), None);
        assert!(is_part(PART) && !is_part("/etc/ssh/sshd_config"));
    }
}
