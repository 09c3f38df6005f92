//! The firewall, servers and logs that leave the machine.

use super::{Maker, file};
use crate::sensitivity::mutant::{Effect, Mutant, Operator};
use crate::tree::Edit;

/// The plan's rules of the firewall, as both kinds that read them see changes: the one wants
/// packets dropped and services let in, the other no port open but theirs.
pub fn firewall(make: &Maker<'_>) -> Vec<Mutant> {
    let path = make.base.plan.distro.paths["firewall"].as_str();
    let port = make.json("ssh_port").as_u64().unwrap();
    let all_open = || vec![Effect::Kind("firewall", None), Effect::Kind("ports", None)];
    let replaced = |from: &str, to: &str| vec![make.replace(path, from, to)];
    if make.item.kind == "firewall" {
        let (input, forward) =
            ("hook input priority filter; policy drop;", "hook forward priority filter; policy drop;");
        let opening = format!("tcp dport {port} accept");
        let open = |hook: &str| hook.replace("drop", "accept");
        let table = |text: &str| {
            let table = format!(
                "table inet other {{\n\tchain input {{\n\t\ttype filter hook input priority -10; policy accept;\n\t\t{text}\n\t}}\n}}\n"
            );
            vec![make.append(path, &table)]
        };
        let mut all = vec![
            make.mutant(
                Operator::Alter,
                "input lets everything in",
                replaced(input, &open(input)),
                all_open(),
            ),
            make.wins(Operator::Alter, "forward lets everything through", replaced(forward, &open(forward))),
            make.mutant(
                Operator::Comment,
                "input hangs on no hook",
                replaced(&format!("type filter {input}"), &format!("# {input}")),
                all_open(),
            ),
            make.wins(
                Operator::Comment,
                "forward hangs on no hook",
                replaced(&format!("type filter {forward}"), &format!("# {forward}")),
            ),
            make.wins(Operator::Comment, "SSH is not let in", replaced(&opening, &format!("# {opening}"))),
            make.wins(
                Operator::ShadowWins,
                "another table drops SSH first",
                table(&format!("tcp dport {port} drop")),
            ),
            make.wins(
                Operator::Alter,
                "SSH is let in from one network only",
                replaced(&opening, &format!("ip saddr 192.0.2.0/24 {opening}")),
            ),
            make.mutant(
                Operator::ShadowWins,
                "everything is accepted first",
                replaced("\t\tiifname \"lo\" accept", "\t\taccept"),
                all_open(),
            ),
            make.mutant(
                Operator::ShadowWins,
                "the rules are flushed at the end",
                vec![make.append(path, "flush ruleset\n")],
                all_open(),
            ),
            make.loses(Operator::ShadowLoses, "another table accepts", table("tcp dport 8080 accept")),
            make.loses(
                Operator::ShadowLoses,
                "a file that nothing includes",
                vec![file("/etc/nftables.d/open.nft", 0o644, "flush ruleset\n")],
            ),
            make.loses(Operator::Tabs, "tabs in a rule", replaced(&opening, &opening.replace(' ', "\t"))),
            make.loses(
                Operator::Trailing,
                "blanks at a rule's end",
                replaced(&opening, &format!("{opening}  ")),
            ),
            make.mutant(
                Operator::Case,
                "a rule in capital letters",
                replaced(&opening, &opening.to_ascii_uppercase()),
                vec![Effect::Refused("nft")],
            ),
        ];
        all.push(make.mutant(
            Operator::Delete,
            "the file's table is not made",
            vec![make.put(path, "#!/usr/sbin/nft -f\n")],
            all_open(),
        ));
        return all;
    }
    let rule = |text: &str| vec![make.append(path, &format!("add rule inet ironseed input {text}\n"))];
    vec![
        make.wins(Operator::Second, "one more port", rule("tcp dport 8080 accept")),
        make.wins(Operator::Second, "a set of ports", rule("udp dport { 161, 1024-2048 } accept")),
        make.wins(Operator::Second, "a port for some", rule("ip saddr 192.0.2.0/24 tcp dport 8080 accept")),
        make.wins(Operator::Second, "a whole protocol", rule("meta l4proto udp accept")),
        make.loses(Operator::Comment, "one more port in a comment", rule("counter # tcp dport 8080 accept")),
        make.loses(Operator::ShadowLoses, "one more rule that drops", rule("tcp dport 8080 drop")),
        make.loses(Operator::ShadowLoses, "SSH's port once more", rule(&format!("tcp dport {port} accept"))),
    ]
}

fn program(path: &str) -> Edit {
    file(path, 0o755, "\x7fELF")
}

