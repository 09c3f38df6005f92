//! sshd's own arguments: its options, and which main file it reads.
//!
//! Owns `getopt()` as sshd calls it (BSD's: options end at the first other word) and what each option stands for.
//! What the lines mean is [`super::load`]'s business. Source: `main()` in `sshd.c` of OpenSSH 8.0 to 10.0.

use super::MAIN;
use crate::location::{Location, Sourced};

/// What sshd was told when it was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// Its main file; `None` for none at all (`-f none`).
    pub main: Option<String>,
    /// Options that say something of its configuration, in order.
    pub(super) options: Vec<Sourced<Given>>,
    /// Why sshd would end at once: each a sentence and the place of the argument at fault.
    pub(super) problems: Vec<Sourced<String>>,
}

/// What an option gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Given {
    /// A line of configuration (`-o`).
    Line(String),
    /// A keyword's value, as if its line stood here.
    Value(&'static str, String),
    /// A keyword's value that no earlier option withstands, either.
    Over(&'static str, String),
    /// A port, beside which no line of any file counts.
    Port(String),
}

/// Levels of the log in order: each `-d` after the first goes one up.
const LEVELS: [&str; 8] = ["QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG2", "DEBUG3"];

/// Options with an argument, and those without.
const WITH_ARGUMENT: &str = "CEbcfghkopu";
const ALONE: &str = "46DGQRTdeiqrtV";

impl CommandLine {
    /// sshd without any argument.
    pub fn none() -> Self {
        Self::of_file(MAIN)
    }

    /// sshd with another main file (`sshd -f`).
    pub fn of_file(main: &str) -> Self {
        Self { main: Some(main.to_owned()), options: Vec::new(), problems: Vec::new() }
    }

    /// Reads sshd's arguments (without `argv[0]`), each with the place where it is said.
    pub fn parse(arguments: &[Sourced<String>]) -> Self {
        let mut line = Self::none();
        let mut level = None;
        let mut rest = arguments.iter();
        while let Some(word) = rest.next() {
            let letters = match word.value.strip_prefix('-') {
                Some("-") => {
                    line.extra(rest.next());
                    return line;
                }
                Some(letters) if !letters.is_empty() => letters,
                _ => {
                    line.extra(Some(word));
                    return line;
                }
            };
            for (at, letter) in letters.char_indices() {
                if ALONE.contains(letter) {
                    line.alone(letter, &mut level, &word.at);
                    continue;
                }
                if !WITH_ARGUMENT.contains(letter) {
                    line.problem(format!("sshd has no option “-{letter}”"), &word.at);
                    break;
                }
                let attached = &letters[at + letter.len_utf8()..];
                let argument = match attached.is_empty() {
                    true => rest.next().cloned(),
                    false => Some(Sourced::new(attached.to_owned(), word.at.clone())),
                };
                match argument {
                    Some(argument) => line.with(letter, argument),
                    None => line.problem(format!("“-{letter}” has no argument"), &word.at),
                }
                break;
            }
        }
        line
    }

    /// Arguments that say the same to another sshd, without those that say only how it runs.
    pub fn arguments(&self) -> Vec<String> {
        let main = self.main.as_deref().unwrap_or("none");
        let mut arguments = if main == MAIN { Vec::new() } else { vec!["-f".to_owned(), main.to_owned()] };
        for given in &self.options {
            arguments.extend(match &given.value {
                Given::Line(text) => ["-o".to_owned(), text.clone()],
                Given::Port(port) => ["-p".to_owned(), port.clone()],
                Given::Value(keyword, value) | Given::Over(keyword, value) => {
                    ["-o".to_owned(), format!("{keyword}=\"{value}\"")]
                }
            });
        }
        arguments
    }

    /// Whether an option that stands there says something.
    pub fn is_said_at(&self, at: &Location) -> bool {
        self.options.iter().any(|given| given.at == *at)
    }

    fn alone(&mut self, letter: char, level: &mut Option<(usize, bool)>, at: &Location) {
        let mut over = |keyword, value: &str| {
            self.options.push(Sourced::new(Given::Over(keyword, value.to_owned()), at.clone()));
        };
        match letter {
            '4' => over("AddressFamily", "inet"),
            '6' => over("AddressFamily", "inet6"),
            'q' | 'd' => {
                let (index, debugs) = match (letter, *level) {
                    ('q', before) => (0, before.is_some_and(|(_, debugs)| debugs)),
                    (_, Some((index, true))) => ((index + 1).min(LEVELS.len() - 1), true),
                    _ => (5, true),
                };
                *level = Some((index, debugs));
                over("LogLevel", LEVELS[index]);
            }
            'T' | 't' | 'G' | 'V' => {
                self.problem(format!("with “-{letter}” sshd says something and ends"), at);
            }
            'R' => self.problem("with “-R” sshd waits for a configuration from another sshd".to_owned(), at),
            _ => {}
        }
    }

    fn with(&mut self, letter: char, argument: Sourced<String>) {
        let Sourced { value, at } = argument;
        let given = match letter {
            'o' => Given::Line(value),
            'p' => Given::Port(value),
            'g' => Given::Over("LoginGraceTime", value),
            'h' => Given::Value("HostKey", value),
            'c' => Given::Value("HostCertificate", value),
            'f' => {
                self.main = (!value.eq_ignore_ascii_case("none")).then(|| super::words::absolute(&value));
                return;
            }
            'C' => return self.problem("“-C” is for “-T” alone".to_owned(), &at),
            // A name of a host has 64 bytes, and its end one: so much and no more.
            'u' if value == "66" => return self.problem("invalid length of utmp's names".to_owned(), &at),
            _ => return,
        };
        self.options.push(Sourced::new(given, at));
    }

    fn extra(&mut self, word: Option<&Sourced<String>>) {
        if let Some(word) = word {
            self.problem(format!("sshd takes no argument such as “{}”", word.value), &word.at);
        }
    }

    fn problem(&mut self, text: String, at: &Location) {
        self.problems.push(Sourced::new(text, at.clone()));
    }
}
