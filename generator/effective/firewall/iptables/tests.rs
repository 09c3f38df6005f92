//! The reader against iptables-restore, by way of what nft lists of the rules that it loaded.
//!
//! The listing goes through nftables' own reader, which is held against real packets.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use super::super::ranges::port_list;
use super::super::tests::{answers, can_load, read};
use super::super::*;
use super::iptables_file;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, agree, program, skip};
use crate::location::Location;

/// Options that iptables-restore knows and the reader says it does not.
const NOT_KNOWN: [&str; 5] = ["--sourc ", "-s10", "--src=", "-j CT --notrack", "-m bpf"];

const MARK_OF_V6: &str = "# ip6tables\n";

/// What the reader makes of a text; its first line says the family.
fn ours(text: &str) -> RuleSet {
    let services = std::fs::read_to_string("/etc/services").unwrap_or_default();
    let protocols = std::fs::read_to_string("/etc/protocols").unwrap_or_default();
    let tree =
        MemoryTree::of(&[("/etc/rules", text), ("/etc/services", &services), ("/etc/protocols", &protocols)]);
    let family = if text.starts_with(MARK_OF_V6) { Family::V6 } else { Family::V4 };
    iptables_file(tree.root(), "/etc/rules", family).unwrap().unwrap()
}

/// What nft lists after iptables-restore; `None` where that refuses the text.
fn theirs(text: &str) -> Option<String> {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("rules");
    std::fs::write(&file, text).unwrap();
    let restore = if text.starts_with(MARK_OF_V6) { "ip6tables-nft-restore" } else { "iptables-nft-restore" };
    let script = format!("{restore} < \"$0\" && nft list ruleset");
    let mut command = Command::new("unshare");
    command.args(["-rn", "sh", "-c", &script]).arg(&file).stderr(Stdio::null());
    let out = command.output().unwrap();
    out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
}

/// Answers in which each program's own words for a condition are one.
fn neutral(rules: &RuleSet) -> String {
    const NFT: [(&str, &str); 16] = [
        ("mark ", "mark"),
        ("length ", "length"),
        ("ip ttl ", "ttl"),
        ("ip6 hoplimit ", "hl"),
        ("ether saddr ", "mac"),
        ("pkttype ", "pkttype"),
        ("ct status", "conntrack"),
        ("ct original ", "conntrack"),
        ("ip dscp ", "dscp"),
        ("ip6 dscp ", "dscp"),
        ("fib daddr type ", "addrtype"),
        ("fib saddr type ", "addrtype"),
        ("fib oif", "rpfilter"),
        ("ct mark ", "connmark"),
        ("hour ", "time"),
        ("day ", "time"),
    ];
    let one = |condition: &str| -> String {
        if let Some(rest) = condition.strip_prefix("match ") {
            return format!("match {}", rest.split(' ').next().unwrap_or_default());
        }
        if let Some(name) = condition.strip_prefix("day xt-") {
            return format!("match {name}");
        }
        // Types of ICMPv6 without a name in iptables 1.8 are listed as a match.
        if let Some(kind) = condition.strip_prefix("icmpv6 type ")
            && (kind.starts_with(|c: char| c.is_ascii_digit())
                || kind.starts_with("ind-")
                || kind.starts_with("mld"))
        {
            return "match icmp6".to_owned();
        }
        // nft says some codes of ICMP by name.
        if let Some((kind, _)) = condition.split_once(" code ") {
            return format!("{kind} code");
        }
        match NFT.iter().find(|(start, _)| condition.starts_with(start)) {
            Some((_, name)) => format!("match {name}"),
            None => condition.to_owned(),
        }
    };
    let condition = |condition: &String| match condition.strip_prefix("not ") {
        Some(rest) => {
            let mut parts: Vec<String> = rest.split(", ").map(one).collect();
            parts.sort();
            parts.dedup();
            format!("not {}", parts.join(", "))
        }
        None => one(condition),
    };
    let fate = |fate: Fate| match fate {
        Fate::Drop(_) => "drop".to_owned(),
        Fate::Accept(_) | Fate::NoChain => "accept".to_owned(),
        Fate::Unobserved(_) => "unknown".to_owned(),
    };
    let mut lines = Vec::new();
    for family in [Family::V4, Family::V6] {
        lines.push(format!("{family:?} input {}", fate(rules.input_default(family))));
        lines.push(format!("{family:?} forward {}", fate(rules.forward_default(family))));
    }
    match rules.openings() {
        Err(unknown) => lines.push(format!("unknown: {unknown:?}")),
        Ok(openings) => {
            // In common words, an opening may be part of another one, which says it all.
            let mut said: Vec<Opening> = Vec::new();
            for mut opening in openings {
                opening.conditions = opening.conditions.iter().map(condition).collect();
                opening.conditions.sort();
                opening.conditions.dedup();
                if !said.iter().any(|other| is_part(&opening, other)) {
                    said.retain(|other| !is_part(other, &opening));
                    said.push(opening);
                }
            }
            // Where a listing has a rule for each port, a file may have a line for several.
            let mut ports: BTreeMap<(String, String), Vec<(u128, u128)>> = BTreeMap::new();
            for Opening { protocol, family, sources, conditions, ports: span, .. } in said {
                let what = (format!("{protocol:?}"), format!("{family:?} {sources:?} {conditions:?}"));
                let (first, last) = span.unwrap_or_default();
                ports.entry(what).or_default().push((u128::from(first), u128::from(last)));
            }
            let mut protocols: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for ((protocol, what), ports) in ports {
                let line = format!("{what}: {}", port_list(&Ranges::of(ports)));
                protocols.entry(protocol).or_default().push(line);
            }
            // A protocol that some rule names without consequence fares like all others.
            let other = protocols.get("Other").cloned().unwrap_or_default();
            protocols.retain(|protocol, ways| protocol == "Other" || *ways != other);
            lines.extend(protocols.into_iter().map(|(protocol, ways)| format!("{protocol} {ways:#?}")));
        }
    }
    lines.sort();
    lines.dedup();
    lines.join("\n")
}

