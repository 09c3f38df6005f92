//! Whom ntpd answers (`restrict`), whether it remembers its clients, and who gets through to it then (ntp_config.c and
//! ntp_restrict.c of NTPsec 1.2.2).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Dialect;
use super::commands::Word;
use super::interfaces::{Endpoint, Interfaces, LOOPBACK};
use crate::effective::network::{Network, stranger};
use crate::effective::reach::Reach;
use crate::location::{Location, Sourced};

/// Rules beyond which nobody says who is let in.
const MAX_RULES: usize = 2000;
/// The addresses of loopback.
const LOCAL: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
/// What a rule may say of whom it fits; `ntpport` is none of it: it says which packets fit.
const FLAGS: [&str; 13] = [
    "flake",
    "ignore",
    "kod",
    "limited",
    "mssntp",
    "nomodify",
    "nomrulist",
    "nopeer",
    "noquery",
    "noserve",
    "notrap",
    "notrust",
    "version",
];

/// All that the commands say.
#[derive(Default)]
pub struct Access {
    /// On which addresses it listens.
    pub interfaces: Interfaces,
    restrictions: Vec<Restriction>,
    /// Rules for hosts by name, of which no address is known here.
    named: Vec<Restriction>,
    monitor_off: Option<Location>,
    /// Whether there are too many rules.
    pub unclear: Option<Location>,
}

/// A rule of who is answered.
#[derive(Clone)]
struct Restriction {
    ipv4: bool,
    /// The address and the bits of it that count, as numbers.
    first: u128,
    mask: u128,
    /// Only packets from NTP's own port.
    ntpport: bool,
    flags: BTreeSet<&'static str>,
    at: Location,
}

impl Access {
    /// Nothing said but what counts without a word.
    pub fn new(dialect: &Dialect, at: &Location) -> Self {
        let default = |ipv4| Restriction {
            ipv4,
            first: 0,
            mask: 0,
            ntpport: false,
            flags: dialect.default_flags.iter().copied().collect(),
            at: at.clone(),
        };
        Self { restrictions: vec![default(true), default(false)], ..Self::default() }
    }

    /// Takes in a command. Of one with a mistake, what stands before that counts as far as it is whole.
    pub fn apply(&mut self, dialect: &Dialect, words: &[Word], at: &Location) {
        let Some((name, rest)) = words.split_first() else { return };
        match name.plain() {
            Some("restrict") => self.restrict(rest, false, at),
            Some("unrestrict") => self.restrict(rest, true, at),
            // Those that are disabled stay so, whatever is enabled later.
            Some("disable") => {
                let mut known =
                    rest.iter().map_while(Word::plain).take_while(|w| dialect.options.contains(w));
                if known.any(|option| option == "monitor") {
                    self.monitor_off = Some(at.clone());
                }
            }
            Some("interface" | "nic") => self.interfaces.take(rest, at),
            _ => {}
        }
        if self.restrictions.len() + self.named.len() + self.interfaces.count() > MAX_RULES {
            self.unclear.get_or_insert_with(|| at.clone());
        }
    }

