//! What the tables hold after iptables-restore: tables, chains, policies, transactions.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::super::Family;
use super::super::model::{Action, Base, Chain, Hook, Rule, Table, Unknown};
use super::super::names::Names;
use super::extensions;
use super::rule::{self, Command, Context, Problem};
use super::words::{after_counters, words};
use crate::location::Location;

/// Longest line that is read in one piece, in bytes.
const MAX_LINE: usize = 10_239;
/// Longest name of a chain, in bytes.
const MAX_NAME: usize = 28;
/// Rules of one rule set before it counts as hostile.
const MAX_RULES: usize = 500_000;
/// Rules put in the middle of a chain, each of which moves others.
const MAX_MOVES: usize = 10_000;
/// Sections that add to a table: each works on a copy of it.
const MAX_SECTIONS: usize = 200;
/// Depth of jumps that the kernel allows.
const MAX_JUMPS: usize = 16;

/// A table, a chain, and its place.
type BuiltIn = (&'static str, &'static str, Option<(Hook, i64)>);

/// Built-in chains: table, chain, hook and priority where packets to this host meet it.
const BUILT_IN: [BuiltIn; 17] = [
    ("raw", "PREROUTING", Some((Hook::Prerouting, -300))),
    ("raw", "OUTPUT", None),
    ("mangle", "PREROUTING", Some((Hook::Prerouting, -150))),
    ("mangle", "INPUT", Some((Hook::Input, -150))),
    ("mangle", "FORWARD", Some((Hook::Forward, -150))),
    ("mangle", "OUTPUT", None),
    ("mangle", "POSTROUTING", None),
    ("nat", "PREROUTING", Some((Hook::Prerouting, -100))),
    ("nat", "INPUT", Some((Hook::Input, 100))),
    ("nat", "OUTPUT", None),
    ("nat", "POSTROUTING", None),
    ("filter", "INPUT", Some((Hook::Input, 0))),
    ("filter", "FORWARD", Some((Hook::Forward, 0))),
    ("filter", "OUTPUT", None),
    ("security", "INPUT", Some((Hook::Input, 50))),
    ("security", "FORWARD", Some((Hook::Forward, 50))),
    ("security", "OUTPUT", None),
];

fn built_in(table: &str, chain: &str) -> bool {
    BUILT_IN.iter().any(|(t, c, _)| *t == table && *c == chain)
}

#[derive(Clone, Default)]
struct State {
    chains: BTreeMap<String, ChainState>,
}

#[derive(Clone)]
struct ChainState {
    drops: bool,
    /// The line of the policy, or of what made the chain.
    at: Location,
    rules: VecDeque<Rule>,
}

impl ChainState {
    fn new(at: Location) -> Self {
        Self { drops: false, at, rules: VecDeque::new() }
    }
}

/// The tables of one family while files are loaded into them.
pub(in super::super) struct Restore<'a> {
    family: Family,
    names: &'a Names,
    tables: BTreeMap<String, State>,
    rules: usize,
    moves: usize,
    sections: usize,
}

impl<'a> Restore<'a> {
    /// Empty tables.
    pub(in super::super) fn new(family: Family, names: &'a Names) -> Self {
        Self { family, names, tables: BTreeMap::new(), rules: 0, moves: 0, sections: 0 }
    }

    /// Loads a text; `flush` empties each table that it names first (without `--noflush`).
    /// `at` gives a line's place.
    ///
    /// # Errors
    /// The first line that is refused or not understood. Tables committed before it are loaded.
    pub(in super::super) fn run(
        &mut self,
        text: &str,
        flush: bool,
        at: impl Fn(usize) -> Location,
    ) -> Result<(), Unknown> {
        let mut open: Option<(String, State)> = None;
        let mut number = 0;
        for line in text.split_inclusive('\n') {
            number += 1;
            let place = at(number);
            self.line(line, flush, &mut open, &place).map_err(|problem| Unknown {
                at: place,
                text: match problem {
                    Problem::Refused(text) => format!("iptables-restore refuses: {text}"),
                    Problem::Unknown(text) => text,
                },
            })?;
        }
        match open {
            None => Ok(()),
            Some((table, _)) => Err(Unknown {
                at: at(number),
                text: format!("iptables-restore refuses: no COMMIT of the table {table}"),
            }),
        }
    }

