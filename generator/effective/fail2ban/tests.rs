//! Against `fail2ban-client -d`, on the shipped configuration and on overlays of it.
//! `IRONSEED_FAIL2BAN` may name further configuration directories, separated by colons.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, agree, program};

fn sshd(tree: &MemoryTree) -> Jail {
    match jail(tree.root(), "sshd").unwrap() {
        JailState::Jail(jail) => *jail,
        other => panic!("{other:?}"),
    }
}

const BASIC: [(&str, &str); 4] = [
    (
        "/etc/fail2ban/jail.conf",
        "[DEFAULT]\nport = 0:65535\nbackend = auto\nbanaction = nftables\nfilter = %(__name__)s\nbantime = 10m\naction_ = %(banaction)s[port=\"%(port)s\", protocol=\"tcp\"]\naction = %(action_)s\n[sshd]\nport = ssh\nlogpath = /var/log/auth.log\n",
    ),
    ("/etc/fail2ban/jail.d/50-x.conf", "[sshd]\nenabled = true\nbackend = systemd\nport = 2222\n"),
    ("/etc/fail2ban/filter.d/sshd.conf", "[Definition]\nfailregex = x\n"),
    (
        "/etc/fail2ban/action.d/nftables.conf",
        "[Definition]\nactionban = <nft> add element\n[Init]\nnft = nft\n",
    ),
];

#[test]
fn later_files_win_and_the_action_gets_the_port() {
    let good = MemoryTree::of(&BASIC);
    let found = sshd(&good);
    assert!(found.enabled.value);
    assert_eq!(found.enabled.at, Location::line("/etc/fail2ban/jail.d/50-x.conf", 2));
    assert_eq!(found.actions[0].option("port"), Some("2222"));
    assert_eq!(found.actions[0].programs, ["nft"]);
    let mut bad = good.clone();
    bad.write("/etc/fail2ban/jail.local", b"[sshd]\nenabled = false\n");
    assert!(!sshd(&bad).enabled.value);
    // `.conf` of the directory loses against jail.local, `.local` of it wins.
    bad.write("/etc/fail2ban/jail.d/99.conf", b"[sshd]\nenabled = true\n");
    assert!(!sshd(&bad).enabled.value);
    bad.write("/etc/fail2ban/jail.d/00.local", b"[sshd]\nenabled = true\n");
    assert!(sshd(&bad).enabled.value);
}

#[test]
fn absent_broken_and_hostile_are_told_apart() {
    assert!(matches!(jail(MemoryTree::new().root(), "sshd").unwrap(), JailState::Absent));
    let good = MemoryTree::of(&BASIC);
    assert!(matches!(jail(good.root(), "nginx").unwrap(), JailState::Absent));
    for text in [
        "[sshd]\nbanaction = none\n",
        "[sshd]\nfilter = none\n",
        "enabled = true\n",
        "[sshd]\nport = %(nothing)s\n",
        "[sshd]\nenabled = true\nenabled = true\n",
    ] {
        let mut bad = good.clone();
        bad.write("/etc/fail2ban/jail.local", text.as_bytes());
        assert!(matches!(jail(bad.root(), "sshd").unwrap(), JailState::Broken(_)), "{text}");
    }
    let mut own = good.clone();
    own.write("/etc/fail2ban/jail.local", b"[INCLUDES]\nbefore = jail.local\nafter = jail.local\n");
    assert!(sshd(&own).enabled.value);
    for noise in [&b"\0\0\0"[..], &[b'['; 100_000], &[b'%'; 100_000], b"[s]\r\na=1\r\n"] {
        let mut bad = good.clone();
        bad.write("/etc/fail2ban/jail.local", noise);
        jail(bad.root(), "sshd").unwrap();
    }
}

/// The client's own way from a directory to its dump, for many directories from one process: each
/// answer is a list of lines, or `null` where it refuses.
const DUMP: &str = r#"
import io, json, logging, sys
sys.path.insert(0, "/usr/lib/python3/dist-packages")
from fail2ban.client.fail2bancmdline import Fail2banCmdLine
log = io.StringIO()
logging.getLogger("fail2ban").handlers = [logging.StreamHandler(log)]
for line in sys.stdin:
    log.truncate(log.seek(0))
    client = Fail2banCmdLine()
    client.configurator.setBaseDir(line.rstrip("\n"))
    client._conf["dump"] = True
    client.configurator.readEarly()
    client.configurator.getEarlyOptions()
    good, stream = client.readConfig()
    print(json.dumps([str(c) for c in stream] if good and stream is not None else None), flush=True)
