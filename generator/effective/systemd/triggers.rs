//! Holds what sockets, timers and paths start, and where sockets listen, against the manager itself, whose
//! dump says both (`systemd --test`).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use super::Units;
use super::manager::{self, ETC, LIB};
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};

/// Units that trigger others.
const TRIGGERS: [&str; 6] = ["a.socket", "b.socket", "t@x.socket", "c.timer", "t@y.timer", "d.path"];

/// What a unit starts, and where it listens for streams.
type Said = (Option<String>, Vec<String>);

/// What the manager says of the units that it can load.
fn real(root: &Path) -> BTreeMap<String, Said> {
    let text = manager::dry_run(root);
    let mut said = BTreeMap::new();
    for dump in text.split("-> Unit ").skip(1) {
        let (unit, dump) = dump.split_once(":\n").unwrap();
        let field = |name: &str| -> Vec<String> {
            let values = dump.lines().filter_map(|line| line.trim().strip_prefix(name)?.strip_prefix(": "));
            values.map(str::to_owned).collect()
        };
        if TRIGGERS.contains(&unit) && field("Unit Load State") == ["loaded"] {
            let triggered = field("Triggers").first().and_then(|t| Some(t.split_once(' ')?.0.to_owned()));
            said.insert(unit.to_owned(), (triggered, field("ListenStream")));
        }
    }
    said
}

/// The same by the reader, for units that the manager loads.
fn ours(tree: &MemoryTree, units: impl Iterator<Item = String>) -> BTreeMap<String, Said> {
    let read = Units::read(tree.root(), 252).unwrap();
    let said = |unit: &str| -> Said {
        // A service for each connection is no unit yet.
        let triggered = read.activates(unit).unwrap().filter(|name| !name.contains("@."));
        let streams = read.listen_streams(unit).unwrap().unwrap_or_default();
        (triggered, streams.iter().filter_map(|stream| shown(&stream.value)).collect())
    };
    units.map(|unit| (unit.clone(), said(&unit))).collect()
}

/// An address as the manager shows it: a lone port is one of every address. `None` for what is none.
fn shown(address: &str) -> Option<String> {
    let port = address.parse::<u16>().ok().filter(|port| *port > 0);
    let place = address.starts_with(['/', '@']) && address.len() > 1;
    match (port, address.parse::<SocketAddr>()) {
        (Some(port), _) => Some(format!("[::]:{port}")),
        (_, Ok(address)) => (address.port() > 0).then(|| address.to_string()),
        _ => place.then(|| address.to_owned()),
    }
}

#[test]
fn sockets_timers_and_paths_agree_with_the_manager() {
    if !manager::is_there() {
        return;
    }
    let mut compared = 0;
    let tally = Differential::cases(80).run(generate, |tree| {
        let disk = tree.on_disk();
        let theirs = real(disk.path());
        compared += theirs.len() as u64;
        Verdict::same(&ours(tree, theirs.keys().cloned()), &theirs)
    });
    assert!(compared > tally.agreed, "only {compared} units could be loaded: {tally}");
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for target in ["sysinit.target", "basic.target", "shutdown.target", "sockets.target", "timers.target"] {
        tree.write(format!("{LIB}/{target}"), "[Unit]\n");
    }
    tree.write(format!("{LIB}/default.target"), format!("[Unit]\nWants={}\n", TRIGGERS.join(" ")));
    for service in
        ["a.service", "b.service", "c.service", "d.service", "z.service", "t@.service", "a@.service"]
    {
        tree.write(format!("{LIB}/{service}"), "[Service]\nExecStart=/bin/true\n");
    }
    if dice.once_in(4) {
        tree.link(format!("{ETC}/alias.service"), "/usr/lib/systemd/system/z.service");
    }
    for unit in ["a.socket", "b.socket", "t@.socket", "c.timer", "t@.timer", "d.path"] {
        let kind = unit.rsplit_once('.').unwrap().1;
        let own = match kind {
            "socket" => "[Socket]\nListenStream=7\n",
            "timer" => "[Timer]\nOnBootSec=1\n",
            _ => "[Path]\nPathExists=/x\n",
        };
        let lines = lines(dice, kind);
        tree.write(format!("{LIB}/{unit}"), format!("{own}{lines}"));
        for name in dice.subset(&["10.conf", "20.conf"]) {
            let section = dice.pick(&["[S]\n", "[S]\n", "[s]\n", "", "[S]\r\n", " [S] \n"]);
            let section = section.replace('S', &capital(kind)).replace("[s]", &format!("[{kind}]"));
            let lines = self::lines(dice, kind);
            let folder = dice
                .pick(&[format!("{unit}.d"), format!("{unit}.d"), format!("{kind}.d")].each_ref())
                .clone();
            tree.write(format!("{}/{folder}/{name}", dice.pick(&[ETC, LIB])), section + &lines);
        }
    }
    tree
}

fn capital(kind: &str) -> String {
    kind[..1].to_uppercase() + &kind[1..]
}

fn lines(dice: &mut Dice, kind: &str) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(5) {
        let unit = dice.pick(&[
            "z.service",
            "b.service",
            "",
            "nonsense",
            "%p.service",
            "%N.service",
            "t@%i.service",
            "c.timer",
            "alias.service",
            "none.service",
            "z.target",
            "\"z.service\"",
            "z.service b.service",
            "t@.service",
            "a.socket",
            "t@q.service",
        ]);
        let line = match kind {
            "socket" => {
                let address = dice.pick(&[
                    "22",
                    "2222",
                    "127.0.0.1:80",
                    "[::1]:443",
                    "/run/x",
                    "@abstract",
                    "",
                    "0",
                    "65536",
                    "nonsense",
                    "/run/%p",
                    "0.0.0.0:22",
                    "relative/x",
                    " 8022",
                    "[::]:1",
                    "::1",
                    "1.2.3.4",
                    "[::1]",
                    "023",
                    "+5",
                    "0x16",
                    "22 23",
                    "\"24\"",
                ]);
                let key = dice.pick(&[
                    "ListenStream",
                    "ListenStream",
                    "ListenStream",
                    "ListenDatagram",
                    "ListenSequentialPacket",
                    "ListenFIFO",
                    "Listenstream",
                    "ListenStream ",
                    "Service",
                    "Accept",
                ]);
                match key {
                    "Service" => format!("Service={unit}"),
                    "Accept" => {
                        format!("Accept={}", dice.pick(&["no", "0", "false", "maybe", "yes", "", "ON"]))
                    }
                    _ => format!("{key}={address}"),
                }
            }
            "timer" => {
                let line = dice.pick(&[
                    "Unit=@",
                    "Unit=@",
                    "Unit =@",
                    "unit=@",
                    "OnCalendar=daily",
                    "OnBootSec=",
                    "OnCalendar=",
                ]);
                line.replace('@', unit)
            }
            _ => dice
                .pick(&["Unit=@", "Unit=@", "PathExists=", "PathChanged=/y", "Unit= @ "])
                .replace('@', unit),
        };
        text += &line;
        text += dice.pick(&["\n", "\n", "\n", " \n", "\r\n", "\n# c\n", "\n\n", "\\\n\n"]);
    }
    text
}
