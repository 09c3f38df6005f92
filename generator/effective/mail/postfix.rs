//! Postfix: `main.cf` as postconf(5) says, and the services of `master.cf` as master(5) says.

use std::collections::HashMap;

use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/postfix";
const MAIN: &str = "/etc/postfix/main.cf";
const MASTER: &str = "/etc/postfix/master.cf";
/// Parameters inside parameters that are followed, before it counts as a circle.
const MAX_DEPTH: usize = 20;
/// Longest value that parameters may grow to.
const MAX_VALUE: usize = 64 << 10;

type Parameters = HashMap<String, Sourced<String>>;

pub fn read(root: Root<'_>) -> Result<Option<Server>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    let none = |at: &str| Ok(Some(Server::new("postfix", Reach::None, Location::file(at))));
    // Without either file Postfix does not start.
    let (Some(main), Some(master)) = (root.read_text(MAIN)?, root.read_text(MASTER)?) else {
        return none(MAIN);
    };
    let parameters = parameters(&main);
    let listeners = listeners(&master);
    let found = listeners.iter().map(|service| reach(service, &parameters));
    let widest = found.reduce(|a, b| if a.value.clone().or(b.value.clone()) == a.value { a } else { b });
    match widest {
        Some(reach) => Ok(Some(Server { program: "postfix", reach })),
        None => none(MASTER),
    }
}

/// One `inet` service. Its `-o` options are the daemon's: master(8), which listens, doesn't heed them.
struct Listener {
    /// `port` or `address:port`.
    endpoint: String,
    at: Location,
}

/// Lines, those that begin with a blank joined to the one before; comments and empty lines never join.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        match lines.last_mut() {
            Some((_, last)) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(content);
            }
            _ => lines.push((index + 1, content.to_owned())),
        }
    }
    lines
}

/// The parameters: the last assignment of each wins.
fn parameters(text: &str) -> Parameters {
    let lines = logical_lines(text).into_iter().filter_map(|(line, content)| {
        let (name, value) = content.split_once('=')?;
        let value = Sourced::new(value.trim().to_owned(), Location::line(MAIN, line));
        Some((name.trim().to_owned(), value))
    });
    lines.collect()
}

fn listeners(text: &str) -> Vec<Listener> {
    let lines = logical_lines(text).into_iter().filter_map(|(line, content)| {
        let mut words = content.split_whitespace();
        let (endpoint, kind) = (words.next()?, words.next()?);
        let at = Location::line(MASTER, line);
        (kind == "inet").then(|| Listener { endpoint: endpoint.to_owned(), at })
    });
    lines.collect()
}

/// A service with an address of its own listens there; the others where `inet_interfaces` says.
fn reach(service: &Listener, parameters: &Parameters) -> Sourced<Reach> {
    if let Some((address, _port)) = service.endpoint.rsplit_once(':') {
        // An empty address means every one.
        let reach = if address.is_empty() { Reach::Network } else { Reach::of_address(address) };
        return Sourced::new(reach, service.at.clone());
    }
    let Some(set) = parameters.get("inet_interfaces") else {
        return Sourced::new(Reach::Network, Location::file(MAIN));
    };
    let Some(value) = expand(&set.value, parameters, 0) else {
        let why = "the value of inet_interfaces can't be told".to_owned();
        return Sourced::new(Reach::Unknown(why), set.at.clone());
    };
    let words = value.split([' ', '\t', ',']).filter(|word| !word.is_empty());
    let reach = words.fold(Reach::None, |reach, word| {
        reach.or(match word {
            "all" => Reach::Network,
            "loopback-only" => Reach::Loopback,
            address => Reach::of_address(address),
        })
    });
    Sourced::new(reach, set.at.clone())
}

/// Puts parameters in for `$name`, `${name}` and `$(name)`; `None` for a circle, or for one that's set nowhere
/// and so has a default, which isn't known here.
fn expand(text: &str, parameters: &Parameters, depth: usize) -> Option<String> {
    if depth > MAX_DEPTH {
        return None;
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let closing = match after.chars().next()? {
            '{' => Some('}'),
            '(' => Some(')'),
            _ => None,
        };
        let (name, tail) = match closing {
            Some(closing) => after[1..].split_once(closing)?,
            None => {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                after.split_at(end)
            }
        };
        out.push_str(&expand(&parameters.get(name)?.value, parameters, depth + 1)?);
        if out.len() > MAX_VALUE {
            return None;
        }
        rest = tail;
    }
    out.push_str(rest);
    Some(out)
}
