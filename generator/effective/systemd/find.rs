//! From a name to the unit that it means: links, aliases, templates, and the drop-ins beside.

use std::collections::BTreeMap;

use super::Units;
use super::lookup::{self, Directory, File};
use super::name::{self, Kind};
use crate::target::{FileKind, Result, TargetError, display};

/// Links followed from one name to the next before it counts as a loop, as in systemd.
const MAX_FOLLOWED: usize = 64;

/// A unit found: its name after aliases, its file and whether that masks it.
pub(super) struct Found {
    pub name: String,
    pub path: String,
    pub masked: bool,
}

/// Why none was found.
pub(super) enum Missing {
    NotFound,
    Broken,
}

/// Who looks for a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    /// `systemctl`, which stops at a link that it refuses.
    Systemctl,
    /// The manager, which ignores such a link and takes the next directory's file.
    Manager,
}

/// What one path holds.
enum Load {
    Absent,
    Masked,
    Regular,
    /// A link to this path inside the unit directories.
    Alias(String),
    /// A link to this path outside of them.
    Linked(String),
    Broken,
}

impl Units<'_> {
    /// Looks a name up and follows links to the unit that it means.
    pub(super) fn find(&self, unit: &str, reader: Reader) -> Result<std::result::Result<Found, Missing>> {
        let Some(unit_type) = name::unit_type(unit) else { return Ok(Err(Missing::Broken)) };
        if name::kind(unit) != Some(Kind::Plain) && !name::can_be_template(unit_type) {
            return Ok(Err(Missing::Broken));
        }
        let mut name = unit.to_owned();
        let (mut path, mut load) = match self.search(&name, reader)? {
            Some(first) => first,
            None => return Ok(Err(Missing::NotFound)),
        };
        for _ in 0..MAX_FOLLOWED {
            let (target, renamed) = match load {
                Load::Absent => return Ok(Err(Missing::NotFound)),
                Load::Broken => return Ok(Err(Missing::Broken)),
                Load::Masked => return Ok(Ok(Found { name, path, masked: true })),
                Load::Regular => return Ok(Ok(Found { name, path, masked: false })),
                Load::Linked(target) => (target, None),
                Load::Alias(target) => {
                    let renamed = renamed(&name, name::base(&target));
                    (target, renamed)
                }
            };
            match renamed {
                None => {
                    load = self.load(&target)?;
                    path = target;
                }
                Some(new) => match self.search(&new, reader)? {
                    Some(next) => {
                        name = new;
                        (path, load) = next;
                    }
                    None => return Ok(Err(Missing::Broken)),
                },
            }
        }
        Ok(Err(Missing::Broken))
    }

    /// The strongest file or link of a name, written as [`super::Unit::fragment`] is.
    pub fn place(&self, unit: &str) -> Option<String> {
        let directory = self.directories.iter().find(|directory| directory.units.contains_key(unit))?;
        Some(display(format!("{}/{unit}", directory.path).as_bytes()))
    }

    /// The strongest file of a name, or for an instance else of its template.
    fn search(&self, unit: &str, reader: Reader) -> Result<Option<(String, Load)>> {
        for name in std::iter::once(unit.to_owned()).chain(name::template(unit)) {
            for directory in &self.directories {
                if directory.units.contains_key(&name) {
                    let path = format!("{}/{name}", directory.path);
                    let load = self.load(&path)?;
                    if reader == Reader::Systemctl || !matches!(load, Load::Broken) {
                        return Ok(Some((path, load)));
                    }
                }
            }
        }
        Ok(None)
    }

    fn load(&self, path: &str) -> Result<Load> {
        if self.generated.contains(path) {
            return Ok(Load::Regular);
        }
        let Some(entry) = self.root.entry(path)? else { return Ok(Load::Absent) };
        match entry.meta.kind {
            FileKind::File if entry.meta.size == 0 => return Ok(Load::Masked),
            FileKind::File => return Ok(Load::Regular),
            FileKind::Special => return Ok(Load::Masked),
            FileKind::Directory => return Ok(Load::Broken),
            FileKind::Symlink => {}
        }
        let text = self.root.tree().read_link(&entry.path)?;
        let at = String::from_utf8_lossy(&entry.path);
        let target = lookup::link_target(self.root, &at, &String::from_utf8_lossy(&text))?;
        if target == "dev/null" {
            return Ok(Load::Masked);
        }
        let inside = self.directories.iter().any(|d| is_directly_in(&target, &d.path));
        if inside && !name::may_alias(name::base(path), name::base(&target)) {
            return Ok(Load::Broken);
        }
        Ok(if inside { Load::Alias(target) } else { Load::Linked(target) })
    }

    /// Drop-ins of these directories by file name; of equal names the first directory's counts. A
    /// link to `/dev/null` is kept, as one without content: it shadows the others.
    pub(super) fn drop_ins<'d>(
        &self,
        directories: impl Iterator<Item = (&'d Directory, String)>,
    ) -> Result<Vec<String>> {
        let mut paths: BTreeMap<&str, String> = BTreeMap::new();
        for (directory, sub) in directories {
            for (name, file) in directory.subdirectories.get(&sub).into_iter().flatten() {
                if !name.ends_with(".conf") || name.starts_with('.') || paths.contains_key(name.as_str()) {
                    continue;
                }
                let path = format!("{}/{sub}/{name}", directory.path);
                let counts = match file {
                    File::Regular | File::Empty => true,
                    File::Link(text) if text == "/dev/null" => true,
                    File::Link(_) => match self.root.resolve(&path) {
                        Err(TargetError::LinkLoop { .. }) => false,
                        end => end?.is_some_and(|end| end.meta.kind == FileKind::File),
                    },
                    File::Other => false,
                };
                if counts {
                    paths.insert(name, path);
                }
            }
        }
        Ok(paths.into_values().collect())
    }
}

/// The name an alias leads to; `None` where the link stands for the same unit.
fn renamed(name: &str, target: &str) -> Option<String> {
    let (_, instance, _) = name::parts(name);
    let target = match (name::kind(name), name::kind(target)) {
        (Some(Kind::Instance), Some(Kind::Template)) => {
            name::instantiate(target, instance.unwrap_or_default())
        }
        _ => target.to_owned(),
    };
    (target != name).then_some(target)
}

/// Whether a path stands right in a directory.
pub(super) fn is_directly_in(path: &str, directory: &str) -> bool {
    path.rsplit_once('/').is_some_and(|(parent, _)| parent == directory)
}
