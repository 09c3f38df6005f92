//! The units that systemd-fstab-generator(8) makes of `/etc/fstab` at boot: mounts, automounts and swaps, and the
//! links that start them. Checks of filesystems (`systemd-fsck@`) are left out.

use std::collections::BTreeSet;

use super::table::{Entry, entries};
use crate::location::Location;
use crate::target::{FileKind, Result, Root, TargetError};

/// Links followed for one mount point.
const MAX_LINKS: usize = 32;
/// Lines looked at.
const MAX_ENTRIES: usize = 10_000;

/// Mounted by systemd itself before anything else; fstab can only change their options later (`mount_table` in
/// `src/shared/mount-setup.c`).
const API: [&str; 12] = [
    "/proc",
    "/sys",
    "/dev",
    "/dev/shm",
    "/dev/pts",
    "/run",
    "/sys/kernel/security",
    "/sys/fs/smackfs",
    "/sys/fs/cgroup",
    "/sys/fs/pstore",
    "/sys/firmware/efi/efivars",
    "/sys/fs/bpf",
];
/// Passed over without a word (`mount_point_ignore`).
const IGNORED: [&str; 4] = ["/sys/fs/selinux", "/dev/console", "/proc/kmsg", "/proc/sys"];
/// Types of filesystems that wait for the network.
const NETWORK: [&str; 14] = [
    "afs",
    "ceph",
    "cifs",
    "smb3",
    "smbfs",
    "sshfs",
    "ncpfs",
    "ncp",
    "nfs",
    "nfs4",
    "gfs",
    "gfs2",
    "glusterfs",
    "pvfs2",
];

/// A unit that stands in `/run/systemd/generator` after the generator ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// Its name, such as `tmp.mount`.
    pub name: String,
    /// Section, key and value of what it sets.
    pub settings: Vec<(&'static str, &'static str, String)>,
    /// The directories with a link to it, such as `local-fs.target.requires`.
    pub links: Vec<String>,
    /// The line that it is made of.
    pub at: Location,
}

/// The units that are made of `/etc/fstab`; of two with one name the first line's.
///
/// # Errors
/// A target that can't be read.
pub fn generated(root: Root<'_>) -> Result<Vec<Generated>> {
    let file = "/etc/fstab";
    from_text(root, file, &root.read_text(file)?.unwrap_or_default())
}

pub(super) fn from_text(root: Root<'_>, file: &str, text: &str) -> Result<Vec<Generated>> {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for entry in entries(file, text).into_iter().take(MAX_ENTRIES) {
        let units = match entry.kind.as_str() {
            "swap" => swap(&entry).into_iter().collect(),
            _ => mount(root, &entry)?,
        };
        // A second mount unit of a name ends the line's work, its automount unit with it.
        if units.first().is_some_and(|first: &Generated| names.insert(first.name.clone())) {
            all.extend(units);
        }
    }
    Ok(all)
}

/// Whether systemd mounts this by itself.
pub fn is_api(point: &str) -> bool {
    API.contains(&point) || point.starts_with("/sys/fs/cgroup/")
}

fn swap(entry: &Entry) -> Option<Generated> {
    let what = device(&entry.what);
    let name = unit_name(&simplified(&what)?, "swap");
    let links = if noauto(entry) { Vec::new() } else { vec![format!("swap.target.{}", strength(entry))] };
    Some(Generated { name, settings: vec![("Swap", "What", what)], links, at: entry.at.clone() })
}

fn mount(root: Root<'_>, entry: &Entry) -> Result<Vec<Generated>> {
    if !entry.point.contains('/') {
        return Ok(Vec::new());
    }
    let chased = chased(root, &entry.point)?;
    let Some(point) = chased.or_else(|| simplified(&entry.point)) else { return Ok(Vec::new()) };
    if entry.kind == "autofs" || is_api(&point) || IGNORED.contains(&point.as_str()) {
        return Ok(Vec::new());
    }
    let is_root = point == "/";
    let network = NETWORK.contains(&entry.kind.as_str()) || entry.has("_netdev");
    let target = if network { "remote-fs.target" } else { "local-fs.target" };
    let automount = !is_root && (entry.has("x-systemd.automount") || entry.has("comment=systemd.automount"));
    let strength = if is_root { "requires" } else { strength(entry) };
    let default = format!("{target}.{strength}");
    let mut links = Vec::new();
    if !automount {
        if !is_root {
            links.extend(entry.values("x-systemd.wanted-by").iter().map(|unit| format!("{unit}.wants")));
            links.extend(entry.values("x-systemd.required-by").iter().map(|unit| format!("{unit}.requires")));
        }
        if links.is_empty() && (is_root || !noauto(entry)) {
            links.push(default.clone());
        }
    }
    let mut options = entry.split();
    options.retain(|option| {
        !option.starts_with("x-systemd.device-timeout=")
            && !option.starts_with("comment=systemd.device-timeout=")
    });
    if options == ["defaults"] {
        options.clear();
    }
    // The generator takes escapes out, and puts them back for commas alone.
    let options = options.join(",").replace("\\\\", "\\");
    let unit = |kind: &str, settings, links| Generated {
        name: unit_name(&point, kind),
        settings,
        links,
        at: entry.at.clone(),
    };
    let settings = vec![
        ("Mount", "What", device(&entry.what)),
        ("Mount", "Where", point.clone()),
        ("Mount", "Type", entry.kind.clone()),
        ("Mount", "Options", options),
    ];
    let mut units = vec![unit("mount", settings, links)];
    if automount {
        units.push(unit("automount", vec![("Automount", "Where", point.clone())], vec![default]));
    }
    Ok(units)
}

