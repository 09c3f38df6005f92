//! Cases by hand: good, bad, good again.

use super::*;
use crate::effective::testing::MemoryTree;

const V9_2: OpenSshVersion = OpenSshVersion::new(9, 2);

fn config(files: &[(&str, &str)]) -> SshdConfig {
    config_of(files, V9_2)
}

fn config_of(files: &[(&str, &str)], version: OpenSshVersion) -> SshdConfig {
    let tree = MemoryTree::of(files);
    read(&tree.root(), CommandLine::none(), version).unwrap().unwrap()
}

fn main(text: &str) -> SshdConfig {
    config(&[(MAIN, text)])
}

fn value(config: &SshdConfig, keyword: &str) -> String {
    config.global(keyword).unwrap().value
}

#[test]
fn no_file_is_no_configuration() {
    let tree = MemoryTree::new();
    assert!(read(&tree.root(), CommandLine::none(), V9_2).unwrap().is_none());
}

#[test]
fn the_first_value_wins_and_the_loser_is_named() {
    let config = config(&[
        (MAIN, "Include /etc/ssh/sshd_config.d/*.conf\nPasswordAuthentication no\n"),
        ("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n"),
    ]);
    let password = config.global("PasswordAuthentication").unwrap();
    assert_eq!(password.value, "yes");
    assert_eq!(password.at, Some(Location::line("/etc/ssh/sshd_config.d/50-cloud-init.conf", 1)));
    assert_eq!(password.overridden, [Sourced::new("no".to_owned(), Location::line(MAIN, 2))]);
}

#[test]
fn a_drop_in_that_sorts_first_wins_again() {
    let config = config(&[
        (MAIN, "Include sshd_config.d/*.conf\n"),
        ("/etc/ssh/sshd_config.d/00-ironseed.conf", "PasswordAuthentication no\n"),
        ("/etc/ssh/sshd_config.d/50-cloud-init.conf", "PasswordAuthentication yes\n"),
    ]);
    assert_eq!(value(&config, "passwordauthentication"), "no");
    assert!(config.problems.is_empty());
}

#[test]
fn nothing_written_is_the_default_of_the_release() {
    let empty = main("");
    let root_login = empty.global("permitrootlogin").unwrap();
    assert_eq!((root_login.value.as_str(), root_login.at), ("without-password", None));
    assert!(empty.global("persourcepenalties").is_none(), "came with 9.8");
    let newer = config_of(&[(MAIN, "")], OpenSshVersion::new(10, 0));
    assert!(value(&newer, "kexalgorithms").starts_with("mlkem768x25519-sha256,"));
}

#[test]
fn a_match_block_reaches_some_logins_only() {
    let config = main(
        "PasswordAuthentication no\nMatch User bob\n PasswordAuthentication yes\nMatch User !x\n PasswordAuthentication yes\n",
    );
    assert_eq!(value(&config, "passwordauthentication"), "no");
    let reachable = config.reachable("passwordauthentication");
    let values: Vec<&str> = reachable.iter().map(|e| e.value.as_str()).collect();
    assert_eq!(values, ["no", "yes"]);
    assert_eq!(reachable[1].at, Some(Location::line(MAIN, 3)));
    let bob = Connection { user: Some("bob".to_owned()), ..Connection::default() };
    assert_eq!(config.for_login("passwordauthentication", &bob).unwrap().value, "yes");
}

#[test]
fn a_condition_that_all_or_none_meet_is_seen_through() {
    let nobody = main("PasswordAuthentication no\nMatch User !bob\nPasswordAuthentication yes\n");
    assert_eq!(nobody.reachable("passwordauthentication").len(), 1);
    let everybody = main("PasswordAuthentication no\nMatch User *\nPasswordAuthentication yes\n");
    let values: Vec<_> = everybody.reachable("passwordauthentication").into_iter().map(|e| e.value).collect();
    assert_eq!(values, ["yes"]);
    let shadowed = main("Match User bob\nX11Forwarding no\nMatch User bob\nX11Forwarding yes\n");
    assert_eq!(shadowed.reachable("x11forwarding").len(), 1, "the first of equal blocks wins");
}

