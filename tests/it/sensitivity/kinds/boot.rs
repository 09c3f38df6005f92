//! Units, what starts at boot, and the kernel that boots.

use super::{Maker, file, link, remove};
use crate::sensitivity::mutant::{Effect, Mutant, Operator};
use crate::tree::Edit;

const SYSTEM: &str = "/etc/systemd/system";

pub fn unit(make: &Maker<'_>) -> Vec<Mutant> {
    let role = make.field("role");
    let unit = make.base.plan.distro.units.get(role).map_or(role, String::as_str);
    if make.field("state") != "enabled" {
        let wants = format!("{SYSTEM}/multi-user.target.wants/{unit}");
        let edits = vec![link(&wants, &format!("/lib/systemd/system/{unit}"))];
        // It starts at boot, and no profile names it.
        let meaning = vec![make.this(), Effect::Kind("services", None)];
        return vec![make.mutant(Operator::Second, &format!("{unit} is enabled"), edits, meaning)];
    }
    let stopped = || vec![Effect::NotStarted(unit.to_owned())];
    let own = format!("{SYSTEM}/{unit}");
    let drop_in = |text: &str| vec![file(&format!("{own}.d/x.conf"), 0o644, text)];
    let preset =
        |folder: &str| vec![file(&format!("{folder}/00-a.preset"), 0o644, &format!("disable {unit}\n"))];
    let mut all = vec![
        make.mutant(Operator::Delete, &format!("{unit} is not enabled"), enablement(make, unit), stopped()),
        make.loses(
            Operator::ShadowLoses,
            &format!("a drop-in describes {unit}"),
            drop_in("[Unit]\nDescription=x\n"),
        ),
        make.loses(
            Operator::ShadowLoses,
            &format!("a preset would disable {unit}"),
            preset("/etc/systemd/system-preset"),
        ),
    ];
    all.extend(undone(make, unit));
    // A unit of the profile's own stands where a mask would.
    if make.root().entry(&own).unwrap().is_none() {
        all.push(make.mutant(
            Operator::Masked,
            &format!("{unit} is masked"),
            vec![link(&own, "/dev/null")],
            stopped(),
        ));
        all.push(make.mutant(
            Operator::Masked,
            &format!("{unit} is empty"),
            vec![file(&own, 0o644, "")],
            stopped(),
        ));
        let weaker = format!("/usr/local/lib/systemd/system/{unit}.d/x.conf");
        all.push(make.loses(
            Operator::ShadowLoses,
            &format!("a drop-in of a package describes {unit}"),
            vec![file(&weaker, 0o644, "[Unit]\nDescription=x\n")],
        ));
    }
    all
}

