//! With which options a filesystem is mounted at boot: `/etc/fstab`, and mount units, which beat it.
//!
//! Owns `/etc/fstab` and what systemd makes of it. Must not know which options anybody wants.
//!
//! systemd makes a mount unit of each line, weaker than units in `/etc` and stronger than those of packages, and a
//! unit's drop-ins hold wherever it comes from. The root, `/usr` and what systemd itself mounts (`/dev/shm`) are there
//! before any unit is read: `systemd-remount-fs` gives them the options of the first line in fstab, and units change nothing.

#[cfg(test)]
mod differential;
mod generator;
mod table;

pub use generator::{Generated, generated};
pub use table::{Entry, entries};

use crate::effective::systemd::Units;
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

/// What is mounted at a path at boot; `None` where nothing says so. `units` know the units made of fstab.
///
/// # Errors
/// A target that can't be read.
pub fn mount(root: Root<'_>, units: &Units<'_>, point: &str) -> Result<Option<Mount>> {
    let mut lines = lines(root, point)?;
    let name = generator::unit_name(point, "mount");
    let early = matches!(point, "/" | "/usr") || generator::is_api(point);
    let decides = if early {
        if lines.is_empty() {
            return Ok(None);
        }
        lines.remove(0)
    } else if let Some(unit) = units.unit(&name)? {
        let automount = generator::unit_name(point, "automount");
        if !units.starts(&name)? && !units.starts(&automount)? {
            return Ok(None);
        }
        match unit.last("Mount", "Options") {
            Some(options) => Sourced::new(split(&options.value), options.at.clone()),
            None => Sourced::new(Vec::new(), Location::file(unit.fragment)),
        }
    } else if units.is_masked(&name)? {
        // Nobody mounts it then.
        Sourced::new(Vec::new(), units.state(&name)?.at)
    } else {
        return Ok(None);
    };
    let losing = lines.into_iter().map(|line| line.at).filter(|at| *at != decides.at);
    Ok(Some(Mount { options: decides.value, overridden: losing.collect(), at: decides.at }))
}

/// The lines for a mount point.
fn lines(root: Root<'_>, point: &str) -> Result<Vec<Sourced<Vec<String>>>> {
    let file = "/etc/fstab";
    let entries = table::entries(file, &root.read_text(file)?.unwrap_or_default());
    let here =
        entries.into_iter().filter(|entry| entry.point.trim_end_matches('/') == point.trim_end_matches('/'));
    Ok(here.map(|entry| Sourced::new(entry.split(), entry.at)).collect())
}

fn split(options: &str) -> Vec<String> {
    options.split(',').filter(|o| !o.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::systemd::Units;
    use crate::effective::testing::MemoryTree;

    #[test]
    fn the_first_line_wins_and_units_beat_it() {
        let mut tree = MemoryTree::of(&[(
            "/etc/fstab",
            "# x /tmp y z\ntmpfs /tmp tmpfs nosuid,nodev 0 0\ntmpfs /tmp/ tmpfs exec 0 0\ntmpfs /x tmpfs\n",
        )]);
        tree.write("/usr/lib/systemd/system/default.target", "[Unit]\nRequires=local-fs.target\n")
            .write("/usr/lib/systemd/system/local-fs.target", "[Unit]\n");
        let mount = |tree: &MemoryTree, point: &str| {
            let units = Units::read(tree.root(), 252).unwrap().with_generated().unwrap();
            super::mount(tree.root(), &units, point).unwrap()
        };
        let tmp = mount(&tree, "/tmp").unwrap();
        assert_eq!((tmp.options.join(","), tmp.at.line), ("nosuid,nodev".into(), Some(2)));
        assert_eq!(tmp.overridden, [Location::line("/etc/fstab", 3)]);
        assert_eq!(mount(&tree, "/home"), None);
        tree.write("/usr/lib/systemd/system/tmp.mount", b"[Mount]\nOptions=exec\n");
        assert_eq!(mount(&tree, "/tmp").unwrap().at.line, Some(2), "fstab beats a shipped unit");
        tree.write("/etc/systemd/system/tmp.mount", b"[Mount]\nOptions=mode=1777\n");
        assert_eq!(mount(&tree, "/tmp").unwrap().options, ["mode=1777"]);
        tree.write("/run/systemd/system/tmp.mount.d/x.conf", b"[Mount]\nOptions = noexec\n");
        assert_eq!(mount(&tree, "/tmp").unwrap().options, ["noexec"]);
        tree.link("/etc/systemd/system/tmp.mount", "/dev/null");
        assert_eq!(mount(&tree, "/tmp").unwrap().options, [""; 0], "masked: it is part of the root");
        tree.write("/etc/systemd/system/dev-shm.mount", "[Mount]\nOptions=noexec\n");
        assert_eq!(mount(&tree, "/dev/shm"), None, "systemd mounts it before it reads units");
        tree.write(
            "/etc/fstab",
            "a /b ext4 noauto\nc /d ext4 noauto,x-systemd.automount\ne /dev/shm tmpfs nodev\n",
        );
        assert_eq!(mount(&tree, "/b"), None);
        assert_eq!(mount(&tree, "/d").unwrap().at.line, Some(2));
        assert_eq!(mount(&tree, "/dev/shm").unwrap().options, ["nodev"]);
    }

    #[test]
    fn names_are_escaped_as_systemd_escapes_them() {
        for point in ["/dev/shm", "/var/lib/my-data", "/a b", "/.x/.y", "/"] {
            let output = std::process::Command::new("systemd-escape")
                .args(["--path", "--suffix=mount", point])
                .output()
                .unwrap();
            assert_eq!(
                generator::unit_name(point, "mount"),
                String::from_utf8(output.stdout).unwrap().trim()
            );
        }
    }
}
