//! The archives that apt has lists of: `Release` files and package lists in
//! `/var/lib/apt/lists`, and the upgrades that they would bring.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

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

/// One `Release` or `InRelease` file.
#[derive(Clone, Debug)]
pub struct Release {
    /// Its fields, without a component.
    pub archive: Archive,
    /// `Date:`, as written (RFC 1123): when the archive was made.
    pub date: Option<String>,
    /// `Valid-Until:`, as written.
    pub valid_until: Option<String>,
    /// The file.
    pub at: Location,
    /// Its name up to `InRelease`, which its package lists begin with.
    prefix: String,
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

/// All `InRelease` and `Release` files; of the two for one archive the former.
pub fn releases(root: Root<'_>) -> Result<Vec<Release>> {
    let mut releases: Vec<Release> = Vec::new();
    // `…_InRelease` sorts before `…_Release`.
    for entry in root.read_dir(LISTS)? {
        let Ok(name) = std::str::from_utf8(&entry.name) else {
            continue;
        };
        let Some(prefix) = name.strip_suffix("InRelease").or_else(|| name.strip_suffix("Release")) else {
            continue;
        };
        if !prefix.ends_with('_') || releases.iter().any(|r| r.prefix == prefix) {
            continue;
        }
        let path = format!("{LISTS}/{name}");
        let Some(text) = root.read_text(&path)? else {
            continue;
        };
        // A signed file begins with the signature's own header, a paragraph of its own.
        let fields = Paragraphs::new(text.as_bytes())
            .filter_map(std::result::Result::ok)
            .find(|p| p.get("Hash").is_none() || p.get("Codename").is_some())
            .unwrap_or_default();
        let field = |name: &str| fields.get(name).unwrap_or_default().to_owned();
        releases.push(Release {
            archive: Archive {
                origin: field("Origin"),
                label: field("Label"),
                suite: field("Suite"),
                codename: field("Codename"),
                component: String::new(),
                site: site(prefix),
            },
            date: fields.get("Date").map(str::to_owned),
            valid_until: fields.get("Valid-Until").map(str::to_owned),
            at: Location::file(display(path.as_bytes())),
            prefix: prefix.to_owned(),
        });
    }
    Ok(releases)
}

/// All package lists that belong to a [`Release`].
pub fn package_lists(root: Root<'_>) -> Result<Vec<PackageList>> {
    let releases = releases(root)?;
    let mut lists = Vec::new();
    for entry in root.read_dir(LISTS)? {
        let Ok(name) = std::str::from_utf8(&entry.name) else {
            continue;
        };
        let Some(release) = releases.iter().find(|r| name.starts_with(&r.prefix)) else {
            continue;
        };
        let rest = &name[release.prefix.len()..];
        let (component, architecture) = match rest.rsplit_once("_binary-") {
            Some((component, rest)) => match rest.split_once("_Packages") {
                Some((architecture, _)) => (component, architecture),
                None => continue,
            },
            // An archive without components and architectures.
            None if rest == "Packages" || rest.starts_with("Packages.") => ("", ""),
            None => continue,
        };
        lists.push(PackageList {
            archive: Archive { component: unquote(&component.replace('_', "/")), ..release.archive.clone() },
            architecture: architecture.to_owned(),
            path: format!("{LISTS}/{name}"),
        });
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
    installed: &Database,
    choose: impl Fn(&Archive) -> bool,
) -> Result<Option<Vec<Pending>>> {
    let lists = package_lists(root)?;
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

/// The host in a list's name, without its port.
fn site(prefix: &str) -> String {
    let host = unquote(prefix.split('_').next().unwrap_or_default());
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name.to_owned(),
        _ => host,
    }
}

/// Undoes apt's escapes in file names of lists (`%5f`).
fn unquote(name: &str) -> String {
    let mut parts = name.split('%');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                text.push(char::from(byte));
                text.push_str(&part[2..]);
            }
            None => {
                text.push('%');
                text.push_str(part);
            }
        }
    }
    text
}

#[cfg(test)]
mod tests;
