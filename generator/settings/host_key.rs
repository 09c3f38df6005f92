//! `host-key`: the SSH daemon offers its Ed25519 key first, then an RSA key as long as wanted, and
//! no other. Every machine makes its own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::sshd::Line;
use super::{Kind, Wanted, sshd_main};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::{Look, running};

/// The length of the RSA key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HostKey {
    /// Bits.
    pub rsa_bits: u32,
}

const KEY: &str = "/etc/ssh/ssh_host_rsa_key";

/// The daemon's keys, in the order in which it offers them.
const KEYS: [&str; 2] = ["/etc/ssh/ssh_host_ed25519_key", KEY];

/// The daemon's drop-in that names them.
const NAMES: &str = "/etc/ssh/sshd_config.d/01-ironseed-host-keys.conf";

#[derive(Clone, Serialize)]
struct Template {
    profile: String,
    key: &'static str,
    keys: [&'static str; 2],
    bits: u32,
}

impl HostKey {
    /// The daemon's unit and, where a release has one, the unit that makes keys before: it is
    /// skipped on some boots, so neither alone will do.
    fn units(distro: &Distro) -> Result<Vec<&str>, ConfigError> {
        let units = [Some(distro.unit("ssh")?), distro.unit("ssh-keygen").ok()];
        Ok(units.into_iter().flatten().collect())
    }

    /// The lines for sshd that name the keys.
    pub fn lines() -> Vec<Line> {
        KEYS.iter().map(|key| Line { keyword: "HostKey".into(), value: (*key).into() }).collect()
    }

    fn drop_in(unit: &str) -> String {
        format!("/etc/systemd/system/{unit}.d/ironseed-host-key.conf")
    }
}

impl Kind for HostKey {
    const SUMMARY: &'static str = "the length of the RSA key that sshd makes at its first start";
    const ORDER: Option<&'static str> = Some("a longer key is tighter");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("an RSA host key of {} bits", self.rsa_bits)
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::at_least("bits", self.rsa_bits, self.rsa_bits)]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        for wanted in all {
            let values = Template {
                profile: context.plan.profile.clone(),
                key: KEY,
                keys: KEYS,
                bits: wanted.setting.rsa_bits,
            };
            let content = context.templates.render("host-key.conf", values.clone())?;
            for unit in Self::units(&context.plan.distro)? {
                bundle.write(BundleFile::config(Self::drop_in(unit), content.clone()), &[wanted.check])?;
            }
            if !context.plan.distro.versions.openssh.has_include() {
                sshd_main::whole(context, bundle, &[wanted.check])?;
                continue;
            }
            let content = context.templates.render("host-keys-sshd.conf", values)?;
            bundle.write(BundleFile::config(NAMES, content).mode(0o600), &[wanted.check])?;
        }
        Ok(())
    }

    fn writes(&self, distro: &Distro) -> Vec<String> {
        let units = Self::units(distro).unwrap_or_default();
        units.into_iter().map(Self::drop_in).chain([NAMES.to_owned()]).collect()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        vec![match plane {
            Plane::Configured => return [self.made(look), vec![self.offered(look)]].concat(),
            Plane::Running => self.running(look),
        }]
    }
}

impl HostKey {
    /// Every unit that could make a key makes one of this length first.
    fn made(&self, look: &Look<'_>) -> Vec<Observation> {
        let plane = Plane::Configured;
        let command = format!("ssh-keygen -q -t rsa -b {} ", self.rsa_bits);
        let systemd = match look.systemd() {
            Ok(systemd) => systemd,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let judge = |name: &str| match systemd.unit(name) {
            Ok(unit) => {
                let commands: Vec<_> =
                    unit.iter().flat_map(|u| u.values("Service", "ExecStartPre")).collect();
                let makes = |text: &str| words(text).contains(&command);
                let line = commands.into_iter().find(|line| makes(&line.value));
                let found = if line.is_some() { "made before sshd starts" } else { "not made" };
                let reason = "nothing makes one of this length; cloud-init's and the package's are shorter";
                let at = line.map_or_else(|| Location::file(Self::drop_in(name)), |line| line.at.clone());
                Observation::judge(plane, line.is_some(), found, self.wanted(), reason).at(at)
            }
            Err(error) => Observation::error(plane, self.wanted(), error.to_string()),
        };
        match Self::units(&look.plan.distro) {
            Ok(units) => units.into_iter().map(judge).collect(),
            Err(error) => vec![Observation::error(plane, self.wanted(), error.to_string())],
        }
    }

    /// The daemon itself would offer these keys, in this order.
    fn offered(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Configured;
        let wanted = format!("HostKey {}", KEYS.join(", "));
        let found = match look.sshd().map(|sshd| sshd.global("HostKey")) {
            Ok(found) => found,
            Err(why) => return Observation::unobserved(plane, wanted, why),
        };
        let Some(found) = found else {
            let reason = "no line names the keys, so sshd offers every one that it finds, RSA first";
            return Observation::fail(plane, "no line", wanted, reason).at(Location::file(NAMES));
        };
        let named: Vec<&str> = found.items().collect();
        let reason = "sshd offers the keys of these lines, in their order";
        Observation::judge(plane, named == KEYS, format!("HostKey {}", named.join(", ")), wanted, reason)
            .at(found.at.clone())
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

/// A command with single blanks between its words.
fn words(command: &str) -> String {
    command.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    #[test]
    fn a_key_named_earlier_is_offered_first() {
        let machine = Machine::of(&[Setting::HostKey(HostKey { rsa_bits: 4096 })]);
        machine.put("/etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\n");
        machine.put("/lib/systemd/system/ssh.service", "[Service]\nExecStart=/usr/sbin/sshd -D\n");
        assert_eq!(machine.configured(), [Pass, Pass]);
        machine.put("/etc/ssh/sshd_config.d/00-a.conf", "HostKey /etc/ssh/ssh_host_ecdsa_key\n");
        assert_eq!(machine.configured(), [Pass, Fail]);
    }
}