"#;

/// What the client would do with a directory: lines of its dump, or `None` where it refuses the
/// whole or the jail.
fn dump(client: &mut Dialogue, directory: &Path) -> Option<Vec<String>> {
    let lines: Option<Vec<String>> = serde_json::from_str(&client.ask(directory.to_str().unwrap())).unwrap();
    lines.filter(|lines| !lines.iter().any(|line| line.contains("Jail 'sshd' skipped")))
}

/// What the program itself prints, to hold [`DUMP`] against.
fn printed(directory: &Path) -> Vec<String> {
    let out = Command::new("fail2ban-client").arg("-c").arg(directory).arg("-d").output().unwrap();
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_string).collect()
}

/// The name that the client gives an action, so that each is unique in its jail.
fn unique(action: &Action) -> String {
    match action.option("name").filter(|name| *name != "sshd") {
        Some(name) => {
            format!("{}{}", action.name, name.strip_prefix("sshd").map_or(format!("-{name}"), str::to_string))
        }
        None => action.name.clone(),
    }
}

/// A value as Python writes it.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t").replace('\r', "\\r")
}

/// Our reading in the dump's words.
fn expected(jail: &Jail) -> Vec<String> {
    let mut lines = vec![format!("['add', 'sshd', '{}']", escaped(&jail.backend.value))];
    if let Some(found) = &jail.maxretry {
        lines.push(format!("['set', 'sshd', 'maxretry', {}]", found.value));
    }
    for (name, option) in [("bantime", &jail.bantime), ("findtime", &jail.findtime)] {
        lines.extend(
            option.iter().map(|found| format!("['set', 'sshd', '{name}', '{}']", escaped(&found.value))),
        );
    }
    if let Some(found) = &jail.ignoreip {
        let list: Vec<String> = found.value.iter().map(|address| format!("'{address}'")).collect();
        lines.push(format!("[{}]", [vec!["'set', 'sshd', 'addignoreip'".into()], list].concat().join(", ")));
    }
    lines.extend(
        jail.actions.iter().map(|action| format!("['set', 'sshd', 'addaction', '{}']", unique(action))),
    );
    lines
}

/// What of our reading the dump lacks or has in excess.
fn missing(jail: &Jail, lines: &[String]) -> Vec<String> {
    if !jail.enabled.value {
        let added = lines.iter().filter(|l| l.starts_with("['add', 'sshd'"));
        return added.map(|line| format!("the jail is off, but: {line}")).collect();
    }
    let mut missing: Vec<String> = expected(jail).into_iter().filter(|line| !lines.contains(line)).collect();
    let actions = lines.iter().filter(|l| l.starts_with("['set', 'sshd', 'addaction'")).count();
    if actions != jail.actions.len() {
        missing.push(format!("{} actions, not {actions}", jail.actions.len()));
    }
    for action in &jail.actions {
        let own = format!("['multi-set', 'sshd', 'action', '{}'", unique(action));
        let port = escaped(action.option("port").unwrap_or_default());
        if !lines.iter().any(|l| l.starts_with(&own) && l.contains(&port)) {
            missing.push(format!("{} is given {port}", action.name));
        }
    }
    missing
}

