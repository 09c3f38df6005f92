//! A directory as a store of published images:
//!
//! ```text
//! DIR/nectar-base-debian-12/
//!     4f0c…/            one build: image, SHA256SUMS, report.json, manifest.json
//!     current -> 4f0c…  the published one
//! ```
//!
//! A build is written under a dotted name, flushed and renamed whole; then `current` is replaced
//! in one step. A kill at any moment leaves the old state or the new one.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Passed;
use crate::hash;

/// Prefix of what is not finished yet; a later run removes it.
const STAGING: &str = ".ironseed-publish-";

/// What a build's `manifest.json` says.
#[derive(Serialize)]
struct Manifest<'a> {
    version: u32,
    image: &'a str,
    sha256: &'a str,
    size: u64,
    plan: &'a crate::report::PlanReport,
    report_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'a crate::build::BaseRecord>,
    openstack: &'a std::collections::BTreeMap<String, String>,
}

/// Publishes an image that passed, and returns the build's directory.
///
/// # Errors
/// The store can't be written, or the image changed while it was copied: the store stays as it was.
pub fn publish(
    passed: &Passed,
    properties: &std::collections::BTreeMap<String, String>,
    store: &Path,
) -> anyhow::Result<PathBuf> {
    let plan = &passed.report().plan;
    let name = format!("{}-{}", plan.profile, plan.distro);
    if name.contains('/') || name.starts_with('.') {
        bail!("`{name}` can't be a directory's name; rename the profile");
    }
    let folder = store.join(&name);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    remove_stale(&folder)?;
    let build = folder.join(passed.sha256());
    if !build.is_dir() {
        let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(&folder)?;
        fill(passed, properties, &name, staging.path())?;
        sync(staging.path())?;
        fs::rename(staging.path(), &build).with_context(|| build.display().to_string())?;
    }
    sync(&folder)?;
    let link = folder.join(format!("{STAGING}current"));
    symlink(passed.sha256(), &link)?;
    fs::rename(&link, folder.join("current"))?;
    sync(&folder)?;
    Ok(build)
}

fn fill(
    passed: &Passed,
    properties: &std::collections::BTreeMap<String, String>,
    name: &str,
    staging: &Path,
) -> anyhow::Result<()> {
    let extension = passed.path().extension().and_then(|e| e.to_str()).unwrap_or("img");
    let image = format!("{name}.{extension}");
    let (size, sha256) = copy(passed.image(), &staging.join(&image))?;
    if sha256 != passed.sha256() {
        bail!("{} changed while it was copied: nothing was published", passed.path().display());
    }
    let report = passed.report().to_json()?;
    let report_sha256 = hash::bytes(report.as_bytes());
    let manifest = Manifest {
        version: 1,
        image: &image,
        sha256: &sha256,
        size,
        plan: &passed.report().plan,
        report_sha256: report_sha256.clone(),
        base: passed.report().target.base.as_ref(),
        openstack: properties,
    };
    let manifest = serde_json::to_string_pretty(&manifest)? + "\n";
    let sums = format!(
        "{sha256}  {image}\n{report_sha256}  report.json\n{}  manifest.json\n",
        hash::bytes(manifest.as_bytes())
    );
    write(&staging.join("report.json"), &report)?;
    write(&staging.join("manifest.json"), &manifest)?;
    write(&staging.join("SHA256SUMS"), &sums)
}

/// Copies an open file and hashes what was copied: the published bytes are the hashed ones.
fn copy(mut from: &File, to: &Path) -> anyhow::Result<(u64, String)> {
    from.seek(SeekFrom::Start(0))?;
    let mut out = File::create_new(to)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut size = 0;
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        out.write_all(&buffer[..n]).with_context(|| to.display().to_string())?;
        size += n as u64;
    }
    out.sync_all()?;
    Ok((size, hash::hex(&hasher.finalize())))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(text.as_bytes()).with_context(|| path.display().to_string())?;
    file.sync_all()?;
    Ok(())
}

/// Flushes a directory's entries to disk.
fn sync(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Removes what a killed run left behind.
fn remove_stale(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(STAGING) {
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}
