//! Holds the reader against the real Exim, where it is at hand: the sockets that it opens.

use super::*;
use crate::effective::testing::{Dice, Differential, Lab, MemoryTree, Question, Verdict, aside};

/// What lets it run without its package: its account, and places to write to.
const FIXED: &str = "keep_environment =\nlog_file_path = /dev/shm/exim/%slog\nspool_directory = /dev/shm/exim/spool\n\
                     pid_file_path = /dev/shm/exim/pid\ndaemon_smtp_ports = 25\n";

const ITEMS: &[&str] = &[
    "127.0.0.1",
    "127.0.0.1",
    "::1",
    "192.0.2.1",
    "2001:db8::1",
    "0.0.0.0",
    "::0",
    "::",
    "127.0.0.1.1025",
    "[127.0.0.1]:26",
    "[::1]:587",
    "[::1]",
    "::1.1026",
    "127.0.0.2",
    "[192.0.2.1]:25",
    "localhost",
    "127.0.0.1.x",
    "lo",
    "",
    " ",
];

fn list(dice: &mut Dice) -> String {
    let mut items: Vec<&str> = (0..dice.below(4)).map(|_| dice.pick(ITEMS)).collect();
    let (start, separator) = dice.pick(&[("<; ", " ; "), ("<;", ";"), ("<, ", ","), ("", " : "), ("", ":")]);
    let doubled: Vec<String> = items.drain(..).map(|item| item.replace(':', "::")).collect();
    match start {
        "" => doubled.join(separator),
        _ => {
            start.to_owned()
                + &doubled.iter().map(|item| item.replace("::", ":")).collect::<Vec<_>>().join(separator)
        }
    }
}

fn generate(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(4) {
        let list = list(dice);
        text += &match dice.below(12) {
            0 => format!("# local_interfaces = {list}\n"),
            1 => format!("  local_interfaces={list}\n"),
            2 => format!("local_interfaces = \\\n   {list}\n"),
            3 => format!("local_interfaces = \"{list}\"\n"),
            4 => return text + "begin rewrite\n\n",
            5 => "\n   \n".to_owned(),
            _ => format!("local_interfaces = {list}\n"),
        };
    }
    text
}

#[test]
fn exim_listens_there() {
    let Some(exim) = aside("exim4-daemon-light", "exim4") else { return };
    let Some(mut lab) = Lab::open() else { return };
    let accounts = |file: &str, line: &str| std::fs::read_to_string(file).unwrap() + line;
    let passwd = accounts("/etc/passwd", "Debian-exim:x:120:120::/:/bin/false\n");
    let group = accounts("/etc/group", "Debian-exim:x:120:\n");
    let judge = |text: &String| {
        // What is left of a line, when a case is made smaller, is no option.
        if text.lines().any(|line| line.trim_start().starts_with('<') && !text.contains("\\\n")) {
            return Verdict::Unanswered;
        }
        let mut tree = MemoryTree::new();
        tree.write("/etc/passwd", &passwd)
            .write("/etc/group", &group)
            .write(BY_HAND, format!("{FIXED}{text}"));
        let script = format!(
            "rm -rf /dev/shm/exim; mkdir -m 777 -p /dev/shm/exim; exec {} -d -bdf -C {BY_HAND}",
            exim.display()
        );
        let answer = lab.ask(
            &tree,
            &Question {
                argv: ["sh".to_owned(), "-c".to_owned(), script].into(),
                ready: Some(r"Listening\.\.\.|Address already in use".into()),
                ..Question::default()
            },
        );
        if answer.output.contains("Address already in use") {
            // The same port twice: it tries for minutes whether the first one goes away.
            return Verdict::Unanswered;
        }
        let sockets = answer.sockets.iter().map(|(_, address, _)| Reach::of_address(&address.to_string()));
        let theirs = answer.code.is_none().then(|| sockets.fold(Reach::None, Reach::or));
        let ours = Some(by_hand(&format!("{FIXED}{text}")).value)
            .filter(|reach| !matches!(reach, Reach::Unknown(_)));
        match Verdict::of(ours, theirs) {
            Verdict::Differ { ours, theirs } => {
                let said: Vec<&str> = answer.output.lines().rev().take(5).collect();
                Verdict::Differ { ours, theirs: format!("{theirs}\n{}", said.join("\n")) }
            }
            verdict => verdict,
        }
    };
    let tally = Differential::cases(20).run(generate, judge);
    assert!(tally.agreed > tally.refused / 4, "one-sided cases: {tally}");
}