fn verdict(client: &mut Dialogue, shipped: &MemoryTree, overlay: &MemoryTree) -> Verdict {
    let mut tree = shipped.clone();
    let disk = tree.overlay(overlay).on_disk();
    let dumped = dump(client, &disk.path().join("etc/fail2ban"));
    match (jail(tree.root(), "sshd").unwrap(), dumped) {
        (JailState::Broken(_), None) => Verdict::Refuse,
        // fail2ban refuses to start with no jail but broken ones: one that is off bans nobody then, too.
        (JailState::Jail(jail), None) if !jail.enabled.value => Verdict::Agree,
        (JailState::Jail(jail), Some(lines)) => match missing(&jail, &lines) {
            missing if missing.is_empty() => Verdict::Agree,
            missing => Verdict::differ(missing.join("\n"), lines.join("\n")),
        },
        (found, dumped) => Verdict::differ(format!("{found:#?}"), format!("{dumped:#?}")),
    }
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let files = [
        "jail.local",
        "jail.d/10-a.conf",
        "jail.d/zz.conf",
        "jail.d/10-a.local",
        "jail.d/b.local",
        "extra.conf",
    ];
    let options = [
        "enabled = true",
        "enabled = false",
        "enabled = yes",
        "enabled = on",
        "enabled = 1",
        "backend = systemd",
        "backend: polling",
        "port = 2222",
        "port = ssh,2200",
        "maxretry = 3",
        "maxretry = 7 ; seven",
        "bantime = 1h",
        "bantime=%(findtime)s",
        "findtime = 20m",
        "findtime = 600",
        "ignoreip = 127.0.0.1/8 ::1",
        "ignoreip = 192.0.2.0/24,\n  198.51.100.1",
        "banaction = nftables",
        "banaction = iptables-allports",
        "banaction = nosuchaction",
        "action = %(action_mw)s",
        "action = %(banaction)s[port=\"%(port)s\", name=x]",
        "BANTIME = 5m",
        "# enabled = maybe",
        "action = %(action_)s\n  %(banaction_allports)s[name=all]",
        "logpath = /var/log/a.log\n  /var/log/b.log",
        "bantime = %(known/bantime)s",
        "findtime = %(default/bantime)s",
        "findtime = %(DEFAULT/bantime)s",
        "maxretry = %(nosuchoption)s",
        "filter = nosuchfilter",
        "banaction = ufw",
        "maxretry\t=\t4",
        "  maxretry = 9",
        "port = 22\n\t23",
        "port = 22\r",
        "findtime = 5m # five",
        "findtime = 5m\t; five",
        "bantime = 100%",
        "bantime = 1%%",
        "enabled = TRUE",
        "enabled = nonsense",
        "ignoreip =",
        "ignoreip",
        "maxretry = x",
        "backend = %(bantime)s",
        "filter = sshd[mode=aggressive]",
        "filter = %(__name__)s[mode=%(mode)s]",
        "mode = ddos",
        "port = %(sshd/maxretry)s",
        "findtime = %(known/nothing)s",
        ";enabled = true",
        "\u{e9} = \u{fc}",
    ];
    let mut tree = MemoryTree::new();
    for file in dice.subset(&files) {
        let mut text = String::new();
        if file == "jail.local" && dice.once_in(4) {
            text += "[INCLUDES]\nafter = extra.conf\n";
        }
        for section in ["DEFAULT", "sshd"] {
            text += &format!("[{section}]\n");
            let mut used = BTreeSet::new();
            for _ in 0..dice.below(4) {
                let option = dice.pick(&options);
                if used.insert(option.split([' ', '=', ':']).next().unwrap().to_lowercase()) {
                    text += &format!("{option}\n");
                }
            }
        }
        if dice.once_in(25) {
            text = dice.pick(&["\u{feff}", "maxretry = 1\n", "\n# c\n", "[sshd]\n"]).to_owned() + &text;
        }
        if dice.once_in(25) {
            text += dice.pick(&[
                "[sshd\n",
                "[nginx-http-auth]\nenabled = true\n",
                "[SSHD]\nenabled = true\n",
                "\r\n",
            ]);
        }
        tree.write(format!("{BASE}/{file}"), text);
    }
    tree
}

#[test]
fn the_client_dumps_the_same() {
    if program("fail2ban-client").is_none() {
        return;
    }
    let further = std::env::var("IRONSEED_FAIL2BAN").unwrap_or_default();
    let further = further.split(':').filter(|path| !path.is_empty()).map(PathBuf::from);
    let mut client = Dialogue::start(Command::new("/usr/bin/python3").args(["-c", DUMP]));
    for directory in std::iter::once(PathBuf::from(BASE)).chain(further) {
        let shipped = MemoryTree::load(&directory, BASE);
        let disk = shipped.on_disk();
        let base = disk.path().join("etc/fail2ban");
        assert_eq!(dump(&mut client, &base), Some(printed(&base)), "one process says what the program says");
        agree(MemoryTree::new(), |overlay| verdict(&mut client, &shipped, overlay));
        let judge = |overlay: &MemoryTree| verdict(&mut client, &shipped, overlay);
        let tally = Differential::cases(200).run(generate, judge);
        assert!(tally.agreed * 2 > tally.refused, "too few cases that the client accepts: {tally}");
    }
}
