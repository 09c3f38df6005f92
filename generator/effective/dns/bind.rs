//! BIND: `named.conf`'s options and views, as the Administrator Reference Manual says.

use std::collections::{HashMap, HashSet};

use super::named_conf::{self, Statement};
use super::{DnsServer, Recursion};
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/named";
const FILES: [&str; 2] = ["/etc/bind/named.conf", "/etc/named.conf"];

pub fn read(root: Root<'_>) -> Result<Option<DnsServer>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    let mut file = FILES[0];
    for candidate in FILES {
        if root.exists(candidate)? {
            file = candidate;
            break;
        }
    }
    let statements = named_conf::read(root, file)?;
    let config = Config::of(&statements, file);
    let server = Server { program: "bind", reach: config.reach() };
    Ok(Some(DnsServer { server, recursion: config.recursion() }))
}

struct Config<'s> {
    file: Location,
    lists: HashMap<&'s str, &'s [Statement]>,
    options: &'s [Statement],
    views: Vec<&'s [Statement]>,
}

impl<'s> Config<'s> {
    fn of(statements: &'s [Statement], file: &str) -> Self {
        let blocks = |name: &'static str| {
            statements.iter().filter(move |s| s.name() == name).map(|s| s.block.as_slice())
        };
        let lists = statements.iter().filter(|s| s.name() == "acl");
        Self {
            file: Location::file(file),
            lists: lists.filter_map(|s| Some((s.words.get(1)?.as_str(), s.block.as_slice()))).collect(),
            options: blocks("options").next().unwrap_or_default(),
            views: blocks("view").collect(),
        }
    }

    /// Both families listen on every address unless told otherwise.
    fn reach(&self) -> Sourced<Reach> {
        let mut widest = Sourced::new(Reach::None, self.file.clone());
        for name in ["listen-on", "listen-on-v6"] {
            let mut found = false;
            for statement in self.options.iter().filter(|s| s.name() == name) {
                found = true;
                let reach = self.listens(&statement.block);
                if widest.value.clone().or(reach.clone()) != widest.value {
                    widest = Sourced::new(reach, statement.at.clone());
                }
            }
            if !found {
                return Sourced::new(Reach::Network, self.file.clone());
            }
        }
        widest
    }

    fn listens(&self, list: &[Statement]) -> Reach {
        let elements = self.flatten(list);
        let reaches = elements.iter().map(|element| match element.as_str() {
            "none" => Reach::None,
            // `localhost` is not the loopback: it's every address that the machine has.
            "any" | "localhost" | "localnets" => Reach::Network,
            element => Reach::of_address(element.split('/').next().unwrap_or_default()),
        });
        reaches.fold(Reach::None, Reach::or)
    }

    /// The widest of the views', each of which may replace the options.
    fn recursion(&self) -> Sourced<Recursion> {
        let scopes: Vec<&[Statement]> = if self.views.is_empty() { vec![&[]] } else { self.views.clone() };
        let all = scopes.into_iter().map(|view| self.recursion_in(view));
        let rank = |recursion: &Recursion| match recursion {
            Recursion::Off => 0,
            Recursion::Loopback => 1,
            Recursion::Networks(_) => 2,
            Recursion::Unknown(_) => 3,
            Recursion::Anyone => 4,
        };
        let widest = all.max_by_key(|recursion| rank(&recursion.value));
        widest.unwrap_or_else(|| Sourced::new(Recursion::Off, self.file.clone()))
    }

    fn recursion_in(&self, view: &[Statement]) -> Sourced<Recursion> {
        let find = |name: &str| {
            let of = |scope: &'s [Statement]| scope.iter().rev().find(|s| s.name() == name);
            view.iter().rev().find(|s| s.name() == name).cloned().or_else(|| of(self.options).cloned())
        };
        if let Some(off) = find("recursion")
            && off
                .words
                .get(1)
                .is_some_and(|word| ["no", "false", "0"].iter().any(|no| word.eq_ignore_ascii_case(no)))
        {
            return Sourced::new(Recursion::Off, off.at);
        }
        for name in ["allow-recursion", "allow-query-cache", "allow-query"] {
            if let Some(set) = find(name) {
                let elements = self.flatten(&set.block);
                let mut networks = Vec::new();
                for element in &elements {
                    match element.as_str() {
                        // Nobody further is let in.
                        "none" | "!any" => break,
                        refused if refused.starts_with('!') => {}
                        network => networks.push(network),
                    }
                }
                return Sourced::new(Recursion::for_networks(networks), set.at);
            }
        }
        Sourced::new(Recursion::Networks(vec!["localnets".to_owned()]), self.file.clone())
    }

    /// The elements of an address match list, with named lists put in; each list at most once.
    fn flatten(&self, list: &[Statement]) -> Vec<String> {
        let mut elements = Vec::new();
        let mut seen = HashSet::new();
        let mut todo: Vec<&Statement> = list.iter().rev().collect();
        while let Some(statement) = todo.pop() {
            let name = statement.words.join(" ");
            if let Some((name, list)) = self.lists.get_key_value(name.as_str()) {
                if seen.insert(*name) {
                    todo.extend(list.iter().rev());
                }
            } else if !statement.block.is_empty() {
                // A list in braces; a refused one lets nobody in.
                if name != "!" {
                    todo.extend(statement.block.iter().rev());
                }
            } else if !name.is_empty() {
                elements.push(completed(&name.replace("! ", "!")));
            }
        }
        elements
    }
}

/// A network with all four numbers: `10/8` is `10.0.0.0/8`.
fn completed(element: &str) -> String {
    let (network, prefix) = element.split_once('/').unwrap_or((element, ""));
    let numbers = network.split('.').count();
    let short = !prefix.is_empty() && numbers < 4 && network.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if short { format!("{network}{}/{prefix}", ".0".repeat(4 - numbers)) } else { element.to_owned() }
}

#[cfg(test)]
mod tests;
