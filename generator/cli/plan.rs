//! `ironseed plan`: what is wanted, resolved.

use std::path::Path;

use anyhow::Context;
use clap::Args;

use super::{Choice, Ended, Format, Outcome, print};
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
            Format::Json => print(&plan.to_file()?)?,
            Format::Human => print(&human(&plan))?,
        }
        Ok(Ended::Fine)
    }
}

/// Reads a plan that `plan --format json` wrote.
///
/// # Errors
/// A file that can't be read or is none, or whose plan is not the one that its digest is of.
pub fn saved(path: &Path) -> anyhow::Result<Plan> {
    let name = path.display();
    let json = std::fs::read(path).with_context(|| format!("{name}: the plan"))?;
    Plan::from_file(&json).map_err(|why| anyhow::anyhow!("{name}: {why}"))
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
