//! Holds the reader against the real rsyslogd: the sockets on which it takes messages.

use super::*;
use crate::effective::testing::{Dice, Differential, Lab, MemoryTree, Question, Verdict, program};

const LINES: &[&str] = &[
    "module(load=\"imudp\")",
    "module(load=\"imtcp\")",
    "module(load=\"imptcp\")",
    "Module(Load=\"imudp\" TimeRequery=\"500\")",
    "$ModLoad imudp",
    "$modload imtcp",
    "$ModLoad imudp.so",
    "input(type=\"imudp\" port=\"PORT\")",
    "input(type=\"imtcp\" port=\"PORT\")",
    "input(type=\"imptcp\" port=\"PORT\")",
    "input(type=\"imudp\" port=\"PORT\" address=\"127.0.0.1\")",
    "input(type=\"imudp\" address=\"::1\" port=\"PORT\")",
    "input(type=\"imudp\" port=[\"PORT\", \"PORT\"])",
    "INPUT ( TYPE=\"imudp\"\n  PORT=\"PORT\"\n)",
    "input(type=\"imudp\" port=\"PORT\" # comment\n  address=\"192.0.2.1\")",
    "input(type=\"imtcp\" port=\"PORT\" address=\"127.0.0.1\")",
    "input(type=\"imptcp\" port=\"PORT\" address=\"127.0.0.1\")",
    "input(type=\"imudp\" /* port=\"1\" */ port=\"PORT\")",
    "input(type=\"imudp\")",
    "input(port=\"PORT\")",
    "$UDPServerRun PORT",
    "$udpserverrun PORT",
    "$UDPServerAddress 127.0.0.1",
    "$UDPServerAddress *",
    "$InputTCPServerRun PORT",
    "$InputPTCPServerRun PORT",
    "# input(type=\"imudp\" port=\"PORT\")",
    "/* input(type=\"imudp\" port=\"PORT\")\n*/",
    "*.* /dev/null",
    "*.* /dev/null # $UDPServerRun PORT",
    "mail.* -/dev/null",
    ":msg, contains, \"input(\" /dev/null",
    "if $msg contains \"x\" then { stop }",
    "if $msg contains 'input(type=\"imudp\" port=\"PORT\")' then stop",
    "$IncludeConfig /etc/rsyslog.d/*.conf",
    "include(file=\"/etc/rsyslog.d/*.inc\" mode=\"optional\")",
    "$IncludeConfig /etc/rsyslog.d/",
    "$nonsense 1",
    "  $UDPServerRun PORT",
    "\t",
    "template(name=\"t\" type=\"string\" string=\"$UDPServerRun PORT\\n\")",
    "ruleset(name=\"r\") { stop }",
    "input(type=\"imudp\" port=\"PORT\" ruleset=\"r\")",
    "module(load=\"imudp\") input(type=\"imudp\" port=\"PORT\")",
];

/// Has rsyslogd say on its output that it has started: else a test waits for that in vain.
const SAYS: &str = "global(processInternalMessages=\"on\")\n\
    *.* action(type=\"omfile\" file=\"/dev/stdout\" fileCreateMode=\"0600\")\n";

fn text(dice: &mut Dice, most: usize) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(most) {
        let mut line = dice.pick(LINES).to_owned();
        while let Some(at) = line.find("PORT") {
            line.replace_range(at..at + 4, &dice.range(1000..=1999).to_string());
        }
        text += &line;
        text += dice.pick(&["\n", "\n", "\n", " \n", "\n\n", "\r\n"]);
    }
    text
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for name in ["a.conf", "B.conf", "c.inc", ".h.conf"] {
        if dice.once_in(3) {
            tree.write(format!("/etc/rsyslog.d/{name}"), text(dice, 4));
        }
    }
    let start = dice.pick(&[
        "",
        "module(load=\"imudp\")\nmodule(load=\"imtcp\")\n",
        "$ModLoad imudp\n",
        "module(load=\"imptcp\")\n",
        "\u{feff}\n",
    ]);
    tree.write(FILE, format!("{start}{}", text(dice, 8)));
    tree
}

type Seen = Vec<(&'static str, String, bool)>;

/// What's listening: protocol, port, and whether others can reach it.
fn seen(found: impl Iterator<Item = (&'static str, String, Reach)>) -> Seen {
    let mut seen: Seen =
        found.map(|(protocol, port, reach)| (protocol, port, reach == Reach::Network)).collect();
    seen.sort();
    seen.dedup();
    seen
}

fn judge(lab: &mut Lab, tree: &MemoryTree) -> Verdict {
    let mut tree = tree.clone();
    let main = tree.root().read_text(FILE).unwrap().unwrap_or_default();
    // After a first line with a byte order mark, which spoils what stands beside it.
    let at = if main.starts_with('\u{feff}') { main.find('\n').map_or(main.len(), |end| end + 1) } else { 0 };
    tree.write(FILE, format!("{}{SAYS}{}\n", &main[..at], &main[at..]));
    tree.write(BINARY, "");
    let inputs = read(tree.root()).unwrap().unwrap().inputs;
    let ours = inputs.into_iter().map(|input| {
        let protocol = if input.protocol == Protocol::Udp { "udp" } else { "tcp" };
        (protocol, input.port, input.reach)
    });
    tree.remove(BINARY);
    let answer = lab.ask(
        &tree,
        &Question {
            argv: ["rsyslogd", "-n", "-iNONE", "-f", FILE].map(str::to_owned).into(),
            cleared: vec!["/etc/rsyslog.d".into(), FILE.into()],
            ready: Some("] start".into()),
            ..Question::default()
        },
    );
    let theirs = answer.sockets.iter().map(|(protocol, address, port)| {
        let protocol = if protocol == "udp" { "udp" } else { "tcp" };
        (protocol, port.to_string(), Reach::of_address(&address.to_string()))
    });
    match Verdict::same(&seen(ours), &seen(theirs)) {
        Verdict::Differ { ours, theirs } => {
            Verdict::Differ { ours, theirs: format!("{theirs}\n{}", answer.output) }
        }
        verdict => verdict,
    }
}

#[test]
fn rsyslogd_listens_there() {
    if program("rsyslogd").is_none() {
        return;
    }
    let Some(mut lab) = Lab::open() else { return };
    Differential::cases(25).run(generate, |tree| judge(&mut lab, tree));
}
