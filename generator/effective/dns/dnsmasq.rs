//! dnsmasq as a service: `dnsmasq.conf` and what it includes, and what Debian's wrapper adds to the command line. The
//! binary alone (as libvirt uses it) is no server.
//!
//! Follows `option.c` and `network.c` of dnsmasq 2.90.

mod lines;
#[cfg(test)]
mod tests;
mod wrapper;

use std::collections::BTreeSet;
use std::net::IpAddr;

use self::lines::lines;
use super::{DnsServer, Recursion};
use crate::effective::files;
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root};

/// One of these starts it.
const SERVICES: [&str; 3] =
    ["/usr/lib/systemd/system/dnsmasq.service", "/lib/systemd/system/dnsmasq.service", "/etc/init.d/dnsmasq"];
const FILE: &str = "/etc/dnsmasq.conf";
/// Files within files before the configuration counts as hostile; dnsmasq itself would go on.
const MAX_DEPTH: usize = 10;
const MAX_FILES: usize = 1000;
/// Options that only one line of all files may set; the command line may set them besides (`ARG_ONE`).
const ONCE: [&str; 3] = ["port", "local-service", "auth-server"];

/// Reads the server; `None` where it is not installed.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Option<DnsServer>> {
    for service in SERVICES {
        if root.exists(service)? {
            return Ok(Some(Config::of(root)?.server()));
        }
    }
    Ok(None)
}

/// What its lines say of who may ask.
#[derive(Default)]
struct Config {
    /// The line at which it gives up.
    refused: Option<Location>,
    /// A line of the wrapper's defaults that only a shell can read.
    unclear: Option<Location>,
    port: Option<Sourced<u16>>,
    /// Options that a file set and that only one line of all files may set.
    once: BTreeSet<String>,
    addresses: Vec<Sourced<IpAddr>>,
    /// Names and `prefix*`; an empty one stands for loopback, which any line of this kind adds.
    interfaces: Vec<Sourced<String>>,
    except: Vec<Sourced<String>>,
    /// It answers for zones of its own.
    authoritative: bool,
    /// Only neighbours are answered; `true` where only the machine itself is.
    local_service: Option<Sourced<bool>>,
    /// Files that were read.
    files: BTreeSet<Vec<u8>>,
}

impl Config {
    /// The command line goes first, then the main file.
    fn of(root: Root<'_>) -> Result<Self> {
        let mut config = Self::default();
        wrapper::apply(&mut config, root)?;
        if root.exists(FILE)? {
            config.file(root, FILE, 0)?;
        }
        Ok(config)
    }

    /// Reads a file, once however often it is named.
    fn file(&mut self, root: Root<'_>, path: &str, depth: usize) -> Result<()> {
        let Some(entry) = root.resolve(path)? else {
            self.refuse(&Location::file(path));
            return Ok(());
        };
        if !self.files.insert(entry.path) {
            return Ok(());
        }
        if depth > MAX_DEPTH || self.files.len() > MAX_FILES {
            self.refuse(&Location::file(path));
            return Ok(());
        }
        let text = root.read_text(path)?.unwrap_or_default();
        for (number, line) in lines(&text) {
            let at = Location::line(path, number);
            match line {
                Some((name, _)) if ONCE.contains(&name.as_str()) && !self.once.insert(name.clone()) => {
                    self.refuse(&at);
                }
                Some((name, value)) => self.option(root, &name, value.as_deref(), &at, depth)?,
                None => {
                    self.refused.get_or_insert(at);
                }
            }
        }
        Ok(())
    }

    fn option(
        &mut self,
        root: Root<'_>,
        name: &str,
        value: Option<&str>,
        at: &Location,
        depth: usize,
    ) -> Result<()> {
        let sourced = |value: &str| Sourced::new(value.to_owned(), at.clone());
        match (name, value) {
            ("port", Some(text)) => match text.parse() {
                Ok(port) => self.port = Some(Sourced::new(port, at.clone())),
                Err(_) => self.refuse(at),
            },
            ("listen-address", Some(list)) => {
                for address in items(list) {
                    match address.parse() {
                        Ok(address) => self.addresses.push(Sourced::new(address, at.clone())),
                        Err(_) => self.refuse(at),
                    }
                }
            }
            ("interface", Some(list)) => self.interfaces.extend(items(list).map(sourced)),
            ("except-interface", Some(list)) => self.except.extend(items(list).map(sourced)),
            ("auth-server", Some(_)) => self.authoritative = true,
            ("local-service", None | Some("net" | "")) => {
                self.local_service = Some(Sourced::new(false, at.clone()));
            }
            ("local-service", Some("host")) => {
                self.local_service.get_or_insert_with(|| Sourced::new(true, at.clone()));
            }
            ("local-service", Some(_)) | ("port" | "listen-address" | "interface", None) => self.refuse(at),
            ("conf-file", Some(path)) => self.file(root, path, depth + 1)?,
            ("conf-dir", Some(list)) => self.folder(root, list, at, depth + 1)?,
            _ => {}
        }
        Ok(())
    }

    fn refuse(&mut self, at: &Location) {
        self.refused.get_or_insert_with(|| at.clone());
    }

