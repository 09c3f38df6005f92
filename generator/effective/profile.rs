//! What the start-up files of a login shell plainly say: `/etc/profile`, and what it reads.
//!
//! These are programs, and what comes of a program shows when it runs. This reader finds the lines
//! that plainly set something (`TMOUT=600`, `umask 077`, `ulimit -c 0`), in the order in which they
//! are read. It weighs no condition around them and works out no value: a line counts as if it ran,
//! with what is written there. What sets something in another way (`eval`, a function, a file of
//! another folder, a user's own files) is not seen.

use crate::effective::files;
use crate::location::Location;
use crate::target::{Result, Root};

/// What a login shell reads first.
pub const PROFILE: &str = "/etc/profile";
/// What a shell reads that asks for commands; Debian's `/etc/profile` reads it too.
pub const BASHRC: &str = "/etc/bash.bashrc";
/// The folder whose files `/etc/profile` reads.
pub const FOLDER: &str = "/etc/profile.d";

/// A line that sets something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What: a variable's name, `umask`, or `ulimit -c`.
    pub what: String,
    /// The value as it is written, quotes taken off; empty where it is taken away.
    pub value: String,
    /// No line after it can set the same anew.
    pub fixed: bool,
    /// The line.
    pub at: Location,
}

/// Every such line, in order.
#[derive(Clone, Debug)]
pub struct Profile {
    statements: Vec<Statement>,
}

impl Profile {
    /// Reads `/etc/profile` and what it names.
    ///
    /// # Errors
    /// The target can't be read.
    pub fn read(root: Root<'_>) -> Result<Self> {
        let mut profile = Self { statements: Vec::new() };
        let (mut bashrc, mut folder) = (false, false);
        for (index, line) in root.read_text(PROFILE)?.unwrap_or_default().lines().enumerate() {
            profile.statements.extend(of_line(line, &Location::line(PROFILE, index + 1)));
            let code = code(line);
            if code.contains(FOLDER) && !std::mem::replace(&mut folder, true) {
                for name in files::names(root, FOLDER, ".sh")? {
                    if !code.contains("run-parts") || is_plain(&name) {
                        profile.add(root, &format!("{FOLDER}/{name}"))?;
                    }
                }
            }
            if code.contains(&format!(". {BASHRC}")) && !std::mem::replace(&mut bashrc, true) {
                profile.add(root, BASHRC)?;
            }
        }
        Ok(profile)
    }

    fn add(&mut self, root: Root<'_>, path: &str) -> Result<()> {
        self.statements.extend(statements(path, &root.read_text(path)?.unwrap_or_default()));
        Ok(())
    }

    /// What takes the place of a file's line for `what`, which says `value`: the last line counts, or
    /// the first that is fixed.
    ///
    /// # Errors
    /// No login shell reads such a line of that file.
    pub fn overruling(
        &self,
        path: &str,
        what: &str,
        value: &str,
    ) -> std::result::Result<Option<&Statement>, NotRead> {
        let all = || self.statements.iter().filter(|s| s.what == what);
        let same = |s: &Statement| is_same(what, &s.value, value);
        if !all().any(|s| s.at.file == path && same(s)) {
            return Err(NotRead);
        }
        Ok(all().find(|s| s.fixed).or_else(|| all().next_back()).filter(|s| !same(s)))
    }
}

/// No login shell reads the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotRead;

/// The lines of one file that set something.
pub fn statements(path: &str, text: &str) -> Vec<Statement> {
    let lines = text.lines().enumerate();
    lines.flat_map(|(index, line)| of_line(line, &Location::line(path, index + 1))).collect()
}

/// Names that Debian's `run-parts --regex '^[a-zA-Z0-9_][a-zA-Z0-9._-]*\.sh$'` takes.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') && name.chars().all(plain)
}

/// A line without its comment.
fn code(line: &str) -> &str {
    let start = line.find(" #").unwrap_or(line.len());
    if line.trim_start().starts_with('#') { "" } else { &line[..start] }
}

/// Words before a command that don't change what it does.
const BEFORE: [&str; 12] =
    ["then", "else", "do", "if", "elif", "while", "until", "{", "(", "!", "builtin", "command"];

