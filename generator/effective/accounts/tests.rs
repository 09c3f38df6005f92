use super::*;
use crate::effective::testing::MemoryTree;

const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\n# a comment\ndaemon:*:1:1::/:/usr/sbin/nologin\nbob:x:1000:1000:Bob,,,:/home/bob:/bin/bash\n";
const SHADOW: &str = "root:*:19000:0:99999:7:::\nbob:$y$j9T$salt$hash:19000:0:365:7:45:20000:\n";
const GROUP: &str = "root:x:0:\nbob:x:1000:\nsudo:x:27:bob,alice\n";
const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq bob@home\n";

fn tree(extra: &[(&str, &str)]) -> MemoryTree {
    let base = [
        ("/etc/passwd", PASSWD),
        ("/etc/shadow", SHADOW),
        ("/etc/group", GROUP),
        ("/etc/shells", "/bin/sh\n/bin/bash\n"),
    ];
    let mut tree = MemoryTree::of(&base);
    for (path, text) in extra {
        tree.write(path, text);
    }
    for shell in ["/bin/bash", "/bin/sh", "/usr/sbin/nologin"] {
        tree.write(shell, "").mode(shell, 0o755);
    }
    tree
}

fn logins(extra: &[(&str, &str)]) -> Vec<Login> {
    let tree = tree(extra);
    let root = tree.root();
    let accounts = read(&root).unwrap();
    who_can_login(&root, &accounts, &[".ssh/authorized_keys", "/etc/keys/%u"]).unwrap()
}

fn login(extra: &[(&str, &str)], name: &str) -> Login {
    logins(extra).into_iter().find(|l| l.user.value.name == name).unwrap()
}

#[test]
fn a_stock_system_then_a_key_for_root_then_stock_again() {
    assert!(!login(&[], "root").possible());
    let open = login(&[("/root/.ssh/authorized_keys", KEY)], "root");
    assert!(open.possible());
    assert_eq!(open.keys[0].at, Location::line("/root/.ssh/authorized_keys", 1));
    assert!(!login(&[("/root/.ssh/authorized_keys", "# none\n\nrubbish\n")], "root").possible());
}

#[test]
fn passwords_empty_locked_and_hashed() {
    let sha512 = format!("$6$salt${}", "h".repeat(86));
    for (field, want) in [
        ("", Password::Empty),
        ("*", Password::Locked),
        ("!", Password::Locked),
        ("!!", Password::Locked),
        ("!*", Password::Locked),
        ("x", Password::Locked),
        ("$y$j9T$a$b", Password::Hash(Scheme::Yescrypt)),
        ("!$y$j9T$a$b", Password::LockedHash(Scheme::Yescrypt)),
        (sha512.as_str(), Password::Hash(Scheme::Sha512)),
        ("$1$a$b", Password::Hash(Scheme::Md5)),
        ("abJnggxhB/yWI", Password::Hash(Scheme::Des)),
    ] {
        assert_eq!(Password::of(field), want, "{field}");
    }
    assert_eq!(login(&[], "bob").password.at, Location::line("/etc/shadow", 2));
    assert_eq!(login(&[("/etc/shadow", "")], "bob").password.value, Password::Missing);
    let in_passwd = login(&[("/etc/passwd", "bob::1000:1000::/home/bob:\n")], "bob");
    assert_eq!(in_passwd.password.value, Password::Empty);
    assert_eq!(in_passwd.shell, Shell::Login("/bin/sh".to_owned()), "an empty field is /bin/sh");
}

#[test]
fn shells() {
    assert_eq!(login(&[], "daemon").shell, Shell::Refuses("/usr/sbin/nologin".to_owned()));
    let with = |shell: &str| login(&[("/etc/passwd", &format!("bob:x:1:1::/:{shell}\n"))], "bob").shell;
    assert_eq!(with("/bin/zsh"), Shell::Absent("/bin/zsh".to_owned()));
    assert_eq!(with("/bin/bash"), Shell::Login("/bin/bash".to_owned()));
    assert_eq!(with("/bin/bash\r"), Shell::Absent("/bin/bash\r".to_owned()), "CRLF breaks the shell");
}

