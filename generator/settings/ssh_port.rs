//! `ssh-port`: sshd listens on the profile's port and no other, and the port is no reserved one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::sshd::{Line, reload};
use super::{Kind, Wanted, checks_of, drop_in, sshd_main};
use crate::diagnostic::ConfigError;
use crate::effective::selinux::{self, Mode};
use crate::effective::sshd::MAIN;
use crate::location::{Location, Sourced};
use crate::observation::{Observation, Plane};
use crate::render::bundle::{BundleFile, Phase, PortLabel};
use crate::render::{Bundle, Context};
use crate::verify::{Look, start};

/// sshd's port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshPort {
    /// The port.
    pub port: u16,
    /// The smallest port that the policy accepts.
    pub at_least: u16,
}

/// A file of its own beside the other options, so that the port can be told apart in review.
const PATH: &str = "/etc/ssh/sshd_config.d/00-ironseed-port.conf";

impl Kind for SshPort {
    const SUMMARY: &'static str = "sshd listens on one port, and it is no reserved one";
    const ORDER: Option<&'static str> = Some(
        "a port that meets the policy is tighter than one that does not, and so is a higher limit; any other move is a change",
    );

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("SSH on port {}, {} or above", self.port, self.at_least)
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![
            Aspect::at_least("port", self.port, self.port >= self.at_least),
            Aspect::at_least("smallest port accepted", self.at_least, self.at_least),
        ]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let checks = checks_of(all);
        let distro = &context.plan.distro;
        for port in all.iter().map(|w| w.setting.port).filter(|port| distro.selinux && *port != SSH) {
            let label = PortLabel { label: LABEL.into(), protocol: "tcp".into(), port };
            bundle.label_port(label, &checks)?;
        }
        if !distro.versions.openssh.has_include() {
            return sshd_main::whole(context, bundle, &checks);
        }
        let lines = all.iter().map(|w| w.setting.line());
        let content = drop_in::content("sshd.conf", lines, context)?;
        bundle.write(BundleFile::config(PATH, content).mode(0o600), &checks)?;
        reload(context.plan, bundle, PATH, &checks)?;
        if distro.ssh_socket_activated {
            Self::socket(all, context, bundle, &checks)?;
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let read = match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => self.running(look),
        };
        let mut seen = match read {
            Ok(ports) => self.judge(plane, ports),
            Err(why) => vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        if plane == Plane::Configured {
            seen.extend(self.labelled(look));
        }
        if plane == Plane::Configured && self.port < self.at_least {
            let reason = format!("ports below {} are reserved and tried by every scanner", self.at_least);
            let found = format!("the profile chooses port {}", self.port);
            seen.push(Observation::fail(plane, found, self.wanted(), reason));
        }
        seen
    }
}

impl SshPort {
    /// The line for sshd.
    pub fn line(&self) -> Line {
        Line { keyword: "Port".into(), value: self.port.to_string() }
    }

    /// The socket that listens in sshd's place is told, too, and takes over from a running sshd.
    fn socket(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
        checks: &[&str],
    ) -> Result<(), ConfigError> {
        let distro = &context.plan.distro;
        let (service, socket) = (distro.unit("ssh")?, distro.ssh_listener()?);
        let content = drop_in::content("ssh-socket.conf", all.iter().map(|w| w.setting.port), context)?;
        let path = format!("/etc/systemd/system/{socket}.d/ironseed.conf");
        bundle.write(BundleFile::config(path, content), checks)?;
        for (verb, unit) in [("stop", service), ("restart", socket)] {
            let purpose = format!("{verb} {unit}");
            bundle.run(Phase::Activate, &["systemctl", verb, unit], &purpose, checks);
        }
        Ok(())
    }

    /// SELinux lets sshd bind the port, where it is on at all.
    fn labelled(&self, look: &Look<'_>) -> Option<Observation> {
        let (plane, wanted) = (Plane::Configured, format!("port {} of SELinux's type {LABEL}", self.port));
        if !look.plan.distro.selinux || self.port == SSH {
            return None;
        }
        let policy = match look.selinux() {
            Ok(Some(selinux)) if selinux.mode.value != Mode::Off => &selinux.policy,
            Ok(_) => return None,
            Err(why) => return Some(Observation::unobserved(plane, wanted, why)),
        };
        let reason = "SELinux would not let sshd listen on it";
        Some(match selinux::port_type(look.root, policy, "tcp", self.port) {
            Ok(Some(found)) => {
                let shown = format!("of type {}", found.value);
                Observation::judge(plane, found.value == LABEL, shown, wanted, reason).at(found.at)
            }
            Ok(None) => {
                Observation::fail(plane, "no line", wanted, reason).at(Location::file(selinux::ports(policy)))
            }
            Err(error) => Observation::error(plane, wanted, error.to_string()),
        })
    }
}

/// The port that SELinux's policy has for sshd.
const SSH: u16 = 22;

/// SELinux's type of sshd's ports.
const LABEL: &str = "ssh_port_t";

/// A port that sshd listens on, and what says so.
type Ports = Vec<(u16, Location)>;

impl SshPort {
    fn configured(&self, look: &Look<'_>) -> Result<Ports, String> {
        let config = look.sshd()?;
        if let Some(ports) = socket_ports(look)? {
            return Ok(ports);
        }
        let mut ports: Ports = config
            .listeners()
            .into_iter()
            .map(|l| (l.port, l.at.unwrap_or_else(|| Location::file(MAIN))))
            .collect();
        ports.sort();
        ports.dedup();
        Ok(ports)
    }

    fn running(&self, look: &Look<'_>) -> Result<Ports, String> {
        let listeners = look.listeners()?;
        let of_sshd = listeners.iter().filter(|l| l.program.as_deref() == Some("sshd"));
        Ok(of_sshd.map(|l| (l.port, l.at.clone())).collect())
    }

    fn judge(&self, plane: Plane, ports: Ports) -> Vec<Observation> {
        if ports.is_empty() {
            return vec![Observation::fail(plane, "no port", self.wanted(), "sshd listens nowhere")];
        }
        ports
            .into_iter()
            .map(|(port, at)| {
                let reason = format!("this decides where sshd listens, and the profile says {}", self.port);
                let good = port == self.port;
                Observation::judge(plane, good, format!("port {port}"), self.wanted(), reason).at(at)
            })
            .collect()
    }
}

/// Where sshd is started by a socket unit, that unit decides the ports and `Port` has no effect.
fn socket_ports(look: &Look<'_>) -> Result<Option<Ports>, String> {
    let Some(socket) = start::ssh_socket(look)? else { return Ok(None) };
    let systemd = look.systemd()?;
    let streams = systemd.listen_streams(socket).map_err(|e| e.to_string())?.unwrap_or_default();
    let port = |stream: &Sourced<String>| {
        let port = stream.value.rsplit(':').next()?.parse().ok()?;
        Some((port, stream.at.clone()))
    };
    Ok(Some(streams.iter().filter_map(port).collect()))
}
