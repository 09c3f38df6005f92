//! What GRUB's menu holds after it ran a script: entries, and the variables that choose among them.
//!
//! The script is run as far as it can be known from the files. Where a condition depends on the firmware
//! or the machine, both branches are taken and what they set is marked as uncertain.

use std::collections::HashMap;

use super::script::{Piece, Word, commands};
use crate::location::Location;
use crate::target::{Result, Root};

/// Longest value that a variable may grow to: a script could double one for ever.
const MAX_VALUE: usize = 4096;
/// Scripts that may be sourced in all.
const MAX_SOURCED: usize = 16;
/// Variables that the firmware or an earlier command sets: unknown from the files.
const FOREIGN: [&str; 8] =
    ["?", "grub_platform", "grub_cpu", "root", "cmdpath", "lang", "fw_path", "pxe_default_server"];

/// An entry or a submenu.
#[derive(Debug)]
pub struct Item {
    /// The submenu that holds it.
    pub parent: Option<usize>,
    pub title: String,
    pub id: String,
    pub submenu: bool,
    /// Whether it is in the menu on every machine.
    pub certain: bool,
    pub at: Location,
    /// The last `linux` command: where it is, and its words (path and options).
    pub linux: Option<(Location, Vec<String>)>,
}

/// A variable's value, and whether it is the same on every machine.
#[derive(Clone, Debug)]
pub struct Value {
    pub text: String,
    pub certain: bool,
}

/// The result of running the scripts.
pub struct Menu<'a> {
    root: Root<'a>,
    folder: &'static str,
    sourced: usize,
    pub variables: HashMap<String, Value>,
    pub items: Vec<Item>,
    /// Commands that build a menu from files that are not read here.
    pub unsupported: Option<Location>,
}

/// What a command stands in.
enum Frame {
    /// The branch being read is taken: yes, no, or it depends; and whether an earlier one was taken.
    If { taken: Option<bool>, earlier: Option<bool> },
    /// A loop's body may run any number of times.
    Loop,
    /// A function's body runs when it's called, which no menu depends on.
    Function,
    /// A menu entry's or submenu's body.
    Item(usize),
}

impl<'a> Menu<'a> {
    /// Runs GRUB's main script.
    pub fn run(root: Root<'a>, folder: &'static str, script: &str) -> Result<Self> {
        let known = |text: &str| Value { text: text.to_owned(), certain: true };
        let variables = ["prefix", "config_directory"].map(|name| (name.to_owned(), known(folder)));
        let mut menu = Self {
            root,
            folder,
            sourced: 0,
            variables: HashMap::from(variables),
            items: Vec::new(),
            unsupported: None,
        };
        menu.source(&format!("{folder}/grub.cfg"), script, true)?;
        Ok(menu)
    }

    fn source(&mut self, file: &str, script: &str, certain: bool) -> Result<()> {
        let mut frames: Vec<Frame> = Vec::new();
        for command in commands(script) {
            let mut words = command.words.as_slice();
            while let Some(rest) = self.keyword(words, &mut frames)? {
                words = rest;
            }
            let state = frames.iter().fold(Some(certain).filter(|c| *c), |state, frame| match frame {
                Frame::If { taken, .. } => and(state, *taken),
                Frame::Loop => and(state, None),
                Frame::Function => Some(false),
                Frame::Item(_) => state,
            });
            if words.is_empty() || (state == Some(false) && !opens(words)) {
                continue;
            }
            self.command(words, Location::line(file, command.line), state, &mut frames)?;
        }
        Ok(())
    }

