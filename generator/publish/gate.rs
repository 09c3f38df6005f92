//! The gate: a type. [`Passed`] can only be made here, out of a report that covers this very
//! image, this plan, every check, on every plane that the profile requires.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::hash::Digests;
use crate::observation::{Outcome, Plane, aggregate};
use crate::plan::Plan;
use crate::report::{CheckReport, Report};

/// An image that passed. Holds the image open, so that what is published is what was hashed.
#[derive(Debug)]
pub struct Passed {
    image: File,
    path: PathBuf,
    report: Report,
    digests: Digests,
}

/// Why an image may not be published: every reason, not just the first.
#[derive(Debug, thiserror::Error)]
#[error("not published:\n{}", .reasons.iter().map(|r| format!("  - {r}")).collect::<Vec<_>>().join("\n"))]
pub struct Refusal {
    /// One sentence each.
    pub reasons: Vec<String>,
}

impl Passed {
    /// The open image.
    pub fn image(&self) -> &File {
        &self.image
    }

    /// The image's path, for messages and file names.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The report that lets it through.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// SHA-256 (hex) of the image's bytes.
    pub fn sha256(&self) -> &str {
        &self.digests.sha256
    }

    /// Digests of the image's bytes.
    pub fn digests(&self) -> &Digests {
        &self.digests
    }
}

impl Report {
    /// Lets an image through, or says every reason why not. Takes the image's hash again.
    ///
    /// # Errors
    /// An outer error where the image can't be read; a [`Refusal`] where it may not pass.
    pub fn passed(self, image: &Path, plan: &Plan, today: Date) -> std::io::Result<Result<Passed, Refusal>> {
        let mut file = File::open(image)?;
        let digests = Digests::of(&mut file)?;
        let mut reasons = Vec::new();
        self.refuse_edited(&mut reasons);
        self.refuse_other_target(&digests.sha256, &mut reasons);
        self.refuse_other_plan(plan, &mut reasons);
        self.refuse_missing_planes(plan, &mut reasons);
        for planned in &plan.checks {
            match self.checks.iter().find(|c| c.id == planned.info.id) {
                Some(found) => refuse_check(found, &mut reasons),
                None => reasons.push(format!("the report has no check `{}`", planned.info.id)),
            }
        }
        self.refuse_expired_waivers(plan, today, &mut reasons);
        if !reasons.is_empty() {
            return Ok(Err(Refusal { reasons }));
        }
        Ok(Ok(Passed { image: file, path: image.to_owned(), report: self, digests }))
    }

    fn refuse_edited(&self, reasons: &mut Vec<String>) {
        if self.version != crate::report::FORMAT {
            let known = crate::report::FORMAT;
            reasons
                .push(format!("the report is of version {}, and this program knows {known}", self.version));
        }
        if self.digest != self.content_digest() {
            reasons.push("the report was edited: its digest is not that of its content".into());
        }
        let mut ids = BTreeSet::new();
        for check in &self.checks {
            if !ids.insert(&check.id) {
                reasons.push(format!("the report has check `{}` twice", check.id));
            }
        }
    }

    fn refuse_other_target(&self, sha256: &str, reasons: &mut Vec<String>) {
        match &self.target.sha256 {
            Some(reported) if reported == sha256 => {}
            Some(reported) => reasons.push(format!(
                "the report is about other bytes: it names sha256 {reported}, the image has {sha256}"
            )),
            None => reasons.push(format!(
                "the report is about {} ({}), not about a disk image",
                self.target.name, self.target.kind
            )),
        }
    }

    fn refuse_other_plan(&self, plan: &Plan, reasons: &mut Vec<String>) {
        let digest = plan.digest();
        if self.plan.digest != digest {
            reasons.push(format!(
                "the report is about another plan ({} for {}, {}), not {} for {}, {digest}: verify again",
                self.plan.profile, self.plan.distro, self.plan.digest, plan.profile, plan.distro.id
            ));
        }
    }

    fn refuse_missing_planes(&self, plan: &Plan, reasons: &mut Vec<String>) {
        for plane in plan.required_planes.iter().filter(|p| !self.planes.contains(p)) {
            reasons.push(match plane {
                Plane::Configured => "the image's files were not looked at".into(),
                Plane::Running => "the image was not booted: verify it with --boot".into(),
            });
        }
        for planned in &plan.checks {
            let Some(found) = self.checks.iter().find(|c| c.id == planned.info.id) else { continue };
            for plane in plan.required_planes.iter().filter(|p| self.planes.contains(p)) {
                let wanted = planned.settings.iter().filter(|s| s.setting.planes().contains(plane)).count();
                let seen = found.observations.iter().filter(|o| o.plane == *plane).count();
                if seen < wanted {
                    let id = &found.id;
                    reasons
                        .push(format!("check `{id}`: {seen} of {wanted} settings seen on the {plane} plane"));
                }
            }
        }
    }

    fn refuse_expired_waivers(&self, plan: &Plan, today: Date, reasons: &mut Vec<String>) {
        for waiver in &plan.waivers {
            if waiver.expires < today {
                let (check, expires, owner) = (&waiver.check, waiver.expires, &waiver.owner);
                reasons.push(format!(
                    "the waiver of `{check}` expired on {expires} (owner: {owner}, {})",
                    waiver.origin
                ));
            }
        }
    }
}

/// The outcome must be acceptable, and be the one that the observations amount to.
fn refuse_check(check: &CheckReport, reasons: &mut Vec<String>) {
    let amounts_to = aggregate(&check.observations);
    let waived = check.outcome == Outcome::Waived
        && check.waiver.is_some()
        && matches!(amounts_to, Outcome::Fail | Outcome::Unobserved);
    if check.outcome != amounts_to && !waived {
        reasons.push(format!(
            "check `{}` says {}, but its observations amount to {}",
            check.id,
            check.outcome.word(),
            amounts_to.word()
        ));
    } else if !check.outcome.is_acceptable() {
        let why = check
            .observations
            .iter()
            .filter(|o| o.outcome == check.outcome)
            .find_map(|o| o.reason.as_deref())
            .unwrap_or("no reason given");
        reasons.push(format!("check `{}`: {}: {why}", check.id, check.outcome.word()));
    }
}
