//! `ironseed plan`: what is wanted, resolved.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use serde::{Deserialize, Serialize};

use super::{Choice, Ended, Format, Outcome, print, print_json};
use crate::assets::Assets;
use crate::plan::Plan;

/// Shows everything that a profile wants of a distribution
#[derive(Args)]
pub struct ShowPlan {
    #[command(flatten)]
    choice: Choice,
    /// Output form; JSON is what `verify --plan` reads
    #[arg(long, default_value = "human")]
    format: Format,
}

impl ShowPlan {
    pub fn run(self, assets: &Assets) -> Outcome {
        let plan = self.choice.resolve(assets)?;
        match self.format {
            Format::Json => print_json(&Saved { digest: plan.digest(), plan })?,
            Format::Human => print(&human(&plan))?,
        }
        Ok(Ended::Fine)
    }
}

/// A plan as programs get it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    digest: String,
    plan: Plan,
}

/// Reads a plan that `plan --format json` wrote.
///
/// # Errors
/// A file that can't be read or is none, or whose plan is not the one that its digest is of.
pub fn saved(path: &Path) -> anyhow::Result<Plan> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{name}: the plan"))?;
    let saved: Saved = serde_json::from_str(&text)
        .with_context(|| format!("{name} is no plan of `ironseed plan --format json`"))?;
    if saved.digest != saved.plan.digest() {
        anyhow::bail!("{name}: its digest is not that of its plan: it was edited; make it anew");
    }
    Ok(saved.plan)
}

fn human(plan: &Plan) -> String {
    let mut out = format!("{} for {}\nplan {}\n", plan.title, plan.distro.title, plan.digest());
    for check in &plan.checks {
        out.push_str(&format!("\n{}  {}\n  chosen at {}\n", check.info.id, check.info.title, check.origin));
        for planned in &check.settings {
            let kind = planned.setting.kind();
            match &planned.not_applicable {
                None => {
                    out.push_str(&format!("  {kind}: {}  ({})\n", planned.setting.wanted(), planned.origin))
                }
                Some(why) => out.push_str(&format!("  {kind}: not applicable: {why}\n")),
            }
        }
        if let Some(waiver) = plan.waiver(&check.info.id) {
            let (owner, expires, reason) = (&waiver.owner, waiver.expires, &waiver.reason);
            out.push_str(&format!("  waived until {expires} by {owner}: {reason}  ({})\n", waiver.origin));
        }
    }
    out
}