/// Whether all that one opening lets in comes in by another one too.
fn is_part(inner: &Opening, outer: &Opening) -> bool {
    (inner.protocol, inner.family, inner.ports) == (outer.protocol, outer.family, outer.ports)
        && (inner.sources == outer.sources || outer.sources == Sources::Any)
        && outer.conditions.iter().all(|condition| inner.conditions.contains(condition))
}

/// Whether a rule set says what nft's listing says.
pub(in super::super) fn same_answers(ours: &RuleSet, listing: &str) -> Verdict {
    let (said, listed) = (neutral(ours), neutral(&read(listing)));
    match said == listed {
        true => Verdict::Agree,
        false => Verdict::differ(said, format!("{listed}\n{listing}")),
    }
}

/// nft's listing in words that nft itself would load: matches of iptables are shown by name only.
pub(in super::super) fn loadable(listing: &str) -> String {
    let mut text = String::new();
    for line in listing.lines() {
        let mut rest = line;
        // hashlimit by source is listed as a meter.
        if let Some((before, after)) = rest.split_once("meter ")
            && let Some((_, after)) = after.split_once('}')
        {
            text += &format!("{before}meta day \"xt-hashlimit\"");
            rest = after;
        }
        while let Some((before, after)) = rest.split_once("xt match ") {
            let name = after.split(' ').next().unwrap_or_default();
            text += &format!("{before}meta day \"xt-{name}\"");
            rest = &after[name.len()..];
        }
        text += rest;
        text.push('\n');
    }
    let text = text.replace("fib daddr type { local, broadcast }", "meta day \"xt-addrtype\"");
    text.replace("ct status counter", "ct status dnat counter").replace("log level audit", "log")
}

fn judge(text: &str) -> Verdict {
    let rules = ours(text);
    let refused = rules.unknown.iter().any(|u| u.text.starts_with("iptables-restore refuses"));
    let Some(listing) = theirs(text) else {
        return match rules.unknown.is_empty() {
            true => Verdict::differ("accepted", "refused"),
            false => Verdict::Refuse,
        };
    };
    if refused {
        return Verdict::differ(format!("{:?}", rules.unknown), "accepted");
    }
    if neutral(&rules).contains("unknown") && NOT_KNOWN.iter().any(|word| text.contains(word)) {
        return Verdict::Agree;
    }
    // nft 1.0 lists neither the ranges nor the negation of these.
    if text.contains("--ports ") {
        return Verdict::Agree;
    }
    same_answers(&rules, &loadable(&listing))
}

