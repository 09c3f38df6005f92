//! rsyslog: where it takes messages from the network, and to whom it forwards them, with TLS or without.
//!
//! Both syntaxes are read: RainerScript's objects and the `$` directives with `@host` actions. Which messages a
//! rule selects is not read.

mod script;

use std::collections::{HashMap, HashSet};

use crate::effective::files;
use crate::effective::reach::Reach;
use crate::location::Location;
use crate::target::{Result, Root};
use script::{Parameters, Statement};

const BINARY: &str = "/usr/sbin/rsyslogd";
const FILE: &str = "/etc/rsyslog.conf";
/// Files that are read in all.
const MAX_FILES: usize = 200;
/// How directives that belong to a module begin, and the module.
const MODULE_DIRECTIVES: [(&str, &str); 2] = [("udpserver", "imudp"), ("inputtcpserver", "imtcp")];
/// Stream drivers that encrypt.
const TLS_DRIVERS: [&str; 3] = ["gtls", "ossl", "mbedtls"];

/// What rsyslog has to do with the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rsyslog {
    /// Sockets on which it takes messages.
    pub inputs: Vec<Input>,
    /// Hosts to which it forwards messages.
    pub outputs: Vec<Output>,
}

/// The way messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Datagrams, never encrypted.
    Udp,
    /// A stream, through a driver that may encrypt.
    Tcp,
    /// rsyslog's reliable protocol.
    Relp,
}

/// A listening socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// How messages come.
    pub protocol: Protocol,
    /// As written; empty where the line names none.
    pub port: String,
    /// Who can reach it.
    pub reach: Reach,
    /// Whether it takes encrypted connections only.
    pub tls: bool,
    /// The line that opens it.
    pub at: Location,
}

/// A host that gets messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How messages go.
    pub protocol: Protocol,
    /// Host with port, as written.
    pub target: String,
    /// Whether they go encrypted.
    pub tls: bool,
    /// The line of the action.
    pub at: Location,
}

/// Reads the configuration; `None` where rsyslog is not installed.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Option<Rsyslog>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    let mut config = Config::default();
    config.read(root, FILE)?;
    Ok(Some(config.found))
}

/// What was read so far.
#[derive(Default)]
struct Config {
    files: usize,
    /// Files that are being read, or are next.
    open: HashSet<String>,
    /// The rest is not read: a line named a file that is not there.
    ended: bool,
    found: Rsyslog,
    /// Modules that are loaded.
    modules: HashSet<String>,
    /// Parameters of modules, by module and parameter; and of `global()`.
    parameters: HashMap<(String, String), String>,
    /// `$` directives, in lower case: each holds until it's set anew.
    directives: HashMap<String, String>,
}

impl Config {
    fn read(&mut self, root: Root<'_>, file: &str) -> Result<()> {
        self.files += 1;
        if self.files > MAX_FILES {
            return Ok(());
        }
        let text = root.read_text(file)?.unwrap_or_default();
        for (statement, line) in script::statements(&text) {
            if self.ended {
                return Ok(());
            }
            let at = Location::line(file, line);
            let is_directive = matches!(statement, Statement::Directive { .. });
            let included = match statement {
                Statement::Object { name, parameters } => self.object(name, &parameters, at),
                Statement::Directive { name, value } => self.directive(&name, value, at),
                Statement::Forward { action } => {
                    self.forward(&action, at);
                    None
                }
            };
            let Some(pattern) = included else { continue };
            // Where an `$IncludeConfig` names what is not there, nothing after it is read, in no file.
            self.ended = is_directive && !files::is_pattern(&pattern) && !root.exists(&pattern)?;
            let mut paths = include(root, &pattern)?;
            // What is being read, or waits to be, is passed over.
            paths.retain(|path| path != FILE && !self.open.contains(path));
            self.open.extend(paths.iter().cloned());
            for path in paths {
                self.read(root, &path)?;
                self.open.remove(&path);
            }
        }
        Ok(())
    }

