//! Holds the reader against the real dnsmasq: what it binds, and whom it answers.

use super::wrapper::{DEFAULTS, WRAPPERS};
use super::*;
use crate::effective::testing::{Dice, Differential, Lab, MemoryTree, Probe, Question, Verdict, program};

/// The laboratory's addresses with their interfaces.
const OWN: [(&str, &str); 4] =
    [("127.0.0.1", "lo"), ("::1", "lo"), ("192.0.2.1", "v0"), ("2001:db8::1", "v0")];
/// Someone who is no neighbour.
const STRANGER: &str = "198.51.100.7";
/// Endings that Debian's packages leave behind.
const FOLDER: &str = "/etc/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new";

const LINES: &[&str] = &[
    "port=0",
    "port=53",
    "port = 53",
    "port=70000",
    "port=x",
    "port",
    "listen-address=127.0.0.1",
    "listen-address=::1,127.0.0.1",
    "listen-address=192.0.2.1",
    "listen-address=2001:db8::1 , ::1",
    "listen-address=localhost",
    "listen-address=",
    "listen-address",
    "interface=lo",
    "interface=v0",
    "interface=v0,lo",
    "interface=v*",
    "interface=",
    "interface = lo # c",
    "listen-address=127.0.0.1#c",
    "interface=\"v0\"",
    "interface=\"v0\\\"",
    "interface=\"lo",
    "except-interface=lo",
    "except-interface=v0",
    "except-interface=v*",
    "except-interface=*",
    "except-interface=",
    "local-service",
    "local-service",
    "#local-service",
    "  # interface=lo",
    "bogus-priv",
    "domain-needed",
    "log-queries",
    "auth-server=a.example",
    "conf-file=/etc/one.conf",
    "conf-file=/etc/none.conf",
    "conf-dir=/etc/more",
    "conf-dir=/etc/more,*.conf",
    "conf-dir=/etc/more/,.bak,.conf",
    "conf-dir=/etc/none",
];

fn text(dice: &mut Dice, most: usize) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(most) {
        let (start, end) =
            (dice.pick(&["", "", "", " ", "\t"]), dice.pick(&["\n", "\n", "\n", "\r\n", " # c\n"]));
        text += &format!("{start}{}{end}", dice.pick(LINES));
    }
    text
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let places = ["/etc/one.conf", "/etc/more/a.conf", "/etc/more/b.bak", "/etc/more/.c", "/etc/more/d~"];
    for path in places.into_iter().chain(["/etc/dnsmasq.d/x", "/etc/dnsmasq.d/y.dpkg-old"]) {
        let lines = text(dice, 3);
        tree.write(path, lines.trim_end());
    }
    let local = dice.pick(&["DNSMASQ_OPTS=\"${DNSMASQ_OPTS} --local-service\"\n", "# --local-service\n"]);
    tree.write(WRAPPERS[0], format!("{local}dnsmasq ${{CONFIG_DIR:+ -7 ${{CONFIG_DIR}}}}\n"));
    let folder = format!("CONFIG_DIR={FOLDER}\n");
    tree.write(DEFAULTS, dice.pick(&["", folder.as_str(), "CONFIG_DIR=/etc/more,*.conf\n"]));
    tree.write(FILE, text(dice, 6));
    tree
}

/// A question for `x.example`, type A, with the wish for recursion.
const ASKED: &str = "1234010000010000000000000178076578616d706c650000010001";

/// Which of the laboratory's addresses are bound, who is answered, and what that comes to.
type Seen = (Vec<bool>, Vec<bool>, Reach);

/// The command line that the wrapper would make of this tree.
fn command(tree: &MemoryTree) -> Vec<String> {
    let words = "dnsmasq --keep-in-foreground --log-facility=- --user=root --pid-file= --bind-interfaces --no-resolv --no-hosts \
                 --address=/x.example/192.0.2.9";
    let mut argv: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
    let root = tree.root();
    let Some(wrapper) = root.read_text(WRAPPERS[0]).unwrap().filter(|text| text.contains("CONFIG_DIR"))
    else {
        return argv;
    };
    let defaults = root.read_text(DEFAULTS).unwrap().unwrap_or_default();
    if let Some(folder) = defaults.trim().strip_prefix("CONFIG_DIR=") {
        argv.extend(["-7".to_owned(), folder.to_owned()]);
    }
    argv.extend(wrapper.starts_with("DNSMASQ_OPTS").then(|| "--local-service".to_owned()));
    argv
}

fn judge(lab: &mut Lab, tree: &MemoryTree) -> Verdict {
    let config = Config::of(tree.root()).unwrap();
    let probe =
        |from: &str, to: &str| Probe { from: from.into(), to: to.into(), port: 53, datagram: ASKED.into() };
    let mut probes: Vec<Probe> = OWN.map(|(address, _)| probe(address, address)).into();
    probes.push(probe(STRANGER, "192.0.2.1"));
    let cleared =
        ["/etc/dnsmasq.conf", "/etc/dnsmasq.d", "/etc/more", "/etc/one.conf", "/usr/share/dnsmasq", DEFAULTS];
    let answer = lab.ask(
        tree,
        &Question {
            argv: command(tree),
            cleared: cleared.map(str::to_owned).into(),
            ready: Some("started, ".into()),
            probes,
            patience: 0.2,
            ..Question::default()
        },
    );
    let theirs: Option<Seen> = answer.code.is_none().then(|| {
        let bound = |address: &str| {
            answer.sockets.iter().any(|(_, at, port)| at.to_string() == address && *port == 53)
        };
        let bound = OWN.map(|(address, _)| bound(address)).to_vec();
        let reach = match bound[..] {
            [_, _, false, false] if bound.contains(&true) => Reach::Loopback,
            [_, _, false, false] => Reach::None,
            _ => Reach::Network,
        };
        // A machine may have other interfaces than the laboratory: the reader says what all of them come to.
        let reach = reach.or(config.reach().value);
        (bound, answer.replies.iter().map(Option::is_some).collect(), reach)
    });
    let ours: Option<Seen> = config.refused.is_none().then(|| {
        let on = config.port.as_ref().is_none_or(|port| port.value > 0);
        let serves = |(address, interface): (&str, &str)| {
            on && config.serves(interface, address.parse().unwrap()).is_some()
        };
        let bound = OWN.map(serves).to_vec();
        let mut answered = bound.clone();
        answered.push(bound[2] && config.neighbours_only().is_none());
        (bound, answered, config.reach().value)
    });
    match Verdict::of(ours, theirs) {
        Verdict::Differ { ours, theirs } => {
            Verdict::Differ { ours, theirs: format!("{theirs}\n{}", answer.output) }
        }
        verdict => verdict,
    }
}

#[test]
fn dnsmasq_serves_the_same() {
    if program("dnsmasq").is_none() {
        return;
    }
    let Some(mut lab) = Lab::open() else { return };
    let tally = Differential::cases(40).run(generate, |tree| judge(&mut lab, tree));
    assert!(tally.agreed > tally.refused / 4, "one-sided cases: {tally}");
}
