//! What `modprobe` does instead of loading a module, `modprobe.d(5)`, and which modules a boot asks for,
//! `modules-load.d(5)`. What the manuals leave out is in kmod's `libkmod-config.c`.
//!
//! Owns the precedence of files and lines. Must not know which modules anybody wants. An `alias` line gives a name to
//! other modules, and `modprobe.blacklist=` on the kernel's command line adds to the blacklist: neither lets a module
//! in that an `install` line keeps out, and neither is read here.

use std::collections::BTreeMap;

use super::files::{names, wildcard};
use super::keyvalue::Chosen;
use super::lines::{stripped, systemd_lines};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root};

#[cfg(test)]
mod differential;

/// A name in an earlier directory shadows the same name in later ones.
pub const FOLDERS: [&str; 4] =
    ["/etc/modprobe.d", "/run/modprobe.d", "/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d"];

/// The same for modules that are loaded at boot.
const LOAD_FOLDERS: [&str; 4] = [
    "/etc/modules-load.d",
    "/run/modules-load.d",
    "/usr/local/lib/modules-load.d",
    "/usr/lib/modules-load.d",
];

/// The lines that keep modules from being loaded, in the order in which they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Modprobe {
    installs: Vec<(String, Sourced<String>)>,
    blacklist: Vec<Sourced<String>>,
}

/// Reads every `modprobe.d` directory.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: Root<'_>) -> Result<Modprobe> {
    let mut config = Modprobe::default();
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    for folder in FOLDERS {
        for suffix in [".conf", ".alias"] {
            for name in names(root, folder, suffix)? {
                let path = format!("{folder}/{name}");
                let directory = root.resolve(&path)?.is_some_and(|end| end.meta.kind == FileKind::Directory);
                if !directory && name != ".conf" {
                    by_name.entry(name).or_insert(path);
                }
            }
        }
    }
    for path in by_name.into_values() {
        if let Some(text) = root.read_text(&path)? {
            config.add(&path, &text);
        }
    }
    Ok(config)
}

/// The modules that a boot asks for by name, in order. What [`Modprobe::install`] and [`Modprobe::blacklisted`] say holds
/// for them, too.
///
/// # Errors
/// A target that can't be read.
pub fn loaded_at_boot(root: Root<'_>) -> Result<Vec<Sourced<String>>> {
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    for folder in LOAD_FOLDERS {
        for name in names(root, folder, ".conf")? {
            by_name.entry(name.clone()).or_insert_with(|| format!("{folder}/{name}"));
        }
    }
    let mut modules = Vec::new();
    for path in by_name.into_values() {
        let text = root.read_text(&path)?.unwrap_or_default();
        for (number, line) in systemd_lines(&text) {
            let name = stripped(line);
            if !name.is_empty() && !name.starts_with(['#', ';']) {
                modules.push(Sourced::new(name.to_owned(), Location::line(&path, number)));
            }
        }
    }
    Ok(modules)
}

impl Modprobe {
    fn add(&mut self, path: &str, text: &str) {
        for (number, line) in logical_lines(text) {
            let at = Location::line(path, number);
            let (command, rest) = word(&line);
            let (module, rest) = word(rest);
            let Some(module) = pattern(module).filter(|name| !name.is_empty()) else { continue };
            match command {
                "blacklist" => self.blacklist.push(Sourced::new(module, at)),
                "install" if !rest.is_empty() => {
                    self.installs.push((module, Sourced::new(rest.to_owned(), at)))
                }
                _ => {}
            }
        }
    }

    /// The command that runs instead of loading a module, and those that lose against it: the
    /// first line whose pattern fits decides. `None` where the module itself is loaded.
    pub fn install(&self, module: &str) -> Option<Chosen> {
        let module = underscored(module);
        let fits = |pattern: &str| wildcard(pattern.as_bytes(), module.as_bytes());
        let mut found =
            self.installs.iter().filter(|(pattern, _)| fits(pattern)).map(|(_, line)| line.clone());
        Some(Chosen { value: found.next()?, overridden: found.collect() })
    }

    /// The line that keeps a module from being loaded for a device; asking for it by name still
    /// loads it.
    pub fn blacklisted(&self, module: &str) -> Option<&Location> {
        let module = underscored(module);
        self.blacklist.iter().find(|line| line.value == module).map(|line| &line.at)
    }
}

/// The kernel's spelling of a module's name.
pub fn underscored(name: &str) -> String {
    name.replace('-', "_")
}

/// The first word, and what follows the one blank after it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start_matches([' ', '\t']);
    text.split_once([' ', '\t']).unwrap_or((text, ""))
}

/// A pattern of module names in the kernel's spelling; what stands in brackets stays. `None` where these don't close.
fn pattern(name: &str) -> Option<String> {
    let (mut result, mut rest) = (String::new(), name);
    while let Some(open) = rest.find(['[', ']']) {
        let (plain, bracket) = rest.split_at(open);
        let close = bracket.strip_prefix('[')?.find(']')? + 2;
        result += &(underscored(plain) + &bracket[..close]);
        rest = &bracket[close..];
    }
    Some(result + &underscored(rest))
}

/// Lines that are no comment, with the number of their first: a backslash at the end joins the next one, any other
/// backslash goes and the character after it stays. A line ends at a NUL.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let (mut number, mut start, mut line) = (1, 1, String::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => {
                number += 1;
                lines.push((start, std::mem::take(&mut line)));
                start = number;
            }
            '\\' => match chars.next() {
                Some('\n') => number += 1,
                escaped => line.push(escaped.unwrap_or('\u{fffd}')),
            },
            other => line.push(other),
        }
    }
    lines.push((start, line));
    for (_, line) in &mut lines {
        line.truncate(line.find('\0').unwrap_or(line.len()));
    }
    lines.retain(|(_, line)| !line.starts_with('#'));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    #[test]
    fn the_first_install_line_wins_and_dashes_are_underscores() {
        let tree = MemoryTree::of(&[
            ("/etc/modprobe.d/b.conf", "install usb-storage /bin/false\nblacklist usb_storage\n"),
            ("/etc/modprobe.d/c.conf", "install usb_storage /sbin/modprobe -i usb-storage\n"),
            ("/usr/lib/modprobe.d/b.conf", "install dccp /bin/false"),
        ]);
        let config = read(tree.root()).unwrap();
        let chosen = config.install("usb-storage").unwrap();
        assert_eq!(
            chosen.value,
            Sourced::new("/bin/false".into(), Location::line("/etc/modprobe.d/b.conf", 1))
        );
        assert_eq!(chosen.overridden[0].at, Location::line("/etc/modprobe.d/c.conf", 1));
        assert_eq!(config.blacklisted("usb-storage"), Some(&Location::line("/etc/modprobe.d/b.conf", 2)));
        assert_eq!(config.install("dccp"), None, "its file is shadowed");
    }
}
