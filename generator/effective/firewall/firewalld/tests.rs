//! The reader against firewalld's own engine, by way of what nft lists of the rules that it loaded.
//!
//! The engine is the class `Firewall` that the daemon runs, without the message bus around it; one
//! process answers for many configurations, each after the rules before it are gone.

use std::process::Command;

use super::super::iptables::tests::same_answers;
use super::super::tests::can_load;
use super::super::{Family, Fate, Protocol, Reach};
use super::*;
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, agree, skip};
use std::path::Path;

/// The distribution's own Python, which knows firewalld.
const PYTHON: &str = "/usr/bin/python3";

const ENGINE: &str = r#"
import json, os, subprocess, sys
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from firewall import config
from firewall.core.fw import Firewall
nft = lambda *words: subprocess.run(["nft", *words], capture_output=True, text=True).stdout
for line in sys.stdin:
    nft("flush", "ruleset")
    config.set_system_config_paths(line.rstrip("\n") + "/etc/firewalld")
    firewall = Firewall()
    try:
        firewall.start()
        state = firewall._state
    except Exception as error:
        state = str(error)
    print(json.dumps([state, nft("list", "ruleset")]), file=answers, flush=True)
"#;

/// The engine in a network of its own; `None`, and said, where there is none.
fn engine() -> Option<Dialogue> {
    let import = ["-c", "import firewall.core.fw"];
    if !Command::new(PYTHON).args(import).output().is_ok_and(|out| out.status.success()) {
        skip("firewalld is not installed");
        return None;
    }
    if !can_load() {
        skip("no network namespace or no nft here");
        return None;
    }
    let mut command = Command::new("unshare");
    command.args(["-rn", PYTHON, "-c", ENGINE]).stderr(std::process::Stdio::null());
    Some(Dialogue::start(&mut command))
}

fn stock() -> MemoryTree {
    let mut tree = MemoryTree::load(Path::new("/usr/lib/firewalld"), "/usr/lib/firewalld");
    tree.write(PROGRAMS[0], "");
    for path in ["/etc/services", "/etc/protocols"] {
        tree.write(path, std::fs::read(path).unwrap_or_default());
    }
    tree
}

fn load(tree: &MemoryTree) -> RuleSet {
    match firewalld(tree.root()).unwrap() {
        Setup::Loads(rules) => rules,
        other => panic!("{other:?}"),
    }
}

fn judge(engine: &mut Dialogue, stock: &MemoryTree, tree: &MemoryTree) -> Verdict {
    let disk = tree.on_disk();
    let (state, listing): (String, String) =
        serde_json::from_str(&engine.ask(&disk.path().to_string_lossy())).unwrap();
    let mut whole = stock.clone();
    whole.overlay(tree);
    let ours = load(&whole);
    match (state.as_str(), ours.unknown.first()) {
        ("RUNNING", None) => same_answers(&ours, &listing),
        // firewalld ignores what its reader takes for a mistake of the author's.
        ("RUNNING", Some(why)) if why.text.contains("ignores") => Verdict::Agree,
        ("RUNNING", Some(_)) => Verdict::differ(format!("{:?}", ours.unknown), "RUNNING"),
        (_, Some(_)) => Verdict::Refuse,
        (failed, None) => Verdict::differ("accepted", failed),
    }
}

