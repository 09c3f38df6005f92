//! Against `useradd`, which writes what `login.defs` says into a made `/etc/shadow`, and libpwquality.

use super::{Syntax, Wins, read};
use crate::effective::testing::{
    Dialogue, Dice, Differential, MemoryTree, Verdict, program, python_in_own_root,
};

const LOGIN_DEFS: &str = "/etc/login.defs";
const AGES: [&str; 3] = ["PASS_MIN_DAYS", "PASS_MAX_DAYS", "PASS_WARN_AGE"];
/// Files that `useradd` writes, besides.
const ACCOUNTS: [&str; 8] = [
    "/etc/passwd",
    "/etc/shadow",
    "/etc/group",
    "/etc/gshadow",
    "/etc/subuid",
    "/etc/subgid",
    "/etc/passwd-",
    "/etc/shadow-",
];

/// Makes an account, and says the fields of its line that hold the ages.
const USERADD: &str = r#"
empty = {"passwd": "root:x:0:0::/:/bin/sh\n", "shadow": "root:*:1::::::\n", "group": "root:x:0:\n", "gshadow": "",
    "subuid": "", "subgid": ""}
for line in sys.stdin:
    bring("/host" + line.rstrip("\n"))
    for name, text in empty.items(): open("/etc/" + name, "w").write(text)
    made = subprocess.run(["/usr/sbin/useradd", "-M", "-N", "u"], capture_output=True)
    ages = [l.split(":")[3:6] for l in open("/etc/shadow").read().split() if l.startswith("u:")]
    print(" ".join(a or "-" for a in ages[0]) if ages else "none", flush=True)
"#;

#[test]
fn login_defs_agree_with_useradd() {
    if program("useradd").is_none() {
        return;
    }
    let own: Vec<&str> = ACCOUNTS.into_iter().chain([LOGIN_DEFS]).collect();
    let Some(mut useradd) = python_in_own_root(&own, "subprocess", USERADD) else { return };
    Differential::cases(100).run(login_defs, |tree| {
        let Some(keys) = read(&tree.root(), LOGIN_DEFS, Syntax::Blank).unwrap() else {
            return Verdict::Unanswered;
        };
        let age = |key: &str| keys.get(key, Wins::Last).map(|chosen| chosen.value.value);
        let ours =
            AGES.map(|key| age(key).and_then(|text| number(&text)).map_or("-".to_owned(), |n| n.to_string()));
        Verdict::same(&ours.join(" "), &useradd.ask(&tree.on_disk().path().to_string_lossy()))
    });
}

/// A number as `getdef_num()` reads it: by `strtol` with base 0. A negative one leaves the field empty.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let value = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => i64::from_str_radix(&digits[2..], 16),
        [b'0', _, ..] => i64::from_str_radix(&digits[1..], 8),
        _ => digits.parse(),
    };
    value.ok().map(|value| sign * value).filter(|value| *value >= 0)
}

fn login_defs(dice: &mut Dice) -> MemoryTree {
    let mut text = String::new();
    for _ in 0..dice.below(9) {
        let key = dice.pick(&[
            AGES[0],
            AGES[1],
            AGES[2],
            AGES[1],
            "pass_max_days",
            "UMASK",
            "#PASS_MAX_DAYS",
            "# PASS_MIN_DAYS",
        ]);
        let blank = dice.pick(&[" ", "\t", "  \t ", " \"", "=", " = ", "", "\u{a0}", "\u{b}"]);
        let value = dice.pick(&[
            "7", "99999", "0", "-1", "0x10", "010", "30 # c", "30 40", "\"5\"", "5\"6", "", "x", "08", "+3",
            " 4", "'6'",
        ]);
        let end = dice.pick(&["\n", "\n", "\n", "\r\n", " \n", "\t\n", "\"\n", "\n\n", "\\\n", "\u{c}\n"]);
        text += &format!("{}{key}{blank}{value}{end}", dice.pick(&["", "", "", " ", "\t", "\u{feff}"]));
    }
    // What an account takes to be made at all.
    let mut tree = MemoryTree::new();
    tree.write(
        LOGIN_DEFS,
        text.trim_end_matches(|c| c == '\n' && dice.once_in(9)).to_owned()
            + "\nUID_MIN 1000\nUID_MAX 60000\n",
    );
    tree
}

