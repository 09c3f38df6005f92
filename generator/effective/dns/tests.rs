use super::*;
use crate::effective::testing::MemoryTree;

fn only(tree: &MemoryTree) -> (Reach, Recursion) {
    let mut servers = read(tree.root()).unwrap();
    assert_eq!(servers.len(), 1);
    let server = servers.remove(0);
    (server.server.reach.value, server.recursion.value)
}

fn networks(names: &[&str]) -> Recursion {
    Recursion::Networks(names.iter().map(|name| (*name).to_owned()).collect())
}

fn bind(text: &str) -> (Reach, Recursion) {
    only(&MemoryTree::of(&[("/usr/sbin/named", ""), ("/etc/bind/named.conf", text)]))
}

#[test]
fn bind_recurses_for_whom_its_options_say() {
    for (options, recursion) in [
        ("", networks(&["localnets"])),
        ("recursion no;", Recursion::Off),
        ("recursion no; recursion yes; allow-recursion { any; };", Recursion::Anyone),
        ("allow-recursion { any; };", Recursion::Anyone),
        ("allow-recursion { 0.0.0.0/0; };", Recursion::Anyone),
        ("allow-recursion { none; };", Recursion::Off),
        ("allow-recursion { localhost; };", Recursion::Loopback),
        ("allow-recursion { 127.0.0.1; 192.0.2.0/24; };", networks(&["192.0.2.0/24"])),
        ("allow-recursion { ours; };", networks(&["192.0.2.0/24"])),
        ("allow-recursion { circle; };", Recursion::Off),
        ("allow-recursion { !192.0.2.1; any; };", Recursion::Anyone),
        ("allow-recursion { 192.0.2.0/24; !any; any; };", networks(&["192.0.2.0/24"])),
        ("allow-query-cache { any; };", Recursion::Anyone),
        ("allow-query { any; };", Recursion::Anyone),
        ("allow-query { any; }; allow-recursion { localhost; };", Recursion::Loopback),
        ("// recursion no;\n# recursion no;\n/* recursion\nno; */", networks(&["localnets"])),
    ] {
        let text =
            format!("acl ours {{ 192.0.2.0/24; }};\nacl circle {{ circle; }};\noptions {{ {options} }};\n");
        assert_eq!(bind(&text).1, recursion, "{options}");
    }
}

#[test]
fn bind_listens_where_its_options_say() {
    let closed = "options { listen-on { 127.0.0.1; }; listen-on-v6 { ::1; }; };";
    assert_eq!(bind(closed).0, Reach::Loopback);
    for (from, to, reach) in [
        ("listen-on-v6 { ::1; };", "", Reach::Network),
        ("::1", "any", Reach::Network),
        ("::1", "none", Reach::Loopback),
        ("127.0.0.1", "localhost", Reach::Network),
        ("listen-on {", "listen-on port 5353 {", Reach::Loopback),
    ] {
        assert_eq!(bind(&closed.replace(from, to)).0, reach, "{to}");
    }
}

#[test]
fn bind_reads_includes_and_views() {
    let mut tree = MemoryTree::of(&[
        ("/usr/sbin/named", ""),
        (
            "/etc/bind/named.conf",
            "include \"/etc/bind/named.conf.options\";\ninclude \"/etc/bind/named.conf\";\n",
        ),
        ("/etc/bind/named.conf.options", "options {\n  recursion no;\n};\n"),
    ]);
    let at = read(tree.root()).unwrap().remove(0).recursion.at;
    assert_eq!(at.to_string(), "/etc/bind/named.conf.options:2");
    tree.write(
        "/etc/bind/named.conf.options",
        "options { recursion no; };\nview x { recursion yes; allow-recursion { any; }; };\n",
    );
    assert_eq!(only(&tree).1, Recursion::Anyone);
    tree.write(
        "/etc/bind/named.conf.options",
        "options { recursion no; };\nview x { match-clients { any; }; };\n",
    );
    assert_eq!(only(&tree).1, Recursion::Off);
}

#[test]
fn hostile_files_are_bounded() {
    let deep = "a {".repeat(100_000);
    for text in
        [deep.as_str(), "}}}};;;", "/*", "\"", "options", "include", "acl;options{allow-recursion{{{!{"]
    {
        bind(text);
        only(&MemoryTree::of(&[("/usr/sbin/unbound", ""), ("/etc/unbound/unbound.conf", text)]));
    }
}

fn unbound(text: &str) -> (Reach, Recursion) {
    only(&MemoryTree::of(&[("/usr/sbin/unbound", ""), ("/etc/unbound/unbound.conf", text)]))
}

