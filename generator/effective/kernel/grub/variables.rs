//! GRUB's variables, and the words they are put into.

use std::collections::HashMap;

use super::lex::{Piece, Word};

/// Longest value that a variable may grow to: a script could double one for ever.
const MAX_VALUE: usize = 4096;
/// Arguments that one command may get.
const MAX_ARGUMENTS: usize = 1024;
/// Variables that the firmware or an earlier stage sets: unknown from the files.
const FOREIGN: [&str; 7] =
    ["grub_platform", "grub_cpu", "root", "cmdpath", "lang", "fw_path", "pxe_default_server"];

/// A variable's value or an argument, and whether it is the same on every machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub text: String,
    pub certain: bool,
}

impl Value {
    pub fn known(text: impl Into<String>) -> Self {
        Self { text: text.into(), certain: true }
    }
}

/// All variables, and the arguments of the function or entry that runs.
#[derive(Clone, Default)]
pub struct Variables {
    values: HashMap<String, Variable>,
    /// `None` outside of functions and entries.
    pub arguments: Option<Vec<Value>>,
}

#[derive(Clone)]
struct Variable {
    value: Value,
    exported: bool,
}

impl Variables {
    pub fn set(&mut self, name: &str, mut value: Value) {
        if value.text.len() > MAX_VALUE {
            let end = (0..=MAX_VALUE).rev().find(|end| value.text.is_char_boundary(*end));
            value.text.truncate(end.unwrap_or(0));
        }
        let exported = self.values.get(name).is_some_and(|variable| variable.exported);
        self.values.insert(name.to_owned(), Variable { value, exported });
    }

    /// Takes a variable away; not surely, where `certain` is false.
    pub fn unset(&mut self, name: &str, certain: bool) {
        match self.values.get_mut(name) {
            Some(variable) if !certain => variable.value.certain = false,
            _ => _ = self.values.remove(name),
        }
    }

    pub fn export(&mut self, name: &str) {
        let empty = Variable { value: Value::known(""), exported: true };
        self.values.entry(name.to_owned()).or_insert(empty).exported = true;
    }

    /// The variables that a submenu sees.
    pub fn exported(&self) -> Self {
        let exported = self.values.iter().filter(|(_, variable)| variable.exported);
        let values = exported.map(|(name, variable)| (name.clone(), variable.clone())).collect();
        Self { values, arguments: None }
    }

    /// The value; `None` where the variable is surely not set.
    pub fn get(&self, name: &str) -> Option<Value> {
        match self.values.get(name) {
            Some(variable) => Some(variable.value.clone()),
            // Each of GRUB's own features has been there since 2.00.
            None if name.starts_with("feature_") => Some(Value::known("y")),
            None if FOREIGN.contains(&name) => Some(Value { text: String::new(), certain: false }),
            None => None,
        }
    }

    /// The values of `$name`: several for `$@` and `$*`.
    fn values(&self, name: &str, quoted: bool) -> Vec<Value> {
        let arguments = self.arguments.as_deref().unwrap_or_default();
        match name {
            "#" => {
                let count = arguments.len().to_string();
                self.arguments.iter().map(|_| Value::known(count.clone())).collect()
            }
            "*" if quoted => {
                let text: Vec<&str> = arguments.iter().map(|argument| argument.text.as_str()).collect();
                let certain = arguments.iter().all(|argument| argument.certain);
                vec![Value { text: text.join(" "), certain }]
            }
            "@" | "*" => arguments.to_vec(),
            _ if name.starts_with(|c: char| c.is_ascii_digit()) => {
                let number = name.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
                number.and_then(|index| arguments.get(index)).cloned().into_iter().collect()
            }
            _ => self.get(name).into_iter().collect(),
        }
    }

    /// The arguments that words make (`grub_script_arglist_to_argv`). Wildcards stay as they are.
    pub fn expand(&self, words: &[Word]) -> Vec<Value> {
        let mut arguments = Arguments::default();
        for word in words {
            arguments.next();
            for piece in &word.pieces {
                match piece {
                    Piece::Text { text, quoted: false } if text.is_empty() => {}
                    Piece::Text { text, .. } => arguments.append(text),
                    Piece::Variable { name, quoted } => {
                        for (index, value) in self.values(name, *quoted).iter().enumerate() {
                            if index > 0 {
                                arguments.next();
                            }
                            match quoted {
                                true => arguments.append(&value.text),
                                false => arguments.split(&value.text),
                            }
                            arguments.doubt(value);
                        }
                    }
                }
            }
        }
        arguments
            .done
            .into_iter()
            .filter_map(|(text, certain)| Some(Value { text: text?, certain }))
            .collect()
    }
}

/// Arguments that grow: the last one may not be there yet.
#[derive(Default)]
struct Arguments {
    done: Vec<(Option<String>, bool)>,
}

impl Arguments {
    fn next(&mut self) {
        let waits = self.done.last().is_some_and(|(text, _)| text.is_none());
        if !waits && self.done.len() < MAX_ARGUMENTS {
            self.done.push((None, true));
        }
    }

    fn append(&mut self, text: &str) {
        if let Some((last, _)) = self.done.last_mut() {
            let last = last.get_or_insert_default();
            if last.len() + text.len() <= MAX_VALUE {
                last.push_str(text);
            }
        }
    }

    /// An unquoted value: each word an argument, the first one joined to what stands before it.
    fn split(&mut self, text: &str) {
        for (index, word) in text.split_ascii_whitespace().enumerate() {
            if index > 0 {
                self.next();
            }
            self.append(word);
        }
    }

    fn doubt(&mut self, value: &Value) {
        if !value.certain
            && let Some((text, certain)) = self.done.last_mut()
        {
            *certain = false;
            text.get_or_insert_default();
        }
    }
}
