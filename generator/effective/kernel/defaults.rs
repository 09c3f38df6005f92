//! `/etc/default/grub` and `/etc/default/grub.d/*.cfg`: what the next `grub-mkconfig` puts on the
//! kernels' command lines.
//!
//! The files are shell scripts that are sourced one after the other. Assignments are read as a shell
//! reads them; where more than that stands in a file, the result is an explicit unknown.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

use crate::location::{Location, Sourced};
use crate::target::{Result, Root, display};

const FILE: &str = "/etc/default/grub";
const FOLDER: &str = "/etc/default/grub.d";
/// Longest value that a variable may grow to.
const MAX_VALUE: usize = 4096;

/// The variables that the files set.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// A value and the line that set it last; the value is `None` where a command makes it.
    values: BTreeMap<String, Sourced<Option<String>>>,
}

/// Reads the files; `None` where there are none, and the inner error where a file can't be told without a shell.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Option<std::result::Result<Defaults, String>>> {
    let mut names: Vec<Vec<u8>> = root.read_dir(FOLDER)?.into_iter().map(|entry| entry.name).collect();
    names.retain(|name| name.ends_with(b".cfg") && !name.starts_with(b"."));
    names.sort();
    let in_folder = names.into_iter().map(|name| [FOLDER.as_bytes(), b"/", &name].concat());
    let mut found = false;
    let mut defaults = Defaults::default();
    for path in std::iter::once(FILE.as_bytes().to_vec()).chain(in_folder) {
        let Some(text) = root.read_text(&path)? else { continue };
        found = true;
        if let Err(line) = defaults.source(&display(&path), &text) {
            return Ok(Some(Err(format!("{}:{line}: more than an assignment", display(&path)))));
        }
    }
    Ok(found.then_some(Ok(defaults)))
}

impl Defaults {
    /// A variable's value with its line; `None` where no line sets it, an inner `None` where a command makes its value.
    pub fn get(&self, name: &str) -> Option<&Sourced<Option<String>>> {
        self.values.get(name)
    }

    /// The words that the default entry's kernel gets, besides those for its root file system, each with
    /// the line of the variable that holds it; or the line whose value can't be told.
    pub fn command_line(&self) -> std::result::Result<Vec<Sourced<String>>, Location> {
        let mut words = Vec::new();
        for name in ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"] {
            let Some(value) = self.get(name) else { continue };
            let text = value.value.as_deref().ok_or_else(|| value.at.clone())?;
            words.extend(text.split_ascii_whitespace().map(|w| Sourced::new(w.to_owned(), value.at.clone())));
        }
        Ok(words)
    }

    /// Adds a file's assignments, or says which line is more than that.
    fn source(&mut self, path: &str, text: &str) -> std::result::Result<(), usize> {
        let mut shell = Shell { chars: text.chars().peekable(), line: 1, values: &mut self.values, path };
        while shell.chars.peek().is_some() {
            shell.statement()?;
        }
        Ok(())
    }
}

struct Shell<'s> {
    chars: Peekable<Chars<'s>>,
    line: usize,
    values: &'s mut BTreeMap<String, Sourced<Option<String>>>,
    path: &'s str,
}

/// A statement that is no assignment, by its line.
type Read<T> = std::result::Result<T, usize>;

