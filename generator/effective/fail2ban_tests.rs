//! Against `fail2ban-client -d`, on the shipped configuration and on overlays of it.
//! `IRONSEED_FAIL2BAN` may name further configuration directories, separated by colons.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;
use crate::effective::memory_fixture::Fixture;

fn sshd(tree: &Fixture) -> Jail {
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
    let good = Fixture::new(&BASIC);
    let found = sshd(&good);
    assert!(found.enabled.value);
    assert_eq!(found.enabled.at, Location::line("/etc/fail2ban/jail.d/50-x.conf", 2));
    assert_eq!(found.actions[0].option("port"), Some("2222"));
    assert_eq!(found.actions[0].programs, ["nft"]);
    let mut bad = good.clone();
    bad.put("/etc/fail2ban/jail.local", b"[sshd]\nenabled = false\n");
    assert!(!sshd(&bad).enabled.value);
    // `.conf` of the directory loses against jail.local, `.local` of it wins.
    bad.put("/etc/fail2ban/jail.d/99.conf", b"[sshd]\nenabled = true\n");
    assert!(!sshd(&bad).enabled.value);
    bad.put("/etc/fail2ban/jail.d/00.local", b"[sshd]\nenabled = true\n");
    assert!(sshd(&bad).enabled.value);
}

#[test]
fn absent_broken_and_hostile_are_told_apart() {
    assert!(matches!(jail(Fixture::default().root(), "sshd").unwrap(), JailState::Absent));
    let good = Fixture::new(&BASIC);
    assert!(matches!(jail(good.root(), "nginx").unwrap(), JailState::Absent));
    for text in [
        "[sshd]\nbanaction = none\n",
        "[sshd]\nfilter = none\n",
        "enabled = true\n",
        "[sshd]\nport = %(nothing)s\n",
        "[sshd]\nenabled = true\nenabled = true\n",
    ] {
        let mut bad = good.clone();
        bad.put("/etc/fail2ban/jail.local", text.as_bytes());
        assert!(matches!(jail(bad.root(), "sshd").unwrap(), JailState::Broken(_)), "{text}");
    }
    let mut own = good.clone();
    own.put("/etc/fail2ban/jail.local", b"[INCLUDES]\nbefore = jail.local\nafter = jail.local\n");
    assert!(sshd(&own).enabled.value);
    for noise in [&b"\0\0\0"[..], &[b'['; 100_000], &[b'%'; 100_000], b"[s]\r\na=1\r\n"] {
        let mut bad = good.clone();
        bad.put("/etc/fail2ban/jail.local", noise);
        jail(bad.root(), "sshd").unwrap();
    }
}

/// What the client would do with a directory: lines of its dump, or `None` where it refuses.
fn dump(directory: &Path) -> Option<Vec<String>> {
    let out = Command::new("fail2ban-client").arg("-c").arg(directory).arg("-d").output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    (out.status.success() && !text.contains("Jail 'sshd' skipped"))
        .then(|| text.lines().map(str::to_string).collect())
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

/// Our reading in the dump's words.
fn expected(jail: &Jail) -> Vec<String> {
    let mut lines = vec![format!("['add', 'sshd', '{}']", jail.backend.value)];
    if let Some(found) = &jail.maxretry {
        lines.push(format!("['set', 'sshd', 'maxretry', {}]", found.value));
    }
    for (name, option) in [("bantime", &jail.bantime), ("findtime", &jail.findtime)] {
        lines.extend(option.iter().map(|found| format!("['set', 'sshd', '{name}', '{}']", found.value)));
    }
    if let Some(found) = &jail.ignoreip {
        let list: Vec<String> = found.value.iter().map(|address| format!("'{address}'")).collect();
        lines.push(format!("['set', 'sshd', 'addignoreip', {}]", list.join(", ")));
    }
    lines.extend(
        jail.actions.iter().map(|action| format!("['set', 'sshd', 'addaction', '{}']", unique(action))),
    );
    lines
}

fn compare(shipped: &Path, overlay: &[(String, String)]) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let mut tree = Fixture::load(shipped, "/etc/fail2ban");
    for (path, text) in overlay {
        tree.put(&format!("/etc/fail2ban/{path}"), text.as_bytes());
    }
    tree.write_to(directory.path());
    let dumped = dump(&directory.path().join("etc/fail2ban"));
    let found = jail(tree.root(), "sshd").unwrap();
    match (found, dumped) {
        (JailState::Broken(_), None) => false,
        (JailState::Jail(jail), Some(lines)) if !jail.enabled.value => {
            assert!(!lines.iter().any(|l| l.starts_with("['add', 'sshd'")), "{overlay:?}\nis enabled");
            true
        }
        (JailState::Jail(jail), Some(lines)) => {
            for line in expected(&jail) {
                assert!(lines.contains(&line), "{overlay:?}\nno {line} in\n{}", lines.join("\n"));
            }
            let actions = lines.iter().filter(|l| l.starts_with("['set', 'sshd', 'addaction'")).count();
            assert_eq!(actions, jail.actions.len(), "{overlay:?}");
            for action in &jail.actions {
                let own = format!("['multi-set', 'sshd', 'action', '{}'", unique(action));
                let port = action.option("port").unwrap_or_default();
                let used = lines.iter().any(|l| l.starts_with(&own) && l.contains(port));
                assert!(used, "{overlay:?}\n{} is not given {port}", action.name);
            }
            true
        }
        (found, dumped) => panic!("{overlay:?}\n{found:?}\n{dumped:?}"),
    }
}

fn generate(seed: u64) -> Vec<(String, String)> {
    let mut state = seed;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % bound as u64) as usize
    };
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
    ];
    let mut found = Vec::new();
    for file in files {
        if below(2) == 0 {
            continue;
        }
        let mut text = String::new();
        if file == "jail.local" && below(4) == 0 {
            text += "[INCLUDES]\nafter = extra.conf\n";
        }
        for section in ["DEFAULT", "sshd"] {
            text += &format!("[{section}]\n");
            let mut used: Vec<String> = Vec::new();
            for _ in 0..below(4) {
                let option = options[below(options.len())];
                let name = option.split([' ', '=', ':']).next().unwrap().to_lowercase();
                if !used.contains(&name) {
                    text += &format!("{option}\n");
                    used.push(name);
                }
            }
        }
        found.push((file.to_string(), text));
    }
    found
}

#[test]
fn the_client_dumps_the_same() {
    let mut shipped = vec![PathBuf::from(BASE)];
    shipped.extend(
        std::env::var("IRONSEED_FAIL2BAN").iter().flat_map(|list| list.split(':').map(PathBuf::from)),
    );
    if Command::new("fail2ban-client").arg("-V").output().is_err() || !shipped[0].exists() {
        eprintln!("skipped: no fail2ban here");
        return;
    }
    let cases: u64 = std::env::var("IRONSEED_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    for directory in &shipped {
        compare(directory, &[]);
        let accepted = (0..cases).filter(|seed| compare(directory, &generate(*seed))).count() as u64;
        assert!(accepted * 3 > cases, "only {accepted} of {cases} were accepted by the client");
    }
}
