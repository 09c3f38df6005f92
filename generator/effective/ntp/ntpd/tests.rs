//! Holds the reader against the real NTPsec: what it binds, and what it answers whom.

use std::net::IpAddr;

use serde::Deserialize;

use super::interfaces::Endpoint;
use super::*;
use crate::effective::testing::{Dice, Differential, Lab, MemoryTree, Question, Verdict, agree, aside};

/// The laboratory's addresses with their interfaces.
const OWN: [(&str, &str); 4] =
    [("127.0.0.1", "lo"), ("::1", "lo"), ("192.0.2.1", "v0"), ("2001:db8::1", "v0")];
/// Who asks: the machine itself, and others, whose addresses the script adds.
const CLIENTS: [&str; 10] = [
    "127.0.0.1",
    "192.0.2.1",
    "198.51.100.7",
    "10.0.0.1",
    "10.1.0.1",
    "10.1.0.2",
    "::1",
    "2001:db8::1",
    "2001:db9::1",
    "2001:db9:1::1",
];
const WHO: &[&str] = &[
    "default",
    "default",
    "default",
    "default",
    "-4 default",
    "-6 default",
    "127.0.0.1",
    "::1",
    "localhost",
    "10.0.0.0 mask 255.0.0.0",
    "10.1.0.0/16",
    "10.1.0.1",
    "10.1.0.1/31",
    "10.0.0.0/8 mask 255.255.255.0",
    "0.0.0.0/0",
    "::/0",
    "0.0.0.0/1",
    "8000::/1",
    "2001:db9::/32",
    "2001:db9::/47",
    "2001:db9:1:: mask ffff:ffff:ffff::",
    "-4 10.1.0.0/16",
    "-6 2001:db9::/32",
    "10.0.0.1 mask 255.0.255.255",
    "192.0.2.1",
    "198.51.100.0/24",
    "\"default\"",
    "\"10.1.0.0/16\"",
    "time.invalid",
    "10",
    "10.1",
    "source",
    "10.1.0.1/x",
    "10.1.0.1/33",
    "Default",
    "10.1.0.1 mask x",
    "10.1.0.1 mask 10",
];
const FLAG: &[&str] = &[
    "ignore",
    "noquery",
    "noserve",
    "notrust",
    "nomrulist",
    "limited",
    "kod",
    "nomodify",
    "nopeer",
    "notrap",
    "version",
    "ntpport",
    "noquery",
    "limited",
    "bogus",
    "\"noquery\"",
    "=",
    "1",
    "mask",
];
const WHICH: &[&str] = &[
    "all",
    "all",
    "ipv4",
    "ipv6",
    "wildcard",
    "lo",
    "v0",
    "V0",
    "v*",
    "eth0",
    "127.0.0.1",
    "192.0.2.1",
    "192.0.2.0/24",
    "192.0.2.77/24",
    "2001:db8::1",
    "2001:db8::/32",
    "::1",
    "0.0.0.0",
    "::",
    "0.0.0.0/0",
    "::/0",
    "192.0.2.1/x",
    "192.0.2.0/99",
    "\"all\"",
    "\"v0\"",
    "10",
    "All",
    "127.0.0.0/8",
];
const OTHERS: &[&str] = &[
    "disable monitor",
    "disable monitor",
    "enable monitor",
    "disable auth monitor",
    "disable stats monitor bogus",
    "disable bogus monitor",
    "disable",
    "unrestrict default limited",
    "unrestrict default limited noquery",
    "# restrict default ignore",
    "",
    "driftfile /x",
    "server time.invalid iburst",
    "tos maxclock 11",
    "bogus",
    "Restrict default ignore",
    "nic",
    "restrict",
    "logconfig =all",
    "setvar a = b",
    "includefile x.conf",
    "includefile \"sub/y.conf\"",
    "includefile more",
    "includefile none",
    "includefile x.conf restrict default ignore",
    "includefile",
    "end",
];

fn line(dice: &mut Dice) -> String {
    let line = match dice.below(10) {
        0..5 => {
            let command = dice.pick(&["restrict", "restrict", "restrict", "restrict", "unrestrict"]);
            let usual = dice.chance(85);
            let flags = if usual { &FLAG[..14] } else { FLAG };
            let flags: Vec<&str> = (0..dice.below(4)).map(|_| dice.pick(flags)).collect();
            format!("{command} {} {}", dice.pick(WHO), flags.join(" "))
        }
        5..8 => {
            let action = dice.pick(&["listen", "ignore", "drop", "listen", "ignore", "Listen"]);
            format!("{} {action} {}", dice.pick(&["interface", "nic"]), dice.pick(WHICH))
        }
        _ => dice.pick(OTHERS).to_owned(),
    };
    let line = if dice.once_in(10) { line.replace(' ', dice.pick(&["\t", "  ", " \u{b}"])) } else { line };
    line + dice.pick(&["\n", "\n", "\n", "\n", "\n", "\n", " # c\n", "#c\n", "\r\n", " x\n"])
}

