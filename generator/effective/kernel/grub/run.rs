//! Running a script: what GRUB's menu holds after it, and what an entry starts.
//!
//! The script is run as far as it can be known from the files. Where a condition depends on the firmware
//! or the machine, both branches are run and what they set is marked as uncertain.

mod commands;

use std::collections::HashMap;

use super::bls;
use super::lex::Word;
use super::parse::{Block, Command, parse};
use super::variables::{Value, Variables};
use crate::location::Location;
use crate::target::{Result, Root};

/// Scripts that may be sourced in all.
const MAX_SOURCED: usize = 16;
/// Commands that may run in all: a loop could go on for ever.
const MAX_COMMANDS: usize = 20_000;
/// Functions that may call one another.
const MAX_CALLS: usize = 20;

/// An entry or a submenu.
#[derive(Clone, Debug)]
pub struct Item {
    pub title: String,
    pub id: String,
    pub submenu: bool,
    /// Whether it is in the menu on every machine.
    pub certain: bool,
    pub at: Location,
    /// What runs when it is chosen, with these arguments.
    pub body: Block,
    /// The file that the body stands in; or the one place that stands for it.
    pub place: Place,
    pub arguments: Vec<Value>,
}

/// Where commands stand.
#[derive(Clone, Debug)]
pub enum Place {
    /// In a script, each in its line.
    Script(String),
    /// In an entry's file that is no script, which this line of it decides.
    Line(Location),
}

/// What is known while scripts run.
pub struct Run<'a> {
    pub root: Root<'a>,
    pub folder: &'static str,
    pub variables: Variables,
    /// The entries of the menu that is being made.
    pub items: Vec<Item>,
    /// The last `linux` command: where it is, and its words (path and options).
    pub linux: Option<(Location, Vec<Value>)>,
    /// Whether a `blscfg` has run: only GRUBs with other rules for the default entry know it.
    pub knows_bls: bool,
    pub bls: bls::Shown,
    /// Why the result can't be told, where it can't.
    pub unknown: Option<String>,
    functions: HashMap<String, (Block, Place)>,
    place: Place,
    /// Whether what runs now runs on every machine.
    certain: bool,
    sourced: usize,
    commands: usize,
    calls: usize,
    loops: usize,
    /// A `break`, `continue` or `return` on its way.
    leaving: Option<Leaving>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Leaving {
    Break { loops: usize, goes_on: bool },
    Return,
}

/// A command's success; `None` where it depends on the machine.
type Status = Option<u32>;

const OK: Status = Some(0);
/// `GRUB_ERR_TEST_FAILURE`
const FALSE: Status = Some(1);
/// `GRUB_ERR_BAD_FILE_TYPE`
const BAD_FILE: Status = Some(4);
/// `GRUB_ERR_BAD_FILENAME`; some file systems say `GRUB_ERR_FILE_NOT_FOUND`.
const NO_FILE: Status = Some(7);
/// `GRUB_ERR_INVALID_COMMAND`
const INVALID: Status = Some(17);
/// `GRUB_ERR_BAD_ARGUMENT`
const BAD_ARGUMENT: Status = Some(18);

impl<'a> Run<'a> {
    /// Nothing has run yet.
    pub fn new(root: Root<'a>, folder: &'static str) -> Self {
        let mut variables = Variables::default();
        for name in ["prefix", "config_directory"] {
            variables.set(name, Value::known(folder));
            variables.export(name);
        }
        variables.set("?", Value::known("0"));
        Self {
            root,
            folder,
            variables,
            items: Vec::new(),
            linux: None,
            knows_bls: false,
            bls: bls::Shown::default(),
            unknown: None,
            functions: HashMap::new(),
            place: Place::Script(String::new()),
            certain: true,
            sourced: 0,
            commands: 0,
            calls: 0,
            loops: 0,
            leaving: None,
        }
    }

    /// Runs a script's text in the present context.
    pub fn script(&mut self, file: &str, text: &str) -> Result<()> {
        match parse(text) {
            Ok(commands) => {
                let outer = std::mem::replace(&mut self.place, Place::Script(file.to_owned()));
                self.all(&commands)?;
                self.place = outer;
            }
            Err(line) => self.give_up(format!("{file}:{line}: GRUB can't read this line")),
        }
        Ok(())
    }

    /// Runs the body of an entry that was chosen.
    pub fn entry(&mut self, item: &Item) -> Result<()> {
        self.place = item.place.clone();
        self.variables.arguments = Some(item.arguments.clone());
        self.variables.set("?", Value::known("0"));
        self.all(&item.body)?;
        Ok(())
    }

    fn give_up(&mut self, why: String) {
        self.unknown.get_or_insert(why);
    }

    fn location(&self, line: usize) -> Location {
        match &self.place {
            Place::Script(file) => Location::line(file, line),
            Place::Line(at) => at.clone(),
        }
    }

    fn all(&mut self, commands: &[Command]) -> Result<Status> {
        let mut status = OK;
        for command in commands {
            if self.leaving.is_some() || self.unknown.is_some() {
                break;
            }
            status = self.command(command)?;
            let value =
                Value { text: status.unwrap_or(0).to_string(), certain: status.is_some() && self.certain };
            self.variables.set("?", value);
        }
        Ok(status)
    }

