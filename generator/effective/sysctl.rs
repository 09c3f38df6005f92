//! Kernel switches as `systemd-sysctl` sets them at boot: `sysctl.d(5)`, and `src/sysctl/sysctl.c` for what the
//! manual leaves out.
//!
//! Owns the precedence of files and lines. Must not know which values anybody wants, nor whether
//! the kernel has a switch.
//!
//! procps' `sysctl --system` reads other files in another order; it does not run at boot, so it is not followed.

use std::collections::{BTreeMap, HashMap};

use super::files::{is_pattern, matches, names};
use super::keyvalue::Chosen;
use super::lines::{stripped, systemd_lines};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

#[cfg(test)]
mod differential;

/// A name in an earlier directory shadows the same name in later ones.
pub const FOLDERS: [&str; 4] =
    ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d"];

/// All assignments, in the order in which they are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sysctls {
    lines: Vec<Line>,
    /// Indices of the lines that name a key, and of those that name a pattern of keys.
    by_key: HashMap<String, Vec<usize>>,
    patterns: Vec<usize>,
}

/// A key or pattern of keys with slashes, and its value; none for `-key`, which takes the key
/// out of what patterns and earlier lines set.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    key: String,
    value: Option<String>,
    /// When it is applied: a line that only says again what its key has already moves nothing.
    rank: usize,
    at: Location,
}

/// Reads every `sysctl.d` directory. No file at all is no assignment at all.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: Root<'_>) -> Result<Sysctls> {
    let mut all = Sysctls::default();
    let mut last: HashMap<String, usize> = HashMap::new();
    for path in files(root)? {
        let Some(text) = root.read_text(&path)? else { continue };
        for (number, line) in systemd_lines(&text) {
            let Some((key, value)) = parse(line) else { continue };
            let index = all.lines.len();
            let same = last.get(&key).map(|index| &all.lines[*index]).filter(|line| line.value == value);
            let rank = same.map_or(index, |line| line.rank);
            last.insert(key.clone(), index);
            match is_pattern(&key) {
                true => all.patterns.push(index),
                false => all.by_key.entry(key.clone()).or_default().push(index),
            }
            all.lines.push(Line { key, value, rank, at: Location::line(&path, number) });
        }
    }
    Ok(all)
}

/// The files in the order of their names. A name shadows whatever it is: an empty file, a link that leads nowhere,
/// a directory.
fn files(root: Root<'_>) -> Result<Vec<String>> {
    let mut by_name: BTreeMap<String, String> = BTreeMap::new();
    for folder in FOLDERS {
        for name in names(root, folder, ".conf")? {
            by_name.entry(name.clone()).or_insert_with(|| format!("{folder}/{name}"));
        }
    }
    Ok(by_name.into_values().collect())
}

impl Sysctls {
    /// The value that the boot gives a key (with dots or slashes), and the lines that lose;
    /// `None` where the kernel's own default stays.
    ///
    /// The last line that names the key decides, wherever patterns stand; else, of the patterns that fit, the one
    /// that got its value last.
    pub fn get(&self, key: &str) -> Option<Chosen> {
        let key = normalised(key);
        let exact = self.by_key.get(&key).into_iter().flatten();
        let fitting = self.patterns.iter().filter(|index| fits(&self.lines[**index].key, &key));
        let mut naming: Vec<usize> = exact.chain(fitting).copied().collect();
        naming.sort_unstable();
        let naming: Vec<&Line> = naming.into_iter().map(|index| &self.lines[index]).collect();
        let decides = match naming.iter().rfind(|line| line.key == key) {
            Some(exact) => *exact,
            None => {
                let last: HashMap<&str, &Line> = naming.iter().map(|l| (l.key.as_str(), *l)).collect();
                last.into_values().filter(|line| line.value.is_some()).max_by_key(|line| line.rank)?
            }
        };
        let losers = naming.into_iter().filter(|line| line.at != decides.at);
        let overridden = losers.filter_map(|l| Some(Sourced::new(l.value.clone()?, l.at.clone()))).collect();
        Some(Chosen { value: Sourced::new(decides.value.clone()?, decides.at.clone()), overridden })
    }
}

/// A line's key and value. A line that names a path out of `/proc/sys` is never written.
fn parse(line: &str) -> Option<(String, Option<String>)> {
    let line = stripped(line);
    if line.is_empty() || line.starts_with(['#', ';']) {
        return None;
    }
    let (key, value) = match line.split_once('=') {
        Some((key, value)) => (key.strip_prefix('-').unwrap_or(key), Some(stripped(value).to_owned())),
        None => (line.strip_prefix('-')?, None),
    };
    let key = normalised(stripped(key));
    let leaves = key.split('/').any(|part| part == "..");
    (!leaves).then_some((key, value))
}

/// With slashes: where the first separator is a dot, dots and slashes swap their meaning.
fn normalised(key: &str) -> String {
    let swap = key.chars().find(|c| matches!(c, '.' | '/')) == Some('.');
    let swapped: String = key
        .chars()
        .map(|c| match c {
            '.' if swap => '/',
            '/' if swap => '.',
            other => other,
        })
        .collect();
    swapped.split('/').filter(|part| !part.is_empty() && *part != ".").collect::<Vec<_>>().join("/")
}

