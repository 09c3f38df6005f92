//! The readers against each other by way of the real nft, the model against real packets.
//!
//! Everything that loads a rule set does so in a network namespace of its own.

use std::path::Path;
use std::process::{Command, Stdio};

use super::*;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, agree, skip};
use crate::location::Location;

pub(super) fn read(text: &str) -> RuleSet {
    let services = "ssh 22/tcp\ndomain 53/tcp\ndomain 53/udp\nhttp 80/tcp www\n";
    let tree = MemoryTree::of(&[("/etc/nftables.conf", text), ("/etc/services", services)]);
    nftables_file(tree.root(), "/etc/nftables.conf").unwrap().unwrap()
}

/// Whether this machine lets the test make network namespaces and load rules there.
pub(super) fn can_load() -> bool {
    let probe = ["-rn", "nft", "add", "table", "inet", "probe"];
    Command::new("unshare").args(probe).output().is_ok_and(|out| out.status.success())
}

/// Loads a text in a namespace of its own; what `nft -j list ruleset` says, or nft's complaint.
fn load(text: &str) -> Result<serde_json::Value, String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules");
    std::fs::write(&file, text).unwrap();
    let script = "nft -f \"$0\" && nft -j list ruleset";
    let out = Command::new("unshare").args(["-rn", "sh", "-c", script]).arg(&file).output().unwrap();
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned());
    }
    Ok(serde_json::from_slice(&out.stdout).unwrap())
}

/// Answers without places, which differ between a file and a listing.
pub(super) fn answers(rules: &RuleSet) -> String {
    let nowhere = Location::file("");
    let fate = |fate: Fate| match fate {
        Fate::Drop(_) => "drop".to_string(),
        Fate::Accept(_) => "accept".to_string(),
        other => format!("{other:?}"),
    };
    let mut text = String::new();
    for family in [Family::V4, Family::V6] {
        let input = fate(rules.input_default(family));
        text += &format!("{family:?}: input {input}, forward {}\n", fate(rules.forward_default(family)));
    }
    match rules.openings() {
        Ok(openings) => {
            let mut lines: Vec<String> = Vec::new();
            for opening in openings {
                lines.push(format!("{:?}", Opening { at: nowhere.clone(), ..opening }));
            }
            lines.sort();
            text += &lines.join("\n");
        }
        Err(unknown) => text += &format!("unknown: {}", unknown.len()),
    }
    text
}

const GOOD: &str = r#"#!/usr/sbin/nft -f
flush ruleset
define ADMIN = { 192.0.2.0/24, 198.51.100.7 }
table inet filter {
	set bad { type ipv4_addr; flags interval; elements = { 203.0.113.0/24 } }
	chain input {
		type filter hook input priority filter; policy drop;
		iif "lo" accept
		ct state vmap { established : accept, related : accept, invalid : drop }
		meta l4proto { icmp, icmpv6 } limit rate 10/second accept comment "ping"
		ip saddr @bad drop
		tcp dport 22 ip saddr $ADMIN counter accept
		tcp dport { 80, 443, 8000-8010 } accept
		udp dport 53 jump dns
		log prefix "dropped: " limit rate 3/minute
	}
	chain dns {
		ip6 saddr 2001:db8::/32 accept
		return
	}
	chain forward { type filter hook forward priority 0; policy drop; }
	chain output { type filter hook output priority 0; policy accept; }
}
"#;

