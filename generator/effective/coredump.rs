//! systemd-coredump: what becomes of a program's memory when it crashes.

use crate::effective::ini_dropin::{IniDropin, parse_boolean};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const NAME: &str = "systemd/coredump.conf";
/// The one section of its files.
pub const SECTION: &str = "Coredump";

/// systemd-coredump's configuration: file and drop-ins, merged.
#[derive(Clone, Debug)]
pub struct Coredump(IniDropin);

/// Reads the configuration; whether the program is installed is not asked.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Coredump> {
    Ok(Coredump(IniDropin::read(root, NAME)?))
}

impl Coredump {
    /// The line that decides an option, and those that lose to it; `None` where no line sets it.
    pub fn option(&self, key: &str) -> Option<(&Sourced<String>, Vec<Location>)> {
        self.0.deciding(SECTION, key, |value| is_readable(key, value))
    }
}

/// Whether the program takes the value; it passes over the others.
fn is_readable(key: &str, value: &str) -> bool {
    match key {
        "Storage" => ["none", "external", "journal"].contains(&value),
        "Compress" | "EnterNamespace" => parse_boolean(value).is_some(),
        _ => is_size(value),
    }
}

/// As `parse_size()`: numbers with units to the base of 1024, which add up.
fn is_size(text: &str) -> bool {
    let part = |c: char| c.is_ascii_digit() || ". BKMGTPE".contains(c);
    text == "infinity" || (text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    #[test]
    fn the_last_file_with_a_readable_value_decides() {
        let own = "/etc/systemd/coredump.conf.d/ironseed.conf";
        let mut tree = MemoryTree::of(&[(own, "[Coredump]\nStorage=none\nProcessSizeMax=0\n")]);
        let option = |tree: &MemoryTree, key: &str| {
            let config = read(tree.root()).unwrap();
            config.option(key).map(|(found, _)| (found.value.clone(), found.at.file.clone()))
        };
        tree.write("/etc/systemd/coredump.conf", "[Coredump]\nStorage=external\nProcessSizeMax=1G\n");
        assert_eq!(option(&tree, "Storage"), Some(("none".into(), own.into())));
        tree.write(
            "/usr/lib/systemd/coredump.conf.d/z.conf",
            "[Coredump]\nStorage=disk\nProcessSizeMax=1G 5M\n",
        );
        assert_eq!(option(&tree, "Storage"), Some(("none".into(), own.into())), "there is no such word");
        assert_eq!(option(&tree, "ProcessSizeMax").unwrap().0, "1G 5M");
        tree.link("/etc/systemd/coredump.conf.d/z.conf", "/dev/null");
        assert_eq!(option(&tree, "ProcessSizeMax"), Some(("0".into(), own.into())));
        assert_eq!(option(&tree, "MaxUse"), None);
    }
}
