//! systemd-resolved's stub listener: on loopback, and where `DNSStubListenerExtra=` says.

use super::{DnsServer, Recursion};
use crate::effective::ini_dropin::{IniDropin, parse_boolean};
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const PROGRAM: &str = "/usr/lib/systemd/systemd-resolved";

pub fn read(root: Root<'_>) -> Result<Option<DnsServer>> {
    if !root.exists(PROGRAM)? {
        return Ok(None);
    }
    let config = IniDropin::read(root, "systemd/resolved.conf")?;
    let file = Location::file(config.files.first().map_or(PROGRAM, String::as_str));
    let stub = config.last_valid("Resolve", "DNSStubListener", |text| match text {
        "udp" | "tcp" => Some(true),
        _ => parse_boolean(text),
    });
    let stub = stub.unwrap_or_else(|| Sourced::new(true, file));
    let local = if stub.value { Reach::Loopback } else { Reach::None };
    let mut reach = Sourced::new(local.clone(), stub.at.clone());
    for extra in config.all("Resolve", "DNSStubListenerExtra") {
        let next = if extra.value.is_empty() { local.clone() } else { listens(&extra.value) };
        // An empty one forgets those before it.
        if extra.value.is_empty() {
            reach = Sourced::new(next, stub.at.clone());
        } else if reach.value.clone().or(next.clone()) != reach.value {
            reach = Sourced::new(next, extra.at.clone());
        }
    }
    let recursion = match &reach.value {
        Reach::None => Recursion::Off,
        Reach::Loopback => Recursion::Loopback,
        Reach::Network => Recursion::Anyone,
        Reach::Unknown(why) => Recursion::Unknown(why.clone()),
    };
    let recursion = Sourced::new(recursion, reach.at.clone());
    Ok(Some(DnsServer { server: Server { program: "systemd-resolved", reach }, recursion }))
}

/// `[udp:|tcp:]ADDRESS[:PORT]`, an IPv6 address with a port in brackets.
fn listens(text: &str) -> Reach {
    let address = text.strip_prefix("udp:").or_else(|| text.strip_prefix("tcp:")).unwrap_or(text);
    if let Some((address, _port)) = address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Reach::of_address(address);
    }
    match address.split_once(':') {
        Some((v4, port)) if !port.contains(':') => Reach::of_address(v4),
        _ => Reach::of_address(address),
    }
}
