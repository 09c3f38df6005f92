//! What is installed, in the words of a bill of materials.

use super::purl::purl;
use crate::effective::{dpkg, os_release, rpm};
use crate::target::{Result, Root, TargetError};

/// The system and its packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The distribution, by its own word.
    pub system: System,
    /// Its packages, by name, version and architecture.
    pub components: Vec<Component>,
}

/// A distribution, as os-release names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct System {
    /// `ID`.
    pub id: String,
    /// `VERSION_ID`; empty where there is none.
    pub version: String,
    /// `PRETTY_NAME`, or the id.
    pub title: String,
}

/// One installed package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Name.
    pub name: String,
    /// Version as the package manager writes it, with epoch and release.
    pub version: String,
    /// Architecture.
    pub architecture: String,
    /// Its package URL.
    pub purl: String,
    /// The source package that it was built from.
    pub source: Source,
    /// Who packaged it: a name, with an address in `<>` where there is one.
    pub supplier: Option<String>,
    /// Licence in the packager's words, where the database keeps it (rpm's does).
    pub licence: Option<String>,
    /// rpm's module build that it belongs to.
    pub module: Option<String>,
}

/// A source package.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// By name and version.
    Named {
        /// Name.
        name: String,
        /// Version.
        version: String,
    },
    /// By the file that holds it.
    File(String),
    /// The database doesn't say.
    Unknown,
}

impl Inventory {
    /// Reads a target's.
    ///
    /// # Errors
    /// What can't be read; a target without os-release or without a package database: an empty bill
    /// would say that nothing is installed.
    pub fn read(root: Root<'_>) -> Result<Self> {
        let missing = |what: &str| {
            TargetError::Corrupt(format!("there is no {what}, so there is no bill of materials"))
        };
        let release = os_release::read(root)?.ok_or_else(|| missing("/etc/os-release"))?;
        let text = |key| release.get(key).map(|value| value.value.clone());
        let system = System {
            id: release.id().to_owned(),
            version: release.version_id().unwrap_or_default().to_owned(),
            title: text("PRETTY_NAME").unwrap_or_else(|| release.id().to_owned()),
        };
        let (dpkg, rpm) = (dpkg::Database::read(root)?, rpm::Database::read(root)?);
        if dpkg.is_none() && rpm.is_none() {
            return Err(missing("package database"));
        }
        // A system may have both: whoever installed a package, it is there.
        let debs = dpkg.iter().flat_map(|database| database.entries());
        let mut components: Vec<Component> =
            debs.filter(|package| package.has_files()).map(|package| of_dpkg(package, &system)).collect();
        // rpm keeps public keys as packages; they alone have no architecture.
        let rpms = rpm.iter().flat_map(|database| database.installed());
        components.extend(
            rpms.filter(|package| !package.architecture.is_empty()).map(|package| of_rpm(package, &system)),
        );
        components.sort();
        Ok(Self { system, components })
    }
}

impl System {
    /// `debian-12`, as scanners name a distribution in package URLs.
    fn short(&self) -> String {
        match self.version.as_str() {
            "" => self.id.clone(),
            version => format!("{}-{version}", self.id),
        }
    }
}

/// By the type `deb` of package URLs. `upstream` is where scanners look for the source package, which advisories are about.
fn of_dpkg(package: &dpkg::Package, system: &System) -> Component {
    let (name, version) = match package.source.as_deref().and_then(|s| s.split_once('(')) {
        Some((name, version)) => (name.trim(), version.trim_end_matches(')').trim()),
        None => (package.source.as_deref().unwrap_or(&package.name), package.version.as_str()),
    };
    let upstream = match (name == package.name, version == package.version) {
        (true, true) => String::new(),
        (_, true) => name.to_owned(),
        (_, false) => format!("{name}@{version}"),
    };
    let qualifiers =
        [("arch", package.architecture.as_str()), ("distro", &system.short()), ("upstream", &upstream)];
    Component {
        name: package.name.clone(),
        version: package.version.clone(),
        architecture: package.architecture.clone(),
        purl: purl("deb", &system.id, &package.name, &package.version, &qualifiers),
        source: Source::Named { name: name.to_owned(), version: version.to_owned() },
        supplier: package.maintainer.clone(),
        licence: None,
        module: None,
    }
}

/// By the type `rpm` of package URLs: the epoch is a qualifier there, and no part of the version.
fn of_rpm(package: &rpm::Package, system: &System) -> Component {
    let epoch = package.version.epoch.map(|epoch| epoch.to_string()).unwrap_or_default();
    let version = format!("{}-{}", package.version.version, package.version.release);
    let qualifiers = [
        ("arch", package.architecture.as_str()),
        ("distro", &system.short()),
        ("epoch", &epoch),
        ("upstream", package.source.as_deref().unwrap_or_default()),
    ];
    Component {
        name: package.name.clone(),
        version: package.version.to_string(),
        architecture: package.architecture.clone(),
        purl: purl("rpm", &system.id, &package.name, &version, &qualifiers),
        source: package.source.clone().map_or(Source::Unknown, Source::File),
        supplier: package.vendor.clone(),
        licence: package.licence.clone(),
        module: package.module.clone(),
    }
}
