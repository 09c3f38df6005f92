//! One command of iptables-restore's input: its options, and the rules that it means.
//!
//! Follows `xshared.c` and the extensions of iptables 1.8. Owns what an option means for the first
//! packet of a new connection; knows nothing of files and of what a chain already holds.

use std::sync::Arc;

use super::super::Family;
use super::super::model::{Action, Match};
use super::super::names::{Names, destination, protocol};
use super::super::ranges::{Ranges, port_list};
use super::extensions::{self, Effect, Meaning, Opt};
use super::icmp;
use super::values::{Parsed, address, flags, range_of_addresses, refused, short, states};

/// Most rules that one line may stand for, by its lists of addresses.
const MAX_ALTERNATIVES: usize = 4096;
/// Bytes of an interface's name.
const MAX_INTERFACE: usize = 15;

/// Why a line gives no rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// iptables-restore takes it for an error.
    Refused(String),
    /// This program does not know it.
    Unknown(String),
}

use Problem::{Refused, Unknown};

/// What a line orders.
#[derive(Debug)]
pub(super) enum Command {
    Append(String),
    /// Before the rule of this number, from 1.
    Insert(String, usize),
    NewChain(String),
    Policy(String, String),
    Flush(Option<String>),
    /// The line is for the other family.
    Skip,
}

/// A line that was understood.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) command: Command,
    /// Conditions of each rule that it stands for, and their one action.
    pub(super) rules: Vec<Vec<Match>>,
    pub(super) action: Action,
}

/// What a line is read in.
pub(super) struct Context<'a> {
    pub(super) family: Family,
    pub(super) table: &'a str,
    pub(super) names: &'a Names,
    /// Whether the table has a chain of this name by now.
    pub(super) has_chain: &'a dyn Fn(&str) -> bool,
}

/// Reads a line's words.
///
/// # Errors
/// See [`Problem`].
pub(super) fn parse(words: &[String], context: &Context<'_>) -> Parsed<Line> {
    let mut parser = Parser {
        words: words.iter().peekable(),
        context,
        command: None,
        seen: Vec::new(),
        protocol: None,
        implied: false,
        matches: Vec::new(),
        either: None,
        sources: None,
        destinations: None,
        loaded: Vec::new(),
        target: None,
        interfaces: (false, false),
    };
    if parser.options()? {
        return Ok(Line { command: Command::Skip, rules: Vec::new(), action: Action::Continue });
    }
    parser.finish()
}

/// A match that was loaded, with the options given for it.
struct Loaded {
    name: &'static str,
    options: &'static [Opt],
    given: Vec<&'static str>,
    /// What the model does not follow of it, as written.
    condition: Vec<String>,
}

enum Target {
    Known { name: String, effect: Effect, options: &'static [Opt], given: Vec<&'static str> },
    Chain { name: String, goto: bool },
}

struct Parser<'a> {
    words: std::iter::Peekable<std::slice::Iter<'a, String>>,
    context: &'a Context<'a>,
    command: Option<Command>,
    /// Options that may be given once.
    seen: Vec<char>,
    /// The protocol's name and number, and whether it must be this one. 0 is any.
    protocol: Option<(String, u8, bool)>,
    /// The protocol's own match was loaded without `-m`.
    implied: bool,
    matches: Vec<Match>,
    /// Ports of source or destination.
    either: Option<(Ranges, bool)>,
    sources: Option<Vec<Match>>,
    destinations: Option<Vec<Match>>,
    loaded: Vec<Loaded>,
    target: Option<Target>,
    /// Whether `-i` and `-o` are given.
    interfaces: (bool, bool),
}

