//! `firewall`: the host drops what arrives, but for the profile's services.

use serde::{Deserialize, Serialize};

use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::distro::FirewallBackend;
use crate::observation::{Observation, Plane};
use crate::parameter::{Protocol, Service};
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// Default drop on input and forward, with openings for SSH and the profile's services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firewall {
    /// SSH's port.
    pub ssh_port: u16,
    /// The other services.
    pub services: Vec<Service>,
}

/// What a template needs of one opening.
#[derive(Serialize)]
struct Opening {
    name: String,
    protocol: Protocol,
    port: u16,
}

impl Firewall {
    /// Every opening, SSH first.
    fn openings(&self) -> Vec<Opening> {
        let ssh = Opening { name: "ssh".into(), protocol: Protocol::Tcp, port: self.ssh_port };
        let others = self.services.iter().map(|s| Opening {
            name: s.name.clone(),
            protocol: s.protocol,
            port: s.port,
        });
        std::iter::once(ssh).chain(others).collect()
    }
}
