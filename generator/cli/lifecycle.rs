//! `ironseed lifecycle`: how long releases are supported, and how the release of a target stands.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::civil::Date;
use serde::Serialize;

use super::file::write_whole;
use super::{Ended, Format, Outcome, print, print_json, today};
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::effective::os_release::{self, OsRelease};
use crate::release::refresh::{self, Claim, Refreshed};
use crate::release::{self, Release, Verdict};
use crate::target::{self, Root};

/// Version of the JSON form.
const FORMAT: u32 = 1;

/// Largest file that may be an os-release file, in bytes.
const MAX_OS_RELEASE: u64 = 64 << 10;

/// Shows how long releases get security updates, or how the release of a target stands
///
/// Exit code 0: supported, or the whole table. 1: the target's release is past its end of life. 2: could not run.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct LifecycleVerb {
    #[command(subcommand)]
    more: Option<More>,
    /// Directory, tar, disk image or os-release file; all known releases where it is left out
    target: Option<PathBuf>,
    /// Hold dates against this day instead of today
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<Date>,
    /// Output form
    #[arg(long, default_value = "human")]
    format: Format,
}

#[derive(Subcommand)]
enum More {
    Refresh(RefreshVerb),
}

/// Shows what trackers would change in the release files of --assets, and writes it with --write
///
/// Exit code 0: nothing to change, or written. 1 (with --check): something would change. 2: could not run.
#[derive(Args)]
struct RefreshVerb {
    /// A CSV file of Debian's package distro-info-data, or a directory of them; repeatable
    #[arg(long, value_name = "DIR|FILE", num_args = 1..)]
    distro_info: Vec<PathBuf>,
    /// A product's JSON file of endoflife.date, named after the product; repeatable
    #[arg(long, value_name = "FILE", num_args = 1..)]
    endoflife: Vec<PathBuf>,
    /// End with code 1 where something would change
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Change the files
    #[arg(long)]
    write: bool,
}

/// A release and its verdict, for programs.
#[derive(Serialize)]
struct Row<'a> {
    #[serde(flatten)]
    release: &'a Release,
    #[serde(flatten)]
    verdict: Verdict,
}

impl LifecycleVerb {
    pub fn run(self, assets: &Assets) -> Outcome {
        if let Some(More::Refresh(refresh)) = self.more {
            return refresh.run(assets);
        }
        let day = self.on.unwrap_or_else(today);
        match &self.target {
            Some(target) => one(target, day, self.format, assets),
            None => table(day, self.format, assets),
        }
    }
}

/// The verdict for one target.
fn one(target: &Path, day: Date, format: Format, assets: &Assets) -> Outcome {
    let found = describe(target)?;
    let name = target.display();
    let Some(release) = release::of_system(&found, assets)? else {
        let (id, version) = (found.id(), found.version_id().unwrap_or("without a version"));
        return Err(ConfigError::plain(format!(
            "{name} is `{id}` `{version}`, of which no date is known (see `ironseed lifecycle`)"
        ))
        .into());
    };
    let verdict = release.lifecycle.on(day);
    let ended = if verdict.is_past() { Ended::Findings } else { Ended::Fine };
    // The vendor's own word, where the system carries it.
    let vendor = found.get("SUPPORT_END").map(|s| s.value.as_str());
    match format {
        Format::Json => print_json(&serde_json::json!({
            "version": FORMAT, "on": day, "target": target, "support_end": vendor,
            "release": Row { release: &release, verdict },
        }))?,
        Format::Human => print(&report(&release, &verdict, vendor, &name.to_string()))?,
    }
    Ok(ended)
}

/// How a target describes itself: an os-release file, or the one in its root.
fn describe(path: &Path) -> anyhow::Result<OsRelease> {
    let name = path.display().to_string();
    let meta = std::fs::metadata(path).with_context(|| name.clone())?;
    if meta.is_file() && meta.len() <= MAX_OS_RELEASE {
        let mut text = String::new();
        let read = File::open(path)?.take(MAX_OS_RELEASE).read_to_string(&mut text);
        let found = os_release::parse(&text, &name);
        if read.is_ok() && found.get("ID").is_some() {
            return Ok(found);
        }
    }
    let target = target::open(path)?;
    let found = os_release::read(Root::new(target.tree.as_ref())).with_context(|| name.clone())?;
    found.ok_or_else(|| {
        ConfigError::plain(format!("{name} has no /etc/os-release, and is no os-release file")).into()
    })
}