#[test]
fn a_usual_rule_set_is_understood_with_its_lines() {
    let rules = read(GOOD);
    let at = |line| Location::line("/etc/nftables.conf", line);
    assert_eq!(rules.input_default(Family::V4), Fate::Drop(at(7)));
    assert_eq!(rules.forward_default(Family::V6), Fate::Drop(at(21)));
    assert_eq!(rules.reach(Protocol::Tcp, 8005, Family::V6), Reach::Open(at(13)));
    assert_eq!(rules.reach(Protocol::Tcp, 23, Family::V4), Reach::Closed(at(7)));
    let Reach::Partly(ssh) = rules.reach(Protocol::Tcp, 22, Family::V4) else { panic!("ssh") };
    assert_eq!(ssh[0].sources, Sources::Only(vec!["192.0.2.0/24".into(), "198.51.100.7".into()]));
    assert_eq!(ssh[0].at, at(12));
    assert_eq!(rules.reach(Protocol::Tcp, 22, Family::V6), Reach::Closed(at(7)));
    let Reach::Partly(dns) = rules.reach(Protocol::Udp, 53, Family::V6) else { panic!("dns") };
    assert_eq!(dns[0].sources, Sources::Only(vec!["2001:db8::/32".into()]));
    let Reach::Partly(web) = rules.reach(Protocol::Tcp, 80, Family::V4) else { panic!("web") };
    assert_eq!(
        web[0].sources,
        Sources::Only(vec!["0.0.0.0-203.0.112.255".into(), "203.0.114.0-255.255.255.255".into()])
    );
}

#[test]
fn each_way_of_opening_up_is_seen_and_mending_it_too() {
    assert!(matches!(read(GOOD).input_default(Family::V4), Fate::Drop(_)));
    for (from, to) in [
        ("policy drop;\n\t\tiif", "policy accept;\n\t\tiif"),
        ("iif \"lo\" accept", "iif != \"lo\" accept"),
        ("iif \"lo\" accept", "accept"),
        ("invalid : drop", "new : accept"),
        ("log prefix \"dropped: \" limit rate 3/minute", "accept comment \"all\""),
        ("log prefix \"dropped: \" limit rate 3/minute", "goto open\n}\nchain open { accept"),
        ("type filter hook input", "type filter hook output"),
        ("table inet filter {", "table inet filter {\nflags dormant"),
    ] {
        let bad = GOOD.replacen(from, to, 1);
        assert_ne!(bad, GOOD, "{from}");
        let fate = read(&bad).input_default(Family::V4);
        assert!(matches!(fate, Fate::Accept(_) | Fate::NoChain), "{to}: {fate:?}");
        assert_eq!(
            read(&bad.replacen(to, from, 1)).input_default(Family::V4),
            read(GOOD).input_default(Family::V4)
        );
    }
    assert_eq!(read("").input_default(Family::V6), Fate::NoChain);
    assert!(matches!(read("").reach(Protocol::Tcp, 1, Family::V6), Reach::Open(_)));
}

#[test]
fn every_chain_on_the_way_must_accept() {
    let second = "table ip late { chain c { type filter hook input priority 10; policy accept; tcp dport 80 drop; } }\n";
    let rules = read(&format!("{GOOD}{second}"));
    assert!(matches!(rules.reach(Protocol::Tcp, 80, Family::V4), Reach::Closed(_)));
    assert!(matches!(rules.reach(Protocol::Tcp, 80, Family::V6), Reach::Open(_)));
    let raw = "table inet raw { chain c { type filter hook prerouting priority raw; policy drop; } }";
    assert!(matches!(read(raw).reach(Protocol::Tcp, 80, Family::V4), Reach::Closed(_)));
}

#[test]
fn what_is_not_understood_is_never_an_answer() {
    for text in [
        "frobnicate",
        "tcp dport 22 acept",
        "tcp dport nosuchservice accept",
        "tcp dport 22 jump nowhere",
        "ip saddr example.org accept",
        "tcp dport $NONE accept",
        "tcp dport { 22, 80",
        "tcp dport & 1 == 1 accept",
        "tcp dport 22 queue num 1",
        "include \"/etc/nothing.nft\"",
        "ip saddr @absent drop",
    ] {
        let rules = read(&GOOD.replacen("iif \"lo\" accept", text, 1));
        assert!(matches!(rules.reach(Protocol::Tcp, 22, Family::V4), Reach::Unobserved(_)), "{text}");
    }
    let ingress = "table netdev x { chain c { type filter hook ingress device eth0 priority 0; drop; } }";
    assert!(matches!(read(ingress).input_default(Family::V4), Fate::Unobserved(_)));
}