fn noauto(entry: &Entry) -> bool {
    entry.last_of(&["noauto", "auto"]) == Some("noauto")
}

/// Whether a boot goes on without it.
fn strength(entry: &Entry) -> &'static str {
    if entry.last_of(&["nofail", "fail"]) == Some("nofail") { "wants" } else { "requires" }
}

/// `UUID=x` is a link below `/dev/disk`.
fn device(what: &str) -> String {
    let kinds =
        [("LABEL=", "label"), ("UUID=", "uuid"), ("PARTUUID=", "partuuid"), ("PARTLABEL=", "partlabel")];
    let found = kinds.iter().find_map(|(tag, kind)| Some((what.strip_prefix(tag)?, kind)));
    let Some((value, kind)) = found else { return what.to_owned() };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"#+-.:=@_".contains(&b) || !b.is_ascii();
    let value = value.trim_matches(['"', '\'']);
    let mut encoded = Vec::new();
    for byte in value.bytes() {
        match plain(byte) {
            true => encoded.push(byte),
            false => encoded.extend(format!("\\x{byte:02x}").bytes()),
        }
    }
    format!("/dev/disk/by-{kind}/{}", String::from_utf8_lossy(&encoded))
}

/// A path after all links, as far as it exists; `None` where it goes up out of what
/// doesn't, or on from what is no directory.
fn chased(root: Root<'_>, path: &str) -> Result<Option<String>> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let parts: Vec<String> =
            path.split('/').filter(|p| !p.is_empty() && *p != ".").map(str::to_owned).collect();
        let mut known = (0, String::new(), true);
        for count in (0..=parts.len()).rev() {
            match root.resolve(parts[..count].join("/")) {
                Err(TargetError::LinkLoop { .. }) => return Ok(None),
                Ok(None) => {}
                Ok(Some(link)) => {
                    let directory = link.meta.kind == FileKind::Directory;
                    known = (count, crate::target::display(&link.path), directory);
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        let (count, base, directory) = known;
        let rest = &parts[count..];
        if !rest.is_empty() && !directory {
            return Ok(None);
        }
        let next = rest.first().map(|first| format!("{base}/{first}"));
        let entry = match &next {
            Some(next) => root.entry(next)?.filter(|entry| entry.meta.kind == FileKind::Symlink),
            None => None,
        };
        let Some(dangling) = entry else {
            let leaves = rest.iter().any(|part| part == "..");
            let joined = [&[base.trim_end_matches('/').to_owned()], rest].concat().join("/");
            return Ok((!leaves).then(|| if joined.is_empty() { "/".to_owned() } else { joined }));
        };
        let text = String::from_utf8_lossy(&root.tree().read_link(&dangling.path)?).into_owned();
        let start = if text.starts_with('/') { String::new() } else { base };
        path = format!("{start}/{text}/{}", rest[1..].join("/"));
    }
    Ok(None)
}

/// Without double slashes and dots; `None` for a path that goes up.
fn simplified(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty() && *p != ".").collect();
    (!parts.contains(&"..")).then(|| format!("/{}", parts.join("/")))
}

/// `/dev/shm` is `dev-shm.mount`; other bytes than letters, digits and `:_.` are escaped, and a dot at the start.
pub(super) fn unit_name(path: &str, kind: &str) -> String {
    let mut name = String::new();
    for byte in path.trim_matches('/').bytes() {
        match byte {
            b'/' => name.push('-'),
            b'.' if name.is_empty() => name += "\\x2e",
            b if b.is_ascii_alphanumeric() || b":_.".contains(&b) => name.push(char::from(b)),
            b => name += &format!("\\x{b:02x}"),
        }
    }
    if name.is_empty() { format!("-.{kind}") } else { format!("{name}.{kind}") }
}
