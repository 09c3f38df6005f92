//! systemd-journald: where the journal is kept, and to whom it is passed on.

use crate::effective::ini_dropin::{IniDropin, parse_boolean};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root};

const PROGRAM: &str = "/usr/lib/systemd/systemd-journald";
const NAME: &str = "systemd/journald.conf";
/// The section of its files.
pub const SECTION: &str = "Journal";
/// Where a persistent journal is; with `Storage=auto` its existence decides.
const PERSISTENT: &str = "/var/log/journal";

/// journald's configuration.
#[derive(Clone, Debug)]
pub struct Journald {
    /// Files and drop-ins, merged.
    pub config: IniDropin,
    persistent_folder: bool,
}

/// Where the journal is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// On disk, in a folder that is made when it is missing.
    Persistent,
    /// As `auto` on a system with the folder `/var/log/journal`.
    AutoPersistent,
    /// As `auto` without the folder: in memory only.
    AutoVolatile,
    /// In memory only.
    Volatile,
    /// Nowhere.
    None,
}

impl Storage {
    /// Whether the journal outlives a reboot.
    pub fn is_persistent(self) -> bool {
        matches!(self, Self::Persistent | Self::AutoPersistent)
    }
}

/// Reads the configuration; `None` where journald is not installed.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Option<Journald>> {
    if !root.exists(PROGRAM)? && !root.exists(PROGRAM.trim_start_matches("/usr"))? {
        return Ok(None);
    }
    let folder = root.resolve(PERSISTENT)?;
    Ok(Some(Journald {
        config: IniDropin::read(root, NAME)?,
        persistent_folder: folder.is_some_and(|link| link.meta.kind == FileKind::Directory),
    }))
}

impl Journald {
    /// Where the journal is kept; journald passes over a value that it can't read.
    pub fn storage(&self) -> Sourced<Storage> {
        let auto = if self.persistent_folder { Storage::AutoPersistent } else { Storage::AutoVolatile };
        let parse = |text: &str| match text {
            "persistent" => Some(Storage::Persistent),
            "auto" => Some(auto),
            "volatile" => Some(Storage::Volatile),
            "none" => Some(Storage::None),
            _ => None,
        };
        let default = || Sourced::new(auto, self.unset());
        self.config.last_valid(SECTION, "Storage", parse).unwrap_or_else(default)
    }

    /// Whether messages go on to a syslog daemon; not by default.
    pub fn forwards_to_syslog(&self) -> Sourced<bool> {
        let set = self.config.last_valid(SECTION, "ForwardToSyslog", parse_boolean);
        set.unwrap_or_else(|| Sourced::new(false, self.unset()))
    }

    /// The line that decides an option, and those that lose to it; `None` where no line sets it.
    pub fn option(&self, key: &str) -> Option<(&Sourced<String>, Vec<Location>)> {
        self.config.deciding(SECTION, key, |value| is_readable(key, value))
    }

    /// Where a default stands that no line sets: the main file, the one that's read first.
    fn unset(&self) -> Location {
        Location::file(self.config.files.first().map_or("/etc/systemd/journald.conf", String::as_str))
    }
}

/// Whether journald takes the value; it passes over the others. Of sizes and times only an empty one is known.
fn is_readable(key: &str, value: &str) -> bool {
    match key {
        "Storage" => ["persistent", "auto", "volatile", "none"].contains(&value),
        "SplitMode" => ["uid", "login", "none"].contains(&value),
        "Seal" | "ReadKMsg" => parse_boolean(value).is_some(),
        "ForwardToSyslog" | "ForwardToKMsg" | "ForwardToConsole" | "ForwardToWall" => {
            parse_boolean(value).is_some()
        }
        // An empty path is the default's.
        "TTYPath" => true,
        _ => !value.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    fn storage(tree: &MemoryTree) -> Storage {
        read(tree.root()).unwrap().unwrap().storage().value
    }

    #[test]
    fn storage_follows_the_last_readable_value() {
        let mut tree = MemoryTree::of(&[
            (PROGRAM, ""),
            ("/etc/systemd/journald.conf", "[Journal]\nStorage=persistent\n"),
        ]);
        assert!(storage(&tree).is_persistent());
        tree.write("/usr/lib/systemd/journald.conf.d/99.conf", "[Journal]\nStorage=volatile\n");
        assert_eq!(storage(&tree), Storage::Volatile);
        tree.write("/etc/systemd/journald.conf.d/99.conf", "[Journal]\nStorage=Persistent\n");
        assert_eq!(
            storage(&tree),
            Storage::Persistent,
            "names are in lower case: the wrong one is passed over"
        );
        tree.write("/etc/systemd/journald.conf.d/99.conf", "[Journal]\nStorage=none\n");
        assert_eq!(storage(&tree), Storage::None);
    }

    #[test]
    fn auto_depends_on_the_folder() {
        let mut tree = MemoryTree::of(&[(PROGRAM, "")]);
        let journald = read(tree.root()).unwrap().unwrap();
        assert_eq!(
            journald.storage(),
            Sourced::new(Storage::AutoVolatile, Location::file("/etc/systemd/journald.conf"))
        );
        assert!(!journald.forwards_to_syslog().value);
        tree.write("/var/log/journal/x", "");
        assert_eq!(storage(&tree), Storage::AutoPersistent);
        assert!(read(MemoryTree::new().root()).unwrap().is_none());
    }

    #[test]
    fn an_unreadable_value_does_not_decide() {
        let text = "[Journal]\nStorage=persistent\nStorage=Volatile\nStorage=\nSeal=?\n";
        let tree = MemoryTree::of(&[(PROGRAM, ""), ("/etc/systemd/journald.conf", text)]);
        let journald = read(tree.root()).unwrap().unwrap();
        let (decides, losing) = journald.option("Storage").unwrap();
        assert_eq!((decides.value.as_str(), decides.at.line), ("persistent", Some(2)));
        assert_eq!(losing.iter().map(|at| at.line.unwrap()).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(journald.option("Seal").unwrap().0.value, "?");
        assert!(journald.option("Compress").is_none());
    }

    #[test]
    fn forwarding_is_read_with_its_line() {
        let tree = MemoryTree::of(&[
            (PROGRAM, ""),
            ("/etc/systemd/journald.conf", "[Journal]\nForwardToSyslog=yes\n"),
        ]);
        let forwards = read(tree.root()).unwrap().unwrap().forwards_to_syslog();
        assert_eq!(
            (forwards.value, forwards.at.to_string().as_str()),
            (true, "/etc/systemd/journald.conf:2")
        );
    }
}
