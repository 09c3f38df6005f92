use super::*;
use crate::effective::testing::MemoryTree;

fn only(tree: &MemoryTree) -> TimeServer {
    let mut servers = read(tree.root()).unwrap();
    assert_eq!(servers.len(), 1);
    servers.remove(0)
}

fn chrony(text: &str) -> Reach {
    only(&MemoryTree::of(&[("/usr/sbin/chronyd", ""), ("/etc/chrony/chrony.conf", text)])).server.reach.value
}

fn ntpd(file: &str, text: &str) -> TimeServer {
    only(&MemoryTree::of(&[("/usr/sbin/ntpd", ""), (file, text)]))
}

#[test]
fn timesyncd_is_a_client() {
    let server = only(&MemoryTree::of(&[("/usr/lib/systemd/systemd-timesyncd", "")]));
    assert_eq!((server.server.program, server.server.reach.value), ("systemd-timesyncd", Reach::None));
    assert!(read(MemoryTree::new().root()).unwrap().is_empty());
}

#[test]
fn chrony_serves_only_whom_it_allows() {
    for (text, reach) in [
        ("pool x iburst\n", Reach::None),
        ("allow\n", Reach::Network),
        ("# allow\n! allow\n", Reach::None),
        ("Allow 192.0.2.0/24\n", Reach::Network),
        ("allow 127.0.0.1\n", Reach::Loopback),
        ("allow\nport 0\n", Reach::None),
        ("allow\ndeny\n", Reach::None),
        ("allow 192.0.2.0/24\ndeny\n", Reach::Network),
        ("allow 192.0.2.0/24\ndeny all\n", Reach::None),
        ("allow\nbindaddress 127.0.0.1\n", Reach::Network),
        ("allow\nbindaddress 127.0.0.1\nbindaddress ::1\n", Reach::Loopback),
        ("bindcmdaddress 0.0.0.0\n", Reach::Network),
        ("bindcmdaddress 0.0.0.0\ncmdport 0\n", Reach::None),
        ("bindcmdaddress /run/chrony/chronyd.sock\n", Reach::None),
    ] {
        assert_eq!(chrony(text), reach, "{text}");
    }
}

#[test]
fn chrony_reads_its_folders() {
    let mut tree = MemoryTree::of(&[
        ("/usr/sbin/chronyd", ""),
        ("/etc/chrony/chrony.conf", "confdir /etc/chrony/conf.d /usr/lib/chrony\ninclude /etc/x*.conf\n"),
        ("/usr/lib/chrony/a.conf", "allow\n"),
    ]);
    assert_eq!(
        only(&tree).server.reach,
        Sourced::new(Reach::Network, Location::line("/usr/lib/chrony/a.conf", 1))
    );
    tree.write("/etc/chrony/conf.d/a.conf", "");
    assert_eq!(only(&tree).server.reach.value, Reach::None, "the first folder's file hides the other");
    tree.write("/etc/x1.conf", "allow\n");
    assert_eq!(only(&tree).server.reach.value, Reach::Network);
    tree.write("/etc/x1.conf", "allow\ninclude /etc/x1.conf\n");
    assert!(matches!(only(&tree).server.reach.value, Reach::Unknown(_)), "chronyd refuses a circle");
}

#[test]
fn ntpd_lists_its_clients_unless_it_is_told_not_to() {
    for (text, ntpsec_does, ntp_does) in [
        ("", false, true),
        ("restrict default kod nomodify noquery\n", false, false),
        ("restrict default kod nomodify\n", false, true),
        ("restrict -4 default noquery\nrestrict -6 default noquery\n", false, false),
        ("restrict -4 default noquery\n", false, true),
        ("restrict default noquery\nrestrict default nopeer\n", false, false),
        ("unrestrict default noquery\n", true, true),
        ("unrestrict default noquery\nrestrict default nomrulist\n", false, false),
        ("restrict 192.0.2.0/24\n", true, true),
        ("restrict time.example\n", true, true),
        ("restrict 127.0.0.1\n", false, true),
        ("unrestrict default noquery\ninterface ignore all\n", false, false),
        ("disable monitor\n", false, false),
        ("unrestrict default noquery\ndisable monitor\n", true, false),
        ("unrestrict default noquery limited\ndisable monitor\n", false, false),
        ("disable monitor\nenable monitor\n", false, false),
        ("disable monitor\nrestrict default limited\n", false, true),
    ] {
        let possible = |file| ntpd(file, text).monlist_possible.value;
        assert_eq!(
            (possible("/etc/ntpsec/ntp.conf"), possible("/etc/ntp.conf")),
            (ntpsec_does, ntp_does),
            "{text}"
        );
    }
    let file = "/etc/ntpsec/ntp.conf";
    let possible = ntpd(file, "\nunrestrict default noquery\n").monlist_possible;
    assert_eq!(possible, Sourced::new(true, Location::line(file, 2)));
}

#[test]
fn ntpd_listens_everywhere_but_where_it_ignores() {
    for (text, reach) in [
        ("server x\n", Reach::Network),
        ("interface ignore all\ninterface listen 127.0.0.1\n", Reach::Loopback),
        ("interface ignore all\ninterface listen eth0\n", Reach::Network),
        ("interface listen eth0\ninterface ignore all\n", Reach::Loopback),
        ("interface listen lo\n", Reach::Loopback),
        ("interface listen lo\ninterface listen wildcard\n", Reach::Network),
        ("interface drop ipv4\ninterface drop ipv6\n", Reach::None),
        ("restrict default ignore\n", Reach::None),
        ("restrict default ignore\nrestrict 127.0.0.1\n", Reach::Loopback),
        ("restrict default ignore\nrestrict 192.0.2.0/24\n", Reach::Network),
        ("restrict -4 default ignore\n", Reach::Network),
        ("interface ignore ipv6\nrestrict -4 default ignore\n", Reach::None),
    ] {
        assert_eq!(ntpd("/etc/ntpsec/ntp.conf", text).server.reach.value, reach, "{text}");
    }
}

#[test]
fn ntpsec_reads_its_folder() {
    let tree = MemoryTree::of(&[
        ("/usr/sbin/ntpd", ""),
        ("/etc/ntpsec/ntp.conf", "restrict default ignore\nend\nrestrict default\n"),
        ("/etc/ntpsec/ntp.d/a.conf", "restrict 192.0.2.0/24\n"),
    ]);
    let at = Location::line("/etc/ntpsec/ntp.d/a.conf", 1);
    assert_eq!(only(&tree).server.reach, Sourced::new(Reach::Network, at));
    let long = ntpd("/etc/ntpsec/ntp.conf", &format!("# c\nx {}\n", "x".repeat(2000))).server.reach;
    assert!(matches!(long.value, Reach::Unknown(_)) && long.at.line == Some(2));
}

#[test]
fn openntpd_listens_where_it_is_told() {
    for (text, reach) in [
        ("servers x\n", Reach::None),
        ("listen on *\n", Reach::Network),
        ("listen on 127.0.0.1\n", Reach::Loopback),
        ("listen on ::1\nlisten on 192.0.2.1\n", Reach::Network),
    ] {
        assert_eq!(ntpd("/etc/openntpd/ntpd.conf", text).server.reach.value, reach, "{text}");
    }
    let unknown = only(&MemoryTree::of(&[("/usr/sbin/ntpd", "")]));
    assert!(matches!(unknown.server.reach.value, Reach::Unknown(_)) && unknown.monlist_possible.value);
}