    fn command(&mut self, command: &Command) -> Result<Status> {
        self.commands += 1;
        if self.commands > MAX_COMMANDS {
            self.give_up("GRUB's script runs too long".to_owned());
            return Ok(None);
        }
        match command {
            Command::Simple { line, words, block } => self.simple(*line, words, block.as_ref()),
            Command::Function { name, body } => {
                self.functions.insert(name.clone(), (body.clone(), self.place.clone()));
                Ok(OK)
            }
            Command::If { condition, body, otherwise } => {
                self.all(condition)?;
                let holds = self.last_status().map(|status| status == 0);
                match holds {
                    Some(true) => self.all(body),
                    Some(false) => self.all(otherwise),
                    None => {
                        self.doubtful(body)?;
                        self.doubtful(otherwise)?;
                        Ok(None)
                    }
                }
            }
            Command::For { name, words, body } => {
                let values = self.variables.expand(words);
                self.loops += 1;
                let mut status = OK;
                for value in values {
                    let certain = value.certain && self.certain;
                    self.variables.set(name, Value { certain, ..value });
                    status = self.all(body)?;
                    if self.leaves_loop() {
                        break;
                    }
                }
                self.loops -= 1;
                Ok(status)
            }
            Command::While { until, condition, body } => {
                self.loops += 1;
                let mut status;
                loop {
                    status = self.all(condition)?;
                    let holds = status.map(|status| (status == 0) != *until);
                    match holds {
                        Some(true) => status = self.all(body)?,
                        Some(false) => break,
                        None => {
                            self.doubtful(body)?;
                            break;
                        }
                    }
                    if self.leaves_loop() || self.unknown.is_some() {
                        break;
                    }
                }
                self.loops -= 1;
                Ok(status)
            }
        }
    }

    /// The value of `$?`.
    fn last_status(&self) -> Status {
        let value = self.variables.get("?")?;
        value.text.parse().ok().filter(|_| value.certain)
    }

    /// Runs what may run on some machines.
    fn doubtful(&mut self, commands: &[Command]) -> Result<()> {
        let outer = std::mem::replace(&mut self.certain, false);
        self.all(commands)?;
        self.certain = outer;
        Ok(())
    }

    /// Whether the innermost loop ends here.
    fn leaves_loop(&mut self) -> bool {
        match self.leaving {
            None => false,
            Some(Leaving::Break { loops: 1, goes_on }) => {
                self.leaving = None;
                !goes_on
            }
            Some(Leaving::Break { loops, goes_on }) => {
                self.leaving = Some(Leaving::Break { loops: loops - 1, goes_on });
                true
            }
            Some(Leaving::Return) => true,
        }
    }

    fn simple(&mut self, line: usize, words: &[Word], block: Option<&Block>) -> Result<Status> {
        let mut arguments = self.variables.expand(words);
        if arguments.is_empty() {
            return Ok(OK);
        }
        let mut name = arguments.remove(0);
        let inverted = name.text == "!";
        if inverted {
            if arguments.is_empty() {
                return Ok(BAD_ARGUMENT);
            }
            name = arguments.remove(0);
        }
        if !name.certain {
            self.give_up(format!("{}: the command depends on the machine", self.location(line)));
            return Ok(None);
        }
        let status = self.named(&name.text, &arguments, block, line)?;
        Ok(match status {
            Some(status) if inverted => Some(u32::from(status == 0)),
            status => status,
        })
    }

    fn call(&mut self, body: &Block, place: Place, arguments: &[Value]) -> Result<Status> {
        if self.calls == MAX_CALLS {
            self.give_up("GRUB's functions call one another too deeply".to_owned());
            return Ok(None);
        }
        let outer_place = std::mem::replace(&mut self.place, place);
        let outer_arguments = self.variables.arguments.replace(arguments.to_vec());
        let outer_loops = std::mem::take(&mut self.loops);
        self.calls += 1;
        let status = self.all(body)?;
        self.calls -= 1;
        self.loops = outer_loops;
        self.variables.arguments = outer_arguments;
        self.place = outer_place;
        self.leaving = None;
        Ok(status)
    }

    /// `return`, `break` or `continue`.
    fn leave(&mut self, name: &str, arguments: &[Value], line: usize) -> Status {
        if !self.certain || arguments.iter().any(|argument| !argument.certain) {
            self.give_up(format!("what runs after {} depends on the machine", self.location(line)));
            return None;
        }
        let number = arguments.first().map(|number| number.text.parse::<usize>());
        let (leaving, status) = match (name, number) {
            ("return", Some(Err(_))) => return BAD_ARGUMENT,
            ("return", _) if self.variables.arguments.is_none() => return BAD_ARGUMENT,
            ("return", None) => (Leaving::Return, self.last_status()),
            ("return", Some(Ok(code))) => (Leaving::Return, u32::try_from(code).ok()),
            (_, Some(Ok(0) | Err(_))) => return BAD_ARGUMENT,
            // There is none to leave.
            _ if self.loops == 0 => return OK,
            (_, count) => {
                let loops = count.and_then(std::result::Result::ok).unwrap_or(1).min(self.loops);
                (Leaving::Break { loops, goes_on: name == "continue" }, OK)
            }
        };
        self.leaving = Some(leaving);
        status
    }

    /// `name=value`; says whether it is one.
    fn assign(&mut self, word: &Value) -> bool {
        let Some((name, text)) = word.text.split_once('=') else { return false };
        let special = name.starts_with(|c: char| c.is_ascii_digit()) || ["#", "*", "@"].contains(&name);
        if !special {
            self.variables.set(name, Value { text: text.to_owned(), certain: word.certain && self.certain });
        }
        true
    }

    /// Whether what runs now runs on every machine.
    pub fn certain(&self) -> bool {
        self.certain
    }
}