/// The unit starts, and does what another one would, or does nothing; or only seems to.
fn undone(make: &Maker<'_>, unit: &str) -> Vec<Mutant> {
    let own = format!("{SYSTEM}/{unit}");
    let weaker = format!("/usr/local/lib/systemd/system/{unit}.d/x.conf");
    let in_drop_in = |text: &str| vec![file(&format!("{own}.d/zz.conf"), 0o644, text)];
    let wins = |operator, what: &str, edits, unit: &str| {
        make.mutant(operator, &format!("{unit} {what}"), edits, vec![Effect::Undone(unit.to_owned())])
    };
    let loses = |what: &str, edits| make.loses(Operator::ShadowLoses, &format!("{unit} {what}"), edits);
    let plus = Operator::ShadowWins;
    let mut all = vec![
        wins(
            plus,
            "has a condition that can't hold",
            in_drop_in("[Unit]\nConditionPathExists=/no/such\n"),
            unit,
        ),
        wins(
            plus,
            "has an assert that can't hold",
            in_drop_in("[Unit]\nAssertPathExists=!/etc/passwd\n"),
            unit,
        ),
        wins(
            plus,
            "has no condition of several that holds",
            in_drop_in("[Unit]\nConditionPathExists=|/no\nConditionUser=|nobody\n"),
            unit,
        ),
        loses("has a condition that holds", in_drop_in("[Unit]\nConditionPathExists=/etc/passwd\n")),
        loses("has a condition that a machine decides", in_drop_in("[Unit]\nConditionMemory=>1M\n")),
        loses(
            "has one condition of several that holds",
            in_drop_in("[Unit]\nConditionPathExists=|/no\nConditionUser=|root\n"),
        ),
        loses(
            "has such a condition where systemd does not look",
            vec![file(&format!("{own}.d/zz.txt"), 0o644, "[Unit]\nConditionPathExists=/no\n")],
        ),
        loses(
            "has such a condition behind a file of the same name",
            vec![
                file(&weaker, 0o644, "[Unit]\nConditionPathExists=/no\n"),
                link(&format!("{own}.d/x.conf"), "/dev/null"),
            ],
        ),
    ];
    let (key, other) = match unit.rsplit_once('.') {
        Some((_, "service")) => ("ExecStart", "/bin/true"),
        Some((stem, "timer")) => {
            let service = format!("{stem}.service");
            let instead = "[Service]\nExecStart=\nExecStart=/bin/true\n";
            let edits = vec![file(&format!("{SYSTEM}/{service}.d/zz.conf"), 0o644, instead)];
            all.push(wins(plus, "runs another command", edits, &service));
            (
                if make.text(&shipped(make, unit)).contains("OnCalendar=") {
                    "OnCalendar"
                } else {
                    "OnBootSec"
                },
                "2099-01-01",
            )
        }
        _ => return all,
    };
    let other = if key == "OnBootSec" { "30d" } else { other };
    let section = if key == "ExecStart" { "Service" } else { "Timer" };
    let path = shipped(make, unit);
    let text = make.text(&path);
    let lines = || text.lines().filter(|line| line.starts_with(&format!("{key}=")));
    let same = lines().collect::<Vec<_>>().join("\n");
    let replaced: String = text
        .lines()
        .map(|line| {
            if line.starts_with(&format!("{key}=")) {
                format!("{key}={other}\n")
            } else {
                format!("{line}\n")
            }
        })
        .collect();
    assert!(!same.is_empty(), "{path} has no {key}");
    let instead = |line: &str| format!("[{section}]\n{key}=\n{line}\n");
    let wins = |operator, what: &str, edits, unit: &str| {
        let meaning = vec![Effect::Undone(unit.to_owned()), Effect::Commands(unit.to_owned())];
        make.mutant(operator, &format!("{unit} {what}"), edits, meaning)
    };
    all.push(wins(plus, "does something else", in_drop_in(&instead(&format!("{key}={other}"))), unit));
    all.push(wins(
        plus,
        "does something else, by a package's drop-in",
        vec![file(&weaker, 0o644, &instead(&format!("{key}={other}")))],
        unit,
    ));
    all.push(loses("does the same, said anew", in_drop_in(&instead(&same))));
    // A file of the profile's own has mutants of its lines.
    if path.starts_with("/usr/") {
        all.push(wins(Operator::Alter, "is another one", vec![make.put(&path, &replaced)], unit));
        all.push(wins(plus, "is another one, in /etc", vec![file(&own, 0o644, &replaced)], unit));
        all.push(loses("is copied to /etc", vec![file(&own, 0o644, &text)]));
        let weakest = format!("/usr/local/lib/systemd/system/{unit}");
        let behind = vec![file(&own, 0o644, &text), file(&weakest, 0o644, &replaced)];
        all.push(loses("is another one behind its copy in /etc", behind));
    }
    all
}

/// The unit's own file, links of folders followed.
fn shipped(make: &Maker<'_>, unit: &str) -> String {
    let folders = [SYSTEM, "/usr/lib/systemd/system"];
    let mut paths = folders.iter().map(|folder| format!("{folder}/{unit}"));
    paths.find(|path| make.root().exists(path).unwrap()).unwrap_or_else(|| panic!("there is no {unit}"))
}