#[test]
fn includes_variables_and_single_commands() {
    let tree = MemoryTree::of(&[
        (
            "/etc/nftables.conf",
            "flush ruleset\ninclude \"nftables.d/*.nft\"\ninclude \"/etc/absent/*.nft\"\n",
        ),
        (
            "/etc/nftables.d/10-a.nft",
            "define P = { 22, 80 }\nadd table inet f\nadd chain inet f i { type filter hook input priority 0; policy drop; }\n",
        ),
        (
            "/etc/nftables.d/20-b.nft",
            "add rule inet f i tcp dport { $P, 443 } accept\ninsert rule inet f i tcp dport 80 drop\n",
        ),
    ]);
    let rules = nftables_file(tree.root(), "/etc/nftables.conf").unwrap().unwrap();
    assert_eq!(
        rules.reach(Protocol::Tcp, 443, Family::V4),
        Reach::Open(Location::line("/etc/nftables.d/20-b.nft", 1))
    );
    assert_eq!(
        rules.reach(Protocol::Tcp, 80, Family::V6),
        Reach::Closed(Location::line("/etc/nftables.d/20-b.nft", 2))
    );
    let own = MemoryTree::of(&[("/etc/nftables.conf", "include \"/etc/nftables.conf\"\n")]);
    let rules = nftables_file(own.root(), "/etc/nftables.conf").unwrap().unwrap();
    assert!(matches!(rules.input_default(Family::V4), Fate::Unobserved(_)));
    assert!(nftables_file(MemoryTree::new().root(), "/etc/nftables.conf").unwrap().is_none());
}

#[test]
fn hostile_text_is_answered_quickly_and_without_panic() {
    let bomb: String = (0..40).map(|n| format!("define A{} = {{ $A{n}, $A{n} }}\n", n + 1)).collect();
    let jumps: String = (0..16)
        .map(|n| format!("chain c{n} {{ {} }}\n", format!("iifname e{n} jump c{}\n", n + 1).repeat(8)))
        .collect();
    for text in [
        format!(
            "define A0 = 1\n{bomb}table ip t {{ chain c {{ type filter hook input priority 0; tcp dport {{ $A40 }} accept; }} }}"
        ),
        format!(
            "table inet t {{ {jumps} chain c16 {{ accept; }} chain i {{ type filter hook input priority 0; jump c0; }} }}"
        ),
        "{".repeat(200_000),
        "}".repeat(200_000),
        "table t { chain c { ".repeat(20_000),
        "ip saddr . ".repeat(50_000),
        GOOD.replace('\n', "\r\n"),
        GOOD.replace(' ', "\0"),
        format!("table t {{ set s {{ type inet_service; elements = {{ {} }} }} }}", "1, ".repeat(200_000)),
    ] {
        let rules = read(&text);
        let _ = (rules.openings(), rules.input_default(Family::V4));
    }
    // nft refuses a file whose lines end in CR LF: nothing is known of such rules.
    let refused = read(&GOOD.replace('\n', "\r\n"));
    assert!(matches!(refused.input_default(Family::V4), Fate::Unobserved(_)));
}

