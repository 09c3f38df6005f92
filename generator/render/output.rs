//! `ironseed render -o DIR`: everything made of one plan, as plain files.
//!
//! Written beside the wanted name first and moved there whole, so that a full disk or a kill
//! leaves the old rendering or the new one, never half of one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::apply::{self, Carrier};
use super::{Bundle, manifest, packer, security_group, user_data};
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::plan::Plan;

/// Marks a directory as ours: only such a one is replaced.
const MARK: &str = "manifest.json";

/// The files of a rendering: path below the directory, mode, content.
///
/// # Errors
/// A template that fails.
pub fn files(
    plan: &Plan,
    bundle: &Bundle,
    assets: &Assets,
) -> Result<Vec<(PathBuf, u32, Vec<u8>)>, ConfigError> {
    let mut files: Vec<(PathBuf, u32, Vec<u8>)> = (bundle.files.values())
        .map(|f| {
            (Path::new("files").join(f.path.trim_start_matches('/')), f.mode, f.content.clone().into_bytes())
        })
        .collect();
    let script = apply::script(plan, bundle, Carrier::Itself, assets)?;
    files.push(("apply.sh".into(), 0o755, script.into_bytes()));
    let text = user_data::render(plan, bundle, &[], assets)?;
    files.push(("user-data".into(), 0o644, text.into_bytes()));
    let manifest = manifest::of(plan, bundle)?;
    files.push((MARK.into(), 0o644, manifest.into_bytes()));
    let packer = packer::template(plan, assets)?;
    files.push(("image.pkr.hcl".into(), 0o644, packer.into_bytes()));
    files.push(("security-group.yaml".into(), 0o644, security_group::heat(plan)?.into_bytes()));
    let plan_json = serde_json::to_string_pretty(plan).map_err(|e| ConfigError::plain(e.to_string()))?;
    files.push(("plan.json".into(), 0o644, (plan_json + "\n").into_bytes()));
    files.sort();
    Ok(files)
}

/// Writes a rendering and returns its files, relative to `directory`.
///
/// # Errors
/// `directory` exists and is no rendering, or can't be written.
pub fn write(
    plan: &Plan,
    bundle: &Bundle,
    assets: &Assets,
    directory: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let exists = directory.exists();
    let is_empty = || directory.read_dir().is_ok_and(|mut entries| entries.next().is_none());
    if exists && !directory.join(MARK).is_file() && !is_empty() {
        anyhow::bail!(
            "{} exists and is no earlier rendering, so it is left alone; name another directory",
            directory.display()
        );
    }
    let files = files(plan, bundle, assets)?;
    let parent = match directory.parent() {
        Some(p) if !p.as_os_str().is_empty() => p,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent)?;
    let staging = tempfile::Builder::new().prefix(".ironseed-render-").tempdir_in(parent)?;
    let fresh = staging.path().join("new");
    for (path, mode, content) in &files {
        let path = fresh.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(*mode))?;
    }
    if exists {
        fs::rename(directory, staging.path().join("old"))?;
    }
    fs::rename(&fresh, directory)?;
    Ok(files.into_iter().map(|(path, ..)| path).collect())
}