/// A file of usual and odd lines.
fn generate(dice: &mut Dice) -> String {
    let (v6, odd) = (dice.once_in(3), dice.once_in(4));
    let mut text = if v6 { MARK_OF_V6.to_owned() } else { "# Generated by iptables-save\n".to_owned() };
    let tables: &[&str] = dice.pick(&[
        &["filter"] as &[&str],
        &["filter"],
        &["raw", "filter"],
        &["mangle", "filter", "security"],
        &["nat", "filter"],
    ]);
    for table in tables {
        text += dice.pick(&["*", "*", "*", "* "]);
        text += table;
        text += dice.pick(&["\n", "\n", " \n", "\t x\n"]);
        let chains: &[&str] = match *table {
            "raw" => &["PREROUTING"],
            "nat" => &["PREROUTING", "INPUT"],
            _ => &["INPUT", "FORWARD"],
        };
        for chain in chains {
            if !dice.once_in(5) {
                let policy = dice.pick(&["ACCEPT", "DROP", "DROP"]);
                let policy = if *table == "nat" { "ACCEPT" } else { policy };
                let counters = dice.pick(&["[0:0]", "[12:3456]", "", "- x"]);
                text += &format!(":{chain}{}{policy} {counters}\n", dice.pick(&[" ", "\t", "  "]));
            }
        }
        text += ":last - [0:0]\n:sub - [0:0]\n";
        for _ in 0..dice.below(9) {
            let chain = match dice.below(4) {
                0 => "last",
                1 => "sub",
                _ => dice.pick(chains),
            };
            text += &rule(dice, table, chain, v6, odd);
        }
        text += dice.pick(&["COMMIT\n", "COMMIT\n", "COMMIT\n", "\n# done\nCOMMIT\n"]);
    }
    match if odd { dice.below(20) } else { 6 } {
        0 => text.replace('\n', "\r\n"),
        1 => format!("\u{feff}{text}"),
        2 => text.trim_end().to_owned(),
        3 => text.replacen("COMMIT", "COMMIT ", 1),
        4 => text.replacen("COMMIT\n", "", 1),
        5 => text.replacen(":last", ": last", 1),
        _ => text,
    }
}

/// Of two lists: what iptables takes, and, in an odd file, what it refuses.
fn usual_or_odd(dice: &mut Dice, odd_file: bool, usual: &[&'static str], odd: &[&'static str]) -> String {
    if odd_file && dice.once_in(8) { dice.pick(odd) } else { dice.pick(usual) }.to_owned()
}

