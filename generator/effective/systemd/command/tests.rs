//! Commands by hand, and held against the manager: its dump has every command line (`systemd --test`). Environment files
//! are held against systemd's generator for `environment.d`, which reads them with the same code.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command as Process;

use super::{Command, Written, environment, written};
use crate::effective::systemd::Units;
use crate::effective::systemd::manager::{self, LIB};
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, skip};
use crate::location::Location;

const UNIT: &str = "/usr/lib/systemd/system/ssh.service";

/// The commands of `ssh.service` in a tree of these files.
fn commands(files: &[(&str, &str)]) -> Vec<Command> {
    let tree = MemoryTree::of(files);
    Units::read(tree.root(), 252).unwrap().commands("ssh.service").unwrap().unwrap().unwrap()
}

/// The arguments of its only command, with the places where they are said.
fn arguments(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let commands = commands(files);
    assert_eq!(commands.len(), 1, "{commands:?}");
    commands[0].arguments.iter().map(|a| (a.value.clone(), a.at.to_string())).collect()
}

const STOCK: &str = "[Service]\nEnvironmentFile=-/etc/default/ssh\nExecStart=/usr/sbin/sshd -D $SSHD_OPTS\n";

#[test]
fn a_variable_gives_words_and_each_names_its_line() {
    let plain = ("-D".to_owned(), format!("{UNIT}:3"));
    assert_eq!(arguments(&[(UNIT, STOCK)]), std::slice::from_ref(&plain));
    let from = |text: &str| arguments(&[(UNIT, STOCK), ("/etc/default/ssh", text)]);
    let there = |word: &str, line: usize| (word.to_owned(), format!("/etc/default/ssh:{line}"));
    assert_eq!(
        from("# x\nSSHD_OPTS='-p 22 -o \"X11Forwarding yes\"'\n"),
        [plain.clone(), there("-p", 2), there("22", 2), there("-o", 2), there("X11Forwarding yes", 2),]
    );
    assert_eq!(from("SSHD_OPTS=-6\nexport SSHD_OPTS=-4\n")[1..], [there("-6", 1)]);
    assert_eq!(from("SSHD_OPTS=-6\nSSHD_OPTS=-4"), [plain.clone(), there("-4", 2)]);
    assert_eq!(from("SSHD_OPTS=-6\n#SSHD_OPTS=-4\nsshd_opts=-q\n")[1..], [there("-6", 1)]);
    assert_eq!(from("SSHD_OPTS=-6\nX=\0\n"), [plain], "one NUL, and the file is none");
}

#[test]
fn what_is_said_last_counts_and_a_drop_in_can_take_all_back() {
    let drop_in = "/etc/systemd/system/ssh.service.d/x.conf";
    let with =
        |text: &str| arguments(&[(UNIT, STOCK), ("/etc/default/ssh", "SSHD_OPTS=-4\n"), (drop_in, text)]);
    let values = |found: Vec<(String, String)>| found.into_iter().map(|(word, _)| word).collect::<Vec<_>>();
    let other = with("[Service]\nExecStart=\nExecStart=@/usr/sbin/sshd name -D ${SSHD_OPTS}x $$A $ABSENT\n");
    assert_eq!(other[1], ("-4x".to_owned(), "/etc/default/ssh:1".to_owned()));
    assert_eq!(values(other), ["-D", "-4x", "$A"]);
    assert_eq!(values(with("[Service]\nEnvironmentFile=\n")), ["-D"]);
    assert_eq!(values(with("[Service]\nEnvironment=SSHD_OPTS=-6\n")), ["-D", "-4"], "files win");
    assert_eq!(
        values(with("[Service]\nEnvironmentFile=\nEnvironment='SSHD_OPTS=-6 -q'\n")),
        ["-D", "-6", "-q"]
    );
    assert_eq!(values(with("[Service]\nUnsetEnvironment=SSHD_OPTS\n")), ["-D"]);
    assert_eq!(values(with("[Service]\nExecStart=\nExecStart=:/usr/sbin/sshd $A ${B}\n")), ["$A", "${B}"]);
    let manager = ("/etc/systemd/system.conf.d/x.conf", "[Manager]\nDefaultEnvironment=SSHD_OPTS=-6\n");
    assert_eq!(values(arguments(&[(UNIT, STOCK), manager])), ["-D", "-6"]);
}

#[test]
fn without_a_file_that_has_to_be_there_nothing_runs() {
    let tree = MemoryTree::of(&[(UNIT, "[Service]\nEnvironmentFile=/etc/x\nExecStart=/usr/sbin/sshd\n")]);
    let units = Units::read(tree.root(), 252).unwrap();
    let problem = units.commands("ssh.service").unwrap().unwrap().unwrap_err();
    assert_eq!(problem.at, Location::line(UNIT, 2));
    assert_eq!(units.commands("other.service").unwrap(), None);
}

