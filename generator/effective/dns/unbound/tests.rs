//! Holds the reader against the real unbound: what it binds, and for whom it recurses.

use super::*;
use crate::effective::testing::{Dice, Differential, Lab, MemoryTree, Probe, Question, Verdict, program};

const CLIENTS: [&str; 4] = ["127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"];
const NETWORKS: &[&str] = &[
    "0.0.0.0/0",
    "::/0",
    "127.0.0.0/8",
    "127.0.0.1",
    "127.0.0.0/7",
    "::1",
    "192.0.2.0/24",
    "192.0.2.7/24",
    "192.0.2.1",
    "192.0.2.1/32",
    "2001:db8::/32",
    "2001:db8::1",
    "\"192.0.2.0/25\"",
    "'192.0.0.0/16'",
    "0.0.0.0/1",
    "10.0.0.0/33",
    "192.0.2",
];
const LINES: &[&str] = &[
    "interface: 127.0.0.1",
    "interface: 0.0.0.0",
    "interface: ::0",
    "interface: ::1",
    "interface: 192.0.2.1@53",
    "interface:127.0.0.1",
    "ip-address: 127.0.0.1",
    "interface: \"192.0.2.1\"",
    "interface: '2001:db8::1'",
    "interface: lo",
    "interface: v0",
    "interface: 127.0.0.1#x",
    "interface-automatic: yes",
    "interface-automatic: no",
    "interface-automatic: maybe",
    "do-ip4: no",
    "do-ip6: no",
    "do-ip4: yes",
    "do-ip6: yes",
    "# interface: 0.0.0.0",
    "  #x",
    "\t",
    "num-threads: 1",
    "server:",
    "server:",
    "local-zone: y.example static",
    "private-address: 10.0.0.0/8",
    "interface:\n    192.0.2.1",
    "interface: # c\n 127.0.0.1",
    "server: interface: 127.0.0.1",
    "interface: \"127.0.0.1",
    "interface",
    "nonsense",
    "include: /etc/unbound/a.conf",
    "include: \"/etc/unbound/*.inc\"",
    "include: '/etc/unbound/none*'",
    "include-toplevel: \"/etc/unbound/t.conf\"",
];

fn line(dice: &mut Dice) -> String {
    let line = match dice.chance(40) {
        true => {
            let action = dice.pick(&[
                "allow",
                "allow",
                "refuse",
                "deny",
                "allow_snoop",
                "refuse_non_local",
                "deny_non_local",
                "allow_setrd",
                "\"allow\"",
                "Allow",
            ]);
            format!("access-control:{}{} {action}", dice.pick(&[" ", "", "\t", "\n\t"]), dice.pick(NETWORKS))
        }
        false => dice.pick(LINES).to_owned(),
    };
    format!("{}{line}{}", dice.pick(&["", "  ", "\t"]), dice.pick(&["\n", "\n", "\n", "\r\n", " # c\n", " "]))
}

fn text(dice: &mut Dice, most: usize) -> String {
    (0..dice.below(most)).map(|_| line(dice)).collect()
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for name in ["a.conf", "1.inc", "2.inc"] {
        tree.write(format!("/etc/unbound/{name}"), text(dice, 3));
    }
    tree.write("/etc/unbound/t.conf", format!("server:\n{}", text(dice, 3)));
    let start =
        dice.pick(&["server:\n", "server:\n", "server:\n", "server:", "\u{feff}server:\n", "Server:\n", ""]);
    tree.write(FILE, format!("{start}{}\n{FIXED}", text(dice, 7)));
    tree
}

/// What makes it a program that a test can ask: in the foreground, and quick to fail.
const FIXED: &str = "server:\n use-syslog: no\n logfile: \"\"\n chroot: \"\"\n username: \"\"\n do-daemonize: no\n pidfile: \"\"
 module-config: \"iterator\"\n verbosity: 1\nforward-zone:\n name: \".\"\n forward-addr: 127.0.0.1@9\n";

/// A question for `x.example`, type A, with the wish for recursion.
const ASKED: &str = "1234010000010000000000000178076578616d706c650000010001";

/// Who can reach it, and for which clients that can it recurses.
type Seen = (Reach, Vec<bool>);

fn judge(lab: &mut Lab, tree: &MemoryTree) -> Verdict {
    let config = Config::of(tree.root()).unwrap();
    let reach = config.reach().value;
    let refused = config.refused.is_some() || matches!(reach, Reach::Unknown(_));
    let probe =
        |client: &str| Probe { from: client.into(), to: client.into(), port: 53, datagram: ASKED.into() };
    let answer = lab.ask(
        tree,
        &Question {
            argv: ["unbound", "-d", "-c", FILE].map(str::to_owned).into(),
            cleared: vec!["/etc/unbound".into()],
            ready: Some("start of service".into()),
            probes: CLIENTS.map(probe).into(),
            patience: 0.25,
            ..Question::default()
        },
    );
    let theirs: Option<Seen> = answer.code.is_none().then(|| {
        let reach = answer
            .sockets
            .iter()
            .map(|(_, address, _)| Reach::of_address(&address.to_string()))
            .fold(Reach::None, Reach::or);
        // The fourth byte's lower half says how the question ended: 5 for a refusal.
        let recursed =
            answer.replies.iter().map(|reply| reply.as_ref().is_some_and(|hex| hex.as_bytes()[7] != b'5'));
        (reach, recursed.collect())
    });
    let ours: Option<Seen> = (!refused).then(|| {
        let recursed = CLIENTS.map(|client| {
            let client: IpAddr = client.parse().unwrap();
            let open = answer
                .sockets
                .iter()
                .any(|(_, at, _)| *at == client || at.is_unspecified() && at.is_ipv4() == client.is_ipv4());
            open && config.recurses_for(client)
        });
        (reach, recursed.into())
    });
    match Verdict::of(ours, theirs) {
        Verdict::Differ { ours, theirs } => {
            Verdict::Differ { ours, theirs: format!("{theirs}\n{}", answer.output) }
        }
        verdict => verdict,
    }
}

#[test]
fn unbound_serves_the_same() {
    if program("unbound").is_none() {
        return;
    }
    let Some(mut lab) = Lab::open() else { return };
    let tally = Differential::cases(40).run(generate, |tree| judge(&mut lab, tree));
    assert!(4 * tally.agreed > tally.refused, "one-sided cases: {tally}");
}
