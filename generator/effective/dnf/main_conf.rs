//! `dnf.conf` and the repositories: what may be installed from where, and whether it is checked.

use super::{Ini, Problem, boolean};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root, display};

/// dnf's file.
pub const DNF_CONF: &str = "/etc/dnf/dnf.conf";
/// yum's, before dnf: the options that are read here mean the same in it.
pub const YUM_CONF: &str = "/etc/yum.conf";
/// Directories of `.repo` files (`reposdir`'s default).
const DIRECTORIES: [&str; 3] = ["/etc/yum.repos.d", "/etc/yum/repos.d", "/etc/distro.repos.d"];
/// More files than any real machine has; the rest is not read, and said to be.
const MAX_FILES: usize = 1_000;

/// The section `main`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MainConf {
    /// The file.
    pub path: &'static str,
    /// Whether packages of a repository must be signed, unless it says otherwise.
    pub gpgcheck: Sourced<bool>,
    /// Whether a repository is used, unless it says otherwise.
    pub enabled: Sourced<bool>,
    /// Packages that are never installed or updated, as patterns.
    pub excludes: Option<Sourced<Vec<String>>>,
}

/// One repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// Its id: the section's name.
    pub id: String,
    /// Whether it is used.
    pub enabled: Sourced<bool>,
    /// Whether its packages must be signed.
    pub gpgcheck: Sourced<bool>,
}

/// Reads `dnf.conf`; all defaults where there is none. The inner `Err` says why dnf ends at once.
///
/// # Errors
/// A target that can't be read.
pub fn main_conf(root: &Root<'_>, path: &'static str) -> Result<std::result::Result<MainConf, Problem>> {
    let ini = match root.read_text(path)?.map(|text| Ini::parse(path, &text)) {
        Some(Ok(ini)) => ini,
        Some(Err(problem)) => return Ok(Err(problem)),
        None => Ini::default(),
    };
    let unset = |default: bool| Sourced::new(default, Location::file(path));
    Ok(Ok(MainConf {
        path,
        gpgcheck: flag(&ini, "main", "gpgcheck").unwrap_or_else(|| unset(false)),
        enabled: flag(&ini, "main", "enabled").unwrap_or_else(|| unset(true)),
        excludes: excludes(&ini, "main"),
    }))
}

/// Two names for one list: each adds to it, and clears it first where its value begins without a
/// word (`optionTListAppend`).
pub(super) fn excludes(ini: &Ini, section: &str) -> Option<Sourced<Vec<String>>> {
    let mut list: Option<Sourced<Vec<String>>> = None;
    for found in ini.in_order(section, &["exclude", "excludepkgs"]) {
        let text = if found.value == "None" { "" } else { found.value.as_str() };
        let mut words: Vec<String> = list.take().map_or_else(Vec::new, |list| list.value);
        if text.is_empty() || text.starts_with([' ', ',', '\n']) {
            words.clear();
        }
        let new = text.split([' ', ',', '\n']).filter(|word| !word.is_empty());
        words.extend(new.map(str::to_owned));
        list = Some(Sourced::new(words, found.at.clone()));
    }
    list
}

/// Reads every repository: the sections of `.repo` files, and those of `dnf.conf` beside `main`.
/// A file that can't be parsed is left out by dnf: it is among the problems. Of two with one id
/// the first counts.
///
/// # Errors
/// A target that can't be read.
pub fn repositories(root: &Root<'_>, main: &MainConf) -> Result<(Vec<Repository>, Vec<Problem>)> {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut paths = vec![main.path.to_owned()];
    for directory in DIRECTORIES {
        let names = root.read_dir(directory)?.into_iter().map(|entry| display(&entry.name));
        paths.extend(names.filter(|name| name.ends_with(".repo")).map(|name| format!("{directory}/{name}")));
    }
    for path in paths.iter().take(MAX_FILES) {
        let Some(text) = root.read_text(path)? else { continue };
        let ini = match Ini::parse(path, &text) {
            Ok(ini) => ini,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        found.extend(ini.sections().filter(|id| is_id(id)).map(|id| Repository {
            id: id.to_owned(),
            enabled: flag(&ini, id, "enabled").unwrap_or_else(|| main.enabled.clone()),
            gpgcheck: flag(&ini, id, "gpgcheck").unwrap_or_else(|| main.gpgcheck.clone()),
        }));
    }
    if let Some(path) = paths.get(MAX_FILES) {
        problems.push(Problem::new("more files than are read".to_owned(), Location::file(path.clone())));
    }
    Ok((found, problems))
}

/// Whether a section stands for a repository (`repo_id_invalid`).
fn is_id(section: &str) -> bool {
    section != "main" && section.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}

/// A switch, where the file has a good value for it: dnf passes over a bad one.
fn flag(ini: &Ini, section: &str, name: &str) -> Option<Sourced<bool>> {
    let found = ini.get(section, name)?;
    Some(Sourced::new(boolean(&found.value)?, found.at.clone()))
}
