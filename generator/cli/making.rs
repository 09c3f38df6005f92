//! The choice of what is made: nobody makes a machine of a release that gets no security updates by
//! mistake.

use clap::Args;
use jiff::civil::Date;

use super::{Choice, today};
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::plan::Plan;

/// The check that a release past its end of life fails; its waiver names who answers for it.
const CHECK: &str = "release-supported";

/// The choice of a profile and a distribution for a verb that makes something of it.
#[derive(Args, Clone)]
pub struct Making {
    #[command(flatten)]
    choice: Choice,
    /// Make it although the release is past its end of life; the profile has to waive `release-supported`
    #[arg(long)]
    allow_eol: bool,
}

impl Making {
    /// The plan of the choice.
    ///
    /// # Errors
    /// A broken profile or distribution, or a release that is past its end of life.
    pub fn resolve(&self, assets: &Assets) -> Result<Plan, ConfigError> {
        let plan = self.choice.resolve(assets)?;
        refuse(&plan, self.allow_eol, today())?;
        Ok(plan)
    }
}

/// Refuses a release that gets no security updates on a day, unless somebody answers for it.
fn refuse(plan: &Plan, allowed: bool, day: Date) -> Result<(), ConfigError> {
    let lifecycle = &plan.distro.lifecycle;
    let verdict = lifecycle.on(day);
    let waived = plan.waiver(CHECK).is_some_and(|w| w.expires >= day);
    if !verdict.is_past() || (allowed && waived) {
        return Ok(());
    }
    let missing = match (allowed, plan.waiver(CHECK)) {
        (false, _) => {
            "to make it all the same, use --allow-eol and waive release-supported in the profile".into()
        }
        (true, None) => {
            "--allow-eol wants a waiver of release-supported in the profile: who, why, until when".into()
        }
        (true, Some(waiver)) => format!("the waiver of {} expired on {}", waiver.owner, waiver.expires),
    };
    Err(ConfigError::plain(format!(
        "{} gets no security updates since {}\n  the way up: {}\n  {missing}",
        plan.distro.title, lifecycle.end_of_life, lifecycle.way_up
    )))
}
