//! The daemons called `ntpd`: NTPsec and the reference implementation (ntp.conf(5)), and OpenNTPD.

use super::TimeServer;
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/ntpd";
/// Whose daemon it is shows in where its configuration is.
const NTP: [(&str, &str); 2] = [("ntpsec", "/etc/ntpsec/ntp.conf"), ("ntp", "/etc/ntp.conf")];
const OPENNTPD: [&str; 2] = ["/etc/openntpd/ntpd.conf", "/etc/ntpd.conf"];

pub fn read(root: Root<'_>) -> Result<Option<TimeServer>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    for (program, file) in NTP {
        if let Some(text) = root.read_text(file)? {
            return Ok(Some(ntp(program, file, &text)));
        }
    }
    for file in OPENNTPD {
        if let Some(text) = root.read_text(file)? {
            return Ok(Some(openntpd(file, &text)));
        }
    }
    let at = Location::file(BINARY);
    let why = "no configuration of ntpd is where it's looked for".to_owned();
    let server = Server::new("ntpd", Reach::Unknown(why), at.clone());
    Ok(Some(TimeServer { server, monlist_possible: Sourced::new(true, at) }))
}

/// The words of each line that has any.
fn directives<'t>(file: &'t str, text: &'t str) -> impl Iterator<Item = (Vec<&'t str>, Location)> {
    text.lines().enumerate().filter_map(move |(index, line)| {
        let words: Vec<&str> = line.split('#').next()?.split_whitespace().collect();
        (!words.is_empty()).then(|| (words, Location::line(file, index + 1)))
    })
}

fn ntp(program: &'static str, file: &str, text: &str) -> TimeServer {
    let mut rules = Rules::default();
    for (words, at) in directives(file, text) {
        rules.apply(&words, at);
    }
    TimeServer { server: Server { program, reach: rules.reach(file) }, monlist_possible: rules.monlist(file) }
}

/// What the directives say about access.
#[derive(Default)]
struct Rules {
    /// Flags of `restrict default`, for IPv4 and IPv6.
    defaults: [Option<Sourced<Vec<String>>>; 2],
    limited: bool,
    monitor_off: Option<Location>,
    all_ignored: Option<Location>,
    listening: Vec<Sourced<Reach>>,
}

impl Rules {
    fn apply(&mut self, words: &[&str], at: Location) {
        match words {
            ["restrict", "-4", "default", flags @ ..] => self.restrict(&[0], flags, &at),
            ["restrict", "-6", "default", flags @ ..] => self.restrict(&[1], flags, &at),
            ["restrict", "default", flags @ ..] => self.restrict(&[0, 1], flags, &at),
            ["restrict", "source", ..] => {}
            ["restrict", flags @ ..] => self.limited |= flags.contains(&"limited"),
            ["disable", what @ ..] if what.contains(&"monitor") => self.monitor_off = Some(at),
            ["enable", what @ ..] if what.contains(&"monitor") => self.monitor_off = None,
            ["interface" | "nic", "ignore" | "drop", "all"] => self.all_ignored = Some(at),
            ["interface" | "nic", "listen", address] => {
                let reach = if *address == "lo" { Reach::Loopback } else { Reach::of_address(address) };
                // A name is another interface's.
                let reach = if matches!(reach, Reach::Unknown(_)) { Reach::Network } else { reach };
                self.listening.push(Sourced::new(reach, at));
            }
            _ => {}
        }
    }

    fn restrict(&mut self, families: &[usize], flags: &[&str], at: &Location) {
        self.limited |= flags.contains(&"limited");
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        for family in families {
            self.defaults[*family] = Some(Sourced::new(flags.clone(), at.clone()));
        }
    }

    /// The daemon listens everywhere, unless all interfaces are ignored but loopback, or all packets are.
    fn reach(&self, file: &str) -> Sourced<Reach> {
        if let [Some(v4), Some(v6)] = &self.defaults
            && [v4, v6].iter().all(|default| default.value.iter().any(|flag| flag == "ignore"))
        {
            return Sourced::new(Reach::Loopback, v4.at.clone());
        }
        let Some(ignored) = &self.all_ignored else {
            return Sourced::new(Reach::Network, Location::file(file));
        };
        match self.listening.iter().find(|listening| listening.value == Reach::Network) {
            Some(open) => open.clone(),
            None => Sourced::new(Reach::Loopback, ignored.clone()),
        }
    }

    /// Possible where strangers may query and clients are remembered. `limited` needs the memory, so it's kept
    /// then even where it's disabled.
    fn monlist(&self, file: &str) -> Sourced<bool> {
        if let Some(at) = &self.monitor_off
            && !self.limited
        {
            return Sourced::new(false, at.clone());
        }
        for default in &self.defaults {
            match default {
                None => return Sourced::new(true, Location::file(file)),
                Some(flags) if !flags.value.iter().any(|flag| flag == "noquery" || flag == "ignore") => {
                    return Sourced::new(true, flags.at.clone());
                }
                Some(_) => {}
            }
        }
        let at = self.defaults.iter().flatten().next().map(|flags| flags.at.clone());
        Sourced::new(false, at.unwrap_or_else(|| Location::file(file)))
    }
}

/// `listen on ADDRESS`; without one it's a client. It knows no request for its clients.
fn openntpd(file: &str, text: &str) -> TimeServer {
    let mut reach = Sourced::new(Reach::None, Location::file(file));
    for (words, at) in directives(file, text) {
        if let ["listen", "on", address, ..] = words.as_slice() {
            let next = if *address == "*" { Reach::Network } else { Reach::of_address(address) };
            if reach.value.clone().or(next.clone()) != reach.value {
                reach = Sourced::new(next, at);
            }
        }
    }
    let monlist_possible = Sourced::new(false, Location::file(file));
    TimeServer { server: Server { program: "openntpd", reach }, monlist_possible }
}
