//! `ironseed explain`: what a check is, why, and what is rendered and observed for it.

use std::fmt::Write;

use clap::Args;

use super::{Ended, Outcome, print, resolve, today};
use crate::assets::Assets;
use crate::check::Catalogue;
use crate::diagnostic::{ConfigError, suggestion};
use crate::distro;
use crate::plan::{Plan, PlannedCheck};
use crate::render::{self, Bundle};

/// Explains a check: what, why, references, and what is rendered and observed per supported distribution
#[derive(Args)]
pub struct Explain {
    /// The check's id, or a reference such as Check-Security-01
    check: String,
    /// Profile that gives the parameters their values
    #[arg(short, long, default_value = "nectar-base")]
    profile: String,
}

impl Explain {
    pub fn run(self, assets: &Assets) -> Outcome {
        let catalogue = Catalogue::load(assets)?;
        let found: Vec<_> = catalogue
            .iter()
            .filter(|c| c.info.id == self.check || c.info.references.contains(&self.check))
            .collect();
        if found.is_empty() {
            let hint = suggestion(&self.check, catalogue.ids());
            return Err(ConfigError::plain(format!("no check `{}`; {hint}", self.check)).into());
        }
        let mut out = String::new();
        for check in found {
            let info = &check.info;
            writeln!(out, "{}: {}", info.id, info.title)?;
            writeln!(out, "severity {:?}; {}\n", info.severity, info.references.join(", "))?;
            writeln!(out, "{}\n\nTo mend it: {}", info.rationale, info.remediation)?;
            for id in distro::supported(assets, today())? {
                let plan = resolve(&self.profile, distro::load(&id, assets)?, assets)?;
                let bundle = render::bundle(&plan, assets)?;
                match plan.checks.iter().find(|c| c.info.id == info.id) {
                    Some(planned) => describe(&mut out, &plan, planned, &bundle)?,
                    None => writeln!(out, "\n{}: not in profile {}", plan.distro.title, plan.profile)?,
                }
            }
        }
        print(&out)?;
        Ok(Ended::Fine)
    }
}

fn describe(out: &mut String, plan: &Plan, check: &PlannedCheck, bundle: &Bundle) -> std::fmt::Result {
    writeln!(out, "\n{}, profile {}:", plan.distro.title, plan.profile)?;
    for planned in &check.settings {
        let planes: Vec<String> = planned.setting.planes().iter().map(ToString::to_string).collect();
        let kind = planned.setting.kind();
        match &planned.not_applicable {
            Some(why) => writeln!(out, "  {kind}: not applicable: {why}")?,
            None => writeln!(out, "  {kind}: {} ({})", planned.setting.wanted(), planes.join(" and "))?,
        }
    }
    for item in rendered(&check.info.id, bundle) {
        writeln!(out, "  renders {item}")?;
    }
    Ok(())
}

/// The items of a bundle that serve a check, in words.
fn rendered(check: &str, bundle: &Bundle) -> Vec<String> {
    let serves = |checks: &[String]| checks.iter().any(|c| c == check);
    let mut items = Vec::new();
    items.extend(bundle.packages.iter().filter(|(_, c)| serves(c)).map(|(n, _)| format!("package {n}")));
    items.extend(bundle.absent.iter().filter(|(_, c)| serves(c)).map(|(n, _)| format!("no package {n}")));
    items.extend(bundle.files.values().filter(|f| serves(&f.checks)).map(|f| format!("file {}", f.path)));
    items.extend(bundle.removals.iter().filter(|(_, c)| serves(c)).map(|(n, _)| format!("no file {n}")));
    items.extend(
        bundle
            .units
            .iter()
            .filter(|(_, (_, c))| serves(c))
            .map(|(n, (s, _))| format!("unit {n} {s:?}").to_lowercase()),
    );
    items.extend(
        bundle.commands.iter().filter(|c| serves(&c.checks)).map(|c| format!("command {}", c.argv.join(" "))),
    );
    items.extend(
        bundle
            .cloud_config
            .iter()
            .filter(|(_, (_, c))| serves(c))
            .map(|(k, (v, _))| format!("cloud-config {k}: {v}")),
    );
    items
}