#[test]
fn groups_expiry_and_key_options() {
    let forced = format!("no-pty,command=\"echo \\\"no, root\\\"\" {KEY}");
    let bob = login(&[("/etc/keys/bob", &forced)], "bob");
    assert_eq!(bob.groups, ["bob", "sudo"]);
    assert_eq!((bob.aging(20_000), bob.aging(19_000)), (Aging::AccountExpired, Aging::Fine));
    let options = &bob.keys[0].options;
    assert_eq!(options.command.as_deref(), Some("echo \"no, root\""));
    assert!(!options.pty && options.port_forwarding && options.lets_in(0));
    assert_eq!((bob.keys[0].kind.as_str(), bob.keys[0].comment.as_str()), ("ssh-ed25519", "bob@home"));
}

#[test]
fn duplicates_and_malformed_lines_are_named() {
    let clean = read(&Root::new(&tree(&[]))).unwrap();
    assert!(clean.duplicates.is_empty() && clean.malformed.is_empty());
    let bad = "root:x:0:0::/root:/bin/bash\ntoor:x:0:0::/root:/bin/bash\nroot:x:5:0::/:/bin/sh\nbroken:x:zero:0::/:\nshort:x\n+::::::\n";
    let accounts = read(&Root::new(&tree(&[("/etc/passwd", bad)]))).unwrap();
    let names: Vec<&str> = accounts.duplicates.iter().map(|d| d.value.as_str()).collect();
    assert_eq!(names, ["root", "uid 0"]);
    let lines: Vec<_> = accounts.malformed.iter().filter_map(|m| m.at.line).collect();
    assert_eq!(lines, [4, 5, 6]);
}

/// As getent(1) lists these lines.
#[test]
fn odd_lines_as_the_c_library_takes_them() {
    let passwd = "  b:x: 1001:1::/:/bin/sh\nd:x:5:1\nh:x::1::/:/bin/sh\nj:x:4294967296:1::/:\n:x:10:1::/:\n";
    let shadow =
        "a:*:1:2:3:4:5:6:\nb:*:1:2:3:::\nc:*:x:2:3:4:5:6:\nd::::::::\ne:*:1:2:3\nf:*\ng:*:1:2:3:4:5:6\n";
    let accounts = read(&Root::new(&tree(&[("/etc/passwd", passwd), ("/etc/shadow", shadow)]))).unwrap();
    let users: Vec<_> = accounts.users().map(|u| u.value.name.as_str()).collect();
    assert_eq!(users, ["b", "d"]);
    let shadow: Vec<_> = accounts.shadow.iter().flatten().map(|s| s.value.name.as_str()).collect();
    assert_eq!(shadow, ["a", "d", "e", "g"]);
}

#[test]
fn an_absent_file_is_not_an_empty_one() {
    let nothing = MemoryTree::new();
    let accounts = read(&Root::new(&nothing)).unwrap();
    assert!(accounts.users.is_none() && accounts.shadow.is_none());
    let empty = read(&Root::new(&tree(&[("/etc/shadow", "")]))).unwrap();
    assert_eq!(empty.shadow, Some(Vec::new()));
}

#[test]
fn options_that_sshd_refuses_take_the_key_along() {
    for bad in [
        "no-such",
        "command=x",
        "command=\"x",
        "from=\"a\",from=\"b\"",
        "expiry-time=\"1\"",
        "environment=\"a\"",
    ] {
        assert!(KeyOptions::parse(bad).is_err(), "{bad}");
    }
    let good = KeyOptions::parse("Restrict,PTY,expiry-time=\"20300101Z\",,cert-authority").unwrap();
    assert!(good.pty && !good.port_forwarding && good.cert_authority && !good.lets_in(0));
    let ended = KeyOptions::parse("expiry-time=\"19700102\"").unwrap();
    assert!(ended.lets_in(86_400) && !ended.lets_in(86_401));
}
