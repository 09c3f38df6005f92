//! The answers of [`super::format`], held against the programs themselves: each gets a small tree
//! with one line that counts, the line and the file around it are changed, and second places are
//! filled, exactly as the mutants do it.

mod programs;

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use self::programs::{PROGRAMS, Program, Says, run, sshd_for};
use super::edits::swapped;
use super::format::{Answer, FORMATS, Format, Place};
use super::matches::{BLOCKS, LOGIN, filled};
use super::mutant::Operator;
use crate::image::skipped;
use crate::program::have;

impl Program {
    /// A tree with the line in place, its file changed.
    fn tree(&self, content: &str) -> TempDir {
        let dir = TempDir::new().unwrap();
        for (path, text) in self.skeleton {
            write(dir.path(), path, &text.replace("ROOT", &dir.path().display().to_string()));
        }
        write(dir.path(), self.path, content);
        dir
    }

    fn content(&self) -> String {
        format!("{}{}\n", self.before, self.good)
    }

    /// What is made of an operator on the line.
    fn changed(&self, operator: Operator) -> String {
        let line = |new: String| format!("{}{new}\n", self.before);
        match operator {
            Operator::Crlf => self.content().replace('\n', "\r\n"),
            Operator::Trailing => line(format!("{}  ", self.good)),
            Operator::Case => line(swapped(self.good, self.key)),
            Operator::Bom => format!("\u{feff}{}", self.content()),
            Operator::Tabs => line(self.good.replace(' ', "\t")),
            Operator::Indent => line(format!("  {}", self.good)),
            other => panic!("{other:?} is no change of a line's form"),
        }
    }
}

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path.trim_start_matches('/'));
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// What an answer of the table means for the line.
fn expected(answer: Answer) -> Option<Says> {
    match answer {
        Answer::Same => Some(Says::Good),
        Answer::Lost | Answer::FileLost | Answer::Problem | Answer::FileProblem | Answer::Mixed => {
            Some(Says::Else)
        }
        Answer::Broken => Some(Says::Refuses),
        Answer::Unknown => None,
    }
}

fn programs() -> impl Iterator<Item = (&'static Program, &'static Format)> {
    let what = "a program's answers to mutants";
    let there = move |p: &&Program| {
        let imports = |module: &str| run("/usr/bin/python3", &["-c", &format!("import {module}")], &[]);
        match p.module.filter(|module| imports(module).is_none()) {
            Some(module) => {
                skipped(what, &format!("Python has no module {module}"));
                false
            }
            None => have(p.needs, what),
        }
    };
    PROGRAMS.iter().filter(there).map(|p| (p, FORMATS.iter().find(|f| f.name == p.format).unwrap()))
}

#[test]
fn programs_make_of_changed_lines_what_the_table_says() {
    use Operator::{Bom, Case, Crlf, Indent, Tabs, Trailing};
    let mut wrong = String::new();
    for (program, format) in programs() {
        assert_eq!((program.ask)(program.tree(&program.content()).path()), Says::Good, "{}", program.format);
        for operator in [Crlf, Trailing, Case, Bom, Tabs, Indent] {
            let Some(wanted) = expected(format.answer(operator, program.key)) else { continue };
            let said = (program.ask)(program.tree(&program.changed(operator)).path());
            if said != wanted {
                wrong.push_str(&format!(
                    "\n  {} {operator:?}: the program: {said:?}, the table: {wanted:?}",
                    program.format
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn match_blocks_win_and_lose_as_the_mutants_say() {
    let Some((program, _)) = programs().find(|(p, _)| p.format == "sshd") else { return };
    let mut wrong = String::new();
    for block in BLOCKS {
        let tree = program.tree(&program.content());
        let text = filled(block, program.good, program.bad, 22022);
        write(tree.path(), "/etc/ssh/sshd_config.d/zz.conf", &text);
        let named = |word: &&str| !block.login.contains(&word[..=word.find('=').unwrap()]);
        let login: Vec<&str> = block.login.split(',').chain(LOGIN.split(',').filter(named)).collect();
        let said = sshd_for(tree.path(), &["-C", &login.join(",")]);
        let wanted = if block.wins { Says::Else } else { Says::Good };
        if said != wanted {
            wrong.push_str(&format!("\n  {}: sshd: {said:?}, the block: {wanted:?}", block.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn second_places_win_and_lose_as_the_table_says() {
    let mut wrong = String::new();
    for (program, format) in programs().filter(|(p, _)| p.key != "blacklist foo") {
        for shadow in format.shadows {
            let tree = program.tree(&program.content());
            let name = program.path.rsplit('/').next().unwrap();
            let path = shadow.path.replace("{path}", program.path).replace("{name}", name);
            let more = shadow.text.replace("{line}", program.bad);
            let old = fs::read_to_string(tree.path().join(&path[1..])).unwrap_or_default();
            let whole = match shadow.place {
                Place::File => more,
                Place::Top => more + &old,
                Place::End => old + &more,
            };
            write(tree.path(), &path, &whole);
            let wanted = if shadow.wins { Says::Else } else { Says::Good };
            let said = (program.ask)(tree.path());
            if said != wanted {
                wrong.push_str(&format!(
                    "\n  {} {}: the program: {said:?}, the table: {wanted:?}",
                    program.format, shadow.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