/// Whether a pattern fits a path. No wildcard matches a slash.
fn fits(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return true,
            (Some(pattern), Some(part)) if matches(pattern.as_bytes(), part.as_bytes()) => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    fn get(files: &[(&str, &str)], key: &str) -> Option<(String, String)> {
        let tree = MemoryTree::of(files);
        let chosen = read(tree.root()).unwrap().get(key)?;
        Some((chosen.value.value, chosen.value.at.to_string()))
    }

    #[test]
    fn the_last_line_wins_and_an_earlier_directory_shadows() {
        let files = [
            ("/etc/sysctl.d/60-a.conf", "kernel.sysrq = 0\n"),
            ("/usr/lib/sysctl.d/60-a.conf", "kernel.sysrq = 1\nkernel.x = 1\n"),
            ("/run/sysctl.d/70-b.conf", "; no\n#kernel.sysrq=9\n kernel/sysrq=438 \n-kernel.y = 2"),
            ("/etc/sysctl.conf", "kernel.sysrq = 5"),
        ];
        let answer = |key| get(&files, key).map(|(value, _)| value);
        assert_eq!(answer("kernel.sysrq").as_deref(), Some("438"));
        assert_eq!(answer("kernel.x"), None, "its file is shadowed");
        assert_eq!(answer("kernel/y").as_deref(), Some("2"), "a dash only silences errors");
        let tree = MemoryTree::of(&files);
        let chosen = read(tree.root()).unwrap().get("kernel.sysrq").unwrap();
        assert_eq!(chosen.value.at, Location::line("/run/sysctl.d/70-b.conf", 3));
        assert_eq!(chosen.overridden[0].at, Location::line("/etc/sysctl.d/60-a.conf", 1));
    }

    #[test]
    fn an_exact_key_beats_later_patterns_and_a_bare_dash_takes_it_out() {
        let glob = ("/etc/sysctl.d/99-z.conf", "net.ipv4.conf.*.rp_filter = 0\n");
        let key = "net.ipv4.conf.all.rp_filter";
        assert_eq!(get(&[glob], key).unwrap().0, "0");
        assert_eq!(
            get(&[glob, ("/etc/sysctl.d/10-a.conf", "net.ipv4.conf.all.rp_filter=1")], key).unwrap().0,
            "1"
        );
        let out = ("/etc/sysctl.d/20-b.conf", "-net.ipv4.conf.all.rp_filter\n");
        assert_eq!(
            get(&[glob, ("/etc/sysctl.d/10-a.conf", "net.ipv4.conf.all.rp_filter=1"), out], key),
            None
        );
        assert_eq!(get(&[glob], "net.ipv4.conf.all.deep.rp_filter"), None);
    }

    #[test]
    fn a_link_to_null_masks_and_the_old_file_counts_through_its_link() {
        let mut tree = MemoryTree::of(&[
            ("/usr/lib/sysctl.d/50-x.conf", "kernel.x=1"),
            ("/etc/sysctl.conf", "kernel.z=1"),
        ]);
        tree.link("/etc/sysctl.d/50-x.conf", "/dev/null");
        tree.link("/etc/sysctl.d/99-sysctl.conf", "../sysctl.conf");
        let sysctls = read(tree.root()).unwrap();
        assert_eq!(sysctls.get("kernel.x"), None);
        assert_eq!(
            sysctls.get("kernel.z").unwrap().value.at,
            Location::line("/etc/sysctl.d/99-sysctl.conf", 1)
        );
    }

    #[test]
    fn dots_and_slashes_swap_by_the_first_separator() {
        assert_eq!(normalised("net.ipv4.conf.eth0/1.x"), "net/ipv4/conf/eth0.1/x");
        assert_eq!(normalised("net/ipv4/conf/eth0.1/x"), "net/ipv4/conf/eth0.1/x");
    }

    /// `systemd-analyze cat-config` prints the files in systemd's order, each after a comment
    /// with its path.
    #[test]
    fn files_are_read_in_the_order_of_systemd() {
        let directory = tempfile::tempdir().unwrap();
        let mut tree = MemoryTree::new();
        let mut number = 0;
        for folder in FOLDERS {
            for name in ["10-a.conf", "20-b.conf", "9.conf", "Z.conf", "a b.conf", "no.txt"] {
                number += 1;
                if number % 4 != 0 {
                    tree.write(
                        format!("{folder}/{name}"),
                        format!("kernel.k{number} = {number}\n").as_bytes(),
                    );
                }
            }
        }
        tree.write_to(directory.path());
        let root = format!("--root={}", directory.path().display());
        let output = std::process::Command::new("systemd-analyze")
            .args(["cat-config", &root, "sysctl.d"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let systemd: Vec<String> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .filter(|l| !l.is_empty() && !l.starts_with('#'))
            .map(str::to_owned)
            .collect();
        let ours: Vec<String> = read(tree.root())
            .unwrap()
            .lines
            .iter()
            .map(|l| format!("{} = {}", l.key.replace('/', "."), l.value.clone().unwrap()))
            .collect();
        assert_eq!(ours, systemd);
    }
}
