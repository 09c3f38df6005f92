//! `self-verification`: an image carries the plan that it was built from and what holds it against that plan.
//!
//! Whoever is root on a machine can change all of it. It tells of images that were built of something else, and of what became of
//! machines that nobody attacks; an attacker shows where a machine is looked at from outside.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use super::permissions::{Mode, wrong_owners};
use super::unit::Unit;
use crate::carried::{self, LABEL, Label, PLAN, SERVICE, TEST, TEST_CONTENT, TIMER, UNITS, VERIFIER};
use crate::distro::Distro;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::plan::Plan;
use crate::render::bundle::UnitState;
use crate::target::{FileKind, TargetError};
use crate::verify::Look;

/// The image carries its plan, a verifier and a test that runs it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SelfVerification {
    /// Whether a timer runs it every day.
    pub daily: bool,
}

/// Why something is not as wanted, and where.
type Wrong = (Location, String);

impl Kind for SelfVerification {
    const SUMMARY: &'static str = "an image carries its plan and a verifier, and a test that runs it";
    const ORDER: Option<&'static str> = Some("every day is tighter than on demand");
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        if self.daily { &[Plane::Configured, Plane::Running] } else { &[Plane::Configured] }
    }

    fn wanted(&self) -> String {
        let when = if self.daily { ", every day" } else { "" };
        format!("the image holds itself against the plan that it was built from{when}")
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::at_least("when", if self.daily { "every day" } else { "on demand" }, self.daily)]
    }

    fn writes(&self, _: &Distro) -> Vec<String> {
        UNITS.map(|(name, _)| carried::unit_path(name)).to_vec()
    }

    fn starts(&self) -> &'static [&'static str] {
        if self.daily { &[TIMER, SERVICE] } else { &[] }
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let mut seen = Vec::new();
        if plane == Plane::Configured {
            seen.push(match wrong(look) {
                Ok(None) => {
                    Observation::pass(plane, "as it was built", self.wanted()).at(Location::file(LABEL))
                }
                Ok(Some((at, why))) => {
                    Observation::fail(plane, "not as it was built", self.wanted(), why).at(at)
                }
                Err(why) => Observation::error(plane, self.wanted(), why),
            });
        }
        if self.daily {
            let timer = Unit { role: TIMER.into(), state: UnitState::Enabled };
            seen.extend(timer.observe(look, plane));
        }
        seen
    }
}

/// The first thing that is not as a build leaves it.
///
/// # Errors
/// In words: a file can't be read.
fn wrong(look: &Look<'_>) -> Result<Option<Wrong>, String> {
    let found = |path: &str, why: String| Ok(Some((Location::file(path), why)));
    let read = |path: &str| look.root.read(path).map_err(|error| error.to_string());
    let label = match Label::of(look.root) {
        Ok(Some(label)) => label,
        Ok(None) => return found(LABEL, "there is no label: ironseed did not build this image".into()),
        Err(why) => return found(LABEL, why),
    };
    if let Some(why) = label.is_not_of(look.plan) {
        return found(LABEL, why);
    }
    let wanted = look.plan.digest();
    match read(PLAN)?.as_deref().map(Plan::from_file) {
        None => return found(PLAN, "the plan is not there".into()),
        Some(Err(why)) => return found(PLAN, why),
        Some(Ok(plan)) if plan.digest() != wanted => {
            return found(PLAN, format!("it is another plan ({}), not {wanted}", plan.digest()));
        }
        Some(Ok(_)) => {}
    }
    let Some(verifier) = label.verifier else {
        return found(LABEL, "the image was built without a verifier".into());
    };
    let whole = [(VERIFIER, 0o755), (TEST, 0o755), (LABEL, 0o644), (PLAN, 0o644)];
    for (path, mode) in whole {
        if let Some(why) = not_as_installed(look, path, mode)? {
            return found(path, why);
        }
    }
    let sha256 = digest(look, VERIFIER)?;
    if sha256 != verifier.sha256 {
        return found(VERIFIER, format!("its sha256 is {sha256}, and the label's is {}", verifier.sha256));
    }
    let units = UNITS.map(|(name, content)| (carried::unit_path(name), content));
    let texts = units.iter().map(|(path, content)| (path.as_str(), *content)).chain([(TEST, TEST_CONTENT)]);
    for (path, content) in texts {
        if read(path)?.is_none_or(|found| found != content.as_bytes()) {
            return found(path, "it is not as a build leaves it".into());
        }
    }
    Ok(None)
}