fn content(dice: &mut Dice, policy: bool, odd: bool) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(5) {
        let port = dice.pick(&["22", "80", "8000-8100", "443", "ssh", "5000-5001"]);
        let protocol = dice.pick(&["tcp", "tcp", "udp", "sctp"]);
        let service =
            dice.pick(&["ssh", "http", "dhcpv6-client", "mdns", "samba", "own", "including", "ftp", "dns"]);
        let icmp =
            dice.pick(&["echo-request", "redirect", "host-prohibited", "echo-reply", "router-advertisement"]);
        let (family, address) = match dice.below(4) {
            0 => ("ipv4", dice.pick(&["192.0.2.0/24", "10.1.2.3", "10.1.2.3/8"])),
            1 => ("ipv6", dice.pick(&["2001:db8::/32", "fe80::1"])),
            _ => ("", ""),
        };
        let plain = match dice.below(8) {
            0 | 1 => format!("<service name=\"{service}\"/>"),
            2 | 3 => format!("<port port=\"{port}\" protocol=\"{protocol}\"/>"),
            4 => format!("<protocol value=\"{}\"/>", dice.pick(&["esp", "gre", "icmp", "47", "ah"])),
            5 => format!("<source-port protocol='{protocol}' port='{port}'/>"),
            6 => format!("<icmp-block name=\"{icmp}\"/>"),
            _ if policy => String::new(),
            _ => "<masquerade/>".to_owned(),
        };
        if dice.chance(50) {
            text += &format!("  {plain}\n");
            continue;
        }
        let subject = match dice.below(6) {
            0 => format!("<service name=\"{service}\"/>"),
            1 => format!("<port port=\"{port}\" protocol=\"{protocol}\"/>"),
            2 => "<protocol value=\"esp\"/>".to_owned(),
            3 => "<icmp-type name=\"echo-request\"/>".to_owned(),
            4 => format!("<source-port port=\"{port}\" protocol=\"{protocol}\"/>"),
            _ => String::new(),
        };
        let invert = dice.pick(&["", " invert=\"true\"", " invert=\"no\""]);
        let (attributes, source) = match family {
            "" if dice.once_in(3) => (String::new(), "<source ipset=\"friends\"/>".to_owned()),
            "" if dice.once_in(4) => (String::new(), "<source mac=\"00:11:22:33:44:55\"/>".to_owned()),
            "" => (String::new(), String::new()),
            family => {
                let end = if dice.once_in(4) { "destination" } else { "source" };
                (format!(" family=\"{family}\""), format!("<{end} address=\"{address}\"{invert}/>"))
            }
        };
        let priority = dice.pick(&["", "", "", " priority=\"-5\"", " priority=\"7\"", " priority=\"0\""]);
        let action = dice.pick(&[
            "<accept/>",
            "<accept/>",
            "<drop/>",
            "<reject/>",
            "<accept><limit value=\"3/m\"/></accept>",
            "<log prefix=\"x\"/><accept/>",
            "<mark set=\"1\"/>",
        ]);
        let subject = if subject.is_empty() && source.is_empty() {
            "<service name=\"ssh\"/>".to_owned()
        } else {
            subject
        };
        text += &format!("  <rule{attributes}{priority}>{source}{subject}{action}</rule>\n");
    }
    if odd {
        text += dice.pick(&[
            "<port port=\"x\" protocol=\"tcp\"/>",
            "<service name=\"absent\"/>",
            "<frobnicate/>",
            "<rule><accept/></rule>",
            "<port port=\"1\"/>",
            "<service name=\"ssh\"",
            "<rule family=\"ipv4\"><source address=\"2001:db8::1\"/><accept/></rule>",
            "<icmp-block name=\"absent\"/>",
            "<rule><service name=\"ssh\"/><port port=\"1\" protocol=\"tcp\"/><accept/></rule>",
        ]);
    }
    text
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let odd = dice.once_in(8);
    let default = dice.pick(&["public", "public", "trusted", "drop", "block", "lab", "absent"]);
    tree.write(
        SETTINGS,
        match dice.below(8) {
            0 => "# nothing\n".to_owned(),
            1 => format!("DefaultZone={default}\nDefaultZone=trusted\n"),
            2 => format!("\u{20}DefaultZone = {default} \r\nLogDenied=off\n"),
            3 => format!("DefaultZone={default}=x\nDefaultZone={default}\nFirewallBackend=NFTABLES\n"),
            _ => {
                format!("DefaultZone={default}\nFirewallBackend=nftables\nIPv6_rpfilter=yes\nLogDenied=all\n")
            }
        },
    );
    tree.write("/etc/firewalld/services/own.xml", "<service><port port=\"7000-7010\" protocol=\"udp\"/><port port=\"\" protocol=\"ah\"/><destination ipv4=\"10.0.0.1\"/></service>\n");
    tree.write("/etc/firewalld/services/including.xml", "<?xml version=\"1.0\"?>\n<service><include service=\"http\"/><include service=\"including\"/><port port='99' protocol='tcp'/></service>\n");
    if dice.once_in(4) {
        tree.write(
            "/etc/firewalld/services/ssh.xml",
            "<service><port port=\"2222\" protocol=\"tcp\"/></service>\n",
        );
    }
    tree.write("/etc/firewalld/ipsets/friends.xml", dice.pick(&[
        "<ipset type=\"hash:net\">\n<entry>198.51.100.0/24</entry>\n<entry>203.0.113.9</entry></ipset>\n",
        "<ipset type=\"hash:ip\"><option name=\"family\" value=\"inet6\"/><entry>2001:db8::7</entry></ipset>\n",
        "<ipset type=\"hash:net\"><option name=\"timeout\" value=\"60\"/></ipset>\n",
    ]));
    let mut interfaces = vec!["eth0", "eth1", "wg+", "lo"];
    let mut sources = vec![
        "address=\"10.20.0.0/16\"",
        "address=\"2001:db8:5::/48\"",
        "ipset=\"friends\"",
        "address=\"192.0.2.77\"",
    ];
    for name in dice.subset(&["lab", "public", "work", "alpha"]) {
        let target = dice.pick(&[
            "",
            "",
            "",
            " target=\"ACCEPT\"",
            " target=\"DROP\"",
            " target=\"%%REJECT%%\"",
            " target=\"default\"",
        ]);
        let mut text = String::from(dice.pick(&[
            "",
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n",
            "<!-- a zone -->\n",
        ]));
        text += &format!("<zone{target}>\n  <short>a</short>\n");
        while dice.once_in(2) && !interfaces.is_empty() {
            text += &format!("  <interface name=\"{}\"/>\n", interfaces.remove(dice.below(interfaces.len())));
        }
        while dice.once_in(2) && !sources.is_empty() {
            text += &format!("  <source {}/>\n", sources.remove(dice.below(sources.len())));
        }
        let odd = odd && dice.once_in(2);
        text += &content(dice, false, odd);
        text += dice.pick(&["", "", "  <icmp-block-inversion/>\n"]);
        text += dice.pick(&["", "  <forward/>\n"]);
        tree.write(format!("/etc/firewalld/zones/{name}.xml"), format!("{text}</zone>\n"));
    }
    for name in dice.subset(&["first", "second"]) {
        let target = dice.pick(&["CONTINUE", "ACCEPT", "DROP", "REJECT"]);
        let priority = dice.pick(&["", " priority=\"-7\"", " priority=\"9\""]);
        let (from, to) = dice.pick(&[
            ("ANY", "HOST"),
            ("public", "HOST"),
            ("ANY", "ANY"),
            ("work", "ANY"),
            ("HOST", "ANY"),
        ]);
        let odd = odd && dice.once_in(4);
        let rules = content(dice, true, odd);
        let text = format!(
            "<policy target=\"{target}\"{priority}>\n<ingress-zone name=\"{from}\"/>\n<egress-zone name=\"{to}\"/>\n{rules}</policy>\n"
        );
        tree.write(format!("/etc/firewalld/policies/{name}.xml"), text);
    }
    tree
}

