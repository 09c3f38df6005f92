//! Exim 4: the configuration that Debian generates from answers, or one written by hand.

#[cfg(test)]
mod differential;

use std::net::IpAddr;

use crate::effective::reach::{Reach, Server};
use crate::effective::shell::{self, Variables};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/exim4";
/// Written by hand: where it exists, nothing is generated.
const BY_HAND: &str = "/etc/exim4/exim4.conf";
/// The answers that the configuration is generated from.
const ANSWERS: &str = "/etc/exim4/update-exim4.conf.conf";

pub fn read(root: Root<'_>) -> Result<Option<Server>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    let reach = if let Some(text) = root.read_text(BY_HAND)? {
        by_hand(&text)
    } else if let Some(text) = root.read_text(ANSWERS)? {
        answers(&text)
    } else {
        let why = "no configuration of exim4 is where it's looked for".to_owned();
        Sourced::new(Reach::Unknown(why), Location::file(BINARY))
    };
    Ok(Some(Server { program: "exim4", reach }))
}

/// `dc_local_interfaces='a ; b'`: a shell assignment, an empty list means every address.
fn answers(text: &str) -> Sourced<Reach> {
    let mut set = Variables::new();
    if let Err(line) = shell::source(ANSWERS, text, |_| true, &mut set) {
        let why = "the answers are more than assignments".to_owned();
        return Sourced::new(Reach::Unknown(why), Location::line(ANSWERS, line));
    }
    let Some(list) = set.remove("dc_local_interfaces") else {
        return Sourced::new(Reach::Network, Location::file(ANSWERS));
    };
    let reach = match &list.value {
        // Without an answer, nothing is written, and the default counts.
        Some(list) => interfaces(list, ';').unwrap_or(Reach::Network),
        None => Reach::Unknown("a command makes the list of interfaces".to_owned()),
    };
    Sourced::new(reach, list.at)
}

/// `local_interfaces = <; a ; b`; the default is every address, and an empty list is none.
fn by_hand(text: &str) -> Sourced<Reach> {
    let refused =
        |at| Sourced::new(Reach::Unknown("it does not start with this configuration".to_owned()), at);
    let mut reach = None;
    for (line, number) in logical_lines(text) {
        let at = Location::line(BY_HAND, number);
        // What follows belongs to other sections.
        if line.starts_with("begin ") {
            break;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        if name.trim() != "local_interfaces" {
            continue;
        }
        let Some(list) = unquoted(value.trim()).filter(|_| reach.is_none()) else { return refused(at) };
        let list = list.trim_start();
        let (separator, list) = match list.strip_prefix('<').and_then(|rest| rest.chars().next()) {
            Some(separator) if separator.is_ascii_punctuation() => (separator, &list[2..]),
            _ => (':', list),
        };
        reach = Some(Sourced::new(interfaces(list, separator).unwrap_or(Reach::None), at));
    }
    reach.unwrap_or_else(|| Sourced::new(Reach::Network, Location::file(BY_HAND)))
}

/// Lines without comments, with the number of their first; a backslash at the end takes the next one in, without what
/// is blank at its start.
fn logical_lines(text: &str) -> Vec<(String, usize)> {
    let mut lines: Vec<(String, usize)> = Vec::new();
    let mut goes_on = false;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match lines.last_mut().filter(|_| goes_on) {
            Some((whole, _)) => whole.push_str(part),
            None => lines.push((part.to_owned(), index + 1)),
        }
        goes_on = more;
    }
    lines
}

/// A value as it stands, or in quotes; `None` where a quote is left open.
fn unquoted(value: &str) -> Option<&str> {
    match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').filter(|inner| !inner.contains(['"', '\\'])),
        None => Some(value),
    }
}

/// A list of addresses, each with an optional port as `address.port` or `[address]:port`; `None` where it is empty.
fn interfaces(list: &str, separator: char) -> Option<Reach> {
    // A doubled separator stands for itself: in a list of the default kind, for the colons of IPv6.
    let doubled = format!("{separator}{separator}");
    let list = list.replace(&doubled, "\u{0}");
    let items = list.split(separator).map(|item| item.trim().replace('\u{0}', &separator.to_string()));
    let mut items: Vec<String> = items.collect();
    // A separator at the end begins no item; anywhere else, nothing between two of them is an empty one.
    items.pop_if(|item| item.is_empty());
    // One that is no address keeps Exim from starting, whatever the others are.
    items.iter().map(|item| interface(item)).reduce(|a, b| match (&a, &b) {
        (Reach::Unknown(_), _) => a,
        (_, Reach::Unknown(_)) => b,
        _ => a.or(b),
    })
}

fn interface(item: &str) -> Reach {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let address = match item.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, "")) => address,
        Some((address, port)) if port.strip_prefix(':').is_some_and(is_port) => address,
        Some(_) => item,
        // The last part is a port where an address stands before it.
        None => match item.rsplit_once('.') {
            Some((address, port)) if address.parse::<IpAddr>().is_ok() && is_port(port) => address,
            _ => item,
        },
    };
    match address.parse::<IpAddr>() {
        Ok(_) => Reach::of_address(address),
        Err(_) => Reach::Unknown(format!("{item} is no address")),
    }
}