    fn restrict(&mut self, words: &[Word], removes: bool, at: &Location) {
        let (family, words) = match words.split_first() {
            Some((word, rest)) if word.plain() == Some("-4") => (Some(true), rest),
            Some((word, rest)) if word.plain() == Some("-6") => (Some(false), rest),
            _ => (None, words),
        };
        let Some((who, mut flags)) = words.split_first() else { return };
        let mut rules = Vec::new();
        match (who.plain(), who.text()) {
            (Some("source"), _) => return,
            (Some("default"), _) => {
                rules.extend([true, false].map(|ipv4| (ipv4, 0, 0)));
                rules.retain(|(ipv4, ..)| family.is_none_or(|wanted| wanted == *ipv4));
            }
            (_, None) => return,
            (_, Some(text)) => {
                let mut mask = None;
                if let [word, rest @ ..] = flags
                    && word.plain() == Some("mask")
                    && family.is_none()
                {
                    // Without a mask, or with one that is no address, the rule is left out.
                    let Some((value, rest)) = rest.split_first() else { return };
                    let Some(Ok(value)) = value.text().map(str::parse) else { return };
                    mask = Some(number(value));
                    flags = rest;
                }
                let (address, bits) = text.split_once('/').unwrap_or((text, ""));
                let addresses: Vec<IpAddr> = match address.parse() {
                    Ok(address) => vec![address],
                    Err(_) if address == "localhost" => LOCAL.to_vec(),
                    Err(_) => Vec::new(),
                };
                rules.extend(addresses.into_iter().map(|address| {
                    let width = if address.is_ipv4() { 32 } else { 128 };
                    // Without any bits it is that one address.
                    let bits = bits.parse().ok().filter(|bits| (1..=width).contains(bits));
                    let all = u128::MAX >> (128 - width);
                    let mask = match bits {
                        Some(bits) => all & !(all.checked_shr(bits).unwrap_or(0)),
                        None => mask.unwrap_or(all),
                    };
                    (address.is_ipv4(), number(address) & mask, mask)
                }));
            }
        }
        let words: Vec<&str> = flags.iter().map_while(Word::plain).collect();
        let known = |word: &&str| FLAGS.iter().find(|flag| *flag == word).copied();
        let mut ntpport = false;
        let mut flags = BTreeSet::new();
        for word in &words {
            match known(word) {
                Some(flag) => drop(flags.insert(flag)),
                None if *word == "ntpport" => ntpport = true,
                None => break,
            }
        }
        // These two are not taken in any more.
        flags.retain(|flag| !matches!(*flag, "nopeer" | "notrap"));
        if rules.is_empty() && !removes {
            self.named.push(Restriction { ipv4: true, first: 0, mask: 0, ntpport, flags, at: at.clone() });
            return;
        }
        for (ipv4, first, mask) in rules {
            self.change(
                Restriction { ipv4, first, mask, ntpport, flags: flags.clone(), at: at.clone() },
                removes,
            );
        }
    }

    /// Flags add up; only `unrestrict` takes some away, or a rule as a whole.
    fn change(&mut self, rule: Restriction, removes: bool) {
        let same = |other: &Restriction| {
            (other.ipv4, other.first, other.mask, other.ntpport)
                == (rule.ipv4, rule.first, rule.mask, rule.ntpport)
        };
        let found = self.restrictions.iter().position(same);
        match found {
            None if !removes => self.restrictions.push(rule),
            // The two that are there without a word stay.
            Some(found) if removes && rule.flags.is_empty() && !rule.ntpport && found > 1 => {
                self.restrictions.remove(found);
            }
            Some(found) => {
                let changed = &mut self.restrictions[found];
                let before = changed.flags.len();
                match removes {
                    true => changed.flags.retain(|flag| !rule.flags.contains(flag)),
                    false => changed.flags.extend(&rule.flags),
                }
                if changed.flags.len() != before {
                    changed.at = rule.at;
                }
            }
            None => {}
        }
    }

    /// The rule for packets from there: the most specific one, for NTP's own port before others.
    fn rule(&self, from: IpAddr, ntpport: bool) -> Option<&Restriction> {
        let fits = |rule: &&Restriction| {
            rule.ipv4 == from.is_ipv4()
                && number(from) & rule.mask == rule.first
                && (ntpport || !rule.ntpport)
        };
        let rules = self.restrictions.iter().filter(fits);
        rules.max_by_key(|rule| (rule.first, rule.mask, rule.ntpport))
    }

    /// Whether it lets somebody ask for the list of clients.
    fn lists(&self, rule: &Restriction) -> bool {
        self.forgets().is_none() && rule.queries() && !rule.has("nomrulist")
    }

    /// What keeps clients from being remembered. A rule with `limited` needs the memory, wherever it is disabled.
    fn forgets(&self) -> Option<&Location> {
        let limited = self.restrictions.iter().chain(&self.named).any(|rule| rule.has("limited"));
        self.monitor_off.as_ref().filter(|_| !limited)
    }

