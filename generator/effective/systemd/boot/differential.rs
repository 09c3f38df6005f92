//! Holds what a boot starts against the manager itself, which says what it would do (`systemd --test`).

use std::collections::BTreeSet;
use std::path::Path;

use super::lacking;
use crate::effective::systemd::Units;
use crate::effective::systemd::manager::{self, ETC, LIB, RUN};
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};

/// The units that the manager would start; none of those that every boot has, or that it makes by itself. `None` where
/// units are ordered in a circle: the manager breaks it by leaving out some unit in it.
fn real(root: &Path) -> Option<BTreeSet<String>> {
    let said = manager::dry_run(root);
    if said.contains("ordering cycle") {
        return None;
    }
    let jobs =
        said.lines().filter_map(|line| line.trim().strip_prefix("Action: ")?.strip_suffix(" -> start"));
    let made =
        |unit: &&str| !unit.ends_with(".slice") && !unit.ends_with(".device") && !unit.ends_with(".mount");
    Some(jobs.filter(made).map(str::to_owned).collect())
}

const NAMES: [&str; 12] = [
    "a.service",
    "b.service",
    "c.service",
    "t@.service",
    "t@x.service",
    "t@y.service",
    "x.target",
    "y.target",
    "s.socket",
    "z.timer",
    "alias.service",
    "missing.service",
];

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for target in ["sysinit.target", "basic.target", "shutdown.target"] {
        tree.write(format!("{LIB}/{target}"), "[Unit]\n");
    }
    let unit = |dice: &mut Dice| {
        let mut text = "[Unit]\n".to_owned();
        for _ in 0..dice.below(4) {
            let key = dice.pick(&[
                "Wants", "Wants", "Wants", "Requires", "BindsTo", "Upholds", "After", "PartOf", "wants",
                "Wants ", "Requires",
            ]);
            let name = dice.pick(&NAMES);
            let value = match dice.below(10) {
                0 => format!("{name} {}", dice.pick(&NAMES)),
                1 => "t@%p.service".to_owned(),
                2 => format!("\\\n# c\n  {name}"),
                3 => String::new(),
                4 => format!("\"{name}\""),
                5 => {
                    dice.pick(&["nonsense", "dev-x.device", "x.slice", "system.slice", "-.mount"]).to_owned()
                }
                _ => name.to_owned(),
            };
            text += &format!("{key}={value}\n");
        }
        text += dice.pick(&[
            "",
            "",
            "",
            "",
            "DefaultDependencies=no\n",
            "DefaultDependencies=false\n",
            "DefaultDependencies=off\nDefaultDependencies=\nDefaultDependencies=never\n",
        ]);
        text
    };
    let section = |dice: &mut Dice, name: &str| {
        match name.rsplit_once('.').unwrap().1 {
        "service" => dice
            .pick(&[
                "[Service]\nExecStart=/bin/true\n",
                "[Service]\nExecStart=/bin/true\n",
                "[Service]\nExecStart=/bin/true\n",
                "[Service]\nExecStart=/bin/true\nExecStart=\n",
                "[Service]\nType=oneshot\nExecStop=/bin/true\n",
                "[Service]\nType=oneshot\nType=once\nRemainAfterExit=yes\nRemainAfterExit=always\nExecStop=/bin/true\n",
                "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true\n",
                "[Service]\nExecStart=/bin/true\nSockets=s.socket\n",
                "",
            ])
            .to_owned(),
        "socket" => dice.pick(&["[Socket]\nListenStream=1\n", "[Socket]\nListenStream=\n"]).to_owned(),
        "timer" => dice.pick(&["[Timer]\nOnBootSec=1\n", "[Timer]\n"]).to_owned(),
        _ => String::new(),
    }
    };
    let default = unit(dice);
    tree.write(format!("{LIB}/boot.target"), default);
    let link = dice.pick(&[
        "boot.target",
        "boot.target",
        "boot.target",
        "boot.target",
        "boot.target",
        "/dev/null",
        "none.target",
    ]);
    tree.link(format!("{LIB}/default.target"), link);
    if dice.chance(50) {
        tree.write(format!("{LIB}/rescue.target"), "[Unit]\nWants=c.service\n");
    }
    for name in NAMES.into_iter().filter(|name| *name != "missing.service") {
        let directory = dice.pick(&[LIB, LIB, LIB, ETC, RUN]);
        let path = format!("{directory}/{name}");
        match dice.below(12) {
            0 => tree.link(path, "/dev/null"),
            1 => tree.write(path, ""),
            2 => &mut tree,
            _ if name == "alias.service" => tree.link(path, dice.pick(&["a.service", "b.service"])),
            _ => {
                let text = unit(dice) + &section(dice, name);
                tree.write(path, text)
            }
        };
    }
    for _ in 0..dice.below(6) {
        let sub = dice.pick(&[
            "default.target",
            "boot.target",
            "x.target",
            "a.service",
            "t@.service",
            "t@x.service",
            "alias.service",
        ]);
        let kind = dice.pick(&["wants", "wants", "wants", "requires", "d"]);
        let directory = format!("{}/{sub}.{kind}", dice.pick(&[ETC, LIB]));
        match kind {
            "d" => {
                let text = unit(dice);
                tree.write(format!("{directory}/{}", dice.pick(&["1.conf", "2.conf", "2.txt"])), text)
            }
            _ => {
                let name = dice.pick(&NAMES);
                tree.link(format!("{directory}/{name}"), format!("/{LIB}/{name}"))
            }
        };
    }
    tree.directory("none").directory(ETC).directory(RUN);
    tree
}

#[test]
fn agrees_with_the_manager() {
    if !manager::is_there() {
        return;
    }
    let judge = |tree: &MemoryTree| {
        let disk = tree.on_disk();
        let Some(theirs) = real(disk.path()) else { return Verdict::Unanswered };
        let units = Units::read(tree.root(), 252).unwrap();
        let started = units.starts_at_boot().unwrap();
        let ours: BTreeSet<String> = started.into_iter().map(|started| started.unit).collect();
        // What requires a unit that lacks another starts by chance, and so does what else such a unit requires.
        let by_chance = ["default.target", "rescue.target"]
            .iter()
            .any(|name| !lacking(&units.reachable(name).unwrap()).is_empty());
        if by_chance && ours != theirs && theirs.is_subset(&ours) {
            return Verdict::Unanswered;
        }
        // A unit with two names has the one that it was asked for by first, by chance, and instances are named by it.
        let aliased = [LIB, ETC, RUN].iter().any(|d| tree.is_link(format!("{d}/alias.service")));
        let mut parted = ours.symmetric_difference(&theirs).peekable();
        if aliased && parted.peek().is_some() && parted.all(|name| name.starts_with("t@")) {
            return Verdict::Unanswered;
        }
        Verdict::same(&ours, &theirs)
    };
    Differential::cases(60).run(generate, judge);
}