#[test]
fn firewalld_and_the_reader_load_the_same() {
    let Some(mut engine) = engine() else { return };
    let stock = stock();
    agree(MemoryTree::of(&[(SETTINGS, "DefaultZone=public\n")]), |tree| judge(&mut engine, &stock, tree));
    let tally = Differential::cases(6).run(generate, |tree| judge(&mut engine, &stock, tree));
    assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
}

#[test]
fn the_default_zone_decides_with_its_lines() {
    if !Path::new("/usr/lib/firewalld").exists() {
        return skip("firewalld is not installed");
    }
    let mut tree = stock();
    tree.write(SETTINGS, "# x\nDefaultZone=lab\n");
    let zone = "<zone>\n<port port=\"22022\" protocol=\"tcp\"/>\n</zone>\n";
    tree.write("/etc/firewalld/zones/lab.xml", zone);
    let rules = load(&tree);
    let at = |line| Location::line("/etc/firewalld/zones/lab.xml", line);
    assert_eq!(rules.reach(Protocol::Tcp, 22022, Family::V4), Reach::Open(at(2)));
    assert_eq!(rules.reach(Protocol::Tcp, 22, Family::V6), Reach::Closed(at(1)));
    assert_eq!(rules.input_default(Family::V6), Fate::Drop(at(1)));
    tree.write(SETTINGS, "DefaultZone=trusted\n");
    assert!(matches!(load(&tree).input_default(Family::V4), Fate::Accept(_)));
    tree.write(DIRECT, "<direct>\n<rule ipv=\"ipv4\"/></direct>");
    assert!(matches!(load(&tree).input_default(Family::V4), Fate::Unobserved(_)));
    tree.remove(PROGRAMS[0]);
    assert!(matches!(firewalld(tree.root()).unwrap(), Setup::Absent));
}

#[test]
fn hostile_xml_is_refused_quickly() {
    let mut tree = MemoryTree::new();
    tree.write(PROGRAMS[0], "");
    for text in [
        "<a>".repeat(100_000),
        format!("<zone>{}</zone>", "<port port=\"1-2\" protocol=\"tcp\"/>".repeat(100_000)),
        "<!DOCTYPE x [<!ENTITY a \"b\">]><zone>&a;</zone>".to_owned(),
        "\u{feff}<zone/>".to_owned(),
        "\0".to_owned(),
    ] {
        tree.write("/etc/firewalld/zones/public.xml", text);
        let rules = load(&tree);
        let _ = (rules.openings(), rules.input_default(Family::V4));
    }
}
