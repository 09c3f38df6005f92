//! One command of iptables-restore's input: its options, and the rules that it means.
//!
//! Follows `xshared.c` and the extensions of iptables 1.8. Owns the order of words and options; what
//! each option means is `meaning`'s, what a line adds up to is `finish`'s. Knows nothing of files and of
//! what a chain already holds.

mod finish;
mod meaning;

use super::super::Family;
use super::super::model::{Action, Match};
use super::super::names::Names;
use super::super::ranges::Ranges;
use super::extensions::{self, Effect, Opt};
use super::values::{Parsed, refused, short};

/// Most rules that one line may stand for, by its lists of addresses.
const MAX_ALTERNATIVES: usize = 4096;

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
}
