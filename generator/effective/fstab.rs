//! With which options systemd mounts a filesystem at boot: `/etc/fstab`, and mount units, which
//! beat it.
//!
//! Owns that precedence. Must not know which options anybody wants.

use super::files::drop_ins;
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// How a filesystem is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Options in order.
    pub options: Vec<String>,
    /// Line or unit that decides.
    pub at: Location,
    /// What else names the mount point, without effect.
    pub overridden: Vec<Location>,
}

/// Folders whose units beat what is made of fstab.
const STRONGER: [&str; 2] = ["/etc/systemd/system", "/run/systemd/system"];

/// What is mounted at a path at boot; `None` where nothing says so.
///
/// # Errors
/// A target that can't be read.
pub fn mount(root: Root<'_>, point: &str) -> Result<Option<Mount>> {
    let unit = unit_name(point);
    let mut found: Vec<Sourced<Vec<String>>> = Vec::new();
    for folder in STRONGER {
        let path = format!("{folder}/{unit}");
        // A link to /dev/null reads as nothing: nobody mounts it then.
        if root.entry(&path)?.is_some() {
            let text = root.read_text(&path)?.unwrap_or_default();
            found.push(
                options_of_unit(&path, &text)
                    .unwrap_or_else(|| Sourced::new(Vec::new(), Location::file(path))),
            );
        }
    }
    let fstab = "/etc/fstab";
    for (index, line) in root.read_text(fstab)?.unwrap_or_default().lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let [source, at, _, options, ..] = words[..]
            && !source.starts_with('#')
            && at.trim_end_matches('/') == point.trim_end_matches('/')
        {
            found.push(Sourced::new(split(options), Location::line(fstab, index + 1)));
        }
    }
    if found.is_empty() {
        return Ok(None);
    }
    // Drop-ins of the unit hold wherever the unit itself comes from.
    let folders = ["/etc", "/run", "/usr/lib"].map(|top| format!("{top}/systemd/system/{unit}.d"));
    for path in drop_ins(root, &folders.each_ref().map(String::as_str), ".conf")? {
        if let Some(options) = options_of_unit(&path, &root.read_text(&path)?.unwrap_or_default()) {
            found.insert(0, options);
        }
    }
    let decides = found.remove(0);
    let overridden = found.into_iter().map(|f| f.at).collect();
    Ok(Some(Mount { options: decides.value, at: decides.at, overridden }))
}

fn split(options: &str) -> Vec<String> {
    options.split(',').filter(|o| !o.is_empty()).map(str::to_owned).collect()
}

/// The last `Options=` of a unit's `[Mount]`.
fn options_of_unit(path: &str, text: &str) -> Option<Sourced<Vec<String>>> {
    let lines = text.lines().enumerate();
    let last = lines
        .filter_map(|(i, l)| Some((i, l.trim().strip_prefix("Options")?.trim_start().strip_prefix('=')?)));
    last.last().map(|(index, value)| Sourced::new(split(value.trim()), Location::line(path, index + 1)))
}

/// `/dev/shm` is `dev-shm.mount`; other bytes than letters, digits and `:_.` are escaped.
fn unit_name(point: &str) -> String {
    let escaped: String = point
        .trim_matches('/')
        .bytes()
        .map(|byte| match byte {
            b'/' => "-".to_owned(),
            b if b.is_ascii_alphanumeric() || b":_.".contains(&b) => char::from(b).to_string(),
            b => format!("\\x{b:02x}"),
        })
        .collect();
    format!("{escaped}.mount")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    #[test]
    fn the_first_line_wins_and_units_beat_it() {
        let mut tree = MemoryTree::of(&[(
            "/etc/fstab",
            "# x /tmp y z\ntmpfs /tmp tmpfs nosuid,nodev 0 0\ntmpfs /tmp/ tmpfs exec 0 0\ntmpfs /x tmpfs\n",
        )]);
        let tmp = mount(tree.root(), "/tmp").unwrap().unwrap();
        assert_eq!((tmp.options.join(","), tmp.at.line), ("nosuid,nodev".into(), Some(2)));
        assert_eq!(tmp.overridden, [Location::line("/etc/fstab", 3)]);
        assert_eq!(mount(tree.root(), "/home").unwrap(), None);
        tree.write("/usr/lib/systemd/system/tmp.mount", b"[Mount]\nOptions=exec\n");
        assert_eq!(
            mount(tree.root(), "/tmp").unwrap().unwrap().at.line,
            Some(2),
            "fstab beats a shipped unit"
        );
        tree.write("/etc/systemd/system/tmp.mount", b"[Mount]\nOptions=mode=1777\n");
        assert_eq!(mount(tree.root(), "/tmp").unwrap().unwrap().options, ["mode=1777"]);
        tree.write("/run/systemd/system/tmp.mount.d/x.conf", b"[Mount]\nOptions = noexec\n");
        assert_eq!(mount(tree.root(), "/tmp").unwrap().unwrap().options, ["noexec"]);
    }

    #[test]
    fn names_are_escaped_as_systemd_escapes_them() {
        for point in ["/dev/shm", "/var/lib/my-data", "/a b"] {
            let output = std::process::Command::new("systemd-escape")
                .args(["--path", "--suffix=mount", point])
                .output()
                .unwrap();
            assert_eq!(unit_name(point), String::from_utf8(output.stdout).unwrap().trim());
        }
    }
}
