//! Holds the reader against the real OpenNTPD: what it binds.

use super::*;
use crate::effective::testing::{Dice, Differential, Lab, MemoryTree, Question, Verdict, agree, aside};

/// Its account and the folder it works in, which its package makes.
const SCRIPT: &str = r#"
echo "ntpd:x:121:121::/var/empty:/bin/false" >> /etc/passwd
echo "ntpd:x:121:" >> /etc/group
mkdir -p /var/lib/openntpd/run /var/lib/openntpd/db /var/empty
"$0" -n -f /etc/openntpd/ntpd.conf || exit 1
exec setpriv --bounding-set=-sys_time "$0" -d -f /etc/openntpd/ntpd.conf
"#;

const LINES: &[&str] = &[
    "listen on *",
    "listen on 127.0.0.1",
    "listen on ::1",
    "listen on 192.0.2.1",
    "listen on 2001:db8::1",
    "listen on 127.0.0.2",
    "listen on localhost",
    "listen on \"127.0.0.1\"",
    "listen on '::1'",
    "listen\ton  192.0.2.1",
    "listen on \\\n127.0.0.1",
    "listen on 127.0.\\\n0.1",
    "# listen on *",
    "#\\\nlisten on *",
    "",
    "  ",
    "listen on 127.0.0.1 # c",
    "listen on 127.0.0.1#c",
    "server 192.0.2.9",
    "servers 192.0.2.9 weight 5",
    "server 192.0.2.9 weight 2 weight 3",
    "query from 192.0.2.1",
    "sensor nmea0",
    "sensor * correction -70000 weight 1",
    "sensor nmea0 refid GPS stratum 2",
    "constraint from \"192.0.2.9\"",
    "constraints from \"192.0.2.9\"",
];
/// With one of these it does not start.
const WRONG: &[&str] = &[
    "listen on",
    "listen 127.0.0.1",
    "listen on * x",
    "Listen on *",
    "listen on 10",
    "server 192.0.2.9 weight 11",
    "server",
    "bogus",
    "query from x",
    "sensor nmea0 refid GPSES",
    "listen on \"127.0.0.1",
    "listen on 192.0.2.0/24",
    "listen on time.invalid",
    "listen on on",
    "listen \"on\" *",
    "listen on *\r",
    "-",
    "server -1",
    "\u{e9}",
    "listen on \\x",
    "sensor nmea0 stratum 16",
    "constraint from",
    "listen on <x>",
];

fn generate(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(7) {
        text += if dice.once_in(15) { dice.pick(WRONG) } else { dice.pick(LINES) };
        text += "\n";
    }
    if dice.once_in(20) { text.trim_end().to_owned() } else { text }
}

#[test]
fn openntpd_listens_there() {
    let Some(ntpd) = aside("openntpd", "ntpd") else { return };
    let Some(mut lab) = Lab::open() else { return };
    let shipped = std::fs::read_to_string(ntpd.ancestors().nth(3).unwrap().join("etc/openntpd/ntpd.conf"));
    let program = ntpd.to_str().unwrap().to_owned();
    let accounts = ["/etc/passwd", "/etc/group"].map(|file| (file, std::fs::read_to_string(file).unwrap()));
    let mut judge = |text: &String| {
        let mut tree =
            MemoryTree::of(&[(FILES[0], text), ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n")]);
        for (file, lines) in &accounts {
            tree.write(file, lines);
        }
        let answer = lab.ask(
            &tree,
            &Question {
                argv: ["sh", "-c", SCRIPT, &program].map(str::to_owned).into(),
                cleared: vec!["/etc/openntpd".into(), "/var/lib/openntpd".into()],
                ready: Some("ntp engine ready".into()),
                ..Question::default()
            },
        );
        if answer.output.contains("could not resolve") {
            // On another machine the name may have an address.
            return Verdict::Unanswered;
        }
        let sockets = answer.sockets.iter().filter(|(_, _, port)| *port == 123);
        let reach = sockets
            .map(|(_, address, _)| Reach::of_address(&address.to_string()))
            .fold(Reach::None, Reach::or);
        let theirs = answer.code.is_none().then_some(reach);
        let ours = reach_of(text).filter(|reach| !matches!(reach, Reach::Unknown(_)));
        match Verdict::of(ours, theirs) {
            Verdict::Differ { ours, theirs } => {
                Verdict::Differ { ours, theirs: format!("{theirs}\n{}", answer.output) }
            }
            verdict => verdict,
        }
    };
    agree(shipped.unwrap(), &mut judge);
    let tally = Differential::cases(20).run(generate, judge);
    assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
}

fn reach_of(text: &str) -> Option<Reach> {
    reach(FILES[0], text).ok().map(|reach| reach.value)
}
