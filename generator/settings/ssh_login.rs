//! `ssh-login`: what really happens when somebody logs in over the network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::{Aspect, Direction};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::verify::{Look, Outside, Probe};

/// A way in that works, or that is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshLogin {
    /// How somebody tries.
    pub method: Method,
    /// Whether they get in.
    pub allowed: bool,
    /// SSH's port.
    pub port: u16,
}

/// Ways to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// With the cloud's key, as the default user.
    Key,
    /// With a password.
    Password,
    /// With keyboard-interactive authentication.
    KeyboardInteractive,
    /// As root, with the same key.
    Root,
}

impl Method {
    fn words(self) -> &'static str {
        match self {
            Self::Key => "a login with the cloud's key",
            Self::Password => "a login with a password",
            Self::KeyboardInteractive => "a keyboard-interactive login",
            Self::Root => "a login as root",
        }
    }
}

impl Kind for SshLogin {
    const SUMMARY: &'static str = "a login over the network works, or is refused: tried from outside";
    const ORDER: Option<&'static str> = Some("a way in that is refused is tighter; another port is a change");
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Running]
    }

    fn wanted(&self) -> String {
        format!(
            "{} {} on port {}",
            self.method.words(),
            if self.allowed { "works" } else { "is refused" },
            self.port
        )
    }

    fn subject(&self) -> String {
        self.method.words().into()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let shown = if self.allowed { "works" } else { "is refused" };
        vec![Aspect::at_most("login", shown, self.allowed), Aspect::plain("port", self.port)]
    }

    fn presence(&self) -> Direction {
        if self.allowed { Direction::Unordered } else { Direction::Tighter }
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let reason = "only a look from outside tells; `ironseed verify IMAGE --boot` takes one";
        // Inside a machine its own sshd is asked by other settings; a host adds the rest.
        match look.exec() {
            Ok(_) => vec![Observation::not_applicable(plane, self.wanted(), reason)],
            Err(_) => vec![Observation::unobserved(plane, self.wanted(), reason)],
        }
    }

    fn observe_outside(&self, outside: &Outside) -> Vec<Observation> {
        let plane = Plane::Running;
        let probe = match self.method {
            Method::Key => &outside.key_login,
            Method::Password => &outside.password,
            Method::KeyboardInteractive => &outside.keyboard_interactive,
            Method::Root => &outside.root_login,
        };
        let at = Location::file(format!("from outside: ssh -p {}", self.port));
        vec![match probe {
            Probe::Accepted(said) => {
                let reason = format!("this way in is open: {said}");
                Observation::judge(plane, self.allowed, said.clone(), self.wanted(), reason).at(at)
            }
            Probe::Refused(said) => {
                let reason = format!("this way in is shut, and it is the one that the owner needs: {said}");
                Observation::judge(plane, !self.allowed, said.clone(), self.wanted(), reason).at(at)
            }
            Probe::Unknown(said) => {
                let reason = format!("no answer, which is no refusal: {said}");
                Observation::error(plane, self.wanted(), reason).at(at)
            }
        }]
    }
}
