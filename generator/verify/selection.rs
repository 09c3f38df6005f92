//! Which checks of a plan are looked at: all, unless somebody asks for fewer.
//!
//! What is left out stays in the report as unobserved, so that neither people nor the gate take a
//! narrowed look for a whole one.

use std::collections::BTreeSet;

use super::Seen;
use crate::diagnostic::{ConfigError, suggestion};
use crate::observation::{Observation, Plane};
use crate::plan::Plan;

/// The checks that are not looked at.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    left_out: BTreeSet<String>,
    reason: &'static str,
}

impl Selection {
    /// Everything is looked at.
    pub fn all() -> Self {
        Self::default()
    }

    /// Nothing but these checks, by id or reference, is looked at.
    ///
    /// # Errors
    /// A name that no check of the plan has.
    pub fn only(plan: &Plan, names: &[String]) -> Result<Self, ConfigError> {
        let wanted = ids(plan, names)?;
        let left_out = plan.checks.iter().map(|c| c.info.id.clone()).filter(|id| !wanted.contains(id));
        Ok(Self { left_out: left_out.collect(), reason: "left out: --only does not name it" })
    }

    /// All but these checks, by id or reference, are looked at.
    ///
    /// # Errors
    /// A name that no check of the plan has.
    pub fn skip(plan: &Plan, names: &[String]) -> Result<Self, ConfigError> {
        Ok(Self { left_out: ids(plan, names)?, reason: "left out by --skip" })
    }

    /// Whether a check is not looked at.
    pub fn leaves_out(&self, check: &str) -> bool {
        self.left_out.contains(check)
    }

    /// Takes away what was seen of checks that are left out, and says instead that nothing was.
    pub fn apply(&self, plan: &Plan, planes: &[Plane], seen: &mut Vec<Seen>) {
        let is_out = |check: usize| plan.checks.get(check).is_some_and(|c| self.leaves_out(&c.info.id));
        seen.retain(|s| !is_out(s.check));
        for (check, planned) in plan.checks.iter().enumerate().filter(|(check, _)| is_out(*check)) {
            for (setting, wanted) in planned.settings.iter().enumerate() {
                for plane in wanted.setting.planes().iter().filter(|p| planes.contains(p)) {
                    let observation = Observation::unobserved(*plane, wanted.setting.wanted(), self.reason);
                    seen.push(Seen { check, setting, observation });
                }
            }
        }
    }
}

/// The ids of the checks that are named by id or reference.
fn ids(plan: &Plan, names: &[String]) -> Result<BTreeSet<String>, ConfigError> {
    let mut found = BTreeSet::new();
    for name in names {
        let named = plan.checks.iter().filter(|c| c.info.id == *name || c.info.references.contains(name));
        let named: Vec<String> = named.map(|c| c.info.id.clone()).collect();
        if named.is_empty() {
            let help = suggestion(name, plan.checks.iter().map(|c| c.info.id.as_str()));
            let profile = &plan.profile;
            return Err(ConfigError::plain(format!("profile `{profile}` has no check `{name}`; {help}")));
        }
        found.extend(named);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use crate::check::Catalogue;
    use crate::profile::{self, Vocabulary};
    use crate::{distro, parameter};

    fn plan() -> Plan {
        let assets = Assets::embedded();
        let catalogue = Catalogue::load(&assets).unwrap();
        let declarations = parameter::load(&assets).unwrap();
        let vocabulary = Vocabulary { assets: &assets, catalogue: &catalogue, declarations: &declarations };
        let profile = profile::load("nectar-base", &vocabulary).unwrap();
        let distro = distro::load("debian-12", &assets).unwrap();
        Plan::resolve(&profile, distro, &catalogue, &declarations).unwrap()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&n| n.to_owned()).collect()
    }

    #[test]
    fn what_is_left_out_is_unobserved_whatever_was_seen() {
        let plan = plan();
        let selection = Selection::skip(&plan, &names(&["Check-Security-18"])).unwrap();
        let port = plan.checks.iter().position(|c| c.info.id == "ssh-port").unwrap();
        let other = (port + 1) % plan.checks.len();
        let planes = [Plane::Configured];
        let seen = |check| Seen { check, setting: 0, observation: Observation::pass(planes[0], "", "") };
        let mut all = vec![seen(port), seen(other)];
        selection.apply(&plan, &planes, &mut all);
        let of = |check| all.iter().filter(move |s| s.check == check).map(|s| s.observation.outcome);
        use crate::observation::Outcome::{Pass, Unobserved};
        assert!(of(port).count() > 0 && of(port).all(|o| o == Unobserved));
        assert!(of(other).eq([Pass]));
    }

    #[test]
    fn only_is_the_opposite_of_skip_and_unknown_names_are_errors() {
        let plan = plan();
        let named = names(&["ssh-port", "ssh-port", "Check-Security-01"]);
        let only = Selection::only(&plan, &named).unwrap();
        let skip = Selection::skip(&plan, &named).unwrap();
        for check in &plan.checks {
            assert_ne!(only.leaves_out(&check.info.id), skip.leaves_out(&check.info.id));
        }
        let error = Selection::skip(&plan, &names(&["ssh-prot"])).unwrap_err().to_string();
        assert!(error.contains("did you mean `ssh-port`?"), "{error}");
        assert!(!Selection::all().leaves_out("ssh-port"));
    }
}
