//! dnsmasq as a service: `dnsmasq.conf` with its folder. The binary alone (as libvirt uses it) is no server.

use super::{DnsServer, Recursion};
use crate::effective::files;
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// One of these starts it.
const SERVICES: [&str; 3] =
    ["/usr/lib/systemd/system/dnsmasq.service", "/lib/systemd/system/dnsmasq.service", "/etc/init.d/dnsmasq"];
const FILE: &str = "/etc/dnsmasq.conf";
const FOLDER: &str = "/etc/dnsmasq.d/*";

pub fn read(root: Root<'_>) -> Result<Option<DnsServer>> {
    let mut installed = false;
    for service in SERVICES {
        installed |= root.exists(service)?;
    }
    if !installed {
        return Ok(None);
    }
    let mut options = Options::default();
    let mut files = vec![FILE.to_owned()];
    files.extend(files::regular(root, FOLDER)?);
    for file in files {
        for (index, line) in root.read_text(&file)?.unwrap_or_default().lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            options.apply(key.trim(), value.trim(), Location::line(&file, index + 1));
        }
    }
    Ok(Some(options.server()))
}

#[derive(Default)]
struct Options {
    off: Option<Location>,
    /// Where it listens, if that's limited.
    listening: Vec<Sourced<Reach>>,
    local_service: Option<Location>,
}

impl Options {
    fn apply(&mut self, key: &str, value: &str, at: Location) {
        match key {
            "port" => self.off = (value == "0").then_some(at),
            "listen-address" => {
                let addresses = value.split(',').map(|address| Reach::of_address(address.trim()));
                self.listening.extend(addresses.map(|reach| Sourced::new(reach, at.clone())));
            }
            "interface" => {
                let only_loopback = value.split(',').all(|name| name.trim() == "lo");
                let reach = if only_loopback { Reach::Loopback } else { Reach::Network };
                self.listening.push(Sourced::new(reach, at));
            }
            "local-service" => self.local_service = Some(at),
            _ => {}
        }
    }

    /// It listens everywhere and answers everybody, unless limited; `local-service` counts only where nothing
    /// else limits it.
    fn server(self) -> DnsServer {
        let server = |reach: Sourced<Reach>, recursion| DnsServer {
            recursion: Sourced::new(recursion, reach.at.clone()),
            server: Server { program: "dnsmasq", reach },
        };
        if let Some(at) = self.off {
            return server(Sourced::new(Reach::None, at), Recursion::Off);
        }
        let wider = |a: Sourced<Reach>, b: Sourced<Reach>| {
            if a.value.clone().or(b.value.clone()) == a.value { a } else { b }
        };
        match (self.listening.into_iter().reduce(wider), self.local_service) {
            (Some(reach), _) if reach.value == Reach::Loopback => server(reach, Recursion::Loopback),
            (Some(reach), _) => server(reach, Recursion::Anyone),
            (None, Some(at)) => {
                let networks = Recursion::Networks(vec!["localnets".to_owned()]);
                server(Sourced::new(Reach::Network, at), networks)
            }
            (None, None) => server(Sourced::new(Reach::Network, Location::file(FILE)), Recursion::Anyone),
        }
    }
}
