//! `ports`: every open port belongs to a service, and every service to the profile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::firewall::{listed, not_understood, offered, openings, to_packet};
use super::order::Aspect;
use crate::effective::firewall::{Opening, Protocol as Packet};
use crate::effective::systemd::State;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::parameter::Service;
use crate::verify::{Look, Outside};

/// No port is open but the profile's, and each has its service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ports {
    /// SSH's port.
    pub ssh_port: u16,
    /// The other services.
    pub services: Vec<Service>,
}

/// The client's port that DHCPv6 answers come to (RFC 8415): no service stands behind it.
const DHCPV6_CLIENT: u16 = 546;

impl Kind for Ports {
    const SUMMARY: &'static str = "no port is open but the profile's, and each has its service";
    const ORDER: Option<&'static str> = Some("one service more is looser; SSH on another port is a change");
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("open ports: {} and no other", listed(self.ssh_port, &self.services))
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::plain("SSH's port", self.ssh_port), offered(&self.services)]
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match plane {
            Plane::Configured => {
                let mut seen = self.no_other_opening(look);
                seen.extend(self.units(look).map(|(port, unit)| self.has_unit(look, port, &unit)));
                seen
            }
            Plane::Running => self.each_has_listener(look),
        }
    }

    fn observe_outside(&self, outside: &Outside) -> Vec<Observation> {
        vec![self.no_other_answers(outside)]
    }
}

impl Ports {
    fn no_other_opening(&self, look: &Look<'_>) -> Vec<Observation> {
        let plane = Plane::Configured;
        let rules = match look.firewall(plane) {
            Ok(rules) => rules,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let open = match rules.openings() {
            Ok(open) => open,
            Err(unknown) => return vec![not_understood(&unknown, plane, self.wanted())],
        };
        let alien: Vec<&Opening> = open.iter().filter(|o| !self.names(o)).collect();
        if alien.is_empty() {
            return vec![Observation::pass(plane, "no other port is open", self.wanted())];
        }
        let judge = |o: &&Opening| {
            let found = describe(o);
            let reason = "open, but no service of the profile stands behind it";
            Observation::fail(plane, found, self.wanted(), reason).at(o.at.clone())
        };
        alien.iter().map(judge).collect()
    }

    /// Whether an opening of the firewall is one of the profile's, or needs no service.
    fn names(&self, opening: &Opening) -> bool {
        let Some((first, last)) = opening.ports else {
            // ICMP and its IPv6 form carry no service.
            return matches!(opening.protocol, Packet::Number(1 | 58));
        };
        let single = first == last;
        let ours = openings(self.ssh_port, &self.services)
            .iter()
            .any(|o| single && o.port == first && to_packet(o.protocol) == opening.protocol);
        ours || (single && first == DHCPV6_CLIENT && opening.protocol == Packet::Udp)
    }

    fn units(&self, look: &Look<'_>) -> impl Iterator<Item = (u16, String)> {
        let ssh = look.plan.distro.ssh_listener().ok().map(|unit| (self.ssh_port, unit.to_owned()));
        let others: Vec<_> = self.services.iter().map(|s| (s.port, s.unit.clone())).collect();
        ssh.into_iter().chain(others)
    }

    /// The unit behind a port starts at boot.
    fn has_unit(&self, look: &Look<'_>, port: u16, unit: &str) -> Observation {
        let plane = Plane::Configured;
        let wanted = format!("{unit} starts at boot and listens on port {port}");
        let systemd = match look.systemd() {
            Ok(systemd) => systemd,
            Err(why) => return Observation::unobserved(plane, wanted, why),
        };
        match systemd.state(unit) {
            Ok(state) => {
                let word = state.value.to_string();
                let reason = format!("port {port} is open, but nothing will listen there: {unit} is {word}");
                let good = state.value == State::Enabled;
                Observation::judge(plane, good, format!("{unit} {word}"), wanted, reason).at(state.at)
            }
            Err(error) => Observation::error(plane, wanted, error.to_string()),
        }
    }

    fn each_has_listener(&self, look: &Look<'_>) -> Vec<Observation> {
        let plane = Plane::Running;
        let listeners = match look.listeners() {
            Ok(listeners) => listeners,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let judge = |o: super::firewall::Opening| {
            let wanted = format!("something listens on {}/{}", o.port, o.protocol);
            let found =
                listeners.iter().find(|l| l.port == o.port && l.protocol == o.protocol && !l.is_local());
            match found {
                Some(l) => {
                    let program = l.program.as_deref().unwrap_or("the kernel");
                    Observation::pass(plane, format!("{program} listens"), wanted).at(l.at.clone())
                }
                None => {
                    let reason = "the port is open for nothing, and for whatever starts there next";
                    Observation::fail(plane, "nothing listens", wanted, reason)
                        .at(Location::file("ss -ltunp"))
                }
            }
        };
        openings(self.ssh_port, &self.services).into_iter().map(judge).collect()
    }

    fn no_other_answers(&self, outside: &Outside) -> Observation {
        let plane = Plane::Running;
        let ours = openings(self.ssh_port, &self.services);
        let alien: Vec<String> = outside
            .open_ports
            .iter()
            .filter(|p| !ours.iter().any(|o| o.port == **p))
            .map(ToString::to_string)
            .collect();
        let at = Location::file(format!("from outside: {} TCP ports tried", outside.probed_ports));
        let wanted = self.wanted();
        let reason = "these ports answer, and no service of the profile stands behind them";
        let found = if alien.is_empty() {
            "no other port answers".into()
        } else {
            format!("ports {}", alien.join(", "))
        };
        Observation::judge(plane, alien.is_empty(), found, wanted, reason).at(at)
    }
}

fn describe(opening: &Opening) -> String {
    let protocol = match opening.protocol {
        Packet::Tcp => "tcp".to_owned(),
        Packet::Udp => "udp".to_owned(),
        Packet::Number(number) => format!("protocol {number}"),
        Packet::Other => "every protocol".to_owned(),
    };
    match opening.ports {
        Some((first, last)) if first == last => format!("{first}/{protocol}"),
        Some((first, last)) => format!("{first}-{last}/{protocol}"),
        None => protocol,
    }
}