    /// An object such as `input(type="imudp" …)`; the pattern of an `include()`.
    fn object(&mut self, name: &str, parameters: &Parameters, at: Location) -> Option<String> {
        let first = |key: &str| parameters.get(key)?.first();
        let get = |key: &str| first(key).map(String::as_str).unwrap_or_default();
        match name {
            "include" => return first("file").cloned(),
            "module" => {
                let module = get("load").to_ascii_lowercase();
                self.keep(&module, parameters);
                self.modules.insert(module);
            }
            "global" => {
                self.keep("global", parameters);
            }
            "input" => {
                let kind = get("type").to_ascii_lowercase();
                // Without its module, which an earlier line loads, an input fails.
                let protocol = input_protocol(&kind).filter(|_| self.modules.contains(&kind))?;
                let own = |key: &str| match first(key) {
                    Some(value) => value.clone(),
                    None => self.parameter(&kind, key).to_owned(),
                };
                let tls = match protocol {
                    Protocol::Udp => false,
                    Protocol::Tcp => {
                        own("streamdriver.mode") == "1" && self.encrypts(&own("streamdriver.name"))
                    }
                    Protocol::Relp => own("tls").eq_ignore_ascii_case("on"),
                };
                let reach = listens(get("address"));
                let ports = parameters.get("port").map(Vec::as_slice).unwrap_or_default();
                let input = |port: &String| {
                    let (reach, at) = (reach.clone(), at.clone());
                    Input { protocol, port: port.clone(), reach, tls, at }
                };
                self.found.inputs.extend(ports.iter().map(input));
            }
            "action" => {
                let kind = get("type").to_ascii_lowercase();
                let relp = kind == "omrelp";
                if !relp && kind != "omfwd" {
                    return None;
                }
                let tcp = get("protocol").eq_ignore_ascii_case("tcp");
                let protocol = match (relp, tcp) {
                    (true, _) => Protocol::Relp,
                    (false, true) => Protocol::Tcp,
                    (false, false) => Protocol::Udp,
                };
                let tls = match protocol {
                    Protocol::Udp => false,
                    Protocol::Tcp => get("streamdrivermode") == "1" && self.encrypts(get("streamdriver")),
                    Protocol::Relp => get("tls").eq_ignore_ascii_case("on"),
                };
                let port = if get("port").is_empty() { String::new() } else { format!(":{}", get("port")) };
                self.found.outputs.push(Output {
                    protocol,
                    target: format!("{}{port}", get("target")),
                    tls,
                    at,
                });
            }
            _ => {}
        }
        None
    }

    /// A directive; the pattern of an `$IncludeConfig`.
    fn directive(&mut self, name: &str, value: String, at: Location) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let module = match name.as_str() {
            "includeconfig" => return Some(value),
            "modload" => {
                let module = value.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
                self.modules.insert(module.trim_end_matches(".so").to_owned());
                return None;
            }
            "udpserverrun" => "imudp",
            "inputtcpserverrun" => "imtcp",
            "inputptcpserverrun" => "imptcp",
            "inputrelpserverrun" => "imrelp",
            _ => {
                // A module's own directive is unknown, and passed over, before the module is loaded.
                let owner = MODULE_DIRECTIVES.iter().find(|(prefix, _)| name.starts_with(prefix));
                if owner.is_none_or(|(_, module)| self.modules.contains(*module)) {
                    self.directives.insert(name, value);
                }
                return None;
            }
        };
        let protocol = input_protocol(module).filter(|_| self.modules.contains(module))?;
        let tls = module == "imtcp"
            && self.set("inputtcpserverstreamdrivermode") == "1"
            && self.encrypts(self.set("inputtcpserverstreamdrivername"));
        let address = if protocol == Protocol::Udp { self.set("udpserveraddress") } else { "" };
        let reach = listens(address);
        self.found.inputs.push(Input { protocol, port: value, reach, tls, at });
        None
    }

    /// `@host`, `@@host` or `:omrelp:host`.
    fn forward(&mut self, action: &str, at: Location) {
        let (protocol, target) = match (action.strip_prefix("@@"), action.strip_prefix('@')) {
            (Some(target), _) => (Protocol::Tcp, target),
            (None, Some(target)) => (Protocol::Udp, target),
            (None, None) => (Protocol::Relp, action.trim_start_matches(":omrelp:")),
        };
        // `@(z9)host:port;template`
        let target = target.split(';').next().unwrap_or_default();
        let target = match target.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
            Some((_options, host)) => host,
            None => target,
        };
        let tls = protocol == Protocol::Tcp
            && self.set("actionsendstreamdrivermode") == "1"
            && self.encrypts(self.set("actionsendstreamdriver"));
        self.found.outputs.push(Output { protocol, target: target.to_owned(), tls, at });
    }

    /// Keeps the parameters of a module, or of `global()`.
    fn keep(&mut self, module: &str, parameters: &Parameters) {
        for (key, values) in parameters {
            if let Some(value) = values.first() {
                self.parameters.insert((module.to_owned(), key.clone()), value.clone());
            }
        }
    }

    fn parameter(&self, module: &str, key: &str) -> &str {
        self.parameters.get(&(module.to_owned(), key.to_owned())).map_or("", String::as_str)
    }

    fn set(&self, directive: &str) -> &str {
        self.directives.get(directive).map_or("", String::as_str)
    }

    /// Whether the driver encrypts; the default driver where none is named.
    fn encrypts(&self, driver: &str) -> bool {
        let default = || match self.parameter("global", "defaultnetstreamdriver") {
            "" => self.set("defaultnetstreamdriver"),
            driver => driver,
        };
        TLS_DRIVERS.contains(&if driver.is_empty() { default() } else { driver })
    }
}

fn input_protocol(kind: &str) -> Option<Protocol> {
    match kind {
        "imudp" => Some(Protocol::Udp),
        "imtcp" | "imptcp" => Some(Protocol::Tcp),
        "imrelp" => Some(Protocol::Relp),
        _ => None,
    }
}

/// Every address, unless one is named.
fn listens(address: &str) -> Reach {
    if address.is_empty() || address == "*" { Reach::Network } else { Reach::of_address(address) }
}

/// A folder's name stands for all of its files.
fn include(root: Root<'_>, pattern: &str) -> Result<Vec<String>> {
    match pattern.strip_suffix('/') {
        Some(_) => files::regular(root, &format!("{pattern}*")),
        None => files::regular(root, pattern),
    }
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