/// A rule set of constructs in odd combinations; some nft refuses, and those are left out.
fn generate(dice: &mut Dice) -> String {
    let family = dice.pick(&["inet", "inet", "ip", "ip6"]);
    let mut text = String::new();
    let tables = dice.range(1..=2);
    for table in 0..tables {
        text += &format!("table {family} t{table} {{\n");
        text += "set ports { type inet_service; flags interval; elements = { 25, 110-143 } }\n";
        text +=
            "set v4 { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 172.16.0.1-172.16.0.9 } }\n";
        text += "map verdicts { type inet_service : verdict; elements = { 21 : drop, 23 : jump sub, 24 : accept } }\n";
        for chain in ["last", "sub", "input"] {
            text += &format!("chain {chain} {{\n");
            if chain == "input" {
                let policy = dice.pick(&["accept", "drop"]);
                let (hook, priority) = if dice.once_in(4) {
                    ("prerouting", "raw")
                } else {
                    ("input", dice.pick(&["0", "filter", "filter + 5", "-7"]))
                };
                text += &format!("type filter hook {hook} priority {priority}; policy {policy};\n");
            }
            for _ in 0..dice.below(6) {
                let targets: &[&str] = match chain {
                    "input" => &[
                        "accept",
                        "drop",
                        "jump sub",
                        "goto last",
                        "reject",
                        "return",
                        "counter",
                        "jump last",
                    ],
                    "sub" => &["accept", "drop", "jump last", "goto last", "return"],
                    _ => &["accept", "drop", "return"],
                };
                let target = dice.pick(targets);
                let matched = dice.pick(&[
                    "",
                    "tcp dport 22",
                    "tcp dport { 80, 443, 8000-8100 }",
                    "udp dport != 53",
                    "tcp dport @ports",
                    "tcp dport != { 1-1000 }",
                    "meta l4proto tcp th dport 5000-6000",
                    "meta l4proto { tcp, udp }",
                    "ct state new",
                    "ct state established,related",
                    "ct state invalid",
                    "ct state { new, established }",
                    "iif lo",
                    "iifname \"lo\"",
                    "iifname != \"lo\"",
                    "iifname { \"eth0\", \"eth1\" }",
                    "iifname \"eth*\"",
                    "limit rate 10/minute burst 3 packets",
                    "limit rate over 4/second",
                    "meta nfproto ipv4",
                    "tcp dport >= 1024",
                    "udp sport 67 udp dport 68",
                    "tcp flags syn",
                    "fib saddr type local",
                    "log prefix \"a b\" level info",
                    "tcp flags & (fin|syn) == syn",
                    "meta pkttype broadcast",
                    "ct state new tcp dport ssh",
                    "meta mark 7",
                    "tcp dport < 100",
                ]);
                let source = match (family, dice.below(5)) {
                    ("ip" | "inet", 0) => "ip saddr 192.0.2.0/24",
                    ("ip" | "inet", 1) => "ip saddr != { 10.1.0.0/16, 10.3.3.3 }",
                    ("ip" | "inet", 2) => "ip saddr @v4",
                    ("ip6" | "inet", 3) => "ip6 saddr { fe80::/10, 2001:db8::5 }",
                    ("ip6" | "inet", 4) => "icmpv6 type { echo-request, nd-neighbor-solicit }",
                    _ => "",
                };
                let maps = dice.below(8);
                text += &match maps {
                    0 if chain == "input" => {
                        "ct state vmap { established : accept, invalid : drop, new : jump sub }\n".to_string()
                    }
                    1 if chain == "input" => "tcp dport vmap @verdicts\n".to_string(),
                    2 if chain == "input" => {
                        "meta l4proto vmap { tcp : jump sub, udp : goto last, icmp : accept }\n".to_string()
                    }
                    3 if family != "ip6" => {
                        "ip saddr . tcp dport vmap { 10.9.9.9 . 2222 : accept, 10.9.9.8 . 33 : drop }\n"
                            .to_string()
                    }
                    _ => format!("{source} {matched} counter {target} comment \"x\"\n"),
                };
            }
            text += "}\n";
        }
        text += "}\n";
    }
    text
}

fn listing_agrees(text: &str) -> Verdict {
    // What nft refuses to load is nobody's rule set.
    let Ok(listing) = load(text) else { return Verdict::Unanswered };
    let (ours, theirs) = (answers(&read(text)), answers(&nftables_listing(&listing).unwrap()));
    match ours.contains("unknown") {
        true => Verdict::differ(format!("not understood:\n{ours}"), theirs),
        false if ours == theirs => Verdict::Agree,
        false => Verdict::differ(ours, format!("{theirs}\n{listing:#}")),
    }
}

#[test]
fn text_and_the_kernels_listing_give_the_same_answers() {
    if !can_load() {
        return skip("no network namespace or no nft here");
    }
    agree(GOOD.to_owned(), |text| listing_agrees(text));
    agree("table ip x\ndelete table ip x\n".to_owned(), |text| listing_agrees(text));
    Differential::cases(320).run(generate, |text| listing_agrees(text));
}

