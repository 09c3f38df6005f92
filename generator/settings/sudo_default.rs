//! `sudo-default`: an option of sudo that holds for everybody.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, options};
use super::{Kind, Wanted, checks_of, drop_in};
use crate::diagnostic::ConfigError;
use crate::effective::sudoers::{Change, Scope};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// An option of `sudoers(5)` and its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SudoDefault {
    /// Option.
    pub option: String,
    /// Its value; none for a flag that is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// Sorts after cloud-init's file. sudo passes over names with a dot.
const PATH: &str = "/etc/sudoers.d/zz-ironseed";

impl Kind for SudoDefault {
    const SUMMARY: &'static str = "an option of sudo that holds for everybody";
    const ORDER: Option<&'static str> =
        Some("each option has its own scale; one without a scale has no order");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        match &self.value {
            Some(value) => format!("Defaults {}={value}", self.option),
            None => format!("Defaults {}", self.option),
        }
    }

    fn subject(&self) -> String {
        self.option.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::on("value", options::sudo(&self.option), self.value.as_deref().unwrap_or("on"))]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let checks = checks_of(all);
        let content = drop_in::content("sudoers", all.iter().map(|w| w.setting.clone()), context)?;
        bundle.write(BundleFile::config(PATH, content).mode(0o440), &checks)?;
        bundle.validate(&["visudo", "-cqf", PATH], "let sudo judge its options", Some(PATH), &checks);
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let sudoers = match look.sudoers() {
            Ok(Some(sudoers)) => sudoers,
            Ok(None) => {
                let reason = "sudo is not installed";
                return vec![Observation::not_applicable(plane, self.wanted(), reason)];
            }
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let lines = sudoers.defaults(&self.option);
        let global = lines.iter().rfind(|d| d.scope == Scope::Global);
        let Some(decides) = global else {
            let reason = "no line sets it for everybody";
            let at = Location::file("/etc/sudoers");
            return vec![Observation::fail(plane, "not set", self.wanted(), reason).at(at)];
        };
        // A line for some users, hosts or commands beats the global one where it applies.
        let scoped = lines.iter().filter(|d| d.scope != Scope::Global && !self.is_met(&d.change));
        let losing = lines.iter().filter(|d| d.scope == Scope::Global && d.at != decides.at);
        let good = self.is_met(&decides.change);
        let found = format!("Defaults {} {}", self.option, shown(&decides.change));
        let mut seen = vec![
            Observation::judge(
                plane,
                good,
                found,
                self.wanted(),
                "the last line for everybody says otherwise",
            )
            .at(decides.at.clone())
            .over(losing.map(|d| d.at.clone()).collect()),
        ];
        seen.extend(scoped.map(|d| {
            let found = format!("Defaults {} {} for some", self.option, shown(&d.change));
            Observation::fail(plane, found, self.wanted(), "this line takes it away from some")
                .at(d.at.clone())
        }));
        seen
    }
}

impl SudoDefault {
    fn is_met(&self, change: &Change) -> bool {
        match (&self.value, change) {
            (None, Change::On) => true,
            (Some(wanted), Change::Set(value)) => wanted == value,
            _ => false,
        }
    }
}

fn shown(change: &Change) -> String {
    match change {
        Change::On => "on".into(),
        Change::Off => "off".into(),
        Change::Set(value) => format!("= {value}"),
        Change::Add(value) => format!("+= {value}"),
        Change::Remove(value) => format!("-= {value}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    #[test]
    fn the_last_global_line_wins_and_a_scoped_one_takes_away() {
        let option = |option: &str, value: Option<&str>| {
            Setting::SudoDefault(SudoDefault { option: option.into(), value: value.map(str::to_owned) })
        };
        let machine = Machine::of(&[option("use_pty", None), option("logfile", Some("/var/log/sudo.log"))]);
        machine.put("/etc/sudoers", "Defaults !use_pty\n@includedir /etc/sudoers.d\n");
        machine.chmod("/etc/sudoers", 0o440);
        assert_eq!(machine.configured(), [Pass, Pass]);
        machine.put("/etc/sudoers.d/zzz", "Defaults !use_pty\nDefaults:bob logfile=/tmp/x\n");
        machine.chmod("/etc/sudoers.d/zzz", 0o440);
        assert_eq!(machine.configured(), [Fail, Pass, Fail]);
    }
}
