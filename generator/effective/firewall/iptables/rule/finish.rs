//! The rules that a line means, once all its options are read, and what iptables checks then.

use std::sync::Arc;

use super::super::super::model::{Action, Match};
use super::super::super::names::protocol;
use super::super::super::ranges::port_list;
use super::super::extensions::{self, Effect};
use super::super::values::{Parsed, refused};
use super::Problem::Unknown;
use super::{Command, Line, MAX_ALTERNATIVES, Parser, Target};

/// Matches that make sense alone.
const NEEDS_NO_OPTION: [&str; 10] =
    ["tcp", "udp", "dccp", "sctp", "icmp", "icmp6", "limit", "rpfilter", "esp", "time"];

impl Parser<'_> {
    pub(super) fn finish(mut self) -> Parsed<Line> {
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