impl Shell<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next();
        self.line += usize::from(c == Some('\n'));
        c
    }

    /// Assignments up to the line's end, or an `export`.
    fn statement(&mut self) -> Read<()> {
        let start = self.line;
        let mut assigned = Vec::new();
        let mut exports = false;
        loop {
            while self.chars.next_if(|c| " \t".contains(*c)).is_some() {}
            match self.chars.peek() {
                None | Some('\n' | ';') => {
                    let semicolon = self.next() == Some(';');
                    if semicolon && assigned.is_empty() && !exports {
                        return Err(start);
                    }
                    break;
                }
                Some('#') => while self.chars.next_if(|c| *c != '\n').is_some() {},
                Some('\\') => {
                    self.next();
                    if self.next() != Some('\n') {
                        return Err(start);
                    }
                }
                Some(_) => {
                    let name = self.name();
                    if self.chars.next_if_eq(&'=').is_some() && !name.is_empty() {
                        assigned.push((name, self.value()?));
                    } else if name == "export" && assigned.is_empty() && !exports {
                        exports = true;
                    } else if !exports || name.is_empty() || !self.at_end() {
                        return Err(start);
                    }
                }
            }
        }
        for (name, value) in assigned {
            let at = Location::line(self.path, start);
            self.values.insert(name, Sourced::new(value, at));
        }
        Ok(())
    }

    fn at_end(&mut self) -> bool {
        self.chars.peek().is_none_or(|c| " \t\n;".contains(*c))
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphabetic() || *c == '_') {
            name.push(c);
            while let Some(c) = self.chars.next_if(char::is_ascii_digit) {
                name.push(c);
            }
        }
        name
    }

    /// The word after `=`; `None` where a command makes it.
    fn value(&mut self) -> Read<Option<String>> {
        let start = self.line;
        let (mut value, mut known) = (String::new(), true);
        while let Some(c) = self.chars.peek().copied().filter(|c| !" \t\n;".contains(*c)) {
            self.next();
            match c {
                '\'' => loop {
                    match self.next().ok_or(start)? {
                        '\'' => break,
                        c => value.push(c),
                    }
                },
                '"' => loop {
                    match self.next().ok_or(start)? {
                        '"' => break,
                        '\\' => match self.next().ok_or(start)? {
                            '\n' => {}
                            c if "$`\"\\".contains(c) => value.push(c),
                            c => value.extend(['\\', c]),
                        },
                        c => known &= self.dollar(c, &mut value)?,
                    }
                },
                '\\' => match self.next() {
                    Some('\n') | None => {}
                    Some(c) => value.push(c),
                },
                '|' | '&' | '<' | '>' | '(' | ')' | '~' => return Err(start),
                c => known &= self.dollar(c, &mut value)?,
            }
            if value.len() > MAX_VALUE {
                return Err(start);
            }
        }
        Ok(known.then_some(value))
    }

    /// A character that may begin an expansion. Says whether its value is known.
    fn dollar(&mut self, c: char, value: &mut String) -> Read<bool> {
        let start = self.line;
        if c == '`' {
            while self.next().ok_or(start)? != '`' {}
            return Ok(false);
        }
        if c != '$' {
            value.push(c);
            return Ok(true);
        }
        if self.chars.next_if_eq(&'(').is_some() {
            let mut open = 1;
            while open > 0 {
                match self.next().ok_or(start)? {
                    '(' => open += 1,
                    ')' => open -= 1,
                    _ => {}
                }
            }
            return Ok(false);
        }
        let braces = self.chars.next_if_eq(&'{').is_some();
        let name = self.name();
        if name.is_empty() && !braces && self.chars.peek().is_none_or(|c| " \t\n;\"/.,:=+%".contains(*c)) {
            value.push('$');
            return Ok(true);
        }
        if name.is_empty() || (braces && self.chars.next_if_eq(&'}').is_none()) {
            return Err(start);
        }
        match self.values.get(&name).map(|set| set.value.as_deref()) {
            Some(Some(text)) => value.push_str(text),
            Some(None) => return Ok(false),
            // grub-mkconfig's own variables and the caller's environment are not known here.
            None if name.starts_with("GRUB_") => {}
            None => return Ok(false),
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};

    const NAMES: [&str; 3] = ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_DEFAULT"];
    /// As `grub-mkconfig` sources the files.
    const SCRIPT: &str = r#"
        if test -f "$1/etc/default/grub"; then . "$1/etc/default/grub"; fi
        for x in "$1"/etc/default/grub.d/*.cfg; do if [ -e "${x}" ]; then . "${x}"; fi; done
        for x in "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT" "$GRUB_DEFAULT"; do printf '%s\037' "$x"; done"#;

    #[test]
    fn agrees_with_a_shell() {
        let tally = Differential::cases(300).run(generate, |tree| {
            let Some(Ok(ours)) = read(tree.root()).unwrap() else { return Verdict::Unanswered };
            let text = |name| -> Option<String> {
                ours.get(name).map_or(Some(String::new()), |value| value.value.clone())
            };
            let ours = NAMES.map(text);
            let disk = tree.on_disk();
            let mut shell = Command::new("sh");
            let out = shell.args(["-c", SCRIPT, "sh"]).arg(disk.path()).env_clear().output().unwrap();
            if !out.status.success() {
                return Verdict::differ(format!("{ours:?}"), String::from_utf8_lossy(&out.stderr));
            }
            let theirs = String::from_utf8_lossy(&out.stdout).into_owned();
            let known = ours.iter().zip(theirs.split('\x1f'));
            let wrong =
                known.filter(|(ours, theirs)| ours.as_deref().is_some_and(|ours| ours != *theirs)).count();
            if wrong == 0 { Verdict::Agree } else { Verdict::differ(format!("{ours:?}"), theirs) }
        });
        assert!(tally.unanswered < tally.agreed, "too few are understood: {tally}");
    }

    fn generate(dice: &mut Dice) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for path in dice.subset(&[
            "/etc/default/grub",
            "grub.d/a.cfg",
            "grub.d/50_b.cfg",
            "grub.d/.c.cfg",
            "grub.d/d",
        ]) {
            let mut text = String::new();
            for _ in 0..dice.range(1..=5) {
                let name = dice.pick(&NAMES);
                let word = dice.pick(&[
                    "x",
                    "'a b'",
                    "\"quiet splash\"",
                    "\"$GRUB_CMDLINE_LINUX y\"",
                    "${GRUB_DEFAULT}z",
                    "",
                    "\"a\\\"b\\$c\\q\"",
                    "a\\ b",
                    "\"a\nb\"",
                    "'$x'",
                    "`echo q`",
                    "\"a\\\nb\"",
                    "$GRUB_NONE",
                    "\"$\"",
                    "a#b",
                    "\"${GRUB_DEFAULT}\"'c'",
                    "$GRUB_CMDLINE_LINUX",
                    "\"$(echo w)\"",
                    "a=b",
                    "$OTHER",
                    "1>0",
                    "é",
                    "\"a`echo b`\"",
                    "a\\",
                ]);
                let end = dice.pick(&[
                    "\n",
                    "\n",
                    "\n",
                    "\n\n",
                    " # c 'x\n",
                    ";\n",
                    " ; ",
                    "\r\n",
                    " GRUB_DEFAULT=w\n",
                    "\t\n",
                ]);
                let line = dice.pick(&[
                    "N=W",
                    "N=W",
                    "N=W",
                    "  N=W",
                    "export N=W",
                    "# N=W",
                    "export N",
                    "N=W\nexport N",
                ]);
                text += &(line.replace('N', name).replace('W', word) + end);
                if dice.once_in(60) {
                    text += dice.pick(&["if true; then\n", "N =x\n", "echo x\n", ";\n", "fi\n", "set -e\n"]);
                }
            }
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/etc/default/{path}") };
            tree.write(path, text);
        }
        tree
    }

    #[test]
    fn the_next_command_line_names_its_lines() {
        let tree = MemoryTree::of(&[
            (FILE, "GRUB_DISTRIBUTOR=`lsb_release -i -s`\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"),
            (
                "/etc/default/grub.d/10_cloud.cfg",
                "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX console=ttyS0\"\n",
            ),
        ]);
        let words = |tree: &MemoryTree| -> Vec<String> {
            let defaults = read(tree.root()).unwrap().unwrap().unwrap();
            let words = defaults.command_line().unwrap();
            words.iter().map(|word| format!("{} {}", word.value, word.at)).collect()
        };
        assert_eq!(
            words(&tree),
            ["console=ttyS0 /etc/default/grub.d/10_cloud.cfg:1", "quiet /etc/default/grub:2"]
        );
        let tree = MemoryTree::of(&[(FILE, "if true; then GRUB_DEFAULT=1; fi\n")]);
        let why = read(tree.root()).unwrap().unwrap().unwrap_err();
        assert_eq!(why, "/etc/default/grub:1: more than an assignment");
        assert!(read(MemoryTree::new().root()).unwrap().is_none());
    }
}
