//! `ironseed list`: what there is to choose from.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::{Ended, Format, Outcome, print, print_json, today};
use crate::assets::Assets;
use crate::check::{Catalogue, CheckInfo};
use crate::profile::{self, Vocabulary};
use crate::settings::KINDS;
use crate::{distro, parameter};

/// Version of the JSON form.
const FORMAT: u32 = 1;

/// Lists checks, profiles, distributions, setting kinds or parameters
#[derive(Args)]
pub struct List {
    /// What to list
    what: What,
    /// Output form
    #[arg(long, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum What {
    Checks,
    Profiles,
    Distros,
    Settings,
    Parameters,
}

/// One row: a name, what it is, and what programs want besides.
#[derive(Serialize)]
struct Row {
    #[serde(rename = "id")]
    name: String,
    title: String,
    #[serde(flatten)]
    more: serde_json::Value,
}

impl Row {
    fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self { name: name.into(), title: title.into(), more: serde_json::json!({}) }
    }

    fn with(mut self, more: serde_json::Value) -> Self {
        self.more = more;
        self
    }
}

impl List {
    pub fn run(self, assets: &Assets) -> Outcome {
        let (key, rows) = match self.what {
            What::Checks => ("checks", checks(assets)?),
            What::Profiles => ("profiles", profiles(assets)?),
            What::Distros => ("distros", distros(assets)?),
            What::Settings => ("settings", KINDS.iter().map(|(name, what)| Row::new(*name, *what)).collect()),
            What::Parameters => ("parameters", parameters(assets)?),
        };
        match self.format {
            Format::Json => print_json(&serde_json::json!({ "version": FORMAT, key: rows }))?,
            Format::Human => print(&table(&rows))?,
        }
        Ok(Ended::Fine)
    }
}

fn checks(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let row = |info: &CheckInfo| {
        Row::new(&info.id, &info.title)
            .with(serde_json::json!({ "severity": info.severity, "references": info.references }))
    };
    Ok(Catalogue::load(assets)?.iter().map(|c| row(&c.info)).collect())
}

fn profiles(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let catalogue = Catalogue::load(assets)?;
    let declarations = parameter::load(assets)?;
    let vocabulary = Vocabulary { assets, catalogue: &catalogue, declarations: &declarations };
    let mut rows = Vec::new();
    for name in profile::names(assets)? {
        let profile = profile::load(&name, &vocabulary)?;
        let checks: Vec<&String> = profile.checks.iter().map(|c| &c.value).collect();
        rows.push(Row::new(name, profile.title).with(serde_json::json!({
            "description": profile.description, "checks": checks
        })));
    }
    Ok(rows)
}

fn distros(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for id in distro::ids(assets)? {
        let distro = distro::load(&id, assets)?;
        let end = distro.lifecycle.end_of_life;
        let marks = [
            (distro.usual, " (where none is named)"),
            (distro.lifecycle.on(today()).is_past(), " (past its end of life)"),
        ];
        let marks: String = marks.iter().filter(|(on, _)| *on).map(|(_, mark)| *mark).collect();
        let more = serde_json::json!({ "end_of_life": end, "usual": distro.usual });
        rows.push(Row::new(id, distro.title + &marks).with(more));
    }
    Ok(rows)
}

fn parameters(assets: &Assets) -> anyhow::Result<Vec<Row>> {
    Ok(parameter::load(assets)?
        .into_iter()
        .map(|(name, d)| {
            let title = format!("{} ({}; default {})", d.description, d.kind, d.default);
            Row::new(name, title).with(serde_json::json!({ "type": d.kind, "default": d.default }))
        })
        .collect())
}

fn table(rows: &[Row]) -> String {
    let width = rows.iter().map(|r| r.name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|r| format!("{:width$}  {}\n", r.name, r.title)).collect()
}