    fn line(
        &mut self,
        line: &str,
        flush: bool,
        open: &mut Option<(String, State)>,
        at: &Location,
    ) -> Result<(), Problem> {
        let refused = |text: &str| Err(Problem::Refused(text.to_owned()));
        if line == "\n" || line.starts_with('#') {
            return Ok(());
        }
        if line.len() > MAX_LINE || line.contains('\0') {
            return refused("a line that is too long, or binary");
        }
        let Some((table, state)) = open else {
            let Some(name) =
                line.strip_prefix('*').and_then(|rest| rest.split([' ', '\t', '\n']).find(|w| !w.is_empty()))
            else {
                return refused("a line outside of any table");
            };
            if !BUILT_IN.iter().any(|(table, ..)| *table == name) {
                return refused("no such table");
            }
            self.sections += 1;
            if !flush && self.sections > MAX_SECTIONS {
                return Err(Problem::Unknown("more sections than any real file has".into()));
            }
            let before = self.tables.get(name).filter(|_| !flush).cloned();
            *open = Some((name.to_owned(), before.unwrap_or_default()));
            return Ok(());
        };
        // The last line may lack its end; iptables-legacy alone would refuse that.
        if line == "COMMIT\n" || line == "COMMIT" {
            jumps_end(table, state).map_err(Problem::Refused)?;
            if let Some((table, state)) = open.take() {
                self.tables.insert(table, state);
            }
            return Ok(());
        }
        if let Some(rest) = line.strip_prefix(':') {
            let mut parts = rest.split([' ', '\t', '\n']).filter(|part| !part.is_empty());
            let (Some(chain), Some(policy)) = (parts.next(), parts.next()) else {
                return refused("a chain without a policy");
            };
            return declare(table, state, chain, policy, at);
        }
        let line = after_counters(line).map_err(Problem::Refused)?;
        let words = words(line.strip_suffix('\n').unwrap_or(line)).map_err(Problem::Refused)?;
        let context = Context {
            family: self.family,
            table,
            names: self.names,
            has_chain: &|name| state.chains.contains_key(name) && !built_in(table, name),
        };
        let parsed = rule::parse(&words, &context)?;
        self.obey(parsed, open, at)
    }

    fn obey(
        &mut self,
        line: rule::Line,
        open: &mut Option<(String, State)>,
        at: &Location,
    ) -> Result<(), Problem> {
        let Some((table, state)) = open else { return Ok(()) };
        let no_chain = |name: &str| Problem::Refused(format!("no chain {name}"));
        match line.command {
            Command::Skip => {}
            Command::Append(name) => {
                let chain = chain(table, state, &name, at).ok_or_else(|| no_chain(&name))?;
                self.rules += line.rules.len();
                let rules = line.rules.into_iter();
                chain.rules.extend(rules.map(|matches| Rule {
                    matches,
                    action: line.action.clone(),
                    at: at.clone(),
                }));
            }
            Command::Insert(name, place) => {
                let chain = chain(table, state, &name, at).ok_or_else(|| no_chain(&name))?;
                if place > chain.rules.len() + 1 {
                    return Err(Problem::Refused(format!("no rule {place} in {name}")));
                }
                self.rules += line.rules.len();
                // Of a list of addresses each is put to the same place, so the last comes first.
                for matches in line.rules {
                    if place > 1 {
                        self.moves += 1;
                    }
                    let rule = Rule { matches, action: line.action.clone(), at: at.clone() };
                    chain.rules.insert(place - 1, rule);
                }
            }
            Command::NewChain(name) => {
                check_name(&name)?;
                if state.chains.contains_key(&name) || built_in(table, &name) {
                    return Err(Problem::Refused(format!("chain {name} exists")));
                }
                state.chains.insert(name, ChainState::new(at.clone()));
            }
            Command::Policy(name, policy) => {
                if !built_in(table, &name) {
                    return Err(no_chain(&name));
                }
                declare(table, state, &name, &policy, at)?;
            }
            Command::Flush(Some(name)) => {
                let chain = chain(table, state, &name, at).ok_or_else(|| no_chain(&name))?;
                chain.rules.clear();
            }
            Command::Flush(None) => state.chains.values_mut().for_each(|chain| chain.rules.clear()),
        }
        if self.rules > MAX_RULES || self.moves > MAX_MOVES {
            return Err(Problem::Unknown("more rules than any real rule set has".into()));
        }
        Ok(())
    }

