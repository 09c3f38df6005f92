//! `authselect`: PAM's shared stacks are those of one of authselect's profiles, with these features.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::distro::{Distro, PamBackend};
use crate::effective::authselect::{self, CHOICE, Made, Stack};
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
        let chosen = match authselect::read(look.root) {
            Ok(Some(chosen)) => chosen,
            Ok(None) => {
                let reason = "nothing was selected, so the stacks are the package's";
                let seen = Observation::fail(plane, "no such file", self.wanted(), reason);
                return vec![seen.at(Location::file(CHOICE))];
            }
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        };
        let is_on = |feature: &&str| chosen.features.iter().any(|on| on == feature);
        let missing: Vec<&str> = self.features.iter().map(String::as_str).filter(|f| !is_on(f)).collect();
        let profile = &chosen.profile;
        let good = profile.value == self.profile && missing.is_empty();
        let found = format!("{} with {}", profile.value, chosen.features.join(", "));
        let reason = match missing[..] {
            [] => "another profile was selected".to_owned(),
            _ => format!("authselect made the stacks without {}", missing.join(", ")),
        };
        let choice = Observation::judge(plane, good, found, self.wanted(), reason).at(profile.at.clone());
        std::iter::once(choice).chain(chosen.stacks.iter().map(|stack| in_use(stack, plane))).collect()
    }
}

/// The stack is a link to what authselect made, and still says what it says there.
fn in_use(stack: &Stack, plane: Plane) -> Observation {
    let wanted = format!("{} made by authselect", stack.path);
    let at = Location::file(&stack.path);
    match &stack.made {
        Made::AsSelected => Observation::pass(plane, "as selected", wanted).at(at),
        Made::Absent => Observation::fail(plane, "no such file", wanted, "PAM has no shared stack").at(at),
        Made::Replaced(path) => {
            let reason = "this file was put in the place of authselect's";
            Observation::fail(plane, path, wanted, reason).at(at)
        }
        Made::Edited { found, written } => {
            let shown = if found.value.is_empty() { "the end of the file" } else { &found.value };
            let reason = match written.as_str() {
                "" => "the profile says no such thing: `authselect apply-changes` takes it away".to_owned(),
                line => format!("the profile says `{line}`: `authselect apply-changes` writes that again"),
            };
            Observation::fail(plane, shown, wanted, reason).at(found.at.clone())
        }
        Made::Unknown(why) => {
            let reason = format!("whether somebody changed it can't be told: {why}");
            Observation::unobserved(plane, wanted, reason).at(at)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass, Unobserved};
    use crate::settings::{Setting, fixture::Machine};

    const STACKS: [&str; 5] =
        ["system-auth", "password-auth", "postlogin", "smartcard-auth", "fingerprint-auth"];

    #[test]
    fn features_links_and_untouched_stacks_have_to_be_there() {
        let features = vec!["with-faillock".to_owned(), "without-nullok".to_owned()];
        let machine = Machine::of(&[Setting::Authselect(Authselect { profile: "sssd".into(), features })]);
        assert_eq!(machine.configured(), [Fail]);
        machine.put(CHOICE, "sssd\nwith-faillock\nwithout-nullok\nwith-mkhomedir\n");
        assert_eq!(machine.configured(), [Pass, Fail, Fail, Fail, Fail, Fail]);
        for name in STACKS {
            machine.put(&format!("/etc/authselect/{name}"), "auth required pam_env.so\n");
            machine.link(&format!("/etc/pam.d/{name}"), &format!("/etc/authselect/{name}"));
        }
        assert_eq!(machine.configured()[..2], [Pass, Unobserved], "there is no such profile");
        for name in STACKS {
            machine.put(&format!("/usr/share/authselect/default/sssd/{name}"), "auth required pam_env.so\n");
        }
        assert_eq!(machine.configured(), [Pass; 6]);
        machine
            .put("/etc/authselect/system-auth", "auth sufficient pam_permit.so\nauth required pam_env.so\n");
        assert_eq!(machine.configured(), [Pass, Fail, Pass, Pass, Pass, Pass]);
        assert_eq!(machine.places()[1], "/etc/authselect/system-auth:1");
        machine.put(CHOICE, "sssd\nwith-faillock\n");
        assert_eq!(machine.configured()[0], Fail);
    }
}
