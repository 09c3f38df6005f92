//! Exim 4: the configuration that Debian generates from answers, or one written by hand.

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
        Some(list) => interfaces(list, ';'),
        None => Reach::Unknown("a command makes the list of interfaces".to_owned()),
    };
    Sourced::new(reach, list.at)
}

/// `local_interfaces = <; a ; b`; the default is every address.
fn by_hand(text: &str) -> Sourced<Reach> {
    let mut reach = Sourced::new(Reach::Network, Location::file(BY_HAND));
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        // What follows belongs to other sections.
        if line.starts_with("begin ") {
            break;
        }
        let Some((name, list)) = line.split_once('=') else { continue };
        if name.trim() == "local_interfaces" {
            let list = list.trim();
            let (separator, list) = match list.strip_prefix('<').and_then(|rest| rest.chars().next()) {
                Some(separator) => (separator, &list[1 + separator.len_utf8()..]),
                None => (':', list),
            };
            reach = Sourced::new(interfaces(list, separator), Location::line(BY_HAND, index + 1));
        }
    }
    reach
}

/// A list of addresses, each with an optional port as `address.port` or `[address]:port`.
fn interfaces(list: &str, separator: char) -> Reach {
    // A doubled separator stands for itself: in a list of the default kind, for the colons of IPv6.
    let doubled = format!("{separator}{separator}");
    let list = list.replace(&doubled, "\u{0}");
    let items = list.split(separator).map(|item| item.trim().replace('\u{0}', &separator.to_string()));
    let items = items.filter(|item| !item.is_empty());
    items.map(|item| interface(&item)).reduce(Reach::or).unwrap_or(Reach::Network)
}

fn interface(item: &str) -> Reach {
    if let Some((address, _port)) = item.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return Reach::of_address(address);
    }
    match (Reach::of_address(item), item.rsplit_once('.')) {
        (Reach::Unknown(_), Some((address, port))) if port.bytes().all(|b| b.is_ascii_digit()) => {
            Reach::of_address(address)
        }
        (reach, _) => reach,
    }
}
