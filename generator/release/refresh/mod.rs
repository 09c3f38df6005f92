//! Bringing the dates in release files up to what trackers say, without touching anything else.
//!
//! A file's own source sets its dates. Any other tracker that names another end of life is noted
//! beside it, never in its place: people decide which one counts.

mod claims;
mod edit;

pub use claims::{Claim, distro_info, endoflife};
pub use edit::LineChange;

use std::path::{Path, PathBuf};

use edit::Editor;

use super::{Document, Release};
use crate::assets::{self, Assets};
use crate::diagnostic::ConfigError;

/// A file whose dates change.
#[derive(Clone, Debug)]
pub struct Refreshed {
    /// The file.
    pub path: PathBuf,
    /// Its text with the new dates.
    pub text: String,
    /// What changes in it.
    pub changes: Vec<LineChange>,
}

/// What claims change in the release files below `directory`, which `assets` reads too.
///
/// # Errors
/// A broken file, or one whose layout has no place for a date.
pub fn refresh(directory: &Path, assets: &Assets, claims: &[Claim]) -> Result<Vec<Refreshed>, ConfigError> {
    let mut refreshed = Vec::new();
    for release in super::all(assets)? {
        let path = directory.join(format!("images/{}.yaml", release.id));
        let about: Vec<&Claim> = claims.iter().filter(|c| c.is_about(&release)).collect();
        if about.is_empty() || !path.is_file() {
            continue;
        }
        let before = assets::read(&path)?;
        let mut editor = Editor::new(&before.text);
        let wanted = apply(&release, &about, &mut editor);
        let (text, changes) = editor.finish();
        let after = Document::parse(crate::yaml::Source { name: before.name, text: text.clone() }, assets)?;
        if after.release()?.lifecycle != wanted.lifecycle {
            return Err(ConfigError::plain(format!(
                "{}: its dates don't stand on lines of their own, one `key: \"date\"` each below `lifecycle:`",
                path.display()
            )));
        }
        if !changes.is_empty() {
            refreshed.push(Refreshed { path, text, changes });
        }
    }
    Ok(refreshed)
}

/// Edits what claims change, and returns the release as it is afterwards.
fn apply(release: &Release, claims: &[&Claim], editor: &mut Editor) -> Release {
    let mut wanted = release.clone();
    let lifecycle = &mut wanted.lifecycle;
    let counts = lifecycle.extended_support_counts;
    for claim in claims {
        let Some(end_of_life) = claim.end_of_life(counts) else { continue };
        if claim.source == lifecycle.source {
            let released = claim.released.unwrap_or(lifecycle.released);
            let end_of_support = claim.end_of_support(counts).unwrap_or(lifecycle.end_of_support);
            for (key, date, into) in [
                ("released", released, &mut lifecycle.released),
                ("end_of_support", end_of_support, &mut lifecycle.end_of_support),
                ("end_of_life", end_of_life, &mut lifecycle.end_of_life),
            ] {
                if *into != date {
                    *into = date;
                    editor.set(key, date);
                }
            }
        }
    }
    for claim in claims.iter().filter(|c| c.source != release.lifecycle.source) {
        let Some(end_of_life) = claim.end_of_life(counts) else { continue };
        match lifecycle.others.iter_mut().find(|o| o.source == claim.source) {
            Some(other) if other.end_of_life == end_of_life => continue,
            Some(other) => other.end_of_life = end_of_life,
            None if lifecycle.end_of_life == end_of_life => continue,
            None => lifecycle
                .others
                .insert(0, super::OtherSource { source: claim.source.to_owned(), end_of_life }),
        }
        editor.other(claim.source, end_of_life);
    }
    wanted
}

#[cfg(test)]
mod tests;
