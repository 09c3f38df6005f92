//! Finding a release's facts: by id, by file, by what a system says of itself, and all there are.

use jiff::civil::Date;
use serde_json::Value;

use super::Distro;
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::effective::os_release;
use crate::release::{self, Document, Lifecycle, Release};

/// Loads a release by built-in id, or from the user's own file where `id` is a path.
///
/// # Errors
/// A missing or broken file, a family that extends itself, or a release that is known only.
pub fn load(id: &str, assets: &Assets) -> Result<Distro, ConfigError> {
    of(&Document::open(id, assets)?)
}

/// The facts of a release's file.
fn of(document: &Document) -> Result<Distro, ConfigError> {
    let release = document.release()?;
    if release.known_only {
        let Lifecycle { end_of_life, way_up, .. } = release.lifecycle;
        return Err(ConfigError::plain(format!(
            "{} is known by its dates alone: nothing can be rendered for it (its support ends {end_of_life}; {way_up})",
            release.title
        )));
    }
    serde_path_to_error::deserialize(document.facts().clone()).map_err(|e| {
        let name = &document.name;
        ConfigError::plain(format!("{name} (with what it extends): at `{}`: {}", e.path(), e.inner()))
    })
}

/// Ids of the built-in releases that can be rendered.
///
/// # Errors
/// A broken file.
pub fn ids(assets: &Assets) -> Result<Vec<String>, ConfigError> {
    Ok(release::all(assets)?.into_iter().filter(|r| !r.known_only).map(|r| r.id).collect())
}

/// Ids of those that still get security updates on a day.
///
/// # Errors
/// A broken file.
pub fn supported(assets: &Assets, day: Date) -> Result<Vec<String>, ConfigError> {
    let supported = |r: &Release| !r.known_only && !r.lifecycle.on(day).is_past();
    Ok(release::all(assets)?.into_iter().filter(supported).map(|r| r.id).collect())
}

/// Every built-in release that can be rendered.
///
/// # Errors
/// A broken file.
pub fn all(assets: &Assets) -> Result<Vec<Distro>, ConfigError> {
    let known_only = |d: &&Document| d.facts().get("known_only").and_then(Value::as_bool) == Some(true);
    release::documents(assets)?.iter().filter(|d| !known_only(d)).map(of).collect()
}

/// The release that is meant where none is named.
///
/// # Errors
/// A broken file, or none that says so.
pub fn usual(assets: &Assets) -> Result<Distro, ConfigError> {
    let says_so = |d: &&Document| d.facts().get("usual").and_then(Value::as_bool) == Some(true);
    match release::documents(assets)?.iter().find(says_so) {
        Some(document) => of(document),
        None => Err(ConfigError::plain("no file in images/ says `usual: true`; name a distribution with -d")),
    }
}

/// The built-in release that a system's own description names, if there is one.
///
/// # Errors
/// A broken file, or a release that is known only.
pub fn of_system(found: &os_release::OsRelease, assets: &Assets) -> Result<Option<Distro>, ConfigError> {
    match release::of_system(found, assets)? {
        Some(release) => load(&release.id, assets).map(Some),
        None => Ok(None),
    }
}
