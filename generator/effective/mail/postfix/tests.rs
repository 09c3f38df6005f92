//! Holds the reader against the real postconf.

use std::fs::File;
use std::process::Command;
use std::time::SystemTime;

use super::*;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, program};

const VALUES: &[&str] = &[
    "1",
    "x y",
    "x,y",
    "",
    "$A",
    "$B",
    "${C}",
    "$(A)",
    "$$A",
    "$A$B",
    "${A?yes}",
    "${A:no}",
    "${B?{yes}:{no}}",
    "${B ? { y es } : { n o } }",
    "${C?$A}",
    "${C?{${A}}:{$B}}",
    "$A.b",
    "${A",
    "$",
    "$-",
    "${}",
    "${A}}",
    "$(A",
    "${A-b}",
    "${A?{x}y}",
    "#x",
    "a=b",
    "é$A\u{a0}",
    "x \\",
    "\"q\"",
    "${A?{x}:y}",
    "${A:{x}}",
    "${A?}",
];
/// Parameters that are set by default, to nothing, and are not read further by postconf.
const NAMES: &[&str] = &["relayhost", "header_checks", "body_checks"];

fn main_cf(dice: &mut Dice) -> String {
    // Every name is set, so that all can be told.
    let mut text = "A = 1\nB =\nC = $A\n".to_owned();
    for _ in 0..dice.below(7) {
        text += &match dice.below(12) {
            0 => dice
                .pick(&["# c\n", "\n", " \t\n", "  # C = 2\n", "#\n  A = 7\n", "\r\n", "\u{c}\n"])
                .to_owned(),
            1 => format!("{}{}\n", dice.pick(&[" ", "\t", "  ", "\u{b}", "\r"]), dice.pick(VALUES)),
            2 if dice.once_in(12) => {
                dice.pick(&["A\n", "=1\n", "= 1\n", "A B = 1\n", "\u{feff}A = 1\n"]).to_owned()
            }
            _ => {
                let assign = dice.pick(&[" = ", "=", " =", "\t=\t", "= ", "  =\n  ", " = \\\n "]);
                format!(
                    "{}{assign}{}{}",
                    dice.pick(&["A", "B", "C"]),
                    dice.pick(VALUES),
                    dice.pick(&["\n", "\n", "\n", " \n", "\r\n"])
                )
            }
        };
    }
    if dice.once_in(10) {
        text.insert_str(0, dice.pick(&["  A = 2\n", " # c\n", "\n\tA = 2\n B = 3\n"]));
    }
    ["A", "B", "C"].iter().zip(NAMES).fold(text, |text, (short, name)| text.replace(short, name))
}

/// Asks postconf about two files, with no network but loopback: it looks its host's name up, and
/// may wait long for an answer.
fn postconf(main: &str, master: &str, arguments: &[&str]) -> Option<String> {
    let disk = MemoryTree::of(&[("main.cf", main), ("master.cf", master)]).on_disk();
    for name in ["main.cf", "master.cf"] {
        // Postfix waits for a file to settle that was written a moment ago.
        let file = File::options().write(true).open(disk.path().join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    }
    let mut command = Command::new("unshare");
    let script = "ip link set lo up; exec postconf \"$@\"";
    command.args(["--map-root-user", "--net", "sh", "-c", script, "sh", "-c"]);
    let output = command.arg(disk.path()).args(arguments).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// postconf prints blanks as it likes.
fn plain(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

fn values_of_postconf(text: &str) -> Option<Vec<String>> {
    let said = postconf(text, "", &[&["-x", "-h"], NAMES].concat())?;
    Some(said.lines().map(plain).collect())
}

#[test]
fn parameters_are_as_postconf_says() {
    if program("postconf").is_none() {
        return;
    }
    let ours = |text: &String| -> Option<Vec<String>> {
        let all = parameters(text).ok()?;
        NAMES.iter().map(|name| Some(plain(&expand(&all[*name].value, &all).ok()?))).collect()
    };
    let judge = |text: &String| Verdict::of(ours(text), values_of_postconf(text));
    let tally = Differential::cases(30).run(main_cf, judge);
    assert!(2 * tally.agreed > tally.refused, "one-sided cases: {tally}");
}

fn master_cf(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(6) {
        text += &match dice.below(8) {
            0 => dice
                .pick(&[
                    "# smtp inet n - y - - smtpd\n",
                    "\n",
                    "   # c\n",
                    "  -o x=y\n",
                    "\t-o { a = b c }\n",
                    "  -o inet_interfaces=all\n",
                ])
                .to_owned(),
            1 if dice.once_in(10) => {
                dice.pick(&["smtp inet n - y - -\n", "x\n", "smtp Inet n - y - - smtpd\n"]).to_owned()
            }
            _ => {
                let name = dice.pick(&[
                    "smtp",
                    "25",
                    "127.0.0.1:25",
                    "[::1]:587",
                    ":26",
                    "0.0.0.0:submission",
                    "localhost:24",
                    "[::]:465",
                    "pickup",
                ]);
                let kind = dice.pick(&["inet", "inet", "inet", "unix", "fifo"]);
                format!(
                    "{name}{}{kind} n - y - - smtpd{}\n",
                    dice.pick(&[" ", "\t", "\n   "]),
                    dice.pick(&["", " -o a=b", " \r", "\n -v"])
                )
            }
        };
    }
    text
}

#[test]
fn services_are_as_postconf_says() {
    if program("postconf").is_none() {
        return;
    }
    let theirs = |text: &String| {
        let said = postconf("", text, &["-M"])?;
        let words = said.lines().map(|line| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        Some(words.filter(|words| words[1] == "inet").map(|words| words[0].clone()).collect::<Vec<_>>())
    };
    let ours = |text: &String| {
        let found = listeners(text).ok()?;
        Some(found.into_iter().map(|listener| listener.endpoint).collect())
    };
    let tally = Differential::cases(30).run(master_cf, |text| Verdict::of(ours(text), theirs(text)));
    assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
}
