//! `host-key`: the SSH daemon's RSA key is as long as wanted. Every machine makes its own.

use serde::{Deserialize, Serialize};

use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::{Look, running};

/// The length of the RSA key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostKey {
    /// Bits.
    pub rsa_bits: u32,
}

const KEY: &str = "/etc/ssh/ssh_host_rsa_key";

#[derive(Serialize)]
struct Template {
    profile: String,
    key: &'static str,
    bits: u32,
}

impl HostKey {
    fn drop_in(unit: &str) -> String {
        format!("/etc/systemd/system/{unit}.d/ironseed-host-key.conf")
    }
}

impl Kind for HostKey {
    const SUMMARY: &'static str = "the length of the RSA key that sshd makes at its first start";

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("an RSA host key of {} bits", self.rsa_bits)
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let unit = context.plan.distro.unit("ssh")?;
        for wanted in all {
            let values =
                Template { profile: context.plan.profile.clone(), key: KEY, bits: wanted.setting.rsa_bits };
            let content = context.templates.render("host-key.conf", values)?;
            bundle.write(BundleFile::config(Self::drop_in(unit), content), &[wanted.check])?;
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        vec![match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => self.running(look),
        }]
    }
}

impl HostKey {
    /// The unit makes a key of this length before the daemon starts.
    fn configured(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Configured;
        let path = match look.plan.distro.unit("ssh") {
            Ok(unit) => Self::drop_in(unit),
            Err(error) => return Observation::error(plane, self.wanted(), error.to_string()),
        };
        let text = match look.root.read_text(&path) {
            Ok(text) => text.unwrap_or_default(),
            Err(error) => return Observation::error(plane, self.wanted(), error.to_string()),
        };
        let command = format!("ssh-keygen -q -t rsa -b {} ", self.rsa_bits);
        let good = text.lines().any(|l| l.starts_with("ExecStartPre=") && l.contains(&command));
        let found = if good { "made before sshd starts" } else { "not made" };
        let reason = "nothing makes one of this length; cloud-init's and the package's are shorter";
        Observation::judge(plane, good, found, self.wanted(), reason).at(Location::file(path))
    }

    fn running(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Running;
        let public = format!("{KEY}.pub");
        // `4096 SHA256:… root@host (RSA)`
        match look.exec().and_then(|exec| running::ask(exec, &["ssh-keygen", "-l", "-f", &public])) {
            Ok(text) => {
                let bits: u32 = text.split(' ').next().and_then(|b| b.parse().ok()).unwrap_or(0);
                let reason = "a shorter key was made before, and stays";
                Observation::judge(
                    plane,
                    bits >= self.rsa_bits,
                    format!("{bits} bits"),
                    self.wanted(),
                    reason,
                )
                .at(Location::file(public))
            }
            Err(why) => Observation::unobserved(plane, self.wanted(), why),
        }
    }
}