impl Parser<'_> {
    /// Reads all options; true where the line is for the other family.
    fn options(&mut self) -> Parsed<bool> {
        let mut invert = false;
        while let Some(word) = self.words.next() {
            if word == "!" {
                if invert {
                    return refused("two ! in a row");
                }
                invert = true;
                continue;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, value) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                match short(name) {
                    Some(letter) => {
                        if self.generic(letter, value, invert)? {
                            return Ok(true);
                        }
                    }
                    None => self.special(name, value, invert)?,
                }
            } else if let Some(rest) = word.strip_prefix('-') {
                let mut letters = rest.chars();
                let Some(letter) = letters.next() else { return refused("bad argument -") };
                let glued = letters.as_str();
                if self.generic(letter, (!glued.is_empty()).then(|| glued.to_owned()), invert)? {
                    return Ok(true);
                }
            } else {
                return refused(format!("bad argument {word}"));
            }
            invert = false;
        }
        if invert { refused("nothing follows the !") } else { Ok(false) }
    }

    /// The word that belongs to an option.
    fn value(&mut self, glued: Option<String>) -> Parsed<String> {
        match glued {
            Some(value) => Ok(value),
            None => self.words.next().cloned().ok_or_else(|| Refused("an option without its value".into())),
        }
    }

    /// A further word, where the next one is no option.
    fn optional(&mut self) -> Option<String> {
        self.words.next_if(|word| !word.starts_with(['-', '!'])).cloned()
    }

    fn once(&mut self, letter: char) -> Parsed<()> {
        if self.seen.contains(&letter) {
            return refused(format!("-{letter} is given twice"));
        }
        self.seen.push(letter);
        Ok(())
    }

    fn order(&mut self, command: Command, invert: bool) -> Parsed<()> {
        if invert || self.command.is_some() {
            return refused("more than one command");
        }
        self.command = Some(command);
        Ok(())
    }

    /// An option of iptables itself; true where the line is for the other family.
    fn generic(&mut self, letter: char, glued: Option<String>, invert: bool) -> Parsed<bool> {
        if invert && !matches!(letter, 'p' | 's' | 'd' | 'i' | 'o' | 'f') {
            return refused(format!("! before -{letter}"));
        }
        if glued.is_some() && matches!(letter, 'p' | 's' | 'd' | 'i' | 'o' | 'j' | 'g') {
            // iptables 1.8.9 takes the whole word for the value, others its rest.
            return Err(Unknown(format!("-{letter} without a blank before its value")));
        }
        match letter {
            'A' => {
                let chain = self.value(glued)?;
                self.order(Command::Append(chain), invert)?;
            }
            'I' => {
                let chain = self.value(glued)?;
                let place = match self.optional() {
                    Some(text) => text.parse().ok().filter(|n| *n > 0),
                    None => Some(1),
                };
                let place = place.ok_or_else(|| Refused("the number of a rule".into()))?;
                self.order(Command::Insert(chain, place), invert)?;
            }
            'N' => {
                let chain = self.value(glued)?;
                self.order(Command::NewChain(chain), invert)?;
            }
            'P' => {
                let chain = self.value(glued)?;
                let policy = self.optional().ok_or_else(|| Refused("-P without a policy".into()))?;
                self.order(Command::Policy(chain, policy), invert)?;
            }
            'F' => {
                let chain = glued.or_else(|| self.optional());
                self.order(Command::Flush(chain), invert)?;
            }
            'p' => {
                self.once('p')?;
                let name = self.value(glued)?;
                self.protocol(&name, !invert)?;
            }
            's' => {
                self.once('s')?;
                let text = self.value(glued)?;
                self.sources = Some(self.addresses(&text, invert, true)?);
            }
            'd' => {
                self.once('d')?;
                let text = self.value(glued)?;
                self.destinations = Some(self.addresses(&text, invert, false)?);
            }
            'i' | 'o' => {
                self.once(letter)?;
                let name = self.value(glued)?;
                self.interface(letter, &name, !invert)?;
            }
            'f' => {
                self.once('f')?;
                if self.context.family == Family::V6 {
                    return refused("-f is for IPv4");
                }
                // The first packet of a connection is no later fragment.
                if !invert {
                    self.matches.push(Match::Never);
                }
            }
            'm' => {
                let name = self.value(glued)?;
                self.load(&name)?;
            }
            'j' | 'g' => {
                self.once('j')?;
                let name = self.value(glued)?;
                self.jump(name, letter == 'g')?;
            }
            'c' => {
                let packets = self.value(glued)?;
                let both = packets.split_once(',').map(|(p, b)| (p.to_owned(), b.to_owned()));
                let both = both.or_else(|| Some((packets, self.optional()?)));
                let is_number = |text: &str| text.parse::<u64>().is_ok();
                if !both.is_some_and(|(p, b)| is_number(&p) && is_number(&b)) {
                    return refused("counters of -c");
                }
            }
            '4' => return Ok(self.context.family == Family::V6),
            '6' => return Ok(self.context.family == Family::V4),
            'v' | 'n' | 'x' if glued.is_none() => {}
            't' => return refused("-t within a table"),
            _ => return Err(Unknown(format!("option -{letter}"))),
        }
        Ok(false)
    }

    fn protocol(&mut self, name: &str, holds: bool) -> Parsed<()> {
        let name = name.to_ascii_lowercase();
        let number = if name == "all" { Some(0) } else { self.context.names.protocol(&name) };
        let Some(number) = number else {
            return Err(Unknown(format!("protocol {name}")));
        };
        if number == 0 && !holds {
            return refused("! -p all");
        }
        if number != 0 {
            self.matches.push(Match::Protocol { numbers: vec![number], holds });
        }
        self.protocol = Some((name, number, holds));
        Ok(())
    }

    /// Each address of a list as a condition.
    fn addresses(&self, text: &str, invert: bool, source: bool) -> Parsed<Vec<Match>> {
        let list: Vec<&str> = text.split(',').collect();
        if invert && list.len() > 1 {
            return refused("! before several addresses");
        }
        if list.len() > MAX_ALTERNATIVES {
            return Err(Unknown("more addresses than any real rule has".into()));
        }
        let family = self.context.family;
        list.iter()
            .map(|text| {
                let addresses = address(text, family)?;
                let everywhere = addresses == Ranges::all_addresses(family);
                Ok(match (source, everywhere && !invert) {
                    (true, _) => Match::Source { family, addresses: Arc::new(addresses), holds: !invert },
                    (false, true) => Match::Family(family),
                    (false, false) if everywhere => Match::Never,
                    (false, false) => Match::Condition(destination(family, &addresses, !invert)),
                })
            })
            .collect()
    }

    fn interface(&mut self, letter: char, name: &str, holds: bool) -> Parsed<()> {
        if name.is_empty() || name.len() > MAX_INTERFACE {
            return refused(format!("interface {name}"));
        }
        if letter == 'i' {
            self.interfaces.0 = true;
        } else {
            self.interfaces.1 = true;
        }
        let pattern = name.strip_suffix('+');
        match pattern {
            Some("") => {
                if !holds {
                    self.matches.push(Match::Never);
                }
            }
            // The packet comes from another host, so never in by loopback.
            None if letter == 'i' && name == "lo" => {
                if holds {
                    self.matches.push(Match::Never);
                }
            }
            _ => {
                let shown = pattern.map_or_else(|| name.to_owned(), |start| format!("{start}*"));
                let sign = if holds { "" } else { "!= " };
                self.matches.push(Match::Condition(format!("{letter}ifname {sign}{shown}")));
            }
        }
        Ok(())
    }

    /// `-m name`.
    fn load(&mut self, name: &str) -> Parsed<()> {
        let wrong = match self.context.family {
            Family::V4 => ["icmp6", "hl", "rt", "frag", "ipv6header", "eui64"].contains(&name),
            Family::V6 => ["icmp", "ttl"].contains(&name),
        };
        if wrong {
            return refused(format!("-m {name} is for the other family"));
        }
        // ip6tables knows its own match by the protocol's names too.
        let name = if ["icmpv6", "ipv6-icmp"].contains(&name) { "icmp6" } else { name };
        let Some((name, options)) = extensions::matching(name) else {
            return Err(Unknown(format!("-m {name}")));
        };
        self.loaded.push(Loaded { name, options, given: Vec::new(), condition: Vec::new() });
        Ok(())
    }

    fn jump(&mut self, name: String, goto: bool) -> Parsed<()> {
        self.target = Some(match extensions::target(&name) {
            Some((effect, options)) if !goto => {
                if self.context.table == "nat" && name == "DROP" {
                    return refused("DROP in the table nat");
                }
                Target::Known { name, effect, options, given: Vec::new() }
            }
            _ if (self.context.has_chain)(&name) => Target::Chain { name, goto },
            _ if goto => return refused(format!("no chain {name}")),
            _ => return Err(Unknown(format!("target {name}"))),
        });
        Ok(())
    }

    /// An option of a match or target.
    fn special(&mut self, name: &str, glued: Option<String>, invert: bool) -> Parsed<()> {
        let option = match self.find(name) {
            Some(found) => found,
            None => {
                self.load_protocol()?;
                self.find(name).ok_or_else(|| Unknown(format!("option --{name}")))?
            }
        };
        let (of, option) = option;
        let mut values = Vec::new();
        for index in 0..option.words {
            values.push(self.value(if index == 0 { glued.clone() } else { None })?);
        }
        if option.words == 0 && glued.is_some() {
            return refused(format!("--{name} takes no value"));
        }
        let given = match of {
            Some(index) => &mut self.loaded[index].given,
            None => match &mut self.target {
                Some(Target::Known { given, .. }) => given,
                _ => return refused(format!("--{name} without its target")),
            },
        };
        if given.contains(&option.names) {
            return refused(format!("--{name} is given twice"));
        }
        given.push(option.names);
        let Some(index) = of else {
            if option.is("reject-with") {
                self.reject_with(&values[0])?;
            }
            return if invert { refused(format!("! before --{name}")) } else { Ok(()) };
        };
        self.matched(index, option, &values, !invert)
    }

    /// How a packet is refused: with a message of its own family, or by a reset of TCP.
    fn reject_with(&self, how: &str) -> Parsed<()> {
        let tcp = matches!(self.protocol, Some((_, 6, true)));
        let alien = match self.context.family {
            Family::V4 => how.starts_with("icmp6"),
            Family::V6 => how.starts_with("icmp-"),
        };
        if alien || (how.starts_with("tcp") && !tcp) {
            return refused(format!("--reject-with {how}"));
        }
        Ok(())
    }

    /// The option of this name: the last match that has it, or the target.
    fn find(&self, name: &str) -> Option<(Option<usize>, Opt)> {
        let of = |options: &'static [Opt]| options.iter().find(|o| o.is(name)).copied();
        let matched = self.loaded.iter().enumerate().rev();
        for (index, loaded) in matched {
            if let Some(option) = of(loaded.options) {
                return Some((Some(index), option));
            }
        }
        match &self.target {
            Some(Target::Known { options, .. }) => of(options).map(|option| (None, option)),
            _ => None,
        }
    }

    /// Loads the match of the protocol's own name, as iptables does for an unknown option.
    fn load_protocol(&mut self) -> Parsed<()> {
        let Some((_, number, true)) = &self.protocol else { return Ok(()) };
        let name = match number {
            1 if self.context.family == Family::V4 => "icmp",
            6 => "tcp",
            17 => "udp",
            33 => "dccp",
            58 if self.context.family == Family::V6 => "icmp6",
            132 => "sctp",
            _ => return Ok(()),
        };
        if self.implied || self.loaded.iter().any(|loaded| loaded.name == name) {
            return Ok(());
        }
        self.implied = true;
        self.load(name)
    }

    /// The meaning of a match's option.
    fn matched(&mut self, index: usize, option: Opt, values: &[String], holds: bool) -> Parsed<()> {
        let family = self.context.family;
        let first = values.first().map_or("", String::as_str);
        let always = |matches: &mut Vec<Match>, truth: bool| {
            if truth != holds {
                matches.push(Match::Never);
            }
        };
        match option.meaning {
            Meaning::Nothing if !holds && option.words > 0 => return refused(format!("! before {first}")),
            Meaning::Nothing => {
                let words = std::iter::once(option.names.split('|').next().unwrap_or_default().to_owned());
                if extensions::is_conditional(self.loaded[index].name) {
                    self.loaded[index].condition.extend(words);
                }
            }
            Meaning::Condition => {
                let name = option.names.split('|').next().unwrap_or_default();
                let sign = if holds { "" } else { "! " };
                let text = format!("{sign}--{name} {}", values.join(" "));
                self.loaded[index].condition.push(text.trim_end().to_owned());
            }
            Meaning::Absent => self.matches.push(Match::Never),
            Meaning::Port => {
                let ports = self.range(first)?;
                self.matches.push(Match::Port { ports: Arc::new(ports), holds });
            }
            Meaning::Ports => {
                let ports = self.ports(first)?;
                self.matches.push(Match::Port { ports: Arc::new(ports), holds });
            }
            Meaning::SourcePort => {
                let ports = self.range(first)?;
                self.source_ports(&ports, holds);
            }
            Meaning::SourcePorts => {
                let ports = self.ports(first)?;
                self.source_ports(&ports, holds);
            }
            Meaning::EitherPorts => self.either = Some((self.ports(first)?, holds)),
            Meaning::State => {
                let (new, untracked) = states(first, option.is("ctstate"))?;
                self.matches.push(Match::State { new, untracked, holds });
            }
            Meaning::Flags => {
                const SYN: u8 = 2;
                let (mask, wanted) = (flags(first)?, flags(&values[1])?);
                always(&mut self.matches, SYN & mask == wanted);
            }
            Meaning::Syn => always(&mut self.matches, true),
            Meaning::IcmpType => {
                let (kind, code) = icmp::parse(first, family).map_err(Unknown)?;
                self.icmp(kind, code, holds);
            }
            Meaning::SourceRange => {
                let addresses = Arc::new(range_of_addresses(first, family)?);
                self.matches.push(Match::Source { family, addresses, holds });
            }
            Meaning::DestinationRange => {
                let addresses = range_of_addresses(first, family)?;
                self.matches.push(Match::Condition(destination(family, &addresses, holds)));
            }
            Meaning::DestinationType => self.destination_type(index, first, holds)?,
        }
        Ok(())
    }

    fn destination_type(&mut self, index: usize, text: &str, holds: bool) -> Parsed<()> {
        const TYPES: [&str; 12] = [
            "UNSPEC",
            "UNICAST",
            "LOCAL",
            "BROADCAST",
            "ANYCAST",
            "MULTICAST",
            "BLACKHOLE",
            "UNREACHABLE",
            "PROHIBIT",
            "THROW",
            "NAT",
            "XRESOLVE",
        ];
        let types: Vec<String> = text.split(',').map(str::to_ascii_uppercase).collect();
        let v6 = self.context.family == Family::V6;
        let alien = |kind: &str| {
            v6 && ["BROADCAST", "BLACKHOLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE"].contains(&kind)
        };
        if !types.iter().all(|kind| TYPES.contains(&kind.as_str()) && !alien(kind)) {
            return refused(format!("address type {text}"));
        }
        if types == ["LOCAL"] {
            self.matches.push(Match::ToThisHost { holds });
        } else {
            let sign = if holds { "" } else { "! " };
            self.loaded[index].condition.push(format!("{sign}--dst-type {text}"));
        }
        Ok(())
    }

    fn icmp(&mut self, kind: Option<u8>, code: Option<u8>, holds: bool) {
        let (family, sign) = (self.context.family, if holds { "" } else { "!= " });
        let name = if family == Family::V4 { "icmp" } else { "icmpv6" };
        match (kind, code) {
            (None, _) => {
                if !holds {
                    self.matches.push(Match::Never);
                }
            }
            (Some(kind), None) => {
                let kind = icmp::shown(kind, family);
                self.matches.push(Match::Condition(format!("{name} type {sign}{kind}")));
            }
            (Some(kind), Some(code)) => {
                let name = if family == Family::V4 { "icmp" } else { "icmp6" };
                let sign = if holds { "" } else { "! " };
                self.matches.push(Match::Condition(format!("match {name} {sign}{kind}/{code}")));
            }
        }
    }

    fn source_ports(&mut self, ports: &Ranges, holds: bool) {
        let protocol = self.protocol.as_ref().map_or("th", |(name, ..)| name.as_str());
        let sign = if holds { "" } else { "!= " };
        let whole = ports.ranges() == [(0, 65_535)];
        match (whole, holds) {
            (true, true) => {}
            (true, false) => self.matches.push(Match::Never),
            _ => self.matches.push(Match::Condition(format!("{protocol} sport {sign}{}", port_list(ports)))),
        }
    }

    /// `22`, `22:80`, `:80`, `22:`, and names.
    fn range(&self, text: &str) -> Parsed<Ranges> {
        let (low, high) = match text.split_once(':') {
            Some((low, high)) => {
                let low = if low.is_empty() { 0 } else { self.port(low)? };
                (low, if high.is_empty() { u16::MAX } else { self.port(high)? })
            }
            None => (self.port(text)?, self.port(text)?),
        };
        if low > high {
            return refused(format!("ports {text}"));
        }
        Ok(Ranges::of(vec![(u128::from(low), u128::from(high))]))
    }

    /// multiport's list: at most 15 ports, where a range counts twice.
    fn ports(&self, text: &str) -> Parsed<Ranges> {
        let (mut count, mut ranges) = (0, Vec::new());
        for part in text.split(',') {
            let (low, high) = match part.split_once(':') {
                Some((low, high)) => {
                    count += 1;
                    (self.port(low)?, self.port(high)?)
                }
                None => (self.port(part)?, self.port(part)?),
            };
            count += 1;
            if low > high || count > 15 {
                return refused(format!("ports {text}"));
            }
            ranges.push((u128::from(low), u128::from(high)));
        }
        Ok(Ranges::of(ranges))
    }

    fn port(&self, text: &str) -> Parsed<u16> {
        let protocol = self.protocol.as_ref().map(|(name, ..)| name.as_str());
        let numeric = text.starts_with(|c: char| c.is_ascii_digit());
        match self.context.names.port(text, protocol) {
            Some(port) => Ok(port),
            None if numeric || text.is_empty() => refused(format!("port {text}")),
            None => Err(Unknown(format!("port {text}"))),
        }
    }

    fn finish(mut self) -> Parsed<Line> {
        let Some(command) = self.command.take() else { return refused("no command") };
        self.check(&command)?;
        let mut action = match &self.target {
            None => Action::Continue,
            Some(Target::Chain { name, goto: true }) => Action::Goto(name.clone()),
            Some(Target::Chain { name, .. }) => Action::Jump(name.clone()),
            Some(Target::Known { name, effect, given, .. }) => match effect {
                Effect::Accept => Action::Accept,
                Effect::Drop => Action::Drop,
                Effect::Return => Action::Return,
                Effect::Continue => Action::Continue,
                Effect::Redirect if name == "CT" && !given.contains(&"notrack") => Action::Continue,
                Effect::Redirect => Action::Unknown(format!("-j {name}")),
            },
        };
        for loaded in &self.loaded {
            let condition = loaded.condition.join(" ");
            let text = match loaded.name {
                "limit" => "limit rate".to_owned(),
                // The source is reached by the interface that the packet came in by.
                "rpfilter" if loaded.given.contains(&"invert") => {
                    self.matches.push(Match::Never);
                    continue;
                }
                "rpfilter" => continue,
                name if !condition.is_empty() || extensions::is_conditional(name) => {
                    format!("match {name} {condition}").trim_end().to_owned()
                }
                _ => continue,
            };
            self.matches.push(Match::Condition(text));
        }
        let none = || vec![None];
        let some = |list: Vec<Match>| list.into_iter().map(Some).collect();
        let sources: Vec<Option<Match>> = self.sources.take().map_or_else(none, some);
        let destinations: Vec<Option<Match>> = self.destinations.take().map_or_else(none, some);
        let ports = self.alternatives();
        if sources.len() * destinations.len() > MAX_ALTERNATIVES {
            return Err(Unknown("more addresses than any real rule has".into()));
        }
        let mut rules = Vec::new();
        for source in &sources {
            for destination in &destinations {
                for ports in &ports {
                    let extra = source.iter().chain(destination).chain(ports);
                    rules.push(self.matches.iter().chain(extra).cloned().collect());
                }
            }
        }
        if !matches!(command, Command::Append(_) | Command::Insert(..)) {
            rules.clear();
            action = Action::Continue;
        }
        Ok(Line { command, rules, action })
    }

    /// What `--ports` means: the destination's port, or else the source's.
    fn alternatives(&mut self) -> Vec<Vec<Match>> {
        let Some((ports, holds)) = self.either.take() else { return vec![Vec::new()] };
        let protocol = self.protocol.as_ref().map_or("th", |(name, ..)| name.as_str());
        let sign = if holds { "" } else { "!= " };
        let source = Match::Condition(format!("{protocol} sport {sign}{}", port_list(&ports)));
        let destination = Match::Port { ports: Arc::new(ports), holds };
        if holds { vec![vec![destination], vec![source]] } else { vec![vec![destination, source]] }
    }

    /// What iptables checks once all options are read.
    fn check(&self, command: &Command) -> Parsed<()> {
        let chain = match command {
            Command::Append(chain) | Command::Insert(chain, _) => chain.as_str(),
            _ => {
                let plain = self.matches.is_empty() && self.loaded.is_empty() && self.target.is_none();
                return if plain { Ok(()) } else { refused("options of a rule without one") };
            }
        };
        if self.interfaces.1 && matches!(chain, "INPUT" | "PREROUTING") {
            return refused(format!("-o in {chain}"));
        }
        if self.interfaces.0 && matches!(chain, "OUTPUT" | "POSTROUTING") {
            return refused(format!("-i in {chain}"));
        }
        let is = |number: u8| self.protocol.as_ref().is_some_and(|(_, n, holds)| *n == number && *holds);
        for loaded in &self.loaded {
            let fits = match loaded.name {
                "multiport" => [6, 17, 33, 132, 136].into_iter().any(is),
                "tcp" | "udp" | "dccp" | "sctp" | "icmp" => protocol(loaded.name).is_some_and(is),
                "icmp6" => is(58),
                "esp" | "tcpmss" => is(if loaded.name == "esp" { 50 } else { 6 }),
                _ => true,
            };
            if !fits {
                return refused(format!("-m {} needs its protocol", loaded.name));
            }
            let wants_options = !loaded.options.is_empty()
                && !NEEDS_NO_OPTION.contains(&loaded.name)
                && loaded.given.is_empty();
            if wants_options {
                return refused(format!("-m {} without an option", loaded.name));
            }
        }
        Ok(())
    }
}

/// Matches that make sense alone.
const NEEDS_NO_OPTION: [&str; 10] =
    ["tcp", "udp", "dccp", "sctp", "icmp", "icmp6", "limit", "rpfilter", "esp", "time"];