fn report(release: &Release, verdict: &Verdict, vendor: Option<&str>, name: &str) -> String {
    let lifecycle = &release.lifecycle;
    let mut out = format!("{name}: {}: {}\n", release.title, verdict.words());
    out.push_str(&format!("  released          {}\n", lifecycle.released));
    out.push_str(&format!("  regular support   until {}\n", lifecycle.end_of_support));
    out.push_str(&format!("  security updates  until {} ({})\n", lifecycle.end_of_life, lifecycle.source));
    for other in &verdict.differing {
        out.push_str(&format!("                    until {} ({})\n", other.end_of_life, other.source));
    }
    if let Some(day) = vendor.filter(|d| **d != lifecycle.end_of_life.to_string()) {
        out.push_str(&format!("                    until {day} (the system itself: SUPPORT_END)\n"));
    }
    if verdict.days < release::WARN_DAYS {
        out.push_str(&format!("  the way up        {}\n", lifecycle.way_up));
    }
    out
}

/// Every known release.
fn table(day: Date, format: Format, assets: &Assets) -> Outcome {
    let mut releases = release::all(assets)?;
    releases.sort_by_key(|r| (r.lifecycle.on(day).is_past(), r.lifecycle.end_of_life));
    let rows: Vec<Row<'_>> =
        releases.iter().map(|release| Row { verdict: release.lifecycle.on(day), release }).collect();
    match format {
        Format::Json => {
            print_json(&serde_json::json!({ "version": FORMAT, "on": day, "releases": rows }))?;
        }
        Format::Human => print(&human(&rows, day))?,
    }
    Ok(Ended::Fine)
}

fn human(rows: &[Row<'_>], day: Date) -> String {
    let wide = |text: fn(&Release) -> &str| rows.iter().map(|r| text(r.release).len()).max().unwrap_or(0);
    let (ids, titles) = (wide(|r| &r.id), wide(|r| &r.title));
    let mut out = format!("{:ids$}  {:titles$}  released    security until  on {day}\n", "id", "release");
    for Row { release, verdict } in rows {
        let Release { id, title, lifecycle, known_only, .. } = release;
        let (released, end) = (lifecycle.released, lifecycle.end_of_life);
        let note = if *known_only { " (dates only)" } else { "" };
        out.push_str(&format!(
            "{id:ids$}  {title:titles$}  {released}  {end}      {}{note}\n",
            verdict.words()
        ));
        for other in &verdict.differing {
            let (source, end) = (&other.source, other.end_of_life);
            out.push_str(&format!("{:ids$}  {:titles$}  {:10}  {end}      by {source}\n", "", "", ""));
        }
    }
    out
}

impl RefreshVerb {
    fn run(self, assets: &Assets) -> Outcome {
        let directory = assets.directory().ok_or_else(|| {
            ConfigError::plain("name the directory whose images/*.yaml are meant with --assets DIR")
        })?;
        let claims = self.claims()?;
        if claims.is_empty() {
            return Err(ConfigError::plain("name files of trackers with --distro-info or --endoflife").into());
        }
        let refreshed = refresh::refresh(directory, assets, &claims)?;
        print(&refreshed.iter().map(diff).collect::<String>())?;
        if self.write {
            for file in &refreshed {
                write_whole(&file.path, file.text.as_bytes())?;
            }
        }
        Ok(if self.check && !refreshed.is_empty() { Ended::Findings } else { Ended::Fine })
    }

    fn claims(&self) -> anyhow::Result<Vec<Claim>> {
        let read = |path: &Path| std::fs::read_to_string(path).with_context(|| path.display().to_string());
        let mut claims = Vec::new();
        for path in &self.distro_info {
            let files = if path.is_dir() { csv_files(path)? } else { vec![path.clone()] };
            for file in files {
                claims.extend(refresh::distro_info(&file, &read(&file)?)?);
            }
        }
        for path in &self.endoflife {
            claims.extend(refresh::endoflife(path, &read(path)?)?);
        }
        Ok(claims)
    }
}

fn csv_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "csv") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The changed lines of a file, as a unified diff without context.
fn diff(file: &Refreshed) -> String {
    let name = file.path.display();
    let mut out = format!("--- {name}\n+++ {name}\n");
    let mut added = 0;
    for change in &file.changes {
        let number = change.number;
        let (old, new) = match &change.before {
            Some(before) => (format!("-{number} +{}", number + added), format!("-{before}\n")),
            None => {
                added += 1;
                (format!("-{number},0 +{}", number + added), String::new())
            }
        };
        out.push_str(&format!("@@ {old} @@\n{new}+{}\n", change.after));
    }
    out
}