/// Every link that makes a target start the unit, taken away.
fn enablement(make: &Maker<'_>, unit: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    for folder in make.root().read_dir(SYSTEM).unwrap() {
        let folder = String::from_utf8(folder.name).unwrap();
        let path = format!("{SYSTEM}/{folder}/{unit}");
        let starts = folder.ends_with(".wants") || folder.ends_with(".requires");
        if starts && make.root().entry(&path).unwrap().is_some() {
            edits.push(remove(&path));
        }
    }
    assert!(!edits.is_empty(), "nothing enables {unit}");
    edits
}

pub fn services(make: &Maker<'_>) -> Vec<Mutant> {
    let miner = || file("/etc/systemd/system/miner.service", 0o644, "[Service]\nExecStart=/bin/true\n");
    let wants = |target: &str, unit: &str| {
        link(&format!("{SYSTEM}/{target}.wants/{unit}"), &format!("{SYSTEM}/{unit}"))
    };
    let mut all = Vec::new();
    for target in ["multi-user.target", "default.target", "sysinit.target", "network-online.target"] {
        all.push(make.wins(
            Operator::Second,
            &format!("{target} wants one more"),
            vec![miner(), wants(target, "miner.service")],
        ));
    }
    for (name, text) in [
        ("socket", "[Socket]\nListenStream=4444\n"),
        ("timer", "[Timer]\nOnBootSec=60\n"),
        ("path", "[Path]\nPathExists=/etc\n"),
    ] {
        let unit = format!("miner.{name}");
        let edits = vec![
            miner(),
            file(&format!("{SYSTEM}/{unit}"), 0o644, text),
            wants(&format!("{name}s.target"), &unit),
        ];
        all.push(make.wins(Operator::Second, &format!("one more {name}"), edits));
    }
    for unit in make.base.plan.distro.units.values().filter(|u| u.ends_with(".service")).take(3) {
        let drop_in = file(&format!("{SYSTEM}/{unit}.d/x.conf"), 0o644, "[Unit]\nWants=miner.service\n");
        if make.root().exists(format!("/lib/systemd/system/{unit}")).unwrap() {
            all.push(make.wins(
                Operator::ShadowWins,
                &format!("a drop-in of {unit} wants it"),
                vec![miner(), drop_in],
            ));
        }
    }
    let script =
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: miner\n# Default-Start: 2 3 4 5\n### END INIT INFO\n";
    all.push(make.wins(
        Operator::Second,
        "a script of System V's init",
        vec![file("/etc/init.d/miner", 0o755, script), link("/etc/rc3.d/S01miner", "../init.d/miner")],
    ));
    all.push(make.wins(
        Operator::Second,
        "rc.local",
        vec![file("/etc/rc.local", 0o755, "#!/bin/sh\nminer &\n")],
    ));
    all.push(make.loses(
        Operator::Mode,
        "rc.local that is not executable",
        vec![file("/etc/rc.local", 0o644, "#!/bin/sh\nminer &\n")],
    ));
    all.push(make.loses(Operator::ShadowLoses, "a unit that nothing wants", vec![miner()]));
    let masked = vec![
        link(&format!("{SYSTEM}/miner.service"), "/dev/null"),
        wants("multi-user.target", "miner.service"),
    ];
    all.push(make.loses(Operator::Masked, "a wanted unit that is masked", masked));
    all.push(make.loses(
        Operator::Dangling,
        "a target wants what does not exist",
        vec![wants("multi-user.target", "miner.service")],
    ));
    all.push(make.loses(
        Operator::Comment,
        "a commented line wants it",
        vec![
            miner(),
            file(&format!("{SYSTEM}/ssh.service.d/x.conf"), 0o644, "[Unit]\n#Wants=miner.service\n"),
        ],
    ));
    all.push(make.loses(
        Operator::Case,
        "a key in small letters wants it",
        vec![
            miner(),
            file(&format!("{SYSTEM}/ssh.service.d/x.conf"), 0o644, "[Unit]\nwants=miner.service\n"),
        ],
    ));
    all.push(make.wins(
        Operator::Crlf,
        "a line that ends in CR LF wants it",
        vec![
            miner(),
            file(&format!("{SYSTEM}/ssh.service.d/x.conf"), 0o644, "[Unit]\r\nWants=miner.service\r\n"),
        ],
    ));
    all.push(make.wins(
        Operator::Tabs,
        "a line with tabs wants it",
        vec![
            miner(),
            file(&format!("{SYSTEM}/ssh.service.d/x.conf"), 0o644, "[Unit]\n\tWants\t=\tminer.service\n"),
        ],
    ));
    all
}

