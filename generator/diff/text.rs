//! Rendered files line by line, as `diff -u` shows them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use similar::TextDiff;

use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::plan::Plan;
use crate::render::apply::{self, Carrier};
use crate::render::{Bundle, security_group};

/// Longest time for one file: what is left then is shown as replaced.
const PATIENCE: Duration = Duration::from_secs(2);

/// Largest file of a rendered directory that is shown, in bytes.
const MAX_BYTES: u64 = 4 << 20;

/// Files of a rendered directory that repeat what the others say, with digests that change every time.
const REPEATING: [&str; 4] = ["user-data", "manifest.json", "plan.json", "image.pkr.hcl"];

/// The one file besides whose description holds a digest.
const GROUP: &str = "security-group.yaml";

/// Files of a rendering, by path below it.
pub type Files = BTreeMap<String, String>;

/// The files that a plan renders to. What only repeats them, such as user-data, is left out.
///
/// # Errors
/// A template that fails.
pub fn rendered(plan: &Plan, bundle: &Bundle, assets: &Assets) -> Result<Files, ConfigError> {
    let mut files: Files =
        bundle.files.values().map(|f| (format!("files{}", f.path), f.content.clone())).collect();
    files.insert("apply.sh".into(), apply::script(plan, bundle, Carrier::Itself, assets)?);
    files.insert(GROUP.into(), undigested(&security_group::heat(plan)?));
    Ok(files)
}

/// The files of a rendered directory as they stand there.
///
/// # Errors
/// One that can't be read.
pub fn found(directory: &Path) -> Result<Files, ConfigError> {
    let mut files = Files::new();
    for entry in walkdir::WalkDir::new(directory).sort_by_file_name() {
        let broken =
            |why: &dyn std::fmt::Display| ConfigError::plain(format!("{}: {why}", directory.display()));
        let entry = entry.map_err(|e| broken(&e))?;
        let Ok(path) = entry.path().strip_prefix(directory) else { continue };
        let name = path.to_string_lossy().into_owned();
        if !entry.file_type().is_file() || REPEATING.contains(&name.as_str()) {
            continue;
        }
        let size = entry.metadata().map_err(|e| broken(&e))?.len();
        if size > MAX_BYTES {
            return Err(broken(&format!("{name} has {size} bytes; a rendered file has at most {MAX_BYTES}")));
        }
        let bytes = std::fs::read(entry.path()).map_err(|e| broken(&e))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let text = if name == GROUP { undigested(&text) } else { text };
        files.insert(name, text);
    }
    Ok(files)
}

/// The security group without its description.
fn undigested(text: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with("description:")).collect()
}

/// The files that differ, each with its differing lines.
pub fn changes(old: &Files, new: &Files) -> Vec<(String, String)> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = names.into_iter().filter(|name| old.get(*name) != new.get(*name));
    differing.map(|name| (name.clone(), unified(name, old.get(name), new.get(name)))).collect()
}

fn unified(name: &str, old: Option<&String>, new: Option<&String>) -> String {
    let [before, after] = [old, new].map(|text| text.map_or("", String::as_str));
    let header = |prefix: &str, text: Option<&String>| match text {
        Some(_) => format!("{prefix}/{name}"),
        None => "/dev/null".to_owned(),
    };
    TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before, after)
        .unified_diff()
        .header(&header("old", old), &header("new", new))
        .to_string()
}
