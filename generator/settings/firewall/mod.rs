//! `firewall`: the host drops what arrives unless something lets it in, and lets SSH and the
//! profile's services in.
//!
//! That nothing *else* is let in is the `ports` kind's business.

mod backend;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, Measure};
use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::effective::firewall::{Family, Fate, Reach, RuleSet, Unknown};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::parameter::{Protocol, Service};
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// Default drop on input and forward, with openings for SSH and the profile's services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    /// SSH's port.
    pub ssh_port: u16,
    /// The other services.
    pub services: Vec<Service>,
}

/// One opening, as templates and messages take it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Opening {
    /// The service's name.
    pub name: String,
    /// Transport protocol.
    pub protocol: Protocol,
    /// Port.
    pub port: u16,
}

/// Every opening that a profile wants, SSH first.
pub fn openings(ssh_port: u16, services: &[Service]) -> Vec<Opening> {
    let ssh = Opening { name: "ssh".into(), protocol: Protocol::Tcp, port: ssh_port };
    let others =
        services.iter().map(|s| Opening { name: s.name.clone(), protocol: s.protocol, port: s.port });
    std::iter::once(ssh).chain(others).collect()
}

/// [`openings`] for people: `22022/tcp, 443/tcp`.
pub fn listed(ssh_port: u16, services: &[Service]) -> String {
    let shown = |opening: &Opening| format!("{}/{}", opening.port, opening.protocol);
    openings(ssh_port, services).iter().map(shown).collect::<Vec<_>>().join(", ")
}

/// The services that a profile offers, in the order of strictness.
pub fn offered(services: &[Service]) -> Aspect {
    let item = |s: &Service| (format!("{}/{}", s.port, s.protocol), format!("{}, {}", s.name, s.unit));
    Aspect { name: "services", measure: Measure::Allowed(services.iter().map(item).collect()) }
}

impl Kind for Firewall {
    const SUMMARY: &'static str = "the host firewall drops by default and lets the profile's services in";
    const ORDER: Option<&'static str> = Some("one opening more is looser; SSH on another port is a change");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("drop on input and forward, {} let in", listed(self.ssh_port, &self.services))
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::plain("SSH's port", self.ssh_port), offered(&self.services)]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let checks = checks_of(all);
        for wanted in all {
            let openings = openings(wanted.setting.ssh_port, &wanted.setting.services);
            backend::render(openings, context, bundle, &checks)?;
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match look.firewall(plane) {
            Ok(rules) => self.judge(rules, plane),
            Err(why) => vec![Observation::unobserved(plane, self.wanted(), why)],
        }
    }
}

impl Firewall {
    fn judge(&self, rules: &RuleSet, plane: Plane) -> Vec<Observation> {
        let mut seen = Vec::new();
        for (family, name) in [(Family::V4, "IPv4"), (Family::V6, "IPv6")] {
            seen.push(judge_default(&rules.input_default(family), plane, &format!("{name} input")));
            seen.push(judge_default(&rules.forward_default(family), plane, &format!("{name} forward")));
            for opening in openings(self.ssh_port, &self.services) {
                seen.push(judge_opening(rules, &opening, family, plane, name));
            }
        }
        seen
    }
}

fn judge_default(fate: &Fate, plane: Plane, what: &str) -> Observation {
    let wanted = format!("{what}: dropped by default");
    match fate {
        Fate::Drop(at) => Observation::pass(plane, format!("{what}: dropped"), wanted).at(at.clone()),
        Fate::Accept(at) => {
            let reason = "this lets in whatever no rule names";
            Observation::fail(plane, format!("{what}: accepted"), wanted, reason).at(at.clone())
        }
        Fate::NoChain => {
            let reason = "no chain of the rule set sees these packets, so all get in";
            Observation::fail(plane, format!("{what}: no filter"), wanted, reason)
        }
        Fate::Unobserved(unknown) => not_understood(unknown, plane, wanted),
    }
}

fn judge_opening(
    rules: &RuleSet,
    opening: &Opening,
    family: Family,
    plane: Plane,
    name: &str,
) -> Observation {
    let Opening { name: service, protocol, port } = opening;
    let wanted = format!("{service} ({port}/{protocol}, {name}) let in");
    match rules.reach(to_packet(*protocol), *port, family) {
        Reach::Open(at) => Observation::pass(plane, "let in", wanted).at(at),
        Reach::Partly(openings) => {
            let reason =
                "only some may connect, or only at times: the service would be out of reach for the others";
            Observation::fail(plane, "let in partly", wanted, reason)
                .at(openings.first().map(|o| o.at.clone()))
        }
        Reach::Closed(at) => {
            let reason = "the service is out of reach; for SSH that locks everybody out";
            Observation::fail(plane, "dropped", wanted, reason).at(at)
        }
        Reach::Unobserved(unknown) => not_understood(&unknown, plane, wanted),
    }
}

/// What the rule set holds that this program does not know is never a pass.
pub fn not_understood(unknown: &[Unknown], plane: Plane, wanted: String) -> Observation {
    let first = unknown.first();
    let text = first.map_or("", |u| u.text.as_str());
    let at: Option<Location> = first.map(|u| u.at.clone());
    Observation::unobserved(
        plane,
        wanted,
        format!("the rule set holds what this program does not know: {text}"),
    )
    .at(at)
}

/// The firewall model's word for a transport protocol.
pub fn to_packet(protocol: Protocol) -> crate::effective::firewall::Protocol {
    match protocol {
        Protocol::Tcp => crate::effective::firewall::Protocol::Tcp,
        Protocol::Udp => crate::effective::firewall::Protocol::Udp,
    }
}