fn of_line(line: &str, at: &Location) -> Vec<Statement> {
    let commands = code(line).split([';', '&', '|']);
    commands.flat_map(|command| of_command(command.split_whitespace().collect(), at)).collect()
}

fn of_command(words: Vec<&str>, at: &Location) -> Vec<Statement> {
    let start = words.iter().take_while(|word| BEFORE.contains(word)).count();
    let words = &words[start..];
    let Some((command, rest)) = words.split_first() else { return Vec::new() };
    let (options, arguments): (Vec<&str>, Vec<&str>) = rest.iter().partition(|word| word.starts_with('-'));
    let says = |what: String, value: &str, fixed| Statement {
        what,
        value: value.trim_matches(['"', '\'']).to_owned(),
        fixed,
        at: at.clone(),
    };
    let assigned = |words: &[&str], fixed: bool| {
        let pairs = words.iter().filter_map(|word| word.split_once('='));
        pairs
            .filter(|(name, _)| is_name(name))
            .map(|(name, value)| says(name.to_owned(), value, fixed))
            .collect()
    };
    match *command {
        "export" | "typeset" | "declare" | "readonly" => {
            let fixed = *command == "readonly" || options.iter().any(|option| option.contains('r'));
            assigned(&arguments, fixed)
        }
        "unset" => arguments.iter().map(|name| says((*name).to_owned(), "", false)).collect(),
        "umask" => arguments.iter().map(|mask| says("umask".to_owned(), mask, false)).collect(),
        "ulimit" => {
            let letters = options.iter().flat_map(|o| o.chars()).filter(|c| !"-SH".contains(*c));
            let value = arguments.first().copied();
            letters.filter_map(|c| Some(says(format!("ulimit -{c}"), value?, false))).collect()
        }
        // Before a command they are that command's alone.
        _ if words.iter().all(|w| w.split_once('=').is_some_and(|(name, _)| is_name(name))) => {
            assigned(words, false)
        }
        _ => Vec::new(),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Whether two values mean the same: a umask is a number to the base of eight.
fn is_same(what: &str, one: &str, other: &str) -> bool {
    let mask = |text: &str| u32::from_str_radix(text, 8).ok();
    one == other || (what == "umask" && mask(one).is_some() && mask(one) == mask(other))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::effective::testing::{Differential, MemoryTree, Verdict, program};

    /// As Debian's.
    const MAIN: &str = "umask 077\nif [ -f /etc/bash.bashrc ]; then\n  . /etc/bash.bashrc\nfi\n\
        for i in $(run-parts --list --regex '^[a-zA-Z0-9_][a-zA-Z0-9._-]*\\.sh$' /etc/profile.d); do\n. $i\ndone\n";
    const OWN: &str = "/etc/profile.d/m.sh";

    fn tree(own: &str) -> MemoryTree {
        MemoryTree::of(&[(PROFILE, MAIN), (OWN, own), (BASHRC, "# umask 000\numask 0077\n")])
    }

    fn overruled(tree: &MemoryTree, path: &str, what: &str, value: &str) -> Option<String> {
        let profile = Profile::read(tree.root()).unwrap();
        profile.overruling(path, what, value).unwrap().map(|s| s.at.to_string())
    }

    #[test]
    fn plain_lines_are_found_and_others_are_not() {
        let text = "export A=\"1\" B=2\nif x; then typeset -xr TMOUT=600; fi\n# C=1\nD=1 command\nulimit -Sc 0\n\
            [ \"$E\" = 1 ] && umask 022 # F=1\nunset G\necho H=1\n";
        let found: Vec<String> = statements("/x", text)
            .into_iter()
            .map(|s| {
                format!("{}={}{}:{}", s.what, s.value, if s.fixed { "!" } else { "" }, s.at.line.unwrap())
            })
            .collect();
        assert_eq!(found, ["A=1:1", "B=2:1", "TMOUT=600!:2", "ulimit -c=0:5", "umask=022:6", "G=:7"]);
    }

    #[test]
    fn a_later_line_wins_unless_an_earlier_one_is_fixed() {
        let mut tree = tree("ulimit -c 0\n");
        tree.write("/etc/profile.d/a.sh", "ulimit -c unlimited\n")
            .write("/etc/profile.d/.z.sh", "ulimit -c 1\n");
        assert_eq!(overruled(&tree, OWN, "ulimit -c", "0"), None);
        tree.write("/etc/profile.d/z.sh", "ulimit -c unlimited\n");
        assert_eq!(overruled(&tree, OWN, "ulimit -c", "0").as_deref(), Some("/etc/profile.d/z.sh:1"));
        tree.write("/etc/profile.d/zz.sh", "ulimit -c 0\n");
        assert_eq!(overruled(&tree, OWN, "ulimit -c", "0"), None, "set back");
        tree.write(OWN, "readonly TMOUT=600\n").write("/etc/profile.d/z.sh", "TMOUT=0\n");
        assert_eq!(overruled(&tree, OWN, "TMOUT", "600"), None);
        tree.write("/etc/profile.d/a.sh", "declare -r TMOUT=0\n");
        assert_eq!(overruled(&tree, OWN, "TMOUT", "600").as_deref(), Some("/etc/profile.d/a.sh:1"));
    }

    #[test]
    fn umask_is_followed_through_all_files() {
        let mut tree = tree("umask 77\n");
        assert_eq!(overruled(&tree, PROFILE, "umask", "077"), None);
        tree.write("/etc/profile.d/z.sh", "umask u=rwx\n");
        for path in [PROFILE, BASHRC, OWN] {
            assert_eq!(
                overruled(&tree, path, "umask", "077").as_deref(),
                Some("/etc/profile.d/z.sh:1"),
                "{path}"
            );
        }
        tree.write(PROFILE, "umask 077\n");
        assert_eq!(Profile::read(tree.root()).unwrap().overruling(OWN, "umask", "077"), Err(NotRead));
    }

    /// Held against bash: one variable, or the umask, set by one to five lines of several files.
    #[test]
    fn agrees_with_a_real_shell() {
        let Some(bash) = program("bash") else { return };
        let masks =
            ["umask 077", "umask 0077", "umask 022", "umask 027; :", "# umask 000", "true && umask 002"];
        let times = [
            "TMOUT=600",
            "export TMOUT=600",
            "export TMOUT=900",
            "readonly TMOUT=600",
            "typeset -xr TMOUT=600",
            "readonly TMOUT=900",
            "unset TMOUT",
            "TMOUT=0 true",
        ];
        Differential::cases(150).run(
            |dice| {
                let lines: &[&str] = if dice.chance(50) { &masks } else { &times };
                let own =
                    if lines == masks { lines[0] } else { dice.pick(&["TMOUT=600", "readonly TMOUT=600"]) };
                let mut tree = tree(own);
                tree.write(PROFILE, MAIN.replace("umask 077\n", "")).write(BASHRC, "");
                for name in ["a.sh", "B.sh", "z.sh", ".z.sh", "z.txt", "-z.sh", "zz.sh"] {
                    if dice.chance(30) {
                        tree.write(format!("{FOLDER}/{name}"), format!("{}\n", dice.pick(lines)));
                    }
                }
                tree
            },
            |tree| {
                let own = statements(OWN, &tree.root().read_text(OWN).unwrap().unwrap()).remove(0);
                let ours = overruled(tree, OWN, &own.what, &own.value).is_none();
                let disk = tree.on_disk();
                let script = MAIN.replace("/etc/", &format!("{}/etc/", disk.path().display()));
                let script = script.replace("umask 077\n", "");
                // A failed assignment ends the reading of files, not the shell.
                let script =
                    format!("umask 777; eval '{}'\numask; echo $TMOUT", script.replace('\'', "'\\''"));
                let said = Command::new(&bash).args(["-c", &script]).output().unwrap();
                let said = String::from_utf8(said.stdout).unwrap();
                let wanted = if own.what == "umask" { "0077\n\n" } else { "0777\n600\n" };
                Verdict::same(&ours, &(said == wanted))
            },
        );
    }
}
