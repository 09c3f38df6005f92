//! `server-scope`: a mail, DNS or time server, where there is one, serves those it should.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::effective::dns::{self, DnsServer, Recursion};
use crate::effective::mail;
use crate::effective::ntp::{self, TimeServer};
use crate::effective::reach::{Reach, Server};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::parameter::Protocol;
use crate::verify::Look;

/// A kind of server and how far it may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerScope {
    /// Which server.
    pub role: Role,
}

/// Kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// A mail server: on loopback only.
    Mail,
    /// A DNS server: recursion for trusted hosts only.
    Dns,
    /// A time server: for trusted hosts only, without monlist.
    Ntp,
}

impl Role {
    fn wanted(self) -> &'static str {
        match self {
            Self::Mail => "a mail server on loopback only, or none",
            Self::Dns => "DNS recursion for trusted hosts only, or no DNS server",
            Self::Ntp => "time served to trusted hosts only and without monlist, or not at all",
        }
    }

    /// The server's ports.
    fn ports(self) -> &'static [(Protocol, u16)] {
        match self {
            Self::Mail => &[(Protocol::Tcp, 25), (Protocol::Tcp, 465), (Protocol::Tcp, 587)],
            Self::Dns => &[(Protocol::Tcp, 53), (Protocol::Udp, 53)],
            Self::Ntp => &[(Protocol::Udp, 123)],
        }
    }
}

impl Kind for ServerScope {
    const SUMMARY: &'static str = "a mail, DNS or time server serves only those it should";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        self.role.wanted().into()
    }

    fn subject(&self) -> String {
        self.role.wanted().into()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => self.running(look),
        }
    }
}

impl ServerScope {
    /// A server that answers other hosts on its port. That DNS recursion is limited can't be seen
    /// on a socket; the configuration decides that.
    fn running(&self, look: &Look<'_>) -> Vec<Observation> {
        let plane = Plane::Running;
        let listeners = match look.listeners() {
            Ok(listeners) => listeners,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let reachable: Vec<_> = listeners
            .iter()
            .filter(|l| self.role.ports().contains(&(l.protocol, l.port)) && !l.is_local())
            .collect();
        if reachable.is_empty() {
            let found = "nothing listens for other hosts";
            return vec![Observation::pass(plane, found, self.wanted()).at(Location::file("ss -ltunp"))];
        }
        reachable
            .into_iter()
            .map(|l| {
                let program = l.program.as_deref().unwrap_or("the kernel");
                let found = format!("{program} listens on {}:{}", l.address, l.port);
                match self.role {
                    Role::Mail => {
                        let reason = "other hosts can reach the mail server";
                        Observation::fail(plane, found, self.wanted(), reason).at(l.at.clone())
                    }
                    // A server for trusted hosts listens as well: its configuration was judged.
                    Role::Dns | Role::Ntp => Observation::pass(plane, found, self.wanted()).at(l.at.clone()),
                }
            })
            .collect()
    }

    fn configured(&self, look: &Look<'_>) -> Vec<Observation> {
        let seen = match self.role {
            Role::Mail => mail::read(look.root).map(|all| all.iter().map(|s| self.reach(s)).collect()),
            Role::Dns => dns::read(look.root).map(|all| all.iter().map(|s| self.recursion(s)).collect()),
            Role::Ntp => ntp::read(look.root).map(|all| all.iter().map(|s| self.time(s)).collect()),
        };
        let seen: Vec<Observation> = match seen {
            Ok(seen) => seen,
            Err(error) => {
                return vec![Observation::error(Plane::Configured, self.wanted(), error.to_string())];
            }
        };
        if seen.is_empty() {
            return vec![Observation::pass(Plane::Configured, "no such server", self.wanted())];
        }
        seen
    }

    /// Who can reach a server.
    fn reach(&self, server: &Server) -> Observation {
        let plane = Plane::Configured;
        let program = server.program;
        match &server.reach.value {
            Reach::None => Observation::pass(plane, format!("{program} opens no socket"), self.wanted()),
            Reach::Loopback => Observation::pass(plane, format!("{program} on loopback only"), self.wanted()),
            Reach::Network => {
                let reason = "other hosts can use it, and this line lets them";
                Observation::fail(plane, format!("{program} serves other hosts"), self.wanted(), reason)
            }
            Reach::Unknown(why) => Observation::unobserved(plane, self.wanted(), format!("{program}: {why}")),
        }
        .at(server.reach.at.clone())
    }

    /// For whom a DNS server recurses, where others can reach it at all.
    fn recursion(&self, dns: &DnsServer) -> Observation {
        let plane = Plane::Configured;
        let program = dns.server.program;
        if matches!(dns.server.reach.value, Reach::None | Reach::Loopback) {
            return self.reach(&dns.server);
        }
        match &dns.recursion.value {
            Recursion::Off => Observation::pass(plane, format!("{program} does not recurse"), self.wanted()),
            Recursion::Loopback => {
                Observation::pass(plane, format!("{program} recurses for this host"), self.wanted())
            }
            Recursion::Networks(networks) => {
                let found = format!("{program} recurses for {}", networks.join(", "));
                Observation::pass(plane, found, self.wanted())
            }
            Recursion::Anyone => {
                let reason = "anybody can use it to flood others";
                Observation::fail(plane, format!("{program} recurses for anybody"), self.wanted(), reason)
            }
            Recursion::Unknown(why) => {
                Observation::unobserved(plane, self.wanted(), format!("{program}: {why}"))
            }
        }
        .at(dns.recursion.at.clone())
    }

    /// A time server that only keeps this host's clock, or that answers without monlist.
    fn time(&self, time: &TimeServer) -> Observation {
        if !time.monlist_possible.value {
            return self.reach(&time.server);
        }
        let found = format!("{} answers monlist", time.server.program);
        let reason = "a small question gets a long answer: anybody can use it to flood others";
        Observation::fail(Plane::Configured, found, self.wanted(), reason)
            .at(time.monlist_possible.at.clone())
    }
}