/// How a file's kind, mode or owner differs from what it has to be.
fn not_as_installed(look: &Look<'_>, path: &str, mode: u32) -> Result<Option<String>, String> {
    let Some(entry) = look.root.entry(path).map_err(|error| error.to_string())? else {
        return Ok(Some("there is no such file".into()));
    };
    if entry.meta.kind != FileKind::File {
        return Ok(Some("it is no regular file".into()));
    }
    let mut wrong = wrong_owners(look, &entry.meta, "root", "root")?;
    if entry.meta.mode != mode {
        wrong.push(format!("its mode is {} instead of {}", Mode(entry.meta.mode), Mode(mode)));
    }
    Ok((!wrong.is_empty()).then(|| wrong.join("; ")))
}

/// SHA-256 of a regular file, however large.
fn digest(look: &Look<'_>, path: &str) -> Result<String, String> {
    let words = |error: TargetError| error.to_string();
    let entry = look.root.entry(path).map_err(words)?.ok_or_else(|| format!("{path} is gone"))?;
    let mut reader = look.root.tree().open(&entry.path).map_err(words)?;
    crate::hash::reader(&mut reader).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    fn machine(daily: bool) -> Machine {
        let machine = Machine::of(&[Setting::SelfVerification(SelfVerification { daily })]);
        machine.carry(b"program");
        machine
    }

    /// What is said once a machine that passed was changed: always at the changed file.
    fn said(daily: bool, path: &str, change: impl FnOnce(&Machine)) -> String {
        let machine = machine(daily);
        assert_eq!(machine.configured()[0], Pass);
        change(&machine);
        let seen = machine.seen().remove(0);
        assert_eq!((seen.outcome, seen.location.unwrap().file.as_str()), (Fail, path), "{:?}", seen.reason);
        seen.reason.unwrap()
    }

    #[test]
    fn every_file_counts() {
        let remove = |path: &'static str| move |machine: &Machine| machine.remove(path);
        assert!(said(false, LABEL, remove(LABEL)).contains("ironseed did not build this image"));
        assert!(said(false, PLAN, remove(PLAN)).contains("not there"));
        assert!(said(false, VERIFIER, remove(VERIFIER)).contains("no such file"));
        assert!(said(false, TEST, remove(TEST)).contains("no such file"));
        for (unit, _) in UNITS {
            let path = carried::unit_path(unit);
            let reason = said(false, &path, |machine| machine.put(&path, "[Service]\nExecStart=/bin/true\n"));
            assert!(reason.contains("not as a build leaves it"), "{reason}");
        }
        said(false, TEST, |machine| machine.put(TEST, "#!/bin/sh\nexit 0\n"));
        said(false, TEST, |machine| machine.chmod(TEST, 0o644));
        said(false, PLAN, |machine| machine.chmod(PLAN, 0o666));
        said(false, VERIFIER, |machine| machine.chmod(VERIFIER, 0o777));
        let reason = said(false, VERIFIER, |machine| machine.put(VERIFIER, "progrbm"));
        assert!(reason.contains("its sha256 is "), "{reason}");
    }

    #[test]
    fn label_and_plan_are_those_of_the_plan() {
        let edited = said(false, PLAN, |machine| {
            machine.put(PLAN, &machine.get(PLAN).replace("\"daily\": false", "\"daily\": true"));
        });
        assert!(edited.contains("it was edited"), "{edited}");
        // A plan that is whole, and wants less.
        let other = machine(true).get(PLAN);
        assert!(said(false, PLAN, |machine| machine.put(PLAN, &other)).contains("another plan"));
        let label = machine(true).get(LABEL);
        assert!(
            said(false, LABEL, |machine| machine.put(LABEL, &label)).contains("by another plan (test for")
        );
        assert!(said(false, LABEL, |machine| machine.put(LABEL, "{}")).contains("no label"));
        let bare = said(false, LABEL, |machine| {
            let mut label: serde_json::Value = serde_json::from_str(&machine.get(LABEL)).unwrap();
            label.as_object_mut().unwrap().remove("verifier");
            machine.put(LABEL, &label.to_string());
        });
        assert!(bare.contains("without a verifier"), "{bare}");
    }

    #[test]
    fn the_timer_has_to_be_enabled_where_it_is_wanted() {
        let machine = machine(true);
        assert_eq!(machine.configured(), [Pass, Fail]);
        let link = format!("/etc/systemd/system/timers.target.wants/{TIMER}");
        machine.link(&link, &carried::unit_path(TIMER));
        assert_eq!(machine.configured(), [Pass, Pass]);
        machine.put(
            &format!("/etc/systemd/system/{SERVICE}.d/x.conf"),
            "[Unit]\nConditionPathExists=/nowhere\n",
        );
        assert_eq!(machine.configured(), [Pass, Fail]);
    }
}
