//! `ironseed observe`: what `verify` runs inside a booted guest and on a machine behind SSH. No interface for people.

use std::io::Read;

use clap::Args;

use super::{Ended, Outcome, print_json, today};
use crate::observation::Plane;
use crate::plan::Plan;
use crate::target::{self, LocalExec, Root};
use crate::verify::{self, Look, Nature};

/// Looks at the running system for a plan on stdin, and prints what was seen as JSON
#[derive(Args)]
pub struct Observe {
    /// Look at the files as well
    #[arg(long)]
    files: bool,
}

impl Observe {
    pub fn run(self) -> Outcome {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        let plan: Plan = serde_json::from_str(&text)?;
        let target = target::open("/".as_ref())?;
        let exec = LocalExec;
        let look = Look::new(Root::new(target.tree.as_ref()), &plan, Nature::Instance, today()).asking(&exec);
        let mut seen = verify::observe(&look, Plane::Running);
        if self.files {
            seen.extend(verify::observe(&look, Plane::Configured));
        }
        print_json(&seen)?;
        Ok(Ended::Fine)
    }
}