fn text(dice: &mut Dice, most: usize) -> String {
    (0..dice.below(most)).map(|_| line(dice)).collect()
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for name in [
        "ntp.d/a.conf",
        "ntp.d/b.conf",
        "ntp.d/.c.conf",
        "ntp.d/s.conf/t.conf",
        "ntp.d/x",
        "x.conf",
        "sub/y.conf",
        "sub/x.conf",
        "more/1.conf",
        "more/2.conf",
    ] {
        if dice.once_in(5) {
            tree.write(format!("/etc/ntpsec/{name}"), text(dice, 4));
        }
    }
    let mut main = text(dice, 8);
    if dice.once_in(40) {
        main += &format!("bogus {}\n", "x".repeat(dice.range(1020..=1030)));
    }
    if dice.once_in(15) {
        main = main.trim_end().to_owned();
    }
    tree.write(NTPSEC.file, main);
    tree
}

/// Which addresses are bound, and what each client gets from those of its family: time, what the daemon says of itself,
/// the list of clients.
#[derive(Debug, PartialEq, Deserialize)]
struct Seen {
    sockets: Vec<String>,
    answers: Vec<(String, String, bool, bool, bool)>,
}

fn ours(tree: &MemoryTree) -> Option<Seen> {
    let access = access(tree.root(), &NTPSEC).unwrap().ok()?;
    let parsed = |text: &str| text.parse::<IpAddr>().unwrap();
    let wildcards = [("0.0.0.0", None), ("::", None)];
    let own = OWN.iter().map(|(address, name)| (*address, Some(*name)));
    let endpoints =
        own.clone().chain(wildcards).map(|(address, name)| Endpoint { name, address: parsed(address) });
    let mut sockets: Vec<String> = endpoints
        .filter(|endpoint| access.interfaces.binds(*endpoint))
        .map(|endpoint| endpoint.address.to_string())
        .collect();
    sockets.sort();
    let mut answers = Vec::new();
    for (to, name) in own {
        let endpoint = Endpoint { name, address: parsed(to) };
        // What no socket of its own takes is the wildcard's.
        let wildcard =
            Endpoint { name: None, address: parsed(if to.contains(':') { "::" } else { "0.0.0.0" }) };
        let bound = access.interfaces.binds(endpoint);
        let listens = access.interfaces.listens(if bound { endpoint } else { wildcard });
        let asks = |from: &&&str| from.contains(':') == to.contains(':') && (**from != "::1" || to == "::1");
        for from in CLIENTS.iter().filter(asks) {
            let [time, control, list] = access.answers(parsed(from));
            // What says that it comes from `::1` is taken by that address's own socket alone.
            let open = listens && (bound || *from != "::1");
            answers.push((to.to_owned(), (*from).to_owned(), open && time, open && control, open && list));
        }
    }
    Some(Seen { sockets, answers })
}

/// Starts ntpd, asks, and prints what came of it.
const SCRIPT: &str = include_str!("ask.py");

fn theirs(lab: &mut Lab, ntpd: &str, tree: &MemoryTree) -> Option<Seen> {
    let mut tree = tree.clone();
    tree.write("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
    let answer = lab.ask(
        &tree,
        &Question {
            argv: ["python3", "-c", SCRIPT, ntpd, NTPSEC.file]
                .iter()
                .map(|word| (*word).to_owned())
                .collect(),
            environment: [
                ("CLIENTS".to_owned(), CLIENTS.join(" ")),
                ("OWN".to_owned(), OWN.map(|(address, _)| address).join(" ")),
            ]
            .into(),
            cleared: vec!["/etc/ntpsec".into()],
            ..Question::default()
        },
    );
    assert_eq!(answer.code, Some(0), "{}", answer.output);
    let seen = answer.output.lines().find_map(|line| line.strip_prefix("seen "));
    let seen = seen.unwrap_or_else(|| panic!("{}", answer.output));
    serde_json::from_str(seen).unwrap()
}

#[test]
fn ntpsec_answers_the_same() {
    let Some(ntpd) = aside("ntpsec", "ntpd") else { return };
    let Some(mut lab) = Lab::open() else { return };
    let shipped = ntpd.ancestors().nth(3).unwrap().join("etc/ntpsec/ntp.conf");
    let shipped = MemoryTree::of(&[(NTPSEC.file, &std::fs::read_to_string(shipped).unwrap())]);
    let ntpd = ntpd.to_str().unwrap();
    let mut judge = |tree: &MemoryTree| match tree.bytes(NTPSEC.file) {
        Some(_) => Verdict::of(ours(tree), theirs(&mut lab, ntpd, tree)),
        // Without its file it is not this daemon to the reader.
        None => Verdict::Unanswered,
    };
    agree(shipped, &mut judge);
    let tally = Differential::cases(20).run(generate, judge);
    assert!(tally.agreed > 4 * tally.refused, "one-sided cases: {tally}");
}
