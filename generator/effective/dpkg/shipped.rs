//! Which files packages shipped, and with which content: `/var/lib/dpkg/info/*.md5sums` and the
//! `Conffiles` of the status file.
//!
//! MD5 is what dpkg records: it tells an untouched file from an edited one, not from a forged one.

use std::collections::{HashMap, HashSet};

use super::{Dpkg, State};
use crate::target::{FileKind, Result, Root};

const INFO: &str = "/var/lib/dpkg/info";
const DIVERSIONS: &str = "/var/lib/dpkg/diversions";

type Md5 = [u8; 16];

/// An index of shipped files.
#[derive(Debug, Default)]
pub struct Shipped {
    /// Directories of the root that are links: name to target, as `bin` to `usr/bin`.
    aliases: Vec<(Vec<u8>, Vec<u8>)>,
    /// More than one sum where several packages own a path.
    files: HashMap<Vec<u8>, Vec<Md5>>,
}

/// Where a file of other packages went, because a package asked for its place.
struct Diversion {
    to: Vec<u8>,
    /// The package that keeps the place; `:` for none.
    by: String,
}

impl Shipped {
    /// Whether a package shipped a file at this path with this MD5 (32 hexadecimal digits). The path is
    /// relative to the root, without a leading `/`; it may lead through a linked top directory.
    pub fn is_shipped_unchanged(&self, path: &[u8], md5hex: &str) -> bool {
        let Some(md5) = parse_md5(md5hex.as_bytes()) else { return false };
        self.files.get(&self.canonical(path)).is_some_and(|sums| sums.contains(&md5))
    }

    /// Whether a package shipped a file at this path, with whatever content.
    pub fn is_shipped(&self, path: &[u8]) -> bool {
        self.files.contains_key(&self.canonical(path))
    }

    pub(super) fn read(root: Root<'_>, dpkg: &Dpkg) -> Result<Self> {
        let mut shipped = Self { aliases: aliases(root)?, ..Self::default() };
        let diversions = shipped.diversions(root)?;
        let present = || dpkg.packages.iter().filter(|package| package.state != State::Removed);
        let names: HashSet<&str> = present().map(|package| package.name.as_str()).collect();
        for package in present() {
            for (path, md5) in &package.conffiles {
                shipped.add(path.as_bytes(), md5.as_bytes(), &package.name, &diversions);
            }
        }
        for entry in root.read_dir(INFO)? {
            let file = String::from_utf8_lossy(&entry.name);
            let Some(package) = file.strip_suffix(".md5sums") else { continue };
            let package = package.split_once(':').map_or(package, |(name, _architecture)| name);
            if !names.contains(package) {
                continue;
            }
            let sums = root.read(format!("{INFO}/{file}"))?.unwrap_or_default();
            for line in sums.split(|byte| *byte == b'\n') {
                if let Some((md5, path)) = line.split_at_checked(32) {
                    shipped.add(path.trim_ascii_start(), md5, package, &diversions);
                }
            }
        }
        Ok(shipped)
    }

    fn add(&mut self, path: &[u8], md5: &[u8], package: &str, diversions: &HashMap<Vec<u8>, Diversion>) {
        let Some(md5) = parse_md5(md5) else { return };
        let path = self.canonical(path);
        let path = match diversions.get(&path) {
            Some(diversion) if diversion.by != package => diversion.to.clone(),
            _ => path,
        };
        let sums = self.files.entry(path).or_default();
        if !sums.contains(&md5) {
            sums.push(md5);
        }
    }

    /// The file's records: three lines each, of place, new place and package.
    fn diversions(&self, root: Root<'_>) -> Result<HashMap<Vec<u8>, Diversion>> {
        let text = root.read_text(DIVERSIONS)?.unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        let records = lines.as_chunks::<3>().0.iter().map(|[from, to, by]| {
            let canonical = |path: &str| self.canonical(path.trim_start_matches('/').as_bytes());
            (canonical(from), Diversion { to: canonical(to), by: (*by).to_owned() })
        });
        Ok(records.collect())
    }

