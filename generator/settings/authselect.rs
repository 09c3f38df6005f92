//! `authselect`: PAM's shared stacks are those of one of authselect's profiles, with these features.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::distro::{Distro, PamBackend};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::Phase;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// A profile of authselect's and its features.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authselect {
    /// The profile.
    pub profile: String,
    /// Its features that have to be on.
    pub features: Vec<String>,
}

/// What was selected: the profile, then a feature a line.
const CHOICE: &str = "/etc/authselect/authselect.conf";

/// The stack that most services include, which has to be authselect's.
const STACK: &str = "/etc/pam.d/system-auth";

impl Kind for Authselect {
    const SUMMARY: &'static str = "authselect's profile and features make PAM's shared stacks";
    const ORDER: Option<&'static str> = Some("one feature more is tighter; another profile is a change");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn not_applicable(&self, distro: &Distro) -> Option<String> {
        (distro.backends.pam != PamBackend::Authselect)
            .then(|| format!("{} makes its stacks with {}", distro.title, distro.backends.pam.program()))
    }

    fn wanted(&self) -> String {
        format!("authselect's profile {} with {}", self.profile, self.features.join(", "))
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::plain("profile", &self.profile), Aspect::demanded("features", &self.features)]
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        for wanted in all {
            let mut argv = vec!["authselect", "select", wanted.setting.profile.as_str()];
            argv.extend(wanted.setting.features.iter().map(String::as_str));
            argv.push("--force");
            bundle.run(Phase::Configure, &argv, "select PAM's stacks", &[wanted.check]);
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let text = match look.root.read_text(CHOICE) {
            Ok(Some(text)) => text,
            Ok(None) => {
                let reason = "nothing was selected, so the stacks are the package's";
                let seen = Observation::fail(plane, "no such file", self.wanted(), reason);
                return vec![seen.at(Location::file(CHOICE))];
            }
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        };
        let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
        let profile = lines.next().unwrap_or_default();
        let on: Vec<&str> = lines.collect();
        let missing: Vec<&str> =
            self.features.iter().map(String::as_str).filter(|f| !on.contains(f)).collect();
        let good = profile == self.profile && missing.is_empty();
        let found = format!("{profile} with {}", on.join(", "));
        let reason = format!("authselect made the stacks without {}", missing.join(", "));
        vec![
            Observation::judge(plane, good, found, self.wanted(), reason).at(Location::file(CHOICE)),
            self.in_use(look, plane),
        ]
    }
}

impl Authselect {
    /// The stack is a link to what authselect made; anything else was put in its place.
    fn in_use(&self, look: &Look<'_>, plane: Plane) -> Observation {
        let wanted = format!("{STACK} made by authselect");
        match look.root.resolve(STACK) {
            Ok(Some(found)) => {
                let path = crate::target::display(&found.path);
                let good = path.trim_start_matches('/').starts_with("etc/authselect/");
                let reason = "this file was put in the place of authselect's";
                Observation::judge(plane, good, path, wanted, reason).at(Location::file(STACK))
            }
            Ok(None) => Observation::fail(plane, "no such file", wanted, "PAM has no shared stack")
                .at(Location::file(STACK)),
            Err(error) => Observation::error(plane, wanted, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    #[test]
    fn features_and_the_link_have_to_be_there() {
        let features = vec!["with-faillock".to_owned(), "without-nullok".to_owned()];
        let machine = Machine::of(&[Setting::Authselect(Authselect { profile: "sssd".into(), features })]);
        assert_eq!(machine.configured(), [Fail]);
        machine
            .put("/etc/authselect/authselect.conf", "sssd\nwith-faillock\nwithout-nullok\nwith-mkhomedir\n");
        machine.put("/etc/authselect/system-auth", "");
        assert_eq!(machine.configured(), [Pass, Fail]);
        machine.link("/etc/pam.d/system-auth", "/etc/authselect/system-auth");
        assert_eq!(machine.configured(), [Pass, Pass]);
        machine.put("/etc/authselect/authselect.conf", "sssd\nwith-faillock\n");
        assert_eq!(machine.configured(), [Fail, Pass]);
    }
}