/// A word as the manager's dump shows it (`shell_maybe_quote()`).
fn shown(word: &str) -> String {
    let special = |c: char| c.is_ascii_control() || " \"\\`$*?['()<>|&;!".contains(c);
    if !word.is_empty() && !word.contains(special) {
        return word.to_owned();
    }
    let mut quoted = String::new();
    for c in word.chars() {
        match c {
            '\u{7}' => quoted.push_str("\\a"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '"' | '\\' | '`' | '$' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    format!("\"{quoted}\"")
}

/// The command lines of `a.service` without `argv[0]`, as the manager has them; `None` where it refuses the unit.
fn real(root: &Path) -> Option<Vec<String>> {
    let text = manager::dry_run(root);
    let dump = text.split("-> Unit ").find(|dump| dump.starts_with("a.service:"))?;
    if !dump.contains("Unit Load State: loaded") {
        return None;
    }
    let lines = dump.lines().filter_map(|line| line.trim().strip_prefix("Command Line: "));
    Some(lines.map(|line| without_first(line).trim_start().to_owned()).collect())
}

/// A command line behind its first word, which may be in quotes.
fn without_first(line: &str) -> &str {
    let Some(quoted) = line.strip_prefix('"') else {
        return line.split_once(' ').map_or("", |(_, rest)| rest);
    };
    let mut escaped = false;
    let end = quoted.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    &quoted[end.unwrap() + 1..]
}

/// A line's pieces: words, quotes, escapes and what parts commands.
const PIECES: &[&str] = &[
    " ", " ", " ", "a", "-o", "x=y", "\"b c\"", "'d \"'", "\"\"", "\\\\", "\\n", "\\x41", "\\101", "\\q",
    "\\s", ";", " \\; ", "%%", "%n", "\t", "$A", "${A}", "$$", "#", " \\\n",
];

/// What makes a line, or the unit, one that is refused.
const BROKEN: &[&str] = &["\"", "'", "\\", " ; ", "\\x0"];

#[test]
fn command_lines_agree_with_the_manager() {
    if !manager::is_there() {
        return;
    }
    let generate = |dice: &mut Dice| {
        let mut text = "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\n".to_owned();
        for _ in 0..dice.range(1..=3) {
            let prefix = dice.pick(&["", "", "", "", "-", "@", ":", "-@", "--", "!!", "+"]);
            let program =
                if dice.chance(90) { "/bin/x " } else { dice.pick(&["/bin/", "x/y ", "x ", "/b\\x "]) };
            text.push_str(&format!("ExecStart={prefix}{program}"));
            for _ in 0..dice.below(8) {
                text.push_str(if dice.chance(96) { dice.pick(PIECES) } else { dice.pick(BROKEN) });
            }
            text.push_str(dice.pick(&["\n", "\n", "\n", "\nExecStart=\n"]));
        }
        MemoryTree::of(&[(&format!("/{LIB}/a.service"), &text)])
    };
    let tally = Differential::cases(60).run(generate, |tree| {
        let place = tempfile::tempdir().unwrap();
        tree.write_to(place.path());
        let target = place.path().join(LIB).join("default.target");
        std::fs::write(target, "[Unit]\nDefaultDependencies=no\nWants=a.service\n").unwrap();
        let Some(unit) = Units::read(tree.root(), 252).unwrap().unit("a.service").unwrap() else {
            return Verdict::Agree;
        };
        // As the manager's dump has them, before any variable is replaced.
        let ours = written(&unit).ok().map(|commands| {
            let line = |c: Written| c.words.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ");
            commands.into_iter().map(line).collect::<Vec<_>>()
        });
        Verdict::of(ours.filter(|commands| !commands.is_empty()), real(place.path()))
    });
    assert!(tally.agreed > tally.refused, "{tally}");
}

/// systemd's reader of `environment.d`.
const GENERATOR: &str = "/usr/lib/systemd/user-environment-generators/30-systemd-environment-d-generator";

/// What an environment file is made of. `$` is left out: `environment.d` replaces variables, and units do not.
const TEXT: &[&str] = &[
    "A=", "B=", "\nA=", "\nA =", "\nAB=", "\n", "\r\n", " ", "\t", "x", "y z", "'", "\"", "\\", "\\\n",
    "\\\"", "#", ";", "\n#", "\n;", "=", "ä", "`", "1=",
];

#[test]
fn environment_files_agree_with_systemds_own_reader() {
    if !Path::new(GENERATOR).exists() {
        return skip("systemd has no generator for environment.d");
    }
    let generate = |dice: &mut Dice| {
        let text: String = (0..dice.below(15)).map(|_| dice.pick(TEXT)).collect();
        MemoryTree::of(&[("/environment.d/x.conf", &text)])
    };
    let tally = Differential::cases(300).run(generate, |tree| {
        let place = tempfile::tempdir().unwrap();
        tree.write_to(place.path());
        let output =
            Process::new(GENERATOR).env_clear().env("XDG_CONFIG_HOME", place.path()).output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let text = tree.bytes("/environment.d/x.conf").unwrap_or_default();
        let mut ours: BTreeMap<String, String> = BTreeMap::new();
        let mut empty = BTreeSet::new();
        for (name, value) in environment::assignments(text, "", 252).unwrap() {
            // Of a name with nothing behind it, the generator passes over most.
            if value.value.is_empty() {
                empty.insert(name.clone());
            }
            ours.insert(name, shown(&value.value));
        }
        let mut theirs: BTreeMap<String, String> = printed
            .lines()
            .filter_map(|l| l.split_once('='))
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        for values in [&mut ours, &mut theirs] {
            values.retain(|name, _| ["A", "B", "AB"].contains(&name.as_str()) && !empty.contains(name));
        }
        Verdict::same(&ours, &theirs)
    });
    assert!(tally.agreed > 0, "{tally}");
}