fn rule(dice: &mut Dice, table: &str, chain: &str, v6: bool, odd: bool) -> String {
    let order = match dice.below(12) {
        0 => format!("-I {chain}"),
        1 => format!("-I {chain} 1"),
        2 => format!("--append {chain}"),
        3 => format!("[3:4] -A {chain}"),
        4 => format!("-A{chain}"),
        _ => format!("-A {chain}"),
    };
    let mut words = vec![order];
    if dice.once_in(3) {
        let (usual, strange): (&[&str], &[&str]) = match v6 {
            false => (
                &[
                    "-s 192.0.2.0/24",
                    "! -s 10.0.0.0/255.0.0.0",
                    "--source 10.1.2.3,10.9.0.0/16",
                    "-s 0.0.0.0/0",
                    "-d 192.0.2.7",
                    "! -d 224.0.0.0/4",
                    "-d 10.0.0.1,10.0.0.2 -s 10.7.0.0/16,10.8.0.1",
                    "-m iprange --src-range 10.0.0.1-10.0.0.9",
                    "-m iprange ! --src-range 10.0.0.1-10.0.0.9",
                    "-m iprange --dst-range 10.0.0.1-10.0.0.9",
                    "-4 -s 10.0.0.3",
                    "-6 -s fe80::1",
                ],
                &[
                    "-s10.0.0.1/32",
                    "--src=172.16.0.0/12",
                    "-s 1.2.3.4/33",
                    "! -s 10.0.0.1,10.0.0.2",
                    "--sourc 10.0.0.4",
                ],
            ),
            true => (
                &[
                    "-s 2001:db8::/32",
                    "! -s fe80::/10",
                    "-s ::/0",
                    "-d ff02::1",
                    "-s 2001:db8::1,2001:db8::2",
                    "-m iprange --src-range 2001:db8::1-2001:db8::9",
                    "-4 -s 10.0.0.1",
                    "-s fe80::/ffff::",
                ],
                &["-s 10.0.0.1"],
            ),
        };
        words.push(usual_or_odd(dice, odd, usual, strange));
    }
    if dice.once_in(4) {
        let through = usual_or_odd(
            dice,
            odd,
            &["-i lo", "! -i lo", "-i eth0", "! -i eth+", "-i eth+", "-i +", "--in-interface wg0", "-i lo+"],
            &["-o eth1", "-i ! eth0", "-i averylonginterfacename"],
        );
        words.push(through);
    }
    let common = usual_or_odd(
        dice,
        odd,
        &[
            "",
            "-p tcp --dport 22",
            "-p tcp -m tcp --dport 22:80",
            "-p tcp ! --dport 1024:",
            "-p tcp --dport :100",
            "-p udp -m udp --sport 53 --dport 1024:65535",
            "-p udp --dport domain",
            "-p tcp --dport ssh",
            "-p tcp -m multiport --dports 22,80:90,https",
            "-p udp -m multiport ! --dports 53,67:68",
            "-p tcp -m multiport --sports 1000:2000,3000",
            "-p tcp -m multiport --ports 4000,5000:5010",
            "-p tcp --syn",
            "-p tcp ! --syn",
            "-p tcp --tcp-flags ALL NONE",
            "-p tcp --tcp-flags SYN,RST SYN",
            "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN -m conntrack --ctstate NEW",
            "-m conntrack --ctstate RELATED,ESTABLISHED",
            "-m state --state NEW -p tcp --dport 25",
            "-m conntrack ! --ctstate NEW",
            "-m conntrack --ctstate est,inv",
            "-m conntrack --ctstate DNAT",
            "-m conntrack --ctstate NEW,UNTRACKED",
            "-p 6 --dport 443",
            "! -p tcp",
            "-p 47",
            "-p esp",
            "-p gre",
            "-p sctp --dport 5000",
            "-p udplite --dport 7",
            "-p TCP --dport 5432",
            "-m limit --limit 3/min --limit-burst 10",
            "-m hashlimit --hashlimit-upto 5/sec --hashlimit-name h --hashlimit-mode srcip",
            "-m recent --name x --rcheck --seconds 60",
            "-m connlimit --connlimit-above 3",
            "-m mark --mark 0x1/0x3",
            "-m mark ! --mark 7",
            "-m mac --mac-source 00:11:22:33:44:55",
            "-m pkttype --pkt-type broadcast",
            "-m addrtype --dst-type LOCAL",
            "-m addrtype ! --dst-type LOCAL",
            "-m addrtype --dst-type BROADCAST",
            "-m addrtype --dst-type LOCAL,BROADCAST",
            "-m length --length 10:100",
            "-m comment --comment \"a \\\"quoted\\\" text -j ACCEPT\"",
            "-m comment --comment plain",
            "-p tcp --dport=8080",
            "-c 5 6 -p udp --dport 99",
        ],
        &[
            "-p tcp --dport nosuchservice",
            "-p all -m multiport --dports 22",
            "-m state --state FRESH",
            "-p nosuchprotocol",
            "-m comment",
            "-m tcp --dport 22",
            "--dport 22 -p tcp",
            "-p tcp -p udp",
            "-p tcp --dport 90:80",
            "-p tcp --dport 70000",
            "-p tcp --dport 22 --dport 23",
            "-m nosuchmatch --x 1",
        ],
    );
    let (usual, strange): (&[&str], &[&str]) = match v6 {
        false => (
            &[
                "-p icmp --icmp-type 8",
                "-p icmp -m icmp --icmp-type echo-request",
                "-p icmp --icmp-type 3/4",
                "-p icmp ! --icmp-type redirect",
                "-p icmp --icmp-type any",
                "-p icmp --icmp-type ping",
                "-f",
                "! -f",
                "-m ttl --ttl-lt 4",
                "-p icmp",
            ],
            &["-p icmp --icmp-type echo-re"],
        ),
        true => (
            &[
                "-p icmpv6 --icmpv6-type echo-request",
                "-p ipv6-icmp -m icmp6 --icmpv6-type 135",
                "-p icmpv6 --icmpv6-type neighbour-solicitation -m hl --hl-eq 255",
                "-p ipv6-icmp ! --icmpv6-type 1/3",
                "-p ipv6-icmp",
            ],
            &["-m icmp --icmp-type 8", "-f"],
        ),
    };
    let own = usual_or_odd(dice, odd, usual, strange);
    words.push(if dice.once_in(6) { own } else { common });
    let target: &[&str] = match (table, chain) {
        ("nat", _) => &["ACCEPT", "RETURN", "LOG", "sub"],
        (_, "last") => &["ACCEPT", "DROP", "RETURN", "MARK --set-mark 1", "LOG --log-prefix \"a b \""],
        (_, "sub") => &["ACCEPT", "DROP", "last", "RETURN", "NFLOG --nflog-group 2"],
        _ => &["ACCEPT", "ACCEPT", "DROP", "sub", "last", "RETURN", "LOG --log-level 4"],
    };
    match dice.below(14) {
        0 => {}
        5 if odd => {
            words.push(dice.pick(&["-j nochain", "-j INPUT", "-g nochain", "-jDROP", "-j"]).to_owned())
        }
        1 if chain != "last" => words.push("-g last".to_owned()),
        2 if table == "filter" => words.push(
            "-j REJECT --reject-with tcp-reset"
                .replace("tcp-reset", if v6 { "icmp6-adm-prohibited" } else { "icmp-host-prohibited" }),
        ),
        3 => words.push(format!("--jump {}", dice.pick(target))),
        4 if table == "raw" => words.push("-j CT --notrack".to_owned()),
        _ => words.push(format!("-j {}", dice.pick(target))),
    }
    let words: Vec<&str> = words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
    let gap = dice.pick(&[" ", " ", " ", "  ", "\t"]);
    let end = dice.pick(&["\n", "\n", "\n", " \n", " # no comment\n"]);
    format!("{}{}", words.join(gap), if dice.once_in(8) { end } else { "\n" })
}