#[test]
fn match_all_overrides_what_stands_before() {
    let config = main("PasswordAuthentication no\nMatch all\nPasswordAuthentication yes\nPort 2222\n");
    assert_eq!(value(&config, "passwordauthentication"), "yes");
    assert_eq!(value(&config, "port"), "2222");
    assert!(config.problems.is_empty());
}

#[test]
fn a_block_ends_with_the_included_file() {
    let config = config(&[
        (MAIN, "Include a.conf\nX11Forwarding yes\n"),
        ("/etc/ssh/a.conf", "Match User bob\nPasswordAuthentication no\n"),
    ]);
    assert_eq!(value(&config, "x11forwarding"), "yes");
    assert!(config.problems.is_empty());
}

#[test]
fn what_stops_the_daemon_is_a_problem() {
    for bad in [
        "PasswordAuthentificate no",
        "PasswordAuthentication maybe",
        "Port",
        "Port 0",
        "Port 22 23",
        "Ciphers nonsense",
        "Match User bob\nPort 22",
        "Match",
        "Match frob x",
        "Match all user bob",
        "Banner \"x",
        "MaxStartups 10:30",
        "\u{feff}Port 22",
        "AuthorizedKeysCommand /bin/x",
        "AddressFamily inet\nListenAddress ::1",
        "Include \"\"",
        "RequiredRSASize x",
    ] {
        assert!(!main(bad).problems.is_empty(), "{bad}");
    }
    for good in
        ["Port 22", "Include none/*.conf", "Protocol 2", "Match User \"a b\"", "Port 22\r\n", "Banner=/x"]
    {
        assert!(main(good).problems.is_empty(), "{good}: {:?}", main(good).problems);
    }
}

#[test]
fn includes_that_never_end_are_bounded() {
    let endless = main("Include /etc/ssh/sshd_config\n");
    assert!(endless.problems.iter().any(|p| p.value.contains("nested")));
    let tree = MemoryTree::of(&[(MAIN, "Include /etc/ssh/sshd_config /etc/ssh/sshd_config\n")]);
    assert!(read(&tree.root(), CommandLine::none(), V9_2).is_err(), "fan-out is refused");
}

#[test]
fn a_dangling_link_stops_sshd_and_a_missing_name_does_not() {
    let mut tree = MemoryTree::of(&[(MAIN, "Include x/*.conf\n")]);
    tree.link("/etc/ssh/x/a.conf", "/nowhere");
    let config = read(&tree.root(), CommandLine::none(), V9_2).unwrap().unwrap();
    assert_eq!(config.problems.len(), 1);
    assert!(main("Include /etc/ssh/none.conf").problems.is_empty());
}

#[test]
fn lines_add_up_where_sshd_adds_them() {
    let config = main(
        "Port 22\nPort 2222\nListenAddress 10.0.0.1\nListenAddress [::1]:99\nAllowUsers a b\nAllowUsers c\n",
    );
    assert_eq!(value(&config, "allowusers"), "a\nb\nc");
    let sockets: Vec<String> =
        config.listeners().iter().map(|l| format!("{} {}", l.address, l.port)).collect();
    assert_eq!(sockets, ["10.0.0.1 22", "10.0.0.1 2222", "::1 99"]);
}

#[test]
fn words_of_several_blocks_are_reachable_together() {
    let config = main("Match User a\nAllowGroups x\nMatch Group g\nAllowGroups y\n");
    let values: Vec<_> = config.reachable("allowgroups").into_iter().map(|e| e.value).collect();
    assert_eq!(values, ["", "x", "y", "x\ny"]);
}

#[test]
fn before_8_7_challenge_response_decides() {
    let old = OpenSshVersion::new(8, 4);
    let config = config_of(&[(MAIN, "KbdInteractiveAuthentication no\n")], old);
    assert_eq!(value(&config, "kbdinteractiveauthentication"), "yes");
    let config = config_of(&[(MAIN, "ChallengeResponseAuthentication no\n")], old);
    assert_eq!(value(&config, "kbdinteractiveauthentication"), "no");
    assert_eq!(value(&main("ChallengeResponseAuthentication no\n"), "kbdinteractiveauthentication"), "no");
}

