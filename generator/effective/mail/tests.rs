use super::*;
use crate::effective::testing::MemoryTree;

fn only(tree: &MemoryTree) -> Server {
    let mut servers = read(tree.root()).unwrap();
    assert_eq!(servers.len(), 1);
    servers.remove(0)
}

fn postfix(main: &str, master: &str) -> Server {
    only(&MemoryTree::of(&[
        ("/usr/sbin/postfix", ""),
        ("/etc/postfix/main.cf", main),
        ("/etc/postfix/master.cf", master),
    ]))
}

const SMTP: &str = "# service\nsmtp      inet  n       -       y       -       -       smtpd\n  -o x=y\npickup unix n - y 60 1 pickup\n";

#[test]
fn no_program_is_no_server() {
    assert_eq!(read(MemoryTree::new().root()).unwrap(), []);
}

#[test]
fn postfix_listens_where_inet_interfaces_says() {
    for (main, reach, line) in [
        ("inet_interfaces = loopback-only\n", Reach::Loopback, Some(1)),
        ("# nothing\n", Reach::Network, None),
        ("inet_interfaces = all\n", Reach::Network, Some(1)),
        ("inet_interfaces = loopback-only\ninet_interfaces = all\n", Reach::Network, Some(2)),
        (
            "inet_interfaces = all\ninet_interfaces =\n  # x\n  127.0.0.1,\n  [::1]\n",
            Reach::Loopback,
            Some(2),
        ),
        ("inet_interfaces = 127.0.0.1, 192.0.2.7\n", Reach::Network, Some(1)),
        ("inet_interfaces = $a\na = ${b}\nb = localhost\n", Reach::Loopback, Some(1)),
    ] {
        let server = postfix(main, SMTP);
        assert_eq!((server.reach.value, server.reach.at.line), (reach, line), "{main}");
    }
    for main in
        ["inet_interfaces = $a\na = $a\n", "inet_interfaces = $myhostname\n", "inet_interfaces = ${\n"]
    {
        assert!(matches!(postfix(main, SMTP).reach.value, Reach::Unknown(_)), "{main}");
    }
}

#[test]
fn postfix_services_decide_too() {
    let local = "inet_interfaces = loopback-only\n";
    let with = |line: &str| postfix(local, &format!("{SMTP}{line} inet n - y - - smtpd\n")).reach;
    assert_eq!(with("127.0.0.1:10025").value, Reach::Loopback);
    let open = with("0.0.0.0:submission");
    assert_eq!((open.value, open.at.to_string().as_str()), (Reach::Network, "/etc/postfix/master.cf:5"));
    assert_eq!(with("[::1]:10025").value, Reach::Loopback);
    assert_eq!(
        postfix("", "pickup unix n - y 60 1 pickup\n#smtp inet n - y - - smtpd\n").reach.value,
        Reach::None
    );
}

#[test]
fn exim_listens_where_the_answers_say() {
    let exim = |line: &str| {
        only(&MemoryTree::of(&[("/usr/sbin/exim4", ""), ("/etc/exim4/update-exim4.conf.conf", line)]))
            .reach
            .value
    };
    assert_eq!(exim("dc_local_interfaces='127.0.0.1 ; ::1'\n"), Reach::Loopback);
    assert_eq!(exim("dc_local_interfaces=''\n"), Reach::Network);
    assert_eq!(exim("dc_eximconfig_configtype='internet'\n"), Reach::Network);
    assert_eq!(exim("dc_local_interfaces='127.0.0.1 ; 192.0.2.1'\n"), Reach::Network);
    assert_eq!(exim("dc_local_interfaces='127.0.0.1.587'\n"), Reach::Loopback);
}

#[test]
fn an_exim_configuration_by_hand_comes_first() {
    let mut tree = MemoryTree::of(&[
        ("/usr/sbin/exim4", ""),
        ("/etc/exim4/update-exim4.conf.conf", "dc_local_interfaces=''\n"),
        (
            "/etc/exim4/exim4.conf",
            "local_interfaces = <; 127.0.0.1 ; ::1\nbegin acl\nlocal_interfaces = 0.0.0.0\n",
        ),
    ]);
    assert_eq!(only(&tree).reach.value, Reach::Loopback);
    tree.write("/etc/exim4/exim4.conf", "local_interfaces = 127.0.0.1 : ::::1\n");
    assert_eq!(only(&tree).reach.value, Reach::Loopback);
    tree.write("/etc/exim4/exim4.conf", "begin acl\n");
    assert_eq!(only(&tree).reach.value, Reach::Network);
}

#[test]
fn other_programs_are_named() {
    assert_eq!(only(&MemoryTree::of(&[("/usr/bin/msmtp", "")])).reach.value, Reach::None);
    for binary in ["/usr/sbin/smtpd", "/usr/sbin/sendmail"] {
        assert!(matches!(only(&MemoryTree::of(&[(binary, "")])).reach.value, Reach::Unknown(_)));
    }
}
