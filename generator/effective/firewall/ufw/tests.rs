//! The reader against ufw-init itself, by way of what nft lists afterwards.

use std::process::Command;

use super::super::iptables::tests::{loadable, same_answers};
use super::super::tests::can_load;
use super::super::{Family, Fate, Protocol, Reach};
use super::*;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, agree, skip};

/// ufw as it is installed here.
fn shipped() -> Option<MemoryTree> {
    let functions = std::fs::read_to_string(FUNCTIONS[1]).ok()?;
    let mut tree = MemoryTree::new();
    tree.write(FUNCTIONS[1], functions);
    for name in ["before.rules", "before6.rules", "after.rules", "after6.rules", "user.rules", "user6.rules"]
    {
        let text = std::fs::read(format!("/usr/share/ufw/iptables/{name}")).ok()?;
        tree.write(format!("/etc/ufw/{name}"), text);
    }
    tree.write(SWITCH, "ENABLED=yes\nLOGLEVEL=low\n");
    let defaults = "IPV6=yes\nDEFAULT_INPUT_POLICY=\"DROP\"\nDEFAULT_OUTPUT_POLICY=\"ACCEPT\"\n\
                    DEFAULT_FORWARD_POLICY=\"DROP\"\nMANAGE_BUILTINS=no\nIPT_MODULES=\"\"\n";
    tree.write(DEFAULTS, defaults);
    for path in ["/etc/services", "/etc/protocols"] {
        tree.write(path, std::fs::read(path).unwrap_or_default());
    }
    Some(tree)
}

