//! What a service runs when it starts: `ExecStart=` cut into words, with the variables of its environment in place.
//!
//! Owns systemd's rules from the unit's lines to the program's arguments. What an argument means is the program's
//! reader's business. Sources: `config_parse_exec()`, `replace_env_argv()` and systemd.service(5), "Command lines".

mod environment;
#[cfg(test)]
mod tests;
mod words;

use super::{Unit, Units, name};
use crate::location::{Location, Sourced};
use crate::target::Result;
use environment::Environment;
use words::{Rules, Words};

/// A program and what it is started with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program as the unit names it, prefixes such as `-` and `@` taken off.
    pub program: Sourced<String>,
    /// Its arguments without `argv[0]`. Each stands where it is said: an argument that a variable gave has the line
    /// that sets the variable.
    pub arguments: Vec<Sourced<String>>,
}

/// The commands of a service's start, or the sentence why it would run none, with the line at fault.
pub type Commands = std::result::Result<Vec<Command>, Sourced<String>>;

/// Words of one command; the manager takes no more than the kernel does (`ARG_MAX`).
const MAX_WORDS: usize = 8192;

impl Units<'_> {
    /// What a service runs, in order; `None` where the unit can't be loaded.
    ///
    /// # Errors
    /// A file that can't be read.
    pub fn commands(&self, service: &str) -> Result<Option<Commands>> {
        let Some(unit) = self.unit(service)? else { return Ok(None) };
        let written = match written(&unit) {
            Ok(written) => written,
            Err(problem) => return Ok(Some(Err(problem))),
        };
        let all = |environment| written.into_iter().map(|command| command.with(&environment)).collect();
        Ok(Some(Environment::of(self, &unit)?.map(all)))
    }
}

/// Every command of a unit, variables not replaced; or the line for which systemd refuses the unit, though a later one
/// takes it back.
fn written(unit: &Unit) -> std::result::Result<Vec<Written>, Sourced<String>> {
    let mut written = Vec::new();
    for line in unit.assignments("Service", "ExecStart") {
        if line.value.is_empty() {
            written.clear();
        }
        take(line, &unit.name, &mut written)
            .map_err(|problem| Sourced::new(problem.to_owned(), line.at.clone()))?;
    }
    Ok(written)
}

/// A command as the unit has it.
struct Written {
    program: String,
    /// Without `argv[0]`.
    words: Vec<String>,
    /// Prefixes before the program.
    prefixes: String,
    at: Location,
}

/// Takes the commands of one line, which `;` parts. The error is a sentence: with such a line the unit is refused.
fn take(
    line: &Sourced<String>,
    unit: &str,
    commands: &mut Vec<Written>,
) -> std::result::Result<(), &'static str> {
    let mut rest = Words::new(&line.value, Rules::Unit);
    while let Some(Ok(first)) = rest.next() {
        if first == ";" {
            continue;
        }
        let (prefixes, program) = prefixed(&first);
        let mut command = Written {
            program: name::expand(program, unit),
            prefixes: prefixes.to_owned(),
            at: line.at.clone(),
            words: Vec::new(),
        };
        let good = command.is_program() && command.arguments(&mut rest, unit);
        match (good, prefixes.contains('-')) {
            (true, _) => commands.push(command),
            (false, true) => return Ok(()),
            (false, false) => return Err("systemd can't read this command, and refuses the unit"),
        }
    }
    Ok(())
}

/// A command's first word, parted: each prefix counts once, `!` twice.
fn prefixed(word: &str) -> (&str, &str) {
    let again = |at: usize, c: char| {
        let before = word[..at].matches(c).count();
        before < if c == '!' { 2 } else { 1 }
    };
    let end = word.char_indices().find(|(at, c)| !"-@:+!|".contains(*c) || !again(*at, *c));
    word.split_at(end.map_or(word.len(), |(at, _)| at))
}

impl Written {
    /// A path to a file, or the mere name of one, without characters that systemd finds suspect.
    fn is_program(&self) -> bool {
        if self.program.contains(|c: char| c.is_ascii_control() || "\"'\\".contains(c)) {
            return false;
        }
        let plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        match self.program.strip_prefix('/') {
            Some(path) => {
                !path.ends_with('/') && !path.is_empty() && path.split('/').all(|part| part != "..")
            }
            None => plain(&self.program) && !self.program.contains('/'),
        }
    }

    /// Takes words up to a lone `;`; `false` where systemd can't read them.
    fn arguments(&mut self, rest: &mut Words<'_>, unit: &str) -> bool {
        let mut separate = self.prefixes.contains('@');
        while self.words.len() < MAX_WORDS {
            if rest.skip_lone(";") {
                break;
            }
            let word = if rest.skip_lone("\\;") {
                ";".to_owned()
            } else {
                match rest.next() {
                    None => break,
                    Some(Err(_)) => return false,
                    Some(Ok(word)) => name::expand(&word, unit),
                }
            };
            if separate {
                separate = false;
            } else {
                self.words.push(word);
            }
        }
        !separate
    }

    /// With its variables replaced, unless a prefix forbids it.
    fn with(self, environment: &Environment) -> Command {
        let (at, expands) = (&self.at, !self.prefixes.contains(':'));
        let mut arguments = Vec::new();
        for word in self.words {
            let variable = word.strip_prefix('$').filter(|rest| !rest.starts_with(['{', '$']));
            match variable.filter(|_| expands) {
                Some(variable) => {
                    let Some(set) = environment.get(variable) else { continue };
                    let words = Words::new(&set.value, Rules::Variable).map_while(std::result::Result::ok);
                    arguments.extend(words.take(MAX_WORDS).map(|word| Sourced::new(word, set.at.clone())));
                }
                None if expands => arguments.push(in_place(&Sourced::new(word, at.clone()), environment)),
                None => arguments.push(Sourced::new(word, at.clone())),
            }
        }
        Command { program: Sourced::new(self.program, at.clone()), arguments }
    }
}

/// A word with each `${NAME}` replaced as it is, and `$$` by `$`. It stands where the last such variable is set.
fn in_place(word: &Sourced<String>, environment: &Environment) -> Sourced<String> {
    let mut result = Sourced::new(String::new(), word.at.clone());
    let mut rest = word.value.as_str();
    while let Some((before, after)) = rest.split_once('$') {
        result.value.push_str(before);
        rest = match after.strip_prefix('{').and_then(|inner| inner.split_once(['}', ':'])) {
            Some((name, behind)) if after[1 + name.len()..].starts_with('}') => {
                if let Some(set) = environment.get(name) {
                    result.value.push_str(&set.value);
                    result.at = set.at.clone();
                }
                behind
            }
            _ => {
                result.value.push('$');
                after.strip_prefix('$').unwrap_or(after)
            }
        };
    }
    result.value.push_str(rest);
    result
}
