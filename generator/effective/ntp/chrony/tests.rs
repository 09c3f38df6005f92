//! Holds the reader against the real chronyd: what it binds, and what it says of whom it serves.

use super::*;
use crate::effective::testing::{Dice, Differential, Lab, MemoryTree, Question, Verdict, program};

const CLIENTS: [&str; 14] = [
    "127.0.0.1",
    "127.0.0.2",
    "::1",
    "192.0.2.1",
    "192.0.2.77",
    "192.0.3.1",
    "10.0.0.1",
    "10.1.0.1",
    "10.64.0.1",
    "11.0.0.1",
    "2001:db8::1",
    "2001:db8:1::1",
    "2001:db9::1",
    "255.255.255.255",
];
const NETWORKS: &[&str] = &[
    "",
    "",
    " all",
    "192.0.2.0/24",
    "192.0.2.1",
    "10",
    "10.1",
    "10.1.0",
    "10.0.0.0/9",
    "10.0.0.0/10",
    "all 10.0.0.0/8",
    "10.0.0.1/8",
    "127.0.0.1",
    "127.0.0.0/8",
    "127",
    "::1",
    "2001:db8::/32",
    "2001:db8::/47",
    "ALL 2001:db8::/31",
    "all ::/0",
    "0/0",
    "0.0.0.0/0",
    "::/0",
    "10/9",
    "all 192.0.2.1",
    "10.0.0.0/7",
    "10.0.0.0/33",
    "x.invalid/8",
    "all all",
    "10 11",
    "256.1",
    "10.",
    "010.0.0.0/8",
    "10.0.0.0/",
    "1.2.3.4.5",
];
const OTHERS: &[&str] = &[
    "",
    "\t",
    "# allow",
    "! allow",
    "; allow",
    "% allow",
    "#",
    "port 0",
    "port 123",
    "Port 1123",
    "cmdport 0",
    "CMDPORT 1323",
    "bindaddress 127.0.0.1",
    "bindaddress 192.0.2.1",
    "bindaddress ::1",
    "bindaddress 2001:db8::1",
    "bindaddress 0.0.0.0",
    "bindcmdaddress 0.0.0.0",
    "bindcmdaddress ::",
    "bindcmdaddress 127.0.0.1",
    "bindcmdaddress 192.0.2.1",
    "cmdallow",
    "cmdallow 192.0.2.0/24",
    "cmddeny all",
    "server 192.0.2.9 iburst",
    "local stratum 10",
    "confdir /etc/chrony/a /etc/chrony/b",
    "confdir /etc/chrony/none",
    "include /etc/chrony/x.conf",
    "include /etc/chrony/*.inc",
    "include /etc/chrony/[ab]?.inc",
    "sourcedir /etc/chrony/a",
    "bindaddress",
    "port x",
    "allow\u{a0}10",
];

fn line(dice: &mut Dice) -> String {
    let line = match dice.below(5) {
        0..2 => {
            format!("{} {}", dice.pick(&["allow", "allow", "Allow", "ALLOW", "\tallow"]), dice.pick(NETWORKS))
        }
        2 => format!("{} {}", dice.pick(&["deny", "deny", " Deny"]), dice.pick(NETWORKS)),
        _ => dice.pick(OTHERS).to_owned(),
    };
    let line =
        if dice.once_in(8) { line.replace(' ', dice.pick(&["\t", "  ", "\u{b}", " \u{c}"])) } else { line };
    // Most cases shall be read to their end.
    line + dice.pick(&["\n", "\n", "\n", "\n", "\n", "\n", " \t\n", "\r\n"])
}

fn text(dice: &mut Dice, most: usize) -> String {
    (0..dice.below(most)).map(|_| line(dice)).collect()
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::of(&[("/etc/chrony/x.conf", "# nothing\n")]);
    for name in [
        "a/1.conf",
        "a/2.conf",
        "b/1.conf",
        "b/10.conf",
        "b/.h.conf",
        "a/x.sources",
        "a1.inc",
        "b2.inc",
        "c.inc",
    ] {
        if dice.once_in(4) {
            tree.write(
                format!("/etc/chrony/{name}"),
                if name == "a/x.sources" { "".into() } else { text(dice, 3) },
            );
        }
    }
    let mut main = text(dice, 9);
    if dice.once_in(30) {
        main += &format!("{}allow\n", " ".repeat(dice.range(2038..=2050)));
    }
    if dice.once_in(20) {
        main.insert_str(0, dice.pick(&["\u{feff}# x\n", "\u{feff}allow\n", "allow\0 x\n"]));
    }
    tree.write(FILES[0], main);
    tree
}

