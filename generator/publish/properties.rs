//! What the image service is told of an image.

use std::collections::{BTreeMap, BTreeSet};

use super::Passed;
use crate::observation::Outcome;
use crate::plan::Plan;
use crate::render;

/// The kind of settings that say which updates are installed without being asked for.
const UPDATES: &str = "updates";
const AUTOMATIC_UPDATES: &str = "automatic_updates";

/// Properties and tags of an image, as Nectar's pipeline and OpenStack's image service take them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties {
    /// Values by name.
    pub values: BTreeMap<String, String>,
    /// Tags.
    pub tags: BTreeSet<String>,
}

impl Properties {
    /// Of an image that passed. Where the plan asks for automatic updates and the report does not show them to be
    /// there (the check is waived), the image is labelled as one without.
    pub fn of(passed: &Passed, plan: &Plan) -> Self {
        let mut values = render::openstack_properties(plan);
        if !updates_were_seen(passed, plan) {
            values.insert(AUTOMATIC_UPDATES.into(), "disabled".into());
        }
        let tags = BTreeSet::from(["ironseed".to_owned(), plan.profile.clone()]);
        Self { values, tags }
    }
}

fn updates_were_seen(passed: &Passed, plan: &Plan) -> bool {
    let mut asked =
        plan.checks.iter().filter(|check| check.settings.iter().any(|s| s.setting.kind() == UPDATES));
    let seen = |id: &str| passed.report().checks.iter().any(|c| c.id == id && c.outcome == Outcome::Pass);
    asked.next().is_some_and(|first| seen(&first.info.id)) && asked.all(|check| seen(&check.info.id))
}
