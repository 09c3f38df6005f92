//! Running a script: what GRUB's menu holds after it, and what an entry starts.
//!
//! The script is run as far as it can be known from the files. Where a condition depends on the firmware
//! or the machine, both branches are run and what they set is marked as uncertain.

use std::collections::HashMap;

use super::bls;
use super::condition::{plain_path, test};
use super::environment;
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

    fn named(
        &mut self,
        name: &str,
        arguments: &[Value],
        block: Option<&Block>,
        line: usize,
    ) -> Result<Status> {
        match name {
            "true" => return Ok(OK),
            "false" => return Ok(FALSE),
            "[" | "test" => {
                let arguments = match arguments {
                    [rest @ .., last] if last.text == "]" => rest,
                    _ => arguments,
                };
                let holds = test(self.root, arguments)?;
                return Ok(holds.map(|holds| u32::from(!holds)));
            }
            "set" => {
                let assigned = arguments.first().is_some_and(|first| self.assign(first));
                return Ok(if assigned || arguments.is_empty() { OK } else { BAD_ARGUMENT });
            }
            "unset" | "export" if arguments.is_empty() => return Ok(BAD_ARGUMENT),
            "unset" => {
                arguments.iter().take(1).for_each(|name| self.variables.unset(&name.text, self.certain))
            }
            "export" => arguments.iter().for_each(|name| self.variables.export(&name.text)),
            "echo" => return Ok(OK),
            "menuentry" | "submenu" => {
                return Ok(match block {
                    Some(block) => self.entry_made(name == "submenu", arguments, block, line),
                    None => BAD_ARGUMENT,
                });
            }
            "linux" | "linux16" | "linuxefi" => {
                self.linux = Some((self.location(line), arguments.to_vec()));
                return Ok(None);
            }
            "load_env" => return self.load_environment(arguments),
            "source" | "." => return self.include(arguments),
            "configfile" | "normal" | "chainloader" | "multiboot" | "multiboot2" => {
                self.give_up(format!("{} starts what is not read here", self.location(line)));
            }
            "blscfg" | "bls_import" => return self.boot_loader_entries(arguments, line),
            "return" | "break" | "continue" => return Ok(self.leave(name, arguments, line)),
            "setparams" => {
                let Some(own) = &mut self.variables.arguments else { return Ok(INVALID) };
                *own = arguments.to_vec();
                return Ok(OK);
            }
            "shift" => {
                if let Some(own) = &mut self.variables.arguments {
                    own.drain(..own.len().min(1));
                }
            }
            _ => return self.other(name, arguments),
        }
        match name {
            "unset" | "export" | "shift" => Ok(OK),
            _ => Ok(None),
        }
    }

    /// A function; else an assignment; else a command that is not known here.
    fn other(&mut self, name: &str, arguments: &[Value]) -> Result<Status> {
        if let Some((body, place)) = self.functions.get(name).cloned() {
            return self.call(&body, place, arguments);
        }
        if self.assign(&Value::known(name)) {
            return Ok(OK);
        }
        // `search --set=root`, `regexp --set 1:name`: what it finds is the machine's.
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let target = match argument.text.strip_prefix("--set") {
                Some("") => arguments.next().map(|next| next.text.as_str()),
                Some(inline) => inline.strip_prefix('='),
                None => None,
            };
            if let Some(target) = target {
                let variable = target.rsplit(':').next().unwrap_or(target);
                self.variables.set(variable, Value { text: String::new(), certain: false });
            }
        }
        Ok(None)
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

    fn include(&mut self, arguments: &[Value]) -> Result<Status> {
        let [path] = arguments else { return Ok(BAD_ARGUMENT) };
        if !path.certain {
            self.give_up(format!("which file is sourced as {:?} depends on the machine", path.text));
            return Ok(None);
        }
        let path = plain_path(&path.text).to_owned();
        let Some(text) = self.root.read_text(&path)? else { return Ok(OK) };
        self.sourced += 1;
        if self.sourced > MAX_SOURCED {
            self.give_up(format!("more than {MAX_SOURCED} scripts are sourced"));
            return Ok(None);
        }
        self.script(&path, &text)?;
        Ok(self.last_status())
    }

    /// `load_env [--file FILE] [NAME…]`
    fn load_environment(&mut self, arguments: &[Value]) -> Result<Status> {
        let mut file = format!("{}/grubenv", self.folder);
        let mut wanted = Vec::new();
        let mut arguments = arguments.iter().map(|argument| argument.text.as_str());
        while let Some(argument) = arguments.next() {
            match argument {
                "-f" | "--file" => file = plain_path(arguments.next().unwrap_or_default()).to_owned(),
                "-s" | "--skip-sig" => {}
                _ => match argument.strip_prefix("--file=") {
                    Some(path) => file = plain_path(path).to_owned(),
                    None => wanted.push(argument),
                },
            }
        }
        let Some(block) = self.root.read_text(&file)? else { return Ok(NO_FILE) };
        let Some(variables) = environment::variables(&block) else { return Ok(BAD_FILE) };
        for (name, text) in variables {
            if wanted.is_empty() || wanted.contains(&name.as_str()) {
                self.variables.set(&name, Value { text, certain: self.certain });
            }
        }
        Ok(OK)
    }

    /// `menuentry TITLE [--class X] [--id ID] … { … }`
    fn entry_made(&mut self, submenu: bool, arguments: &[Value], block: &Block, line: usize) -> Status {
        let mut positional = Vec::new();
        let mut id = None;
        let mut words = arguments.iter();
        let mut certain = self.certain;
        while let Some(word) = words.next() {
            let (option, inline) = match word.text.split_once('=') {
                Some((option, value)) if option.starts_with("--") => (option, Some(Value::known(value))),
                _ => (word.text.as_str(), None),
            };
            match option {
                "--id" | "--class" | "--users" | "--hotkey" | "--source" => {
                    let value = inline.or_else(|| words.next().cloned());
                    if option == "--id" {
                        id = value;
                    }
                }
                "--unrestricted" => {}
                "--" => positional.extend(words.by_ref().cloned()),
                _ => positional.push(word.clone()),
            }
        }
        let Some(title) = positional.first() else { return BAD_ARGUMENT };
        let id = id.unwrap_or_else(|| title.clone());
        certain &= title.certain && id.certain;
        let item = Item {
            title: title.text.clone(),
            id: id.text,
            submenu,
            certain,
            at: self.location(line),
            body: block.clone(),
            place: self.place.clone(),
            arguments: positional.clone(),
        };
        self.items.push(item);
        OK
    }

    fn boot_loader_entries(&mut self, arguments: &[Value], line: usize) -> Result<Status> {
        self.knows_bls = true;
        match bls::entries(self, arguments)? {
            Ok(items) => self.items.extend(items),
            Err(why) => {
                let at = self.location(line);
                self.give_up(format!("{at}: {why}"));
            }
        }
        Ok(None)
    }

    /// Whether what runs now runs on every machine.
    pub fn certain(&self) -> bool {
        self.certain
    }
}