const PWQUALITY: &str = "/etc/security/pwquality.conf";
const NUMBERS: [&str; 6] = ["minlen", "difok", "dcredit", "minclass", "maxrepeat", "retry"];

/// Reads a file, up to where the library gives up.
const LIBRARY: &str = r#"
import sys, pwquality
for line in sys.stdin:
    settings = pwquality.PWQSettings()
    try: settings.read_config(line.rstrip("\n") + "/etc/security/pwquality.conf")
    except Exception: pass
    names = ("minlen", "difok", "dcredit", "minclass", "maxrepeat", "retry", "enforce_for_root", "local_users_only")
    print(" ".join(str(getattr(settings, name)) for name in names), flush=True)
"#;

#[test]
fn pwquality_agrees_with_its_library() {
    let python = std::path::Path::new("/usr/bin/python3");
    let mut command = std::process::Command::new(python);
    let known = std::process::Command::new(python).args(["-c", "import pwquality"]).output();
    if program("python3").is_none() || !known.is_ok_and(|out| out.status.success()) {
        crate::effective::testing::skip("Python has no pwquality");
        return;
    }
    let mut library = Dialogue::start(command.args(["-c", LIBRARY]));
    Differential::cases(300).run(pwquality, |tree| {
        let Some(keys) = read(&tree.root(), PWQUALITY, Syntax::Equals).unwrap() else {
            return Verdict::Unanswered;
        };
        let text = |key: &str| keys.get(key, Wins::Last).map(|chosen| chosen.value.value);
        let defaults = [8, 1, 0, 0, 0, 1];
        let mut ours: Vec<String> = NUMBERS
            .iter()
            .zip(defaults)
            .map(|(key, default)| {
                text(key).and_then(|text| text.parse::<i64>().ok()).unwrap_or(default).to_string()
            })
            .collect();
        for switch in ["enforce_for_root", "local_users_only"] {
            ours.push(u8::from(text(switch).is_some()).to_string());
        }
        Verdict::same(&ours.join(" "), &library.ask(&tree.on_disk().path().to_string_lossy()))
    });
}

fn pwquality(dice: &mut Dice) -> MemoryTree {
    let mut text = String::new();
    for _ in 0..dice.below(8) {
        let key = dice.pick(&[
            "minlen",
            "minlen",
            "difok",
            "dcredit",
            "minclass",
            "maxrepeat",
            "retry",
            "MinLen",
            "# minlen",
            "#difok",
        ]);
        let line = match dice.below(8) {
            0 => dice
                .pick(&["enforce_for_root", "Local_Users_Only", " enforce_for_root ", "badwords = a b", ""])
                .to_owned(),
            _ => {
                let blank = dice.pick(&[" = ", "=", " ", "\t", "= ", " =", "  =\t"]);
                // Between the borders of every setting.
                let value = dice.pick(&["3", "2", "4", "1", "03", "+2", "3 # c", "2#c", "4 "]);
                let value = if key.eq_ignore_ascii_case("minlen") {
                    value.replace(['1', '2', '3', '4'], "9")
                } else {
                    value.to_owned()
                };
                format!("{key}{blank}{value}")
            }
        };
        let rare = dice.pick(&["nosuch = 1\n", "\u{feff}minlen = 9\n", "retry = \n", "== 3\n"]);
        text += &format!(
            "{}{line}{}",
            dice.pick(&["", "", " ", "\t"]),
            dice.pick(&["\n", "\n", "\n", "\r\n", " \n", "\n\n"])
        );
        if dice.once_in(25) {
            text += rare;
        }
    }
    MemoryTree::of(&[(PWQUALITY, &text)])
}
