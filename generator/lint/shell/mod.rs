//! Shell scripts as far as lint needs them: simple commands and their words, with places.
//!
//! No shell: nothing is expanded. Commands in `$(…)`, in backticks and in `sh -c '…'` are commands too.

mod reader;

use std::ops::Range;

/// A word without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it says; expansions stand as they are written.
    pub text: String,
    /// Where.
    pub at: Range<usize>,
}

/// A simple command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    /// Its words, from the program on; what only leads to it (`sudo`, `if`, `A=b`) is left out.
    pub words: Vec<Word>,
    /// Whether its output goes to the next command.
    pub pipes: bool,
    /// Whether it reads what the command before writes.
    pub piped: bool,
    /// Values of variables that are set before it.
    pub assignments: Vec<Word>,
}

impl Command {
    /// The program's name without its folder.
    pub fn program(&self) -> &str {
        let name = self.words.first().map_or("", |word| word.text.as_str());
        name.rsplit('/').next().unwrap_or(name)
    }

    /// What follows the program, with blanks in between.
    pub fn arguments(&self) -> String {
        let words: Vec<&str> = self.words.iter().skip(1).map(|word| word.text.as_str()).collect();
        words.join(" ")
    }

    /// Where it stands.
    pub fn at(&self) -> Range<usize> {
        let words = || self.words.iter().chain(&self.assignments);
        let start = words().map(|word| word.at.start).min().unwrap_or_default();
        start..words().map(|word| word.at.end).max().unwrap_or(start)
    }
}

/// The commands of a script, in its order; a command that holds others stands behind them.
pub fn commands(script: &str) -> Vec<Command> {
    reader::read(script)
}

/// Whether a program runs commands that it is given.
pub fn is_shell(program: &str) -> bool {
    matches!(program, "sh" | "bash" | "dash" | "zsh" | "ksh" | "ash")
}