/// Whom it serves, and on what addresses and ports it listens.
type Seen = (Vec<bool>, Vec<(IpAddr, u16)>);

fn ours(tree: &MemoryTree) -> Option<Seen> {
    let mut config = Config::default();
    config.read(tree.root(), FILES[0], 0).unwrap();
    if config.refused.is_some() {
        return None;
    }
    let clients: Vec<IpAddr> = CLIENTS.iter().map(|client| client.parse().unwrap()).collect();
    let mut sockets = Vec::new();
    let everywhere = [IpAddr::from([0; 4]), IpAddr::from([0; 16])];
    let local = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    for family in 0..2 {
        let networks: Vec<Network> = config.rules.iter().map(|rule| rule.network).collect();
        let mut borders = Vec::new();
        stranger(&networks, |address| {
            borders.push(address);
            false
        });
        let open = borders
            .iter()
            .chain(&local)
            .chain(&clients)
            .any(|a| usize::from(a.is_ipv6()) == family && config.allowing(*a).is_some());
        if open && config.port != Some(0) {
            sockets.push((config.bound[family].unwrap_or(everywhere[family]), config.port.unwrap_or(123)));
        }
        if config.command_port != Some(0) {
            let address = config.command_bound[family].as_ref().map_or(local[family], |bound| bound.value);
            sockets.push((address, config.command_port.unwrap_or(323)));
        }
    }
    sockets.sort();
    Some((clients.iter().map(|client| config.allowing(*client).is_some()).collect(), sockets))
}

const SCRIPT: &str = "
chronyd -d -x -u root -f /etc/chrony/test.conf & daemon=$!
until chronyc -h /run/chrony/chronyd.sock tracking >/dev/null 2>&1; do kill -0 $daemon 2>/dev/null || exit 1; sleep 0.005; done
for client in $CLIENTS; do chronyc -h /run/chrony/chronyd.sock accheck $client; done
echo serving; wait";

fn theirs(lab: &mut Lab, tree: &MemoryTree) -> Option<Seen> {
    let mut tree = tree.clone();
    tree.write(
        "/etc/chrony/test.conf",
        format!("include {}\nbindcmdaddress /run/chrony/chronyd.sock\n", FILES[0]),
    );
    let answer = lab.ask(
        &tree,
        &Question {
            argv: ["sh", "-c", SCRIPT].map(str::to_owned).into(),
            environment: [("CLIENTS".to_owned(), CLIENTS.join(" "))].into(),
            cleared: vec!["/etc/chrony".into(), "/run/chrony".into()],
            ready: Some("serving".into()),
            ..Question::default()
        },
    );
    if answer.code.is_some() {
        assert!(answer.output.contains("Fatal error"), "{answer:?}");
        return None;
    }
    let said: Vec<bool> = answer
        .output
        .lines()
        .filter_map(|line| match line {
            "208 Access allowed" => Some(true),
            "209 Access denied" => Some(false),
            _ => None,
        })
        .collect();
    assert_eq!(said.len(), CLIENTS.len(), "{answer:?}");
    let mut sockets: Vec<(IpAddr, u16)> =
        answer.sockets.into_iter().map(|(_, address, port)| (address, port)).collect();
    sockets.sort();
    Some((said, sockets))
}

#[test]
fn chronyd_serves_the_same() {
    if program("chronyd").is_none() {
        return;
    }
    let Some(mut lab) = Lab::open() else { return };
    let tally = Differential::cases(40).run(generate, |tree| Verdict::of(ours(tree), theirs(&mut lab, tree)));
    assert!(4 * tally.agreed > tally.refused, "one-sided cases: {tally}");
}
