//! A directory as a store of published images:
//!
//! ```text
//! DIR/nectar-base-debian-12/
//!     4f0c…/            one build: image, report, manifest, bills of materials, signed statements,
//!                       SHA256SUMS; .facts/ and .tags/ for pipelines that read those
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
use rustix::fs::{CWD, RenameFlags, renameat_with};
use sha2::{Digest, Sha256};

use super::{Evidence, Passed, Properties, evidence};
use crate::hash;

/// Prefix of what is not finished yet; a later run removes it.
const STAGING: &str = ".ironseed-publish-";

/// Publishes an image that passed with what goes beside it, and returns the build's directory.
///
/// A build is known by its image: published again, it gets the newer evidence.
///
/// # Errors
/// The store can't be written, or the image changed while it was copied: the store stays as it was.
pub fn publish(
    passed: &Passed,
    evidence: &Evidence,
    properties: &Properties,
    store: &Path,
) -> anyhow::Result<PathBuf> {
    let folder = store.join(evidence::name(passed)?);
    fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
    remove_stale(&folder)?;
    let build = folder.join(passed.sha256());
    let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(&folder)?;
    fill(passed, evidence, properties, staging.path())?;
    // In one step; what was there before goes with the staging folder.
    let flags = if build.is_dir() { RenameFlags::EXCHANGE } else { RenameFlags::NOREPLACE };
    renameat_with(CWD, staging.path(), CWD, &build, flags).with_context(|| build.display().to_string())?;
    sync(&folder)?;
    let link = folder.join(format!("{STAGING}current"));
    symlink(passed.sha256(), &link)?;
    fs::rename(&link, folder.join("current"))?;
    sync(&folder)?;
    Ok(build)
}

/// Writes what goes beside an image into a folder of its own, whole or not at all; one that was written before is replaced.
///
/// # Errors
/// The folder can't be written, or holds something else.
pub fn write_evidence(
    passed: &Passed,
    evidence: &Evidence,
    properties: &Properties,
    folder: &Path,
) -> anyhow::Result<()> {
    let context = || folder.display().to_string();
    fs::create_dir_all(folder).with_context(context)?;
    let is_ours = folder.join("SHA256SUMS").is_file();
    if !is_ours && folder.read_dir().with_context(context)?.next().is_some() {
        bail!("{} holds something else than evidence", folder.display());
    }
    let folder = folder.canonicalize().with_context(context)?;
    let parent = folder.parent().context("the root directory is no folder for evidence")?;
    let staging = tempfile::Builder::new().prefix(STAGING).tempdir_in(parent)?;
    beside(passed, evidence, properties, staging.path())?;
    renameat_with(CWD, staging.path(), CWD, &folder, RenameFlags::EXCHANGE).with_context(context)?;
    Ok(sync(parent)?)
}

fn fill(passed: &Passed, evidence: &Evidence, properties: &Properties, staging: &Path) -> anyhow::Result<()> {
    let sha256 = copy(passed.image(), &staging.join(&evidence.image))?;
    if sha256 != passed.sha256() {
        bail!("{} changed while it was copied: nothing was published", passed.path().display());
    }
    beside(passed, evidence, properties, staging)
}

/// Everything that goes beside an image, in a folder that has nothing of it yet.
fn beside(
    passed: &Passed,
    evidence: &Evidence,
    properties: &Properties,
    folder: &Path,
) -> anyhow::Result<()> {
    for file in &evidence.files {
        write(&folder.join(&file.name), &file.bytes)?;
    }
    write(&folder.join("SHA256SUMS"), evidence.sums(passed).as_bytes())?;
    facts(properties, folder)?;
    sync(folder)?;
    Ok(())
}

/// A file for each property and each tag, as Nectar's pipeline reads them.
fn facts(properties: &Properties, staging: &Path) -> anyhow::Result<()> {
    let values = properties.values.iter().map(|(name, value)| (".facts", name, value.as_str()));
    let tags = properties.tags.iter().map(|tag| (".tags", tag, ""));
    for folder in [".facts", ".tags"] {
        fs::create_dir(staging.join(folder))?;
    }
    for (folder, name, content) in values.chain(tags) {
        if name.contains('/') {
            bail!("`{name}` can't be a file's name in {folder}");
        }
        write(&staging.join(folder).join(name), content.as_bytes())?;
    }
    [".facts", ".tags"].into_iter().try_for_each(|folder| Ok(sync(&staging.join(folder))?))
}

/// Copies an open file and hashes what was copied: the published bytes are the hashed ones.
fn copy(mut from: &File, to: &Path) -> anyhow::Result<String> {
    from.seek(SeekFrom::Start(0))?;
    let mut out = File::create_new(to)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            break;
        }
        hasher.update(&buffer[..n]);
        out.write_all(&buffer[..n]).with_context(|| to.display().to_string())?;
    }
    out.sync_all()?;
    Ok(hash::hex(&hasher.finalize()))
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes).with_context(|| path.display().to_string())?;
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