#[test]
fn iptables_restore_and_the_reader_say_the_same() {
    if program("iptables-nft-restore").is_none() {
        return;
    }
    if !can_load() {
        return skip("no network namespace or no nft here");
    }
    agree("*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n".to_owned(), |text| judge(text));
    let tally = Differential::cases(100).run(generate, |text| judge(text));
    assert!(tally.agreed * 2 > tally.refused, "one-sided cases: {tally}");
}

#[test]
fn places_policies_and_partial_loads() {
    let at = |line| Location::line("/etc/rules", line);
    let rules = ours(
        "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n-A INPUT -m state --state ESTABLISHED -j ACCEPT\n\
         -A INPUT -p tcp -m multiport --dports 22,80 -j ACCEPT\n-A INPUT -s 10.0.0.0/8 -p tcp --dport 25 -j ACCEPT\n\
         COMMIT\n",
    );
    assert_eq!(rules.input_default(Family::V4), Fate::Drop(at(2)));
    assert_eq!(rules.input_default(Family::V6), Fate::NoChain);
    assert_eq!(rules.reach(Protocol::Tcp, 80, Family::V4), Reach::Open(at(5)));
    let Reach::Partly(mail) = rules.reach(Protocol::Tcp, 25, Family::V4) else { panic!("mail") };
    assert_eq!(mail[0].sources, Sources::Only(vec!["10.0.0.0/8".into()]));
    let half = ours("*filter\n:INPUT DROP\nCOMMIT\n*filter\n-A INPUT -j\nCOMMIT\n");
    assert!(matches!(half.input_default(Family::V4), Fate::Unobserved(_)));
    assert_eq!(half.tables.len(), 1);
    assert!(answers(&ours("")).contains("NoChain"));
}

#[test]
fn either_port_is_the_destinations_or_the_sources() {
    let rules = |sign: &str| {
        ours(&format!(
            "*filter\n:INPUT DROP\n-A INPUT -p tcp -m multiport {sign}--ports 22,80:90 -j ACCEPT\nCOMMIT\n"
        ))
    };
    assert!(matches!(rules("").reach(Protocol::Tcp, 85, Family::V4), Reach::Open(_)));
    let Reach::Partly(by_source) = rules("").reach(Protocol::Tcp, 25, Family::V4) else { panic!("source") };
    assert_eq!(by_source[0].conditions, ["tcp sport 22, 80-90"]);
    assert!(matches!(rules("! ").reach(Protocol::Tcp, 85, Family::V4), Reach::Closed(_)));
    let Reach::Partly(neither) = rules("! ").reach(Protocol::Tcp, 25, Family::V4) else { panic!("neither") };
    assert_eq!(neither[0].conditions, ["tcp sport != 22, 80-90"]);
}

#[test]
fn hostile_files_end_quickly() {
    let chains: String = (0..3000).map(|n| format!(":c{n} - [0:0]\n-A c{n} -j DROP\n")).collect();
    for text in [
        "*filter\n:INPUT DROP\nCOMMIT\n".repeat(50_000),
        format!("*filter\n{}COMMIT\n", "-I INPUT -j DROP\n".repeat(100_000)),
        format!("*filter\n-A INPUT -j DROP\n{}COMMIT\n", "-I INPUT 2 -j DROP\n".repeat(100_000)),
        format!("*filter\n{chains}COMMIT\n"),
        format!(
            "*filter\n-A INPUT -s {} -d {} -j DROP\nCOMMIT\n",
            "1.1.1.1,".repeat(900),
            "2.2.2.2,".repeat(900)
        ),
        "*filter\n:a -\n:b -\n-A a -j b\n-A b -j a\nCOMMIT\n".to_owned(),
        "*filter\n-A INPUT \"".to_owned() + &"x".repeat(100_000),
        "\0".repeat(1000),
    ] {
        let rules = ours(&text);
        let _ = (rules.openings(), rules.input_default(Family::V4));
    }
}
