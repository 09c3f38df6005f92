//! `server-scope`: a mail, DNS or time server, where there is one, serves those it should.

use serde::{Deserialize, Serialize};

use super::Kind;
use crate::effective::reach::{Reach, Server};
use crate::effective::{dns, mail, ntp};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::parameter::Protocol;
use crate::verify::Look;

/// A kind of server and how far it may reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerScope {
    /// Which server.
    pub role: Role,
}

/// Kinds of servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        self.role.wanted().into()
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
        let plane = Plane::Configured;
        let servers = match self.role {
            Role::Mail => mail::read(look.root),
            Role::Dns => dns::read(look.root),
            Role::Ntp => ntp::read(look.root),
        };
        let servers = match servers {
            Ok(servers) => servers,
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        };
        if servers.is_empty() {
            return vec![Observation::pass(plane, "no such server", self.wanted())];
        }
        let judge = |server: &Server| {
            let at = server.reach.at.clone();
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
            .at(at)
        };
        servers.iter().map(judge).collect()
    }
}