#[test]
fn unbound_serves_the_machine_unless_told_otherwise() {
    for (text, expected) in [
        ("server:\n", (Reach::Loopback, Recursion::Loopback)),
        ("server:\n interface: 0.0.0.0\n", (Reach::Network, Recursion::Loopback)),
        (
            "server:\n interface: 0.0.0.0@53\n access-control: 0.0.0.0/0 allow\n",
            (Reach::Network, Recursion::Anyone),
        ),
        (
            "server:\n access-control: 192.0.2.0/24 allow\n access-control: 0.0.0.0/0 refuse\n",
            (Reach::Loopback, networks(&["192.0.2.0/24"])),
        ),
        (
            "server:\n access-control: 0.0.0.0/0 allow\n access-control: 0.0.0.0/0 deny\n",
            (Reach::Loopback, Recursion::Loopback),
        ),
        ("server: interface: 127.0.0.1 interface: eth0\n", (Reach::Network, Recursion::Loopback)),
        (
            "server:\n# interface: 0.0.0.0\nremote-control:\n interface: ::\n",
            (Reach::Loopback, Recursion::Loopback),
        ),
        ("server:\n interface-automatic: yes\n", (Reach::Network, Recursion::Loopback)),
    ] {
        assert_eq!(unbound(text), expected, "{text}");
    }
    let tree = MemoryTree::of(&[
        ("/usr/sbin/unbound", ""),
        ("/etc/unbound/unbound.conf", "include-toplevel: \"/etc/unbound/unbound.conf.d/*.conf\"\n"),
        ("/etc/unbound/unbound.conf.d/x.conf", "server:\n    interface: ::0\n"),
    ]);
    assert_eq!(only(&tree).0, Reach::Network);
}

#[test]
fn dnsmasq_answers_everybody_unless_limited() {
    let dnsmasq =
        |text: &str| only(&MemoryTree::of(&[("/etc/init.d/dnsmasq", ""), ("/etc/dnsmasq.conf", text)]));
    assert_eq!(dnsmasq(""), (Reach::Network, Recursion::Anyone));
    assert_eq!(dnsmasq("listen-address=127.0.0.1,::1\n"), (Reach::Loopback, Recursion::Loopback));
    assert_eq!(dnsmasq("listen-address=127.0.0.1\ninterface=eth0\n"), (Reach::Network, Recursion::Anyone));
    assert_eq!(dnsmasq("interface=lo\n"), (Reach::Loopback, Recursion::Loopback));
    assert_eq!(dnsmasq("local-service\n"), (Reach::Network, networks(&["localnets"])));
    assert_eq!(dnsmasq("port=0 # no DNS\n"), (Reach::None, Recursion::Off));
    assert_eq!(dnsmasq("#port=0\n").0, Reach::Network);
    assert!(read(MemoryTree::of(&[("/usr/sbin/dnsmasq", "")]).root()).unwrap().is_empty());
}

/// Debian's wrapper limits it to neighbours; what the wrapper's defaults add may lift that.
#[test]
fn dnsmasq_is_read_with_what_starts_it() {
    let wrapper = "# --local-service\nDNSMASQ_OPTS=\"${DNSMASQ_OPTS} --local-service\"\nexec dnsmasq ${CONFIG_DIR:+ -7 ${CONFIG_DIR}}\n";
    let dnsmasq = |defaults: &str| {
        let tree = MemoryTree::of(&[
            ("/etc/init.d/dnsmasq", ""),
            ("/usr/share/dnsmasq/init-system-common", wrapper),
            ("/etc/default/dnsmasq", defaults),
            ("/etc/dnsmasq.d/a", "interface=lo\n"),
            ("/etc/dnsmasq.d/b.dpkg-old", "interface=eth0\n"),
        ]);
        read(tree.root()).unwrap().remove(0)
    };
    let plain = dnsmasq("# CONFIG_DIR=/etc/dnsmasq.d\n");
    assert_eq!(plain.recursion.value, networks(&["localnets"]));
    assert_eq!(plain.recursion.at, Location::line("/usr/share/dnsmasq/init-system-common", 2));
    let folder = dnsmasq("CONFIG_DIR=/etc/dnsmasq.d,.dpkg-old\n");
    assert_eq!(folder.server.reach, Sourced::new(Reach::Loopback, Location::line("/etc/dnsmasq.d/a", 1)));
    let everybody = dnsmasq("DNSMASQ_INTERFACE=\"eth0 eth1\"\n");
    assert_eq!(
        everybody.recursion,
        Sourced::new(Recursion::Anyone, Location::line("/etc/default/dnsmasq", 1))
    );
    for unclear in ["if true; then\n", "DNSMASQ_OPTS=$(cat /etc/options)\n"] {
        assert!(matches!(dnsmasq(unclear).recursion.value, Recursion::Unknown(_)), "{unclear}");
    }
}

#[test]
fn resolved_listens_on_loopback_unless_told_otherwise() {
    let resolved = |text: &str| {
        let text = format!("[Resolve]\n{text}");
        only(&MemoryTree::of(&[
            ("/usr/lib/systemd/systemd-resolved", ""),
            ("/etc/systemd/resolved.conf", &text),
        ]))
    };
    assert_eq!(resolved(""), (Reach::Loopback, Recursion::Loopback));
    assert_eq!(resolved("DNSStubListener=no\n"), (Reach::None, Recursion::Off));
    assert_eq!(resolved("DNSStubListenerExtra=192.0.2.1:53\n"), (Reach::Network, Recursion::Anyone));
    assert_eq!(resolved("DNSStubListenerExtra=udp:[::1]:53\n"), (Reach::Loopback, Recursion::Loopback));
    assert_eq!(resolved("DNSStubListenerExtra=::\nDNSStubListenerExtra=\n").0, Reach::Loopback);
}

#[test]
fn other_servers_are_named() {
    let (reach, recursion) = only(&MemoryTree::of(&[("/usr/sbin/kresd", "")]));
    assert!(matches!((reach, recursion), (Reach::Unknown(_), Recursion::Unknown(_))));
    assert!(read(MemoryTree::new().root()).unwrap().is_empty());
}