    /// `DIRECTORY,ENDING…`: names with such an ending are left out; where `*ENDING` stands, only such are read.
    fn folder(&mut self, root: Root<'_>, list: &str, at: &Location, depth: usize) -> Result<()> {
        let mut words = items(list);
        let folder = words.next().unwrap_or_default();
        let endings: Vec<&str> = words.filter(|word| !word.is_empty() && *word != "*").collect();
        let (wanted, unwanted): (Vec<&str>, Vec<&str>) =
            endings.into_iter().partition(|ending| ending.starts_with('*'));
        let ends = |name: &str, ending: &str| name.len() > ending.len() && name.ends_with(ending);
        match root.resolve(folder)? {
            Some(entry) if entry.meta.kind == FileKind::Directory => {}
            _ => {
                self.refuse(at);
                return Ok(());
            }
        }
        let mut names = files::names(root, folder, "")?;
        names.sort();
        for name in names {
            let is_backup = name.ends_with('~') || (name.starts_with('#') && name.ends_with('#'));
            let is_wanted = wanted.is_empty() || wanted.iter().any(|ending| ends(&name, &ending[1..]));
            if is_backup || !is_wanted || unwanted.iter().any(|ending| ends(&name, ending)) {
                continue;
            }
            let path = format!("{}/{name}", folder.trim_end_matches('/'));
            match root.resolve(&path)? {
                Some(entry) if entry.meta.kind == FileKind::File => self.file(root, &path, depth)?,
                Some(_) => {}
                None => self.refuse(&Location::file(&path)),
            }
        }
        Ok(())
    }

    /// `local-service`, where nothing else limits who may ask: with any other limit it is off.
    fn neighbours_only(&self) -> Option<&Sourced<bool>> {
        let limited = !self.addresses.is_empty() || !self.interfaces.is_empty() || !self.except.is_empty();
        self.local_service.as_ref().filter(|_| !limited && !self.authoritative)
    }

    /// Whether it takes questions on an interface at an address (`iface_check()`), with the line that decides.
    fn serves(&self, interface: &str, address: IpAddr) -> Option<Location> {
        if let Some(found) = self.addresses.iter().find(|listed| listed.value == address) {
            return Some(found.at.clone());
        }
        if self.except.iter().any(|except| fits(&except.value, interface)) {
            return None;
        }
        if let Some(only) = self.neighbours_only().filter(|local| local.value) {
            return address.is_loopback().then(|| only.at.clone());
        }
        if self.addresses.is_empty() && self.interfaces.is_empty() {
            return Some(Location::file(FILE));
        }
        // A limit by name always lets loopback in.
        let named = |listed: &&Sourced<String>| address.is_loopback() || fits(&listed.value, interface);
        self.interfaces.iter().find(named).map(|listed| listed.at.clone())
    }

    fn reach(&self) -> Sourced<Reach> {
        if let Some(port) = self.port.as_ref().filter(|port| port.value == 0) {
            return Sourced::new(Reach::None, port.at.clone());
        }
        // Any interface that a line names may be there, and any other where none does.
        let others = self.interfaces.iter().map(|listed| listed.value.trim_end_matches('*')).chain([""]);
        let others = others.filter(|name| *name != LOOPBACK).map(|name| format!("{name}{OTHER}"));
        let plain = self.interfaces.iter().map(|listed| listed.value.clone());
        let candidates = others.chain(plain.filter(|name| name != LOOPBACK && !name.ends_with('*')));
        let elsewhere = IpAddr::from([192, 0, 2, 1]);
        let listed = self.addresses.iter().find(|listed| !listed.value.is_loopback());
        let open = listed.map(|listed| listed.at.clone());
        let open = open.or_else(|| candidates.filter_map(|name| self.serves(&name, elsewhere)).next());
        if let Some(at) = open {
            return Sourced::new(Reach::Network, at);
        }
        let local = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
        let listed = self.addresses.first().map(|listed| listed.at.clone());
        match listed.or_else(|| local.into_iter().find_map(|address| self.serves(LOOPBACK, address))) {
            Some(at) => Sourced::new(Reach::Loopback, at),
            None => {
                let at = self.except.first().map_or_else(|| Location::file(FILE), |except| except.at.clone());
                Sourced::new(Reach::None, at)
            }
        }
    }

    fn server(self) -> DnsServer {
        if let Some(at) = self.refused {
            return DnsServer::refused("dnsmasq", at);
        }
        if let Some(at) = self.unclear {
            let why = "its command line is made by more than assignments".to_owned();
            let server = Server::new("dnsmasq", Reach::Unknown(why.clone()), at.clone());
            return DnsServer { server, recursion: Sourced::new(Recursion::Unknown(why), at) };
        }
        let reach = self.reach();
        let recursion = match (&reach.value, self.neighbours_only()) {
            (Reach::None, _) => Sourced::new(Recursion::Off, reach.at.clone()),
            (Reach::Loopback, _) => Sourced::new(Recursion::Loopback, reach.at.clone()),
            (_, Some(local)) => {
                Sourced::new(Recursion::Networks(vec!["localnets".to_owned()]), local.at.clone())
            }
            _ => Sourced::new(Recursion::Anyone, reach.at.clone()),
        };
        DnsServer { server: Server { program: "dnsmasq", reach }, recursion }
    }
}

const LOOPBACK: &str = "lo";
/// Ends the name of an interface that no line names as a whole.
const OTHER: char = '\u{1}';

/// The parts of a list: cut at commas, blanks around each gone.
fn items(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|item| item.trim_matches(' '))
}

/// A name, or the beginning of one and `*` (`wildcard_match()`).
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, _)) => name.len() > start.len() && name.starts_with(start),
        None => pattern == name,
    }
}