#[test]
fn algorithm_lists_are_expanded_against_the_defaults() {
    let minus = main("MACs -hmac-sha1*,umac-64*\n");
    assert_eq!(
        value(&minus, "macs"),
        "umac-128-etm@openssh.com,hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,umac-128@openssh.com,hmac-sha2-256,hmac-sha2-512"
    );
    let head = main("Ciphers ^aes256-ctr\n");
    assert!(value(&head, "ciphers").starts_with("aes256-ctr,chacha20-poly1305@openssh.com,aes128-ctr"));
    let plus = main("PubkeyAcceptedKeyTypes +ssh-rsa\n");
    assert!(value(&plus, "pubkeyacceptedalgorithms").ends_with("rsa-sha2-256,ssh-rsa"));
}

/// A configuration of one file, with arguments of sshd's own.
fn started(arguments: &[&str], text: &str) -> SshdConfig {
    let tree = MemoryTree::of(&[(MAIN, text), ("/etc/ssh/other", "X11Forwarding yes\n")]);
    let place = |index| Location::line("/etc/default/ssh", index + 1);
    let words = arguments.iter().enumerate().map(|(i, word)| Sourced::new((*word).to_owned(), place(i)));
    let started = CommandLine::parse(&words.collect::<Vec<_>>());
    read(&tree.root(), started, V9_2).unwrap().unwrap()
}

#[test]
fn the_command_line_wins_over_every_file_and_names_its_place() {
    let config = started(&["-D", "-o", "PasswordAuthentication=yes"], "PasswordAuthentication no\n");
    let password = config.global("passwordauthentication").unwrap();
    assert_eq!((password.value.as_str(), password.at), ("yes", Some(Location::line("/etc/default/ssh", 3))));
    assert_eq!(password.overridden, [Sourced::new("no".to_owned(), Location::line(MAIN, 1))]);
    assert!(config.started().is_said_at(&Location::line("/etc/default/ssh", 3)));
    let matched = started(&["-oX11Forwarding no"], "Match User bob\nX11Forwarding yes\n");
    assert_eq!(matched.reachable("x11forwarding").len(), 2, "a Match block is read later");
}

#[test]
fn ports_of_the_command_line_are_the_only_ones() {
    let ports = |arguments: &[&str]| -> Vec<u16> {
        started(arguments, "Port 2222\nAddressFamily inet\n").listeners().iter().map(|l| l.port).collect()
    };
    assert_eq!(ports(&["-oPort=22"]), [22, 2222]);
    assert_eq!(ports(&["-p22", "-o", "Port 23"]), [22]);
    assert_eq!(ports(&["-o", "Port 23", "-p", "22"]), [23, 22]);
}

#[test]
fn another_main_file_or_none_at_all() {
    assert_eq!(value(&started(&["-f", "/etc/ssh/other"], ""), "x11forwarding"), "yes");
    assert_eq!(value(&started(&["-f", "other", "-fnone"], "X11Forwarding yes\n"), "x11forwarding"), "no");
    let tree = MemoryTree::of(&[(MAIN, "")]);
    assert!(read(&tree.root(), CommandLine::of_file("/etc/none"), V9_2).unwrap().is_none());
}

#[test]
fn arguments_that_end_sshd_are_problems() {
    for bad in
        [&["x"][..], &["-z"], &["-o"], &["-DT"], &["-t"], &["--", "x"], &["-o", "Include /x"], &["-p", "0"]]
    {
        assert!(!started(bad, "").problems.is_empty(), "{bad:?}");
    }
    for good in
        [&[][..], &["-De4"], &["-D", "--"], &["-o", ""], &["-o", "#x"], &["-u0", "-b", "x", "-k", "-p"]]
    {
        assert!(started(good, "").problems.is_empty(), "{good:?}: {:?}", started(good, "").problems);
    }
}
