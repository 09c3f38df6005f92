//! `hygiene`: an image carries no identity and no traces of its making.
//!
//! The list follows virt-sysprep's operations; machine ids are as `machine-id(5)` has them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::target::{FileKind, Result, Root, display};
use crate::verify::{Look, Nature};

/// No trace of one kind is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hygiene {
    /// Which one.
    pub trace: Trace,
}

/// Kinds of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trace {
    /// `/etc/machine-id`, which cloud-init does not reset for a new instance.
    MachineId,
    /// What cloud-init remembers of an instance.
    CloudInitState,
    /// Histories of shells.
    ShellHistories,
    /// Leases of DHCP clients.
    DhcpLeases,
    /// Content of log files.
    Logs,
    /// The seed of the random number generator.
    RandomSeed,
    /// Downloaded packages and package lists.
    PackageCache,
    /// Names tied to the builder's network cards.
    NetworkNames,
}

impl Trace {
    fn wanted(self) -> &'static str {
        match self {
            Self::MachineId => "an empty /etc/machine-id, or one that says `uninitialized`",
            Self::CloudInitState => "no state of a cloud-init instance",
            Self::ShellHistories => "no shell history",
            Self::DhcpLeases => "no DHCP lease",
            Self::Logs => "no log entries",
            Self::RandomSeed => "no random seed",
            Self::PackageCache => "no downloaded packages or package lists",
            Self::NetworkNames => "no names tied to network cards",
        }
    }

    /// Paths whose presence is a trace: folders with patterns of names in them.
    fn places(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::MachineId => &[],
            Self::CloudInitState => &[("/var/lib/cloud", &["instance", "instances/*", "data/*", "sem/*"])],
            Self::ShellHistories => &[
                (
                    "/root",
                    &[
                        ".bash_history",
                        ".ash_history",
                        ".zsh_history",
                        ".python_history",
                        ".lesshst",
                        ".viminfo",
                    ],
                ),
                (
                    "/home/*",
                    &[
                        ".bash_history",
                        ".ash_history",
                        ".zsh_history",
                        ".python_history",
                        ".lesshst",
                        ".viminfo",
                    ],
                ),
            ],
            Self::DhcpLeases => &[
                ("/var/lib/dhcp", &["*.leases", "*.lease"]),
                ("/var/lib/dhclient", &["*.leases", "*.lease"]),
                ("/var/lib/dhcpcd", &["*.lease", "*.lease6"]),
                ("/var/lib/NetworkManager", &["*.lease", "timestamps", "seen-bssids", "secret_key"]),
                ("/run/systemd/netif/leases", &["*"]),
            ],
            Self::Logs => &[("/var/log", &["**"])],
            Self::RandomSeed => &[
                ("/var/lib/systemd", &["random-seed", "credential.secret"]),
                ("/var/lib/urandom", &["random-seed"]),
            ],
            Self::PackageCache => &[
                (
                    "/var/cache/apt",
                    &["archives/*.deb", "archives/partial/*", "pkgcache.bin", "srcpkgcache.bin"],
                ),
                ("/var/lib/apt/lists", &["*_Packages*", "*_InRelease", "*_Release", "*_Sources*"]),
                ("/var/cache/dnf", &["**"]),
                ("/var/cache/libdnf5", &["**"]),
                ("/var/cache/yum", &["**"]),
            ],
            Self::NetworkNames => &[("/etc/udev/rules.d", &["*persistent-net*", "*persistent-cd*"])],
        }
    }
}

/// How deep a pattern may look, and how many traces are listed at most.
const MAX_DEPTH: usize = 16;
const MAX_LISTED: usize = 20;

impl Kind for Hygiene {
    const SUMMARY: &'static str = "an image carries no identity and no traces of its making";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        self.trace.wanted().into()
    }

    fn subject(&self) -> String {
        self.trace.wanted().into()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        if look.nature == Nature::Instance {
            let reason = "this is a running instance, which has an identity of its own";
            return vec![Observation::not_applicable(plane, self.wanted(), reason)];
        }
        let seen = match self.trace {
            Trace::MachineId => machine_id(look.root, plane, self.wanted()),
            trace => traces(look.root, trace).map(|found| self.judge(plane, &found)),
        };
        seen.unwrap_or_else(|error| vec![Observation::error(plane, self.wanted(), error.to_string())])
    }
}