    /// The model's tables.
    pub(in super::super) fn tables(self) -> Vec<Table> {
        let family = self.family;
        let table = |(name, state): (String, State)| {
            let chain = |(chain, state): (String, ChainState)| {
                let hook = BUILT_IN.iter().find(|(t, c, _)| *t == name && *c == chain);
                let base = hook.and_then(|(.., hook)| *hook).map(|(hook, priority)| Base {
                    hook,
                    priority,
                    drops: state.drops,
                    policy_at: state.at,
                });
                (chain, Chain { base, rules: state.rules.into() })
            };
            Table { families: vec![family], chains: state.chains.into_iter().map(chain).collect() }
        };
        self.tables.into_iter().map(table).collect()
    }
}

/// `:CHAIN POLICY`: sets a built-in chain's policy, makes or empties another chain.
fn declare(table: &str, state: &mut State, chain: &str, policy: &str, at: &Location) -> Result<(), Problem> {
    check_name(chain)?;
    if !built_in(table, chain) {
        state.chains.insert(chain.to_owned(), ChainState::new(at.clone()));
        return Ok(());
    }
    let entry = state.chains.entry(chain.to_owned()).or_insert_with(|| ChainState::new(at.clone()));
    match policy {
        "ACCEPT" | "DROP" => {
            entry.drops = policy == "DROP";
            entry.at = at.clone();
            Ok(())
        }
        "-" => Ok(()),
        _ => Err(Problem::Refused(format!("policy {policy}"))),
    }
}

fn check_name(name: &str) -> Result<(), Problem> {
    let bad = name.len() > MAX_NAME || name.starts_with(['-', '!']) || extensions::target(name).is_some();
    if bad { Err(Problem::Refused(format!("chain {name}"))) } else { Ok(()) }
}

/// The chain that a rule goes to; a built-in one is there once it is named.
fn chain<'s>(table: &str, state: &'s mut State, name: &str, at: &Location) -> Option<&'s mut ChainState> {
    if built_in(table, name) {
        return Some(state.chains.entry(name.to_owned()).or_insert_with(|| ChainState::new(at.clone())));
    }
    state.chains.get_mut(name)
}

/// Refuses jumps in a circle, or deeper than the kernel goes, as the kernel does.
fn jumps_end(table: &str, state: &State) -> Result<(), String> {
    let targets = |chain: &ChainState| -> Vec<String> {
        let jump = |rule: &Rule| match &rule.action {
            Action::Jump(name) | Action::Goto(name) => Some(name.clone()),
            _ => None,
        };
        let mut names: Vec<String> = chain.rules.iter().filter_map(jump).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    let below: HashMap<&str, Vec<String>> =
        state.chains.iter().map(|(name, chain)| (name.as_str(), targets(chain))).collect();
    // Longest way down from where packets enter, in rounds: more than allowed jumps is too deep.
    let mut reached: Vec<&str> = below.keys().copied().filter(|name| built_in(table, name)).collect();
    for _ in 0..=MAX_JUMPS {
        let mut next: Vec<&str> =
            reached.iter().filter_map(|name| below.get(name)).flatten().map(String::as_str).collect();
        next.sort_unstable();
        next.dedup();
        reached = next;
    }
    if reached.is_empty() { Ok(()) } else { Err("jumps in a circle, or too deep".into()) }
}
