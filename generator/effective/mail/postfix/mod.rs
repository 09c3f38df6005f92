//! Postfix: the services of `master.cf` as master(5) says, on the addresses that `main.cf` names.

mod expand;
mod lines;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};
use expand::{Problem, expand};
use lines::{assignment, logical_lines};

const BINARY: &str = "/usr/sbin/postfix";
const MAIN: &str = "/etc/postfix/main.cf";
const MASTER: &str = "/etc/postfix/master.cf";
/// Fields of a service, up to its command.
const FIELDS: usize = 8;

/// What `main.cf` sets.
type Parameters = HashMap<String, Sourced<String>>;

pub fn read(root: Root<'_>) -> Result<Option<Server>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    // Without either file Postfix does not start.
    let (Some(main), Some(master)) = (root.read_text(MAIN)?, root.read_text(MASTER)?) else {
        return Ok(Some(Server::new("postfix", Reach::None, Location::file(MAIN))));
    };
    let read = parameters(&main).and_then(|parameters| Ok((parameters, listeners(&master)?)));
    let (parameters, listeners) = match read {
        Ok(read) => read,
        Err(at) => return Ok(Some(Server::refused("postfix", at))),
    };
    let found = listeners.iter().map(|service| reach(service, &parameters));
    let widest = found.reduce(|a, b| if a.value.clone().or(b.value.clone()) == a.value { a } else { b });
    let reach = widest.unwrap_or_else(|| Sourced::new(Reach::None, Location::file(MASTER)));
    Ok(Some(Server { program: "postfix", reach }))
}

/// The parameters: the last assignment of each wins.
///
/// # Errors
/// The line that Postfix refuses.
fn parameters(text: &str) -> std::result::Result<Parameters, Location> {
    let lines = logical_lines(text).into_iter().map(|(line, content)| {
        let at = Location::line(MAIN, line);
        let (name, value) = assignment(&content).ok_or_else(|| at.clone())?;
        Ok((name.to_owned(), Sourced::new(value.to_owned(), at)))
    });
    lines.collect()
}

/// One `inet` service. Its `-o` options are the daemon's: master(8), which listens, doesn't heed them.
struct Listener {
    /// `port` or `address:port`.
    endpoint: String,
    at: Location,
}

/// # Errors
/// The line that Postfix refuses.
fn listeners(text: &str) -> std::result::Result<Vec<Listener>, Location> {
    let mut listeners = Vec::new();
    for (line, content) in logical_lines(text) {
        let at = Location::line(MASTER, line);
        let words: Vec<&str> = content.split_ascii_whitespace().collect();
        let ([endpoint, kind, ..], true) = (words.as_slice(), words.len() >= FIELDS) else { return Err(at) };
        match *kind {
            "inet" => listeners.push(Listener { endpoint: (*endpoint).to_owned(), at }),
            "unix" | "unix-dgram" | "fifo" | "pass" => {}
            _ => return Err(at),
        }
    }
    Ok(listeners)
}

/// A service with an address of its own listens there; the others where `inet_interfaces` says.
fn reach(service: &Listener, parameters: &Parameters) -> Sourced<Reach> {
    if let Some((address, _port)) = service.endpoint.rsplit_once(':')
        && !address.is_empty()
    {
        return Sourced::new(Reach::of_address(address), service.at.clone());
    }
    let Some(set) = parameters.get("inet_interfaces") else {
        return Sourced::new(Reach::Network, Location::file(MAIN));
    };
    let reach = match expand(&set.value, parameters) {
        Ok(value) => interfaces(&value),
        Err(Problem::Unknown) => Reach::Unknown("the value of inet_interfaces can't be told".to_owned()),
        Err(Problem::Refused) => return Server::refused("postfix", set.at.clone()).reach,
    };
    Sourced::new(reach, set.at.clone())
}

/// `all` and `loopback-only` stand alone; a list has addresses and names.
fn interfaces(value: &str) -> Reach {
    match value {
        "all" => Reach::Network,
        "loopback-only" => Reach::Loopback,
        list => {
            let words = list.split([' ', '\t', ',', '\r', '\n']).filter(|word| !word.is_empty());
            words.map(Reach::of_address).fold(Reach::None, Reach::or)
        }
    }
}