impl Hygiene {
    fn judge(&self, plane: Plane, found: &[String]) -> Vec<Observation> {
        if found.is_empty() {
            return vec![Observation::pass(plane, "none", self.wanted())];
        }
        let mut seen: Vec<Observation> = found
            .iter()
            .take(MAX_LISTED)
            .map(|path| {
                let reason = "left over from the machine that the image was made on";
                Observation::fail(plane, "there", self.wanted(), reason).at(Location::file(path))
            })
            .collect();
        if found.len() > MAX_LISTED {
            let rest = format!("{} more", found.len() - MAX_LISTED);
            seen.push(Observation::fail(plane, rest, self.wanted(), "too many to list"));
        }
        seen
    }
}

/// `/etc/machine-id` is empty or `uninitialized`; absent it is made anew as well, but on a root
/// that is first mounted read-only systemd can't write it, so an empty file is what is wanted.
/// D-Bus's own copy must be absent, or a link to it.
fn machine_id(root: Root<'_>, plane: Plane, wanted: String) -> Result<Vec<Observation>> {
    let path = "/etc/machine-id";
    let at = Location::line(path, 1);
    let reason = "every instance of this image would have the same id, and the same DHCP lease";
    let seen = match root.read_text(path)? {
        None => {
            let reason = "systemd can't make one at the first boot where the root is mounted read-only";
            Observation::fail(plane, "no such file", &wanted, reason).at(Location::file(path))
        }
        Some(text) if matches!(text.trim(), "" | "uninitialized") => {
            Observation::pass(plane, "empty", &wanted).at(at)
        }
        Some(_) => Observation::fail(plane, "an id", &wanted, reason).at(at),
    };
    let copy = "/var/lib/dbus/machine-id";
    let own = root.entry(copy)?.filter(|e| e.meta.kind == FileKind::File && e.meta.size > 0);
    let mut all = vec![seen];
    if own.is_some() {
        all.push(Observation::fail(plane, "an id of its own", wanted, reason).at(Location::file(copy)));
    }
    Ok(all)
}

fn traces(root: Root<'_>, trace: Trace) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (folder, patterns) in trace.places() {
        for folder in expand(root, folder)? {
            for pattern in *patterns {
                collect(root, folder.clone(), pattern, 0, &mut found)?;
            }
        }
    }
    if trace == Trace::CloudInitState {
        // Directories that packages ship are no state.
        found.retain(|p| !p.ends_with("/instances") && !p.ends_with("/sem"));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// A folder, or each folder in `/home` for `/home/*`.
fn expand(root: Root<'_>, folder: &str) -> Result<Vec<Vec<u8>>> {
    let Some(parent) = folder.strip_suffix("/*") else {
        return Ok(vec![folder.trim_start_matches('/').as_bytes().to_vec()]);
    };
    let parent = parent.trim_start_matches('/').as_bytes();
    Ok(root.read_dir(parent)?.into_iter().map(|e| [parent, b"/", &e.name].concat()).collect())
}

/// Adds what matches `pattern` below `folder`; `**` stands for every file with content at any depth.
fn collect(
    root: Root<'_>,
    folder: Vec<u8>,
    pattern: &str,
    depth: usize,
    found: &mut Vec<String>,
) -> Result<()> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    let (head, rest) = pattern.split_once('/').map_or((pattern, None), |(h, r)| (h, Some(r)));
    for entry in root.read_dir(&folder)? {
        let path = [&folder, b"/".as_slice(), &entry.name].concat();
        if head == "**" {
            match entry.meta.kind {
                FileKind::Directory => collect(root, path, pattern, depth + 1, found)?,
                FileKind::File if entry.meta.size > 0 => found.push(display(&path)),
                _ => {}
            }
        } else if wildcard(head, &entry.name) {
            match rest {
                Some(rest) => collect(root, path, rest, depth + 1, found)?,
                None if entry.meta.kind == FileKind::File && entry.meta.size == 0 => {}
                None => found.push(display(&path)),
            }
        }
    }
    Ok(())
}

/// Whether a name matches a pattern in which `*` stands for any text.
fn wildcard(pattern: &str, name: &[u8]) -> bool {
    let mut parts = pattern.split('*');
    let Some(first) = parts.next() else { return name.is_empty() };
    let Some(mut rest) = name.strip_prefix(first.as_bytes()) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.windows(part.len().max(1)).position(|w| w == part.as_bytes()) else {
            return part.is_empty();
        };
        rest = &rest[at + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last.as_bytes())
}
