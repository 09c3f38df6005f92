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
    for (text, possible) in [
        ("restrict default kod nomodify noquery\n", false),
        ("restrict default kod nomodify\n", true),
        ("restrict -4 default noquery\nrestrict -6 default noquery\n", false),
        ("restrict -4 default noquery\n", true),
        ("", true),
        ("disable monitor\n", false),
        ("disable monitor\nrestrict default limited\n", true),
        ("disable monitor\nenable monitor\n", true),
        ("restrict default noquery\nrestrict default nopeer\n", true),
    ] {
        for file in ["/etc/ntpsec/ntp.conf", "/etc/ntp.conf"] {
            assert_eq!(ntpd(file, text).monlist_possible.value, possible, "{text}");
        }
    }
}

#[test]
fn ntpd_listens_everywhere_but_where_it_ignores() {
    for (text, reach) in [
        ("server x\n", Reach::Network),
        ("interface ignore all\ninterface listen 127.0.0.1\n", Reach::Loopback),
        ("interface ignore all\ninterface listen eth0\n", Reach::Network),
        ("interface listen lo\n", Reach::Network),
        ("restrict default ignore\n", Reach::Loopback),
        ("restrict -4 default ignore\n", Reach::Network),
    ] {
        assert_eq!(ntpd("/etc/ntpsec/ntp.conf", text).server.reach.value, reach, "{text}");
    }
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