    /// Whether somebody with a port of his own, and without a key, gets the time, what the daemon says of itself, and
    /// the list of its clients.
    #[cfg(test)]
    pub fn answers(&self, from: IpAddr) -> [bool; 3] {
        self.rule(from, false).map_or([false; 3], |rule| {
            let time = rule.hears() && !rule.has("noserve") && !rule.has("notrust");
            [time, rule.queries(), self.lists(rule)]
        })
    }

    /// The first that `permits` of the rules for some address of a family that is no loopback; the names count among them.
    fn for_strangers(&self, ipv4: bool, permits: impl Fn(&Restriction) -> bool) -> Option<&Restriction> {
        let width = if ipv4 { 32 } else { 128 };
        let networks = self.restrictions.iter().filter(|rule| rule.ipv4 == ipv4).filter_map(|rule| {
            let bits = rule.mask.count_ones();
            // Of a mask with gaps, the first address alone is looked at.
            let whole = rule.mask.leading_zeros() + bits + rule.mask.trailing_zeros() == 128 || bits == 0;
            Network::new(address(ipv4, rule.first)?, if whole { bits } else { width })
        });
        let networks: Vec<Network> = networks.collect();
        let found = [false, true].into_iter().find_map(|ntpport| {
            let rule =
                |from: IpAddr| self.rule(from, ntpport).filter(|rule| rule.ipv4 == ipv4 && permits(rule));
            rule(stranger(&networks, |from| rule(from).is_some())?)
        });
        found.or_else(|| self.named.iter().find(|rule| permits(rule)))
    }

    /// Who gets through to it, and the line that decides it.
    pub fn reach(&self, file: &Location) -> Sourced<Reach> {
        if let Some(at) = &self.unclear {
            return Sourced::new(Reach::Unknown("too many rules of who is let in".to_owned()), at.clone());
        }
        for ipv4 in [true, false] {
            if let Some(listening) = self.interfaces.open(ipv4)
                && let Some(rule) = self.for_strangers(ipv4, Restriction::hears)
            {
                return Sourced::new(Reach::Network, listening.unwrap_or(&rule.at).clone());
            }
        }
        let local = LOCAL.into_iter().any(|address| {
            self.interfaces.listens(Endpoint { name: Some(LOOPBACK), address })
                && self.rule(address, false).is_some_and(Restriction::hears)
        });
        let closing = self.interfaces.last();
        let at = closing.or(self.restrictions.first().map(|rule| &rule.at)).unwrap_or(file);
        Sourced::new(if local { Reach::Loopback } else { Reach::None }, at.clone())
    }

    /// Whether others get the list of its clients, and the line that decides it.
    pub fn monlist(&self, file: &Location) -> Sourced<bool> {
        if let Some(at) = &self.unclear {
            return Sourced::new(true, at.clone());
        }
        for ipv4 in [true, false] {
            if self.interfaces.open(ipv4).is_some()
                && let Some(rule) = self.for_strangers(ipv4, |rule| self.lists(rule))
            {
                return Sourced::new(true, rule.at.clone());
            }
        }
        let at = self.forgets().or(self.restrictions.first().map(|rule| &rule.at)).unwrap_or(file);
        Sourced::new(false, at.clone())
    }
}

impl Restriction {
    fn has(&self, flag: &str) -> bool {
        self.flags.contains(flag)
    }

    /// Whether packets are looked at at all.
    fn hears(&self) -> bool {
        !self.has("ignore")
    }

    /// Whether questions about the daemon itself are answered.
    fn queries(&self) -> bool {
        self.hears() && !self.has("noquery")
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn address(ipv4: bool, number: u128) -> Option<IpAddr> {
    match ipv4 {
        true => Some(Ipv4Addr::from(u32::try_from(number).ok()?).into()),
        false => Some(Ipv6Addr::from(number).into()),
    }
}