    /// Handles a leading keyword and returns the words after it; `None` where there is none.
    fn keyword<'w>(&self, words: &'w [Word], frames: &mut Vec<Frame>) -> Result<Option<&'w [Word]>> {
        let Some((first, rest)) = words.split_first() else { return Ok(None) };
        match first.plain() {
            Some("if") => {
                let taken = self.condition(rest)?;
                frames.push(Frame::If { taken, earlier: taken });
                return Ok(Some(&[]));
            }
            Some("elif") => {
                let holds = self.condition(rest)?;
                branch(frames, holds);
                return Ok(Some(&[]));
            }
            Some("else") => branch(frames, Some(true)),
            Some("while" | "until" | "for") => {
                frames.push(Frame::Loop);
                return Ok(Some(&[]));
            }
            Some("fi" | "done" | "}") => _ = frames.pop(),
            Some("then" | "do") => {}
            _ => return Ok(None),
        }
        Ok(Some(rest))
    }

    fn command(
        &mut self,
        words: &[Word],
        at: Location,
        state: Option<bool>,
        frames: &mut Vec<Frame>,
    ) -> Result<()> {
        let certain = state == Some(true);
        let inside = frames.iter().rev().find_map(|frame| match frame {
            Frame::Item(index) => Some(*index),
            _ => None,
        });
        let name = words.first().and_then(Word::plain).unwrap_or_default();
        match name {
            "function" => frames.push(Frame::Function),
            "menuentry" | "submenu" if opens(words) => {
                if state == Some(false) {
                    frames.push(Frame::Function);
                    return Ok(());
                }
                let (title, id) = self.heading(&words[1..words.len() - 1]);
                let submenu = name == "submenu";
                self.items.push(Item { parent: inside, title, id, submenu, certain, at, linux: None });
                frames.push(Frame::Item(self.items.len() - 1));
            }
            _ if opens(words) => frames.push(Frame::Function),
            "linux" | "linux16" | "linuxefi" => {
                let expanded = self.expand_all(&words[1..]);
                if let Some(item) = inside.and_then(|index| self.items.get_mut(index)) {
                    item.linux = Some((at, expanded));
                }
            }
            "load_env" => self.load_environment(certain)?,
            "source" | "." | "configfile" => self.include(&words[1..], certain)?,
            "blscfg" => self.unsupported = Some(at),
            "set" => self.assign(words.get(1), certain),
            _ => self.assign(words.first(), certain),
        }
        Ok(())
    }

    /// `name=value`; anything else assigns nothing.
    fn assign(&mut self, word: Option<&Word>, certain: bool) {
        let Some(word) = word else { return };
        let Some(Piece::Text(first)) = word.pieces.first() else { return };
        let Some((name, _)) = first.split_once('=') else { return };
        let name = name.to_owned();
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return;
        }
        let value = self.expand(word);
        let text = value.text[name.len() + 1..].chars().take(MAX_VALUE).collect();
        self.variables.insert(name, Value { text, certain: certain && value.certain });
    }

    fn include(&mut self, words: &[Word], certain: bool) -> Result<()> {
        let Some(path) = self.expand_all(words).pop() else { return Ok(()) };
        self.sourced += 1;
        if self.sourced <= MAX_SOURCED
            && let Some(text) = self.root.read_text(&path)?
        {
            self.source(&path, &text, certain)?;
        }
        Ok(())
    }

    /// The environment block: `name=value` lines, filled up with `#`.
    fn load_environment(&mut self, certain: bool) -> Result<()> {
        let block = self.root.read_text(format!("{}/grubenv", self.folder))?.unwrap_or_default();
        for line in block.lines().filter(|line| !line.starts_with('#')) {
            if let Some((name, text)) = line.split_once('=') {
                self.variables.insert(name.to_owned(), Value { text: text.to_owned(), certain });
            }
        }
        Ok(())
    }

    /// Title and id of `menuentry TITLE [--class X] [--id ID] …`.
    fn heading(&self, words: &[Word]) -> (String, String) {
        let mut title = String::new();
        let mut id = String::new();
        let mut words = self.expand_all(words).into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--id" => id = words.next().unwrap_or_default(),
                "--class" | "--users" | "--hotkey" | "--source" => _ = words.next(),
                "--unrestricted" => {}
                _ if title.is_empty() => title = word,
                _ => {}
            }
        }
        (title, id)
    }

    /// Whether `[ … ]` holds; `None` where it depends on the machine or is another command.
    fn condition(&self, words: &[Word]) -> Result<Option<bool>> {
        let Some((first, rest)) = words.split_first() else { return Ok(None) };
        match first.plain() {
            Some("true") => return Ok(Some(true)),
            Some("false") => return Ok(Some(false)),
            Some("[" | "test") => {}
            _ => return Ok(None),
        }
        let rest = rest.iter().filter(|word| word.plain() != Some("]"));
        let values: Vec<Value> = rest.map(|word| self.expand(word)).collect();
        let mut any = Some(false);
        for group in values.split(|value| value.text == "-o") {
            let mut all = Some(true);
            for test in group.split(|value| value.text == "-a") {
                all = and(all, self.test(test)?);
            }
            any = and(any.map(|b| !b), all.map(|b| !b)).map(|b| !b);
        }
        Ok(any)
    }

    fn test(&self, values: &[Value]) -> Result<Option<bool>> {
        if values.iter().any(|value| !value.certain) {
            return Ok(None);
        }
        let texts: Vec<&str> = values.iter().map(|value| value.text.as_str()).collect();
        Ok(match texts.as_slice() {
            [] => Some(false),
            ["!", ..] => self.test(&values[1..])?.map(|holds| !holds),
            [text] | ["-n", text] => Some(!text.is_empty()),
            ["-z", text] => Some(text.is_empty()),
            ["-e" | "-f" | "-s", path] => Some(self.root.exists(path)?),
            [a, "=" | "==", b] => Some(a == b),
            [a, "!=", b] => Some(a != b),
            _ => None,
        })
    }

    /// The words with variables put in; an unquoted one that becomes empty is none.
    fn expand_all(&self, words: &[Word]) -> Vec<String> {
        let expanded = words.iter().map(|word| (word, self.expand(word).text));
        expanded.filter(|(word, text)| word.quoted || !text.is_empty()).map(|(_, text)| text).collect()
    }

    fn expand(&self, word: &Word) -> Value {
        let mut result = Value { text: String::new(), certain: true };
        for piece in &word.pieces {
            match piece {
                Piece::Text(text) => result.text.push_str(text),
                Piece::Variable(name) => match self.variables.get(name) {
                    Some(value) => {
                        result.text.push_str(&value.text);
                        result.certain &= value.certain;
                    }
                    // Each of GRUB's own features has been there since 2.00.
                    None if name.starts_with("feature_") => result.text.push('y'),
                    None => result.certain &= !FOREIGN.contains(&name.as_str()),
                },
            }
        }
        result
    }
}

/// Whether the command's body follows in braces.
fn opens(words: &[Word]) -> bool {
    words.last().is_some_and(|word| word.plain() == Some("{"))
}

/// Goes on to the next branch of the innermost `if`.
fn branch(frames: &mut [Frame], holds: Option<bool>) {
    if let Some(Frame::If { taken, earlier }) = frames.last_mut() {
        *taken = and(earlier.map(|e| !e), holds);
        *earlier = and(earlier.map(|e| !e), taken.map(|t| !t)).map(|neither| !neither);
    }
}

/// Both hold; unknown unless one of them surely doesn't.
fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}