pub fn server_scope(make: &Maker<'_>) -> Vec<Mutant> {
    let with = |path: &str, files: &[(&str, &str)]| {
        let files = files.iter().map(|(path, text)| file(path, 0o644, text));
        std::iter::once(program(path)).chain(files).collect::<Vec<_>>()
    };
    let wins = |name: &str, edits| make.wins(Operator::Second, name, edits);
    let loses = |name: &str, edits| make.loses(Operator::ShadowLoses, name, edits);
    const SMTP: &str = "smtp inet n - y - - smtpd\n";
    match make.field("role") {
        "mail" => {
            let postfix = |interfaces: &str| {
                with(
                    "/usr/sbin/postfix",
                    &[("/etc/postfix/main.cf", interfaces), ("/etc/postfix/master.cf", SMTP)],
                )
            };
            let exim = |interfaces: &str| {
                with("/usr/sbin/exim4", &[("/etc/exim4/update-exim4.conf.conf", interfaces)])
            };
            vec![
                wins("postfix on all interfaces", postfix("inet_interfaces = all\n")),
                wins("postfix as it comes", postfix("")),
                wins("exim on all interfaces", exim("dc_local_interfaces=''\n")),
                loses("postfix on loopback", postfix("inet_interfaces = loopback-only\n")),
                loses("exim on loopback", exim("dc_local_interfaces='127.0.0.1 ; ::1'\n")),
            ]
        }
        "dns" => {
            let unbound = |text: &str| with("/usr/sbin/unbound", &[("/etc/unbound/unbound.conf", text)]);
            let named = |text: &str| with("/usr/sbin/named", &[("/etc/bind/named.conf", text)]);
            let resolved = |path: &str, text: &str| vec![file(path, 0o644, text)];
            let stub = "[Resolve]\nDNSStubListenerExtra=0.0.0.0\n";
            vec![
                wins(
                    "unbound for anybody",
                    unbound("server:\n  interface: 0.0.0.0\n  access-control: 0.0.0.0/0 allow\n"),
                ),
                wins("bind for anybody", named("options { recursion yes; allow-recursion { any; }; };\n")),
                make.wins(
                    Operator::ShadowWins,
                    "the resolver's stub for anybody",
                    resolved("/etc/systemd/resolved.conf.d/zz.conf", stub),
                ),
                loses("unbound on loopback", unbound("server:\n  interface: 127.0.0.1\n")),
                loses("bind without recursion", named("options { recursion no; };\n")),
                make.loses(
                    Operator::Comment,
                    "the resolver's stub in a comment",
                    resolved(
                        "/etc/systemd/resolved.conf.d/zz.conf",
                        "[Resolve]\n#DNSStubListenerExtra=0.0.0.0\n",
                    ),
                ),
                loses(
                    "the resolver's stub in a file that it passes over",
                    resolved("/etc/systemd/resolved.conf.d/zz.bak", stub),
                ),
            ]
        }
        "ntp" => {
            let chrony = |text: &str| with("/usr/sbin/chronyd", &[("/etc/chrony/chrony.conf", text)]);
            vec![
                wins("chrony for anybody", chrony("pool time.example iburst\nallow all\n")),
                wins(
                    "ntpd without restrictions",
                    with("/usr/sbin/ntpd", &[("/etc/ntp.conf", "server time.example iburst\n")]),
                ),
                loses("chrony as a client", chrony("pool time.example iburst\n")),
                make.loses(
                    Operator::Comment,
                    "chrony with a commented line",
                    chrony("pool time.example iburst\n#allow all\n"),
                ),
            ]
        }
        other => panic!("no server plays `{other}`"),
    }
}

pub fn log_transport(make: &Maker<'_>) -> Vec<Mutant> {
    let rsyslog = |text: &str| vec![program("/usr/sbin/rsyslogd"), file("/etc/rsyslog.conf", 0o644, text)];
    vec![
        make.wins(Operator::Second, "logs leave in the clear", rsyslog("*.* @192.0.2.1\n")),
        make.wins(Operator::Second, "logs leave in the clear over TCP", rsyslog("*.* @@192.0.2.1\n")),
        make.wins(
            Operator::Second,
            "logs come in",
            rsyslog("module(load=\"imudp\")\ninput(type=\"imudp\" port=\"514\")\n"),
        ),
        make.loses(Operator::Comment, "a commented line", rsyslog("#*.* @192.0.2.1\n*.* /var/log/all\n")),
        make.loses(
            Operator::ShadowLoses,
            "a configuration without a program",
            vec![file("/etc/rsyslog.conf", 0o644, "*.* @192.0.2.1\n")],
        ),
    ]
}