/// Tries ports from a second namespace over a veth pair; prints `port open` or `port closed`.
const PROBE: &str = r#"
set -e
ip link set lo up
ip link add inside type veth peer name outside
unshare -n sleep 30 & peer=$!
trap 'kill $peer $server' EXIT
own=$(readlink /proc/$$/ns/net)
while [ "$(readlink /proc/$peer/ns/net)" = "$own" ]; do sleep 0.02; done
ip link set outside netns $peer
ip addr add 10.77.0.1/24 dev inside; ip link set inside up
nsenter -t $peer -n sh -c 'ip addr add 10.77.0.2/24 dev outside; ip link set outside up'
nft -f "$0"
rm -f "$0.ready"
python3 - "$0.ready" <<'PY' & server=$!
import select, socket, sys
listening = []
for port in (22, 25, 80, 120, 443, 2222, 5500, 8050, 9000):
    s = socket.socket(); s.bind(("0.0.0.0", port)); s.listen(5); listening.append(s)
open(sys.argv[1], "w").close()
while True:
    for s in select.select(listening, [], [])[0]: s.accept()[0].close()
PY
while [ ! -e "$0.ready" ]; do sleep 0.02; done
nsenter -t $peer -n python3 - <<'PY'
import errno, selectors, socket, time
ports, chosen, waiting = (22, 25, 80, 120, 443, 2222, 5500, 8050, 9000), selectors.DefaultSelector(), {}
for port in ports:
    s = socket.socket(); s.setblocking(False); s.connect_ex(("10.77.0.1", port))
    chosen.register(s, selectors.EVENT_WRITE, port); waiting[port] = s
end, opened = time.time() + 1, set()
while waiting and time.time() < end:
    for key, _ in chosen.select(0.1):
        if key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0: opened.add(key.data)
        chosen.unregister(key.fileobj); waiting.pop(key.data)
for port in ports: print(port, "open" if port in opened else "closed")
PY
"#;

/// The state of each port: `open` or `closed`.
fn probe(rules: &Path) -> Option<Vec<(u16, String)>> {
    let mut command = Command::new("unshare");
    command.args(["-n", "timeout", "30", "sh", "-c", PROBE]).arg(rules).stderr(Stdio::null());
    let text = String::from_utf8(command.output().ok()?.stdout).ok()?;
    let line = |line: &str| {
        let (port, state) = line.split_once(' ')?;
        Some((port.parse().ok()?, state.to_owned()))
    };
    let found: Vec<(u16, String)> = text.lines().filter_map(line).collect();
    (!found.is_empty()).then_some(found)
}

/// What the model says of a port: `open` or `closed`; `None` where that depends on more than the
/// port.
fn modelled(rules: &RuleSet, port: u16) -> Option<String> {
    match rules.reach(Protocol::Tcp, port, Family::V4) {
        Reach::Open(_) => Some("open".to_owned()),
        Reach::Closed(_) => Some("closed".to_owned()),
        Reach::Partly(_) => None,
        Reach::Unobserved(what) => Some(format!("{what:?}")),
    }
}

#[test]
fn real_packets_agree_with_the_model() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules");
    let ask = |text: &str| {
        std::fs::write(&file, text).unwrap();
        probe(&file)
    };
    if ask("").is_none() {
        return skip("no network namespaces, or no python3, here");
    }
    let (mut open, mut closed) = (0, 0);
    let judge = |text: &String| {
        let Some(mut found) = ask(text) else { return Verdict::Unanswered };
        let rules = read(text);
        found.retain(|(port, _)| modelled(&rules, *port).is_some());
        let model = found.iter().map(|(port, _)| (*port, modelled(&rules, *port).unwrap_or_default()));
        open += found.iter().filter(|(_, state)| state == "open").count();
        closed += found.iter().filter(|(_, state)| state == "closed").count();
        Verdict::same(&model.collect(), &found)
    };
    Differential::cases(24).at_most(500).from(10_000).run(generate, judge);
    assert!(open > 10 && closed > 10, "{open} open, {closed} closed: too few to mean anything");
}
