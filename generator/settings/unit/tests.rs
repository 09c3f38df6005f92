//! A packaged unit, the ways to make it do something else, and the places that are named for it.

use md5::Digest;

use super::*;
use crate::observation::Outcome::{Fail, Pass};
use crate::settings::{Setting, fixture::Machine};

const NAME: &str = "watch.service";
const TIMER: &str = "round.timer";
const SHIPPED: &str = "/usr/lib/systemd/system/watch.service";
const OWN: &str = "/etc/systemd/system/watch.service";
const DROP_IN: &str = "/etc/systemd/system/watch.service.d/x.conf";
const TEXT: &str = "[Service]\nExecStart=/usr/bin/watch\n[Install]\nWantedBy=multi-user.target\n";
const TIMER_TEXT: &str = "[Timer]\nOnCalendar=daily\nUnit=watch.service\n[Install]\nWantedBy=timers.target\n";

/// A package with a service that starts at boot, and a timer that starts it too.
fn machine() -> Machine {
    let unit = |role: &str| Setting::Unit(Unit { role: role.into(), state: UnitState::Enabled });
    let machine = Machine::of(&[unit(NAME), unit(TIMER)]);
    machine.put(SHIPPED, TEXT);
    machine.put("/usr/lib/systemd/system/round.timer", TIMER_TEXT);
    machine.put("/usr/lib/systemd/system/other.service", TEXT);
    machine.put("/usr/bin/watch", "");
    for (target, name) in [("multi-user", NAME), ("timers", TIMER)] {
        machine.link(
            &format!("/etc/systemd/system/{target}.target.wants/{name}"),
            &format!("/usr/lib/systemd/system/{name}"),
        );
    }
    machine.put(
        "/var/lib/dpkg/status",
        "Package: watch\nStatus: install ok installed\nArchitecture: all\nVersion: 1\nMaintainer: x\nDescription: x\n",
    );
    let sums = [("watch.service", TEXT), ("other.service", TEXT), ("round.timer", TIMER_TEXT)].map(
        |(name, text)| {
            let digest = crate::hash::hex(&md5::Md5::digest(text));
            format!("{digest}  usr/lib/systemd/system/{name}\n")
        },
    );
    machine.put("/var/lib/dpkg/info/watch.md5sums", &sums.concat());
    machine.put("/var/lib/dpkg/info/watch.list", "/usr/bin/watch\n");
    assert_eq!(machine.configured(), [Pass, Pass]);
    machine
}

/// Where the service's check says that it fails; the timer starts the service, so it fails too.
fn fails_at(machine: &Machine) -> String {
    assert_eq!(machine.configured(), [Fail, Fail]);
    machine.places()[0].clone()
}

#[test]
fn a_drop_in_may_add_what_does_not_decide() {
    let machine = machine();
    machine.put(DROP_IN, "[Unit]\nDescription=x\n[Service]\nNice=5\nExecStart=\nExecStart=/usr/bin/watch\n");
    assert_eq!(machine.configured(), [Pass, Pass]);
    machine.put(OWN, &format!("# a copy\n{TEXT}"));
    assert_eq!(machine.configured(), [Pass, Pass]);
}

#[test]
fn other_commands_are_found_by_their_line() {
    let machine = machine();
    machine.put(DROP_IN, "[Service]\nExecStart=\nExecStart=/bin/true\n");
    assert_eq!(fails_at(&machine), format!("{DROP_IN}:3"));
    machine.put(DROP_IN, "[Service]\nExecStartPre=/bin/sh -c 'exit 1'\n");
    assert_eq!(fails_at(&machine), format!("{DROP_IN}:2"));
    machine.put(DROP_IN, "[Service]\nUser=nobody\n");
    assert_eq!(fails_at(&machine), format!("{DROP_IN}:2"));
    machine.remove(DROP_IN);
    machine.put("/run/systemd/system/service.d/x.conf", "[Service]\nExecCondition=/bin/false\n");
    assert_eq!(fails_at(&machine), "/run/systemd/system/service.d/x.conf:2");
}

#[test]
fn another_unit_in_its_place_is_found() {
    let machine = machine();
    machine.put(OWN, "[Service]\nType=oneshot\nExecStart=/bin/true\n");
    assert_eq!(fails_at(&machine), format!("{OWN}:2"));
    machine.remove(SHIPPED);
    assert_eq!(fails_at(&machine), OWN);
    machine.remove(OWN);
    machine.put(SHIPPED, &TEXT.replace("watch", "true"));
    assert_eq!(fails_at(&machine), SHIPPED);
    machine.put(SHIPPED, TEXT);
    machine.link(OWN, "/usr/lib/systemd/system/other.service");
    assert_eq!(fails_at(&machine), OWN);
}

#[test]
fn a_condition_that_can_not_hold_is_found_by_its_line() {
    let machine = machine();
    machine.put(DROP_IN, "[Unit]\nConditionPathExists=/no\n");
    assert_eq!(fails_at(&machine), format!("{DROP_IN}:2"));
    for holds in
        ["ConditionPathExists=/usr/bin/watch", "ConditionPathExists=!/no", "ConditionVirtualization=vm"]
    {
        machine.put(DROP_IN, &format!("[Unit]\n{holds}\n"));
        assert_eq!(machine.configured(), [Pass, Pass], "{holds}");
    }
}

#[test]
fn a_timer_is_followed_to_what_it_starts_and_when() {
    let machine = machine();
    let drop_in = "/etc/systemd/system/round.timer.d/x.conf";
    for line in ["OnCalendar=\nOnCalendar=2099-01-01", "Unit=other.service", "Unit=none.service"] {
        machine.put(drop_in, &format!("[Timer]\n{line}\n"));
        assert_eq!(machine.configured(), [Pass, Fail], "{line}");
    }
}
