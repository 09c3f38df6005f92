//! The archives that apt has lists of: `Release` files and package lists in
//! `/var/lib/apt/lists`, and the upgrades that they would bring.
//!
//! Only lists of configured sources count, as to apt. A list without a `Release` file is one of an
//! archive of which nothing is known.

mod fields;
mod place;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

use self::fields::Fields;
use self::place::Place;
use super::Sources;
use crate::effective::deb822::{Paragraph, Paragraphs};
use crate::effective::dpkg::{self, Database};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root, TargetError, display};

/// Where apt keeps its lists.
const LISTS: &str = "var/lib/apt/lists";
/// Longest package list read, in bytes after decompression.
const MAX_LIST_BYTES: u64 = 512 << 20;

/// An archive as apt knows it, for pinning and for unattended-upgrades. What the `Release` file
/// doesn't say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Archive {
    /// `Origin:` (`o=` of `apt-cache policy`).
    pub origin: String,
    /// `Label:` (`l=`).
    pub label: String,
    /// `Suite:` (`a=`).
    pub suite: String,
    /// `Codename:` (`n=`).
    pub codename: String,
    /// The component (`c=`), such as `main`.
    pub component: String,
    /// Host that it comes from.
    pub site: String,
}

/// A package list.
#[derive(Clone, Debug)]
pub struct PackageList {
    /// Where its packages come from.
    pub archive: Archive,
    /// Architecture (`amd64`, `all`); empty where the archive has no parts.
    pub architecture: String,
    /// The file's path inside the target, without a leading `/`.
    pub path: String,
}

/// An installed package of which a list offers a newer version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Name.
    pub package: String,
    /// Architecture.
    pub architecture: String,
    /// Installed version.
    pub installed: String,
    /// Newest version of the lists looked at, and the list's paragraph.
    pub candidate: Sourced<String>,
}

/// What the `InRelease` file of a place says, or its `Release`; nothing but the place's site where there is neither.
fn release(root: Root<'_>, place: &Place<'_>) -> Result<Archive> {
    for name in ["InRelease", "Release"] {
        let Some(text) = root.read_text(format!("{LISTS}/{}{name}", place.prefix))? else { continue };
        let fields = Fields::of(&text);
        return Ok(Archive {
            origin: fields.get("Origin"),
            label: fields.get("Label"),
            suite: fields.get("Suite"),
            codename: fields.get("Codename"),
            component: String::new(),
            site: place.site.clone(),
        });
    }
    Ok(Archive { site: place.site.clone(), ..Archive::default() })
}

/// All package lists of the sources that are on. What is left of others, apt does not look at.
///
/// # Errors
/// A file that can't be read.
pub fn package_lists(root: Root<'_>, sources: &Sources) -> Result<Vec<PackageList>> {
    let names: Vec<String> =
        root.read_dir(LISTS)?.into_iter().filter_map(|entry| String::from_utf8(entry.name).ok()).collect();
    let mut lists: Vec<PackageList> = Vec::new();
    for place in place::all(sources) {
        let archive = release(root, &place)?;
        for name in &names {
            let Some((component, architecture)) = place.list(name) else { continue };
            let path = format!("{LISTS}/{name}");
            if lists.iter().all(|list| list.path != path) {
                let archive = Archive { component: component.to_owned(), ..archive.clone() };
                lists.push(PackageList { archive, architecture: architecture.to_owned(), path });
            }
        }
    }
    Ok(lists)
}

/// Installed packages of which the chosen archives hold a newer version, by name. `None` where
/// there is no list of a chosen archive: then nobody can say.
///
/// It compares versions alone: pins, holds and dependencies may keep one of them back.
///
/// # Errors
/// A list that can't be read, or is compressed by something other than gzip.
pub fn pending_upgrades(
    root: Root<'_>,
    sources: &Sources,
    installed: &Database,
    choose: impl Fn(&Archive) -> bool,
) -> Result<Option<Vec<Pending>>> {
    let lists = package_lists(root, sources)?;
    let chosen: Vec<&PackageList> = lists.iter().filter(|l| choose(&l.archive)).collect();
    if chosen.is_empty() {
        return Ok(None);
    }
    let mut newest: HashMap<(String, String), Sourced<String>> = HashMap::new();
    for list in chosen {
        for paragraph in read_list(root, &list.path)? {
            let paragraph = paragraph.map_err(|e| TargetError::io(list.path.clone(), e))?;
            offer(&paragraph, list, installed, &mut newest);
        }
    }
    let mut pending: Vec<Pending> = Vec::new();
    for package in installed.installed() {
        let key = (package.name.clone(), package.architecture.clone());
        if let Some(candidate) = newest.remove(&key) {
            pending.push(Pending {
                package: key.0,
                architecture: key.1,
                installed: package.version.clone(),
                candidate,
            });
        }
    }
    pending.sort_by(|a, b| (&a.package, &a.architecture).cmp(&(&b.package, &b.architecture)));
    Ok(Some(pending))
}

/// Keeps a list's version where it is newer than the installed one and those seen so far.
fn offer(
    paragraph: &Paragraph,
    list: &PackageList,
    installed: &Database,
    newest: &mut HashMap<(String, String), Sourced<String>>,
) {
    let (Some(name), Some(version)) = (paragraph.get("Package"), paragraph.get("Version")) else {
        return;
    };
    let architecture = paragraph.get("Architecture").unwrap_or(&list.architecture);
    for package in installed.all(name).filter(|p| p.is_installed()) {
        // A package may turn from one architecture to `all` and back between versions.
        let fits =
            architecture == package.architecture || architecture == "all" || package.architecture == "all";
        let key = (package.name.clone(), package.architecture.clone());
        let best = newest.get(&key).map_or(&package.version, |n| &n.value);
        if fits && dpkg::compare_versions(version, best).is_gt() {
            let at = Location::line(display(list.path.as_bytes()), paragraph.line);
            newest.insert(key, Sourced::new(version.to_owned(), at));
        }
    }
}

fn read_list<'r>(root: Root<'r>, path: &str) -> Result<Paragraphs<Box<dyn BufRead + 'r>>> {
    let missing = || TargetError::Corrupt(format!("{}: vanished", display(path.as_bytes())));
    let link = root.resolve(path)?.ok_or_else(missing)?;
    let file = root.tree().open(&link.path)?;
    let reader: Box<dyn Read + 'r> = if path.ends_with("_Packages") {
        file
    } else if path.ends_with(".gz") {
        Box::new(flate2::read::MultiGzDecoder::new(file))
    } else {
        let what = format!("{}: compression not supported", display(path.as_bytes()));
        return Err(TargetError::Unsupported(what));
    };
    Ok(Paragraphs::new(Box::new(BufReader::new(reader.take(MAX_LIST_BYTES)))))
}

#[cfg(test)]
mod tests;
