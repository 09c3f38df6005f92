//! What is mounted where when the system on a disk runs: the root, and what its `/etc/fstab` adds.
//!
//! The one place below [`crate::effective`] that asks it something: what files a system has depends
//! on one of them. A filesystem that should be there and can't be read is no empty directory, but
//! unknown, with the reason.

use std::sync::Arc;

use super::btrfs::{Btrfs, Id, Pool, TOP, TOP_LEVEL};
use super::device::Device;
use super::filesystem::{self, Opened, holds_system};
use super::mounts::{Mounted, Mounts};
use super::volume::{Volume, named, prefixed};
use crate::effective::fstab::{Entry, entries};
use crate::target::{Result, Root, TargetError, Tree};

/// Where mounts are listed.
const TABLE: &str = "/etc/fstab";

/// Filesystems that are mounted from this disk, as fstab names them.
const KINDS: [&str; 6] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "auto"];

/// Something on the disk that may hold a filesystem.
pub struct Part {
    /// How messages name it.
    pub place: String,
    /// Its own GUID, where the partition table gives it one.
    pub guid: Option<String>,
    /// Its bytes.
    pub device: Arc<dyn Device>,
}

/// The tree of the system in an open filesystem; `None` where there is no system.
///
/// # Errors
/// There are several, and nothing tells which one starts.
pub fn system(opened: Opened, place: &str) -> Result<Option<Box<dyn Tree>>> {
    let tree = match opened {
        Opened::Single(tree) => tree,
        Opened::Btrfs(pool) => match root_subvolume(&pool).map_err(|e| prefixed(place, named::<Btrfs>(e)))? {
            Some(number) => subvolume(&pool, number),
            None => return Ok(None),
        },
    };
    Ok(holds_system(&*tree)?.then_some(tree))
}

/// A root with all mounted on it that its `/etc/fstab` names.
pub fn assemble(root: Box<dyn Tree>, parts: &[Part]) -> Result<Box<dyn Tree>> {
    let mut lines = table(&*root)?;
    lines.retain(|line| line.point.starts_with('/') && is_mounted(line));
    // Whatever the order of lines, a directory is mounted before what is below it.
    lines.sort_by_key(|line| line.point.split('/').filter(|name| !name.is_empty()).count());
    let mut mounts = Mounts::new(root);
    for line in lines {
        let point = match Root::new(&mounts).resolve(&line.point) {
            Ok(Some(link)) => link.path,
            // It is made when it is needed.
            Ok(None) => line.point.trim_matches('/').into(),
            // Below what is not known; so is this.
            Err(_) => continue,
        };
        if !point.is_empty() {
            mounts.mount(point, mounted(&line, parts));
        }
    }
    Ok(Box::new(mounts))
}

/// Whether a line mounts something of a disk without being asked.
fn is_mounted(line: &Entry) -> bool {
    KINDS.contains(&line.kind.as_str()) && (!line.has("noauto") || line.has("x-systemd.automount"))
}

/// What a line mounts.
fn mounted(line: &Entry, parts: &[Part]) -> Mounted {
    let what = format!("{} mounts {} here ({})", TABLE, line.what, line.at);
    let mut named = parts.iter().filter(|part| is_named(&line.what, part));
    let (part, another) = (named.next(), named.next());
    match part {
        Some(_) if another.is_some() => Err(format!("{what}, but several partitions are called so")),
        Some(part) => {
            let opened = filesystem::open(part.device.clone(), &part.place);
            opened
                .and_then(|opened| tree(opened, line))
                .map_err(|e| format!("{what}, which can't be read: {e}"))
        }
        None => Err(format!("{what}, which is not known to be on this disk")),
    }
}

/// The tree of a filesystem that a line's options choose.
fn tree(opened: Opened, line: &Entry) -> Result<Box<dyn Tree>> {
    match opened {
        Opened::Single(tree) => Ok(tree),
        Opened::Btrfs(pool) => Ok(subvolume(&pool, chosen_subvolume(&pool, line).map_err(named::<Btrfs>)?)),
    }
}

/// Whether a source in fstab means this partition.
fn is_named(what: &str, part: &Part) -> bool {
    let tag = what.strip_prefix("/dev/disk/by-").and_then(|tag| tag.split_once('/')).or(what.split_once('='));
    let Some((tag, name)) = tag else {
        return false;
    };
    let name = name.trim_matches('"');
    let identity = || filesystem::identity(&*part.device);
    match tag.to_ascii_lowercase().as_str() {
        "uuid" => identity().is_some_and(|(uuid, _)| uuid.eq_ignore_ascii_case(name)),
        "label" => identity().is_some_and(|(_, label)| label == name.as_bytes()),
        "partuuid" => part.guid.as_ref().is_some_and(|guid| guid.eq_ignore_ascii_case(name)),
        _ => false,
    }
}

/// The subvolume that holds the system: the default one, or the only one whose own fstab says that
/// it is the root, or the only one that holds a system at all.
fn root_subvolume(pool: &Arc<Pool>) -> Result<Option<u64>> {
    let default = pool.default_subvolume()?;
    if holds_system(&*subvolume(pool, default))? {
        return Ok(Some(default));
    }
    let mut systems = Vec::new();
    for number in pool.subvolumes()? {
        if holds_system(&*subvolume(pool, number))? {
            systems.push(number);
        }
    }
    let mut roots = Vec::new();
    for number in &systems {
        let lines = table(&*subvolume(pool, *number))?;
        let root = lines.iter().find(|line| line.point == "/" && line.kind == "btrfs");
        if let Some(Ok(named)) = root.map(|line| chosen_subvolume(pool, line))
            && named == *number
        {
            roots.push(*number);
        }
    }
    match (&systems[..], &roots[..]) {
        ([], _) => Ok(None),
        (_, [root]) | ([root], []) => Ok(Some(*root)),
        (all, _) => Err(TargetError::Unsupported(format!(
            "the subvolumes {all:?} all hold a system; set the default with `btrfs subvolume set-default`"
        ))),
    }
}

/// The subvolume that a line's options choose.
fn chosen_subvolume(pool: &Arc<Pool>, line: &Entry) -> Result<u64> {
    let none = || TargetError::Unsupported(format!("{} names no subvolume that is there", line.at));
    if let Some(path) = line.values("subvol").pop() {
        let top = Volume::new(Btrfs::new(pool.clone(), TOP_LEVEL));
        return match top.id_at(path.trim_matches('/').as_bytes())? {
            Some(Id::Inode { tree, number: TOP }) => Ok(tree),
            _ => Err(none()),
        };
    }
    match line.values("subvolid").pop().map(|id| id.parse()) {
        None => pool.default_subvolume(),
        Some(Ok(0)) => Ok(TOP_LEVEL),
        Some(Ok(number)) if pool.tree(number).is_ok() => Ok(number),
        Some(_) => Err(none()),
    }
}

fn subvolume(pool: &Arc<Pool>, number: u64) -> Box<dyn Tree> {
    Box::new(Volume::new(Btrfs::new(pool.clone(), number)))
}

/// The lines of a system's fstab.
fn table(tree: &dyn Tree) -> Result<Vec<Entry>> {
    Ok(entries(TABLE, &Root::new(tree).read_text(TABLE)?.unwrap_or_default()))
}