/// What nft lists after ufw-init, which loads what it can and may fail all the same.
fn theirs(tree: &MemoryTree) -> (bool, String) {
    let disk = tree.on_disk();
    let script = "/lib/ufw/ufw-init --rootdir \"$0\" --datadir \"$0\" start >/dev/null 2>&1; code=$?\n\
                  nft list ruleset; exit $code";
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", script]).arg(disk.path());
    let out = command.output().unwrap();
    (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
}

fn judge(case: &MemoryTree) -> Verdict {
    let mut tree = shipped().unwrap_or_default();
    tree.overlay(case);
    let ours = match ufw(tree.root()).unwrap() {
        Setup::Loads(rules) => rules,
        Setup::Absent | Setup::Off(_) => RuleSet::default(),
    };
    match theirs(&tree) {
        (false, _) if !ours.unknown.is_empty() => Verdict::Refuse,
        (_, listing) => same_answers(&ours, &loadable(&listing)),
    }
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let policy = |dice: &mut Dice| match dice.below(12) {
        0 => "drop",
        1 => "",
        2..5 => "ACCEPT",
        5..7 => "REJECT",
        _ => "DROP",
    };
    let quote = |dice: &mut Dice, text: &str| match dice.below(3) {
        0 => format!("\"{text}\""),
        1 => format!("'{text}' # {text}"),
        _ => text.to_owned(),
    };
    let mut defaults = String::from("# defaults\n");
    for variable in ["DEFAULT_INPUT_POLICY", "DEFAULT_OUTPUT_POLICY", "DEFAULT_FORWARD_POLICY"] {
        for _ in 0..dice.range(1..=2) {
            let value = policy(dice);
            defaults += &format!("{variable}={}\n", quote(dice, value));
        }
    }
    let ipv6 = dice.pick(&["yes", "yes", "YES", "no", "Yes", ""]);
    defaults += &format!("  IPV6={}\nMANAGE_BUILTINS={}\n", quote(dice, ipv6), dice.pick(&["no", "yes", ""]));
    tree.write(DEFAULTS, if dice.once_in(30) { defaults.replace('\n', "\r\n") } else { defaults });
    let enabled = dice.pick(&["yes", "yes", "yes", "yes", "YES", "no", "true", "yes\r", ""]);
    tree.write(SWITCH, format!("#\nENABLED=no\nENABLED={enabled}\nLOGLEVEL=low\n"));
    for (name, six) in [("user.rules", ""), ("user6.rules", "6")] {
        let mut rules = String::from("*filter\n");
        for chain in
            ["user-input", "user-output", "user-forward", "before-logging-input", "after-input", "user-limit"]
        {
            rules += &format!(":ufw{six}-{chain} - [0:0]\n");
        }
        rules += "### RULES ###\n\n";
        for _ in 0..dice.below(8) {
            let chain = dice.pick(&["user-input", "user-input", "user-input", "user-forward", "after-input"]);
            let source = match (six, dice.below(4)) {
                ("", 0) => "-s 192.0.2.0/24 ",
                ("", 1) => "-d 10.0.0.1 ",
                ("6", 0) => "-s 2001:db8::/32 ",
                _ => "",
            };
            let matched = dice.pick(&[
                "-p tcp --dport 22 -j ACCEPT",
                "-p tcp --dport 22 -m conntrack --ctstate NEW -m recent --set",
                "-p tcp --dport 22 -j SIX-user-limit",
                "-p tcp -m multiport --dports 80,443 -j ACCEPT",
                "-p udp -m multiport --dports 60000:61000 -m comment --comment 'dapp_mosh' -j ACCEPT",
                "-p tcp --dport 25 -j DROP",
                "-p tcp --dport 23 -j REJECT --reject-with tcp-reset",
                "-i eth1 -p udp --dport 53 -j ACCEPT",
                "-p all -j ACCEPT",
                "-j DROP",
                "-p esp -j ACCEPT",
                "-i eth0 -j SIX-skip-to-policy-input",
            ]);
            rules += "### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n";
            rules +=
                &format!("-A ufw{six}-{chain} {source}{}\n", matched.replace("SIX", &format!("ufw{six}")));
        }
        rules += &format!(
            "-A ufw{six}-user-limit -m limit --limit 3/minute -j LOG --log-prefix \"[UFW LIMIT BLOCK] \"\n"
        );
        rules += &format!("-A ufw{six}-user-limit -j REJECT\nCOMMIT\n");
        tree.write(format!("/etc/ufw/{name}"), rules);
    }
    let shipped = shipped().unwrap_or_default();
    match dice.below(12) {
        0 => drop(tree.write("/etc/ufw/user.rules", "")),
        1 => drop(tree.write("/etc/ufw/after.rules", "")),
        2 => drop(tree.write("/etc/ufw/before6.rules", "")),
        3 => {
            let before = shipped.bytes("/etc/ufw/before.rules").map(<[u8]>::to_vec).unwrap_or_default();
            let more = b"*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n*mangle\n-A PREROUTING -p tcp --dport 99 -j DROP\nCOMMIT\n";
            tree.write("/etc/ufw/before.rules", [&before[..], more].concat());
        }
        4 => {
            let before = String::from_utf8_lossy(shipped.bytes("/etc/ufw/before.rules").unwrap_or_default())
                .into_owned();
            let line = dice.pick(&[
                "-A ufw-before-input -p tcp --dport 8080 -j ACCEPT\n",
                "-A ufw-before-input -j nochain\n",
                "garbage\n",
            ]);
            tree.write("/etc/ufw/before.rules", before.replacen("COMMIT", &format!("{line}COMMIT"), 1));
        }
        5 if dice.once_in(3) => drop(tree.write(SWITCH, "")),
        5 if dice.once_in(2) => drop(tree.write(DEFAULTS, "")),
        _ => {}
    }
    tree
}

#[test]
fn ufw_init_and_the_reader_load_the_same() {
    if shipped().is_none() {
        return skip("ufw is not installed");
    }
    if !can_load() {
        return skip("no network namespace or no nft here");
    }
    agree(MemoryTree::new(), judge);
    let tally = Differential::cases(12).run(generate, judge);
    assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
}

#[test]
fn switches_policies_and_places() {
    let Some(mut tree) = shipped() else { return skip("ufw is not installed") };
    let load = |tree: &MemoryTree| match ufw(tree.root()).unwrap() {
        Setup::Loads(rules) => rules,
        other => panic!("{other:?}"),
    };
    let user = "*filter\n:ufw-user-input - [0:0]\n-A ufw-user-input -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";
    tree.write("/etc/ufw/user.rules", user);
    let rules = load(&tree);
    assert_eq!(rules.input_default(Family::V4), Fate::Drop(Location::line(DEFAULTS, 2)));
    assert_eq!(
        rules.reach(Protocol::Tcp, 22, Family::V4),
        Reach::Open(Location::line("/etc/ufw/user.rules", 3))
    );
    assert!(matches!(rules.reach(Protocol::Tcp, 22, Family::V6), Reach::Closed(_)));
    tree.write(SWITCH, "ENABLED=no\n");
    assert!(matches!(ufw(tree.root()).unwrap(), Setup::Off(at) if at == Location::line(SWITCH, 1)));
    tree.remove(FUNCTIONS[1]);
    assert!(matches!(ufw(tree.root()).unwrap(), Setup::Absent));
}