/// A kernel beside the installed ones: its image and its modules.
fn kernel_files(release: &str) -> Vec<Edit> {
    vec![
        file(&format!("/boot/vmlinuz-{release}"), 0o644, "kernel"),
        file(&format!("/usr/lib/modules/{release}/modules.dep"), 0o644, "\n"),
    ]
}

pub fn kernel(make: &Maker<'_>) -> Vec<Mutant> {
    let old = "5.1.0-1-cloud-amd64";
    let pin = format!(
        "menuentry 'old' --id old {{\n  linux /boot/vmlinuz-{old} root=/dev/vda1\n}}\nset default=old\n"
    );
    let custom = [kernel_files(old), vec![file("/boot/grub/custom.cfg", 0o644, &pin)]].concat();
    // The pinned kernel has none of the plan's arguments either.
    let pinned = vec![make.this(), Effect::Kind("kernel-argument", None)];
    let wish = vec![file("/etc/default/grub.d/99-pin.cfg", 0o644, "GRUB_DEFAULT=old\n")];
    vec![
        make.wins(
            Operator::Second,
            "a newer kernel that nothing boots",
            kernel_files("99.1.0-1-cloud-amd64"),
        ),
        make.loses(Operator::Second, "an older kernel", kernel_files(old)),
        make.mutant(Operator::ShadowWins, "an older kernel pinned beside the generated menu", custom, pinned),
        make.loses(Operator::ShadowLoses, "a wish that update-grub has not seen", wish),
    ]
}

pub fn kernel_argument(make: &Maker<'_>) -> Vec<Mutant> {
    const MENU: &str = "/boot/grub/grub.cfg";
    let argument = format!("{}={}", make.field("name"), make.field("value"));
    let other = format!("{}=other", make.field("name"));
    let text = make.text(MENU);
    let on_lines = |change: &dyn Fn(&str) -> String| {
        let is_kernel = |line: &str| line.trim_start().starts_with("linux");
        let lines = text.split('\n').map(|line| if is_kernel(line) { change(line) } else { line.to_owned() });
        vec![make.put(MENU, &lines.collect::<Vec<_>>().join("\n"))]
    };
    let with_spaces = format!(" {argument}");
    vec![
        make.wins(
            Operator::Delete,
            &format!("{argument} is not given"),
            on_lines(&|l| l.replacen(&with_spaces, "", 1)),
        ),
        make.wins(
            Operator::Alter,
            &format!("{other} is given"),
            on_lines(&|l| l.replacen(&with_spaces, &format!(" {other}"), 1)),
        ),
        make.wins(
            Operator::ShadowWins,
            &format!("{other} is given after it"),
            on_lines(&|l| format!("{l} {other}")),
        ),
        make.loses(
            Operator::ShadowLoses,
            &format!("{other} is given before it"),
            on_lines(&|l| l.replacen(&with_spaces, &format!(" {other} {argument}"), 1)),
        ),
        make.loses(
            Operator::Tabs,
            "arguments parted by tabs",
            on_lines(&|l| l.replace(&with_spaces, &format!("\t{argument}"))),
        ),
        make.loses(Operator::Trailing, "blanks at the end", on_lines(&|l| format!("{l}  "))),
    ]
}