    /// The path with a linked top directory replaced by the link's target.
    fn canonical(&self, path: &[u8]) -> Vec<u8> {
        for (name, target) in &self.aliases {
            if let Some(rest) = path.strip_prefix(name.as_slice())
                && rest.starts_with(b"/")
            {
                return [target, rest].concat();
            }
        }
        path.to_vec()
    }
}

/// The root's entries that are links to directories (where `/usr` is merged, `bin` leads to `usr/bin`).
fn aliases(root: Root<'_>) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut aliases = Vec::new();
    for entry in root.read_dir("")? {
        if entry.meta.kind == FileKind::Symlink
            && let Some(link) = root.resolve(&entry.name)?
            && link.meta.kind == FileKind::Directory
        {
            aliases.push((entry.name, link.path));
        }
    }
    Ok(aliases)
}

fn parse_md5(hex: &[u8]) -> Option<Md5> {
    let mut md5 = Md5::default();
    if hex.len() != 2 * md5.len() {
        return None;
    }
    for (byte, pair) in md5.iter_mut().zip(hex.as_chunks::<2>().0) {
        let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
        *byte = u8::try_from(high? << 4 | low?).ok()?;
    }
    Some(md5)
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;
    use crate::effective::fixture::Fixture;

    const A: &str = "0cc175b9c0f1b6a831c399e269772661";
    const B: &str = "92eb5ffee6ae2fec3ad71c777531578f";

    fn tree() -> Fixture {
        let status = format!(
            "Package: tool\nStatus: install ok installed\nConffiles:\n /etc/tool.conf {B}\n\n\
             Package: gone\nStatus: deinstall ok config-files\nConffiles:\n /etc/gone {A}\n\n\
             Package: other\nStatus: install ok installed\n"
        );
        let tree = Fixture::of(&[("/var/lib/dpkg/status", &status), ("/usr/bin/x", "a"), ("/etc/x", "")]);
        tree.write(
            "/var/lib/dpkg/info/tool:amd64.md5sums",
            format!("{A}  bin/x\n{B}  usr/share/a b\nshort\n"),
        );
        tree.write("/var/lib/dpkg/info/other.md5sums", format!("{B}  usr/share/y\n"));
        tree.write("/var/lib/dpkg/info/gone.md5sums", format!("{B}  usr/share/gone\n"));
        tree.link("/bin", "usr/bin");
        tree
    }

    fn shipped(tree: &Fixture) -> Shipped {
        read(tree.root()).unwrap().unwrap().shipped(tree.root()).unwrap()
    }

    #[test]
    fn unchanged_files_are_known_by_path_and_content() {
        let shipped = shipped(&tree());
        for (path, sum, expected) in [
            ("usr/bin/x", A, true),
            ("bin/x", A, true),
            ("bin/x", B, false),
            ("usr/bin/x", B, false),
            ("etc/tool.conf", B, true),
            ("etc/tool.conf", A, false),
            ("usr/share/a b", B, true),
            ("etc/gone", A, false),
            ("usr/share/gone", B, false),
            ("usr/bin/x", "", false),
            ("usr/bin/x", "zcc175b9c0f1b6a831c399e269772661", false),
            ("", A, false),
        ] {
            assert_eq!(shipped.is_shipped_unchanged(path.as_bytes(), sum), expected, "{path} {sum}");
        }
        assert!(shipped.is_shipped(b"bin/x") && !shipped.is_shipped(b"bin/y"));
    }

    #[test]
    fn a_diverted_file_is_known_at_its_new_place() {
        let tree = tree();
        tree.write(
            "/var/lib/dpkg/diversions",
            "/usr/bin/x\n/usr/bin/x.real\nother\n/usr/share/y\n/z\nother\nrest\n",
        );
        let shipped = shipped(&tree);
        assert!(shipped.is_shipped_unchanged(b"usr/bin/x.real", A));
        assert!(!shipped.is_shipped_unchanged(b"usr/bin/x", A));
        assert!(shipped.is_shipped_unchanged(b"usr/share/y", B), "the diverting package keeps the place");
    }
}
