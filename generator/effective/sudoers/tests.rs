use super::*;
use crate::effective::testing::MemoryTree;

fn sudoers(files: &[(&str, &str)]) -> Sudoers {
    let tree = MemoryTree::of(files);
    read(&tree.root()).unwrap().unwrap()
}

fn main(text: &str) -> Sudoers {
    sudoers(&[(MAIN, text)])
}

#[test]
fn no_file_is_no_policy() {
    let tree = MemoryTree::new();
    assert!(read(&tree.root()).unwrap().is_none());
}

#[test]
fn the_file_of_cloud_init_grants_without_a_password() {
    let policy = sudoers(&[
        (MAIN, "root\tALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n"),
        (
            "/etc/sudoers.d/90-cloud-init-users",
            "# Created by cloud-init\n\n# User rules for debian\ndebian ALL=(ALL) NOPASSWD:ALL\n",
        ),
        ("/etc/sudoers.d/skipped.conf", "bob ALL=ALL\n"),
        ("/etc/sudoers.d/skipped~", "bob ALL=ALL\n"),
    ]);
    let grants = policy.grants();
    assert_eq!(grants.len(), 2);
    assert!(!grants[0].nopasswd && grants[1].nopasswd);
    assert_eq!(grants[1].who, ["debian"]);
    assert_eq!(grants[1].at, Location::line("/etc/sudoers.d/90-cloud-init-users", 4));
    assert!(policy.problems.is_empty());
}

#[test]
fn aliases_are_expanded_and_negation_reaches_their_members() {
    let policy =
        main("User_Alias A = x, !y : B = A, z\nCmnd_Alias LS = /bin/ls, /bin/cat\nB,!A ALL = LS, !LS\n");
    let grant = &policy.grants()[0];
    assert_eq!(grant.who, ["x", "!y", "z", "!x", "y"]);
    assert_eq!(grant.commands, ["/bin/ls", "/bin/cat", "!/bin/ls", "!/bin/cat"]);
    assert_eq!(main("User_Alias A = B : B = A\nA ALL = ALL\n").grants()[0].who, ["A"], "a circle ends");
}

#[test]
fn tags_and_runas_hold_until_changed() {
    let grants =
        main("%adm h1,h2=(bob:staff) NOPASSWD: /bin/a -x, /bin/b, PASSWD: /bin/c : h3 = \\\n /bin/d\n")
            .grants();
    let seen: Vec<_> =
        grants.iter().map(|g| (g.commands.join(";"), g.nopasswd, g.runas.is_some(), g.hosts.len())).collect();
    assert_eq!(
        seen,
        [
            ("/bin/a -x;/bin/b".to_owned(), true, true, 2),
            ("/bin/c".to_owned(), false, true, 2),
            ("/bin/d".to_owned(), false, false, 1),
        ]
    );
}

#[test]
fn defaults_by_name_and_scope() {
    let policy = main(
        "Defaults use_pty, !lecture\nDefaults\ttimestamp_timeout=5,logfile=\"/var/log/sudo log\"\nDefaults:bob,%x !authenticate\nDefaults timestamp_timeout = 15\nDefaults env_keep += \"A B\"\n",
    );
    assert_eq!(policy.global_default("use_pty").unwrap().change, Change::On);
    let timeout = policy.global_default("timestamp_timeout").unwrap();
    assert_eq!((timeout.change, timeout.at.line), (Change::Set("15".to_owned()), Some(4)));
    let scoped = policy.defaults("authenticate");
    assert_eq!(scoped[0].scope, Scope::Users(vec!["bob".to_owned(), "%x".to_owned()]));
    assert!(policy.global_default("authenticate").is_none());
    assert_eq!(policy.defaults("env_keep")[0].change, Change::Add("A B".to_owned()));
    assert!(main("#Defaults use_pty\n").global_default("use_pty").is_none());
}

#[test]
fn what_sudo_can_not_read_is_a_problem() {
    for bad in [
        "bob",
        "bob ALL",
        "bob ALL = ls",
        "bob ALL = (x /bin/ls",
        "Defaults",
        "User_Alias a = b",
        "bob ALL=ALL x y:",
        "\u{feff}@include x",
        "@include none",
    ] {
        assert!(!main(bad).problems.is_empty(), "{bad}");
    }
    for good in [
        "bob ALL = ALL # x",
        "#1000 ALL = ALL",
        "# @include none",
        "%domain\\ users ALL = ALL",
        "\"a b\" ALL = ALL",
        "bob ALL = sudoedit /etc/x",
    ] {
        assert!(main(good).problems.is_empty(), "{good}: {:?}", main(good).problems);
    }
}

#[test]
fn includes_are_bounded() {
    assert!(main("@include /etc/sudoers\n").problems.iter().any(|p| p.value.contains("nested")));
}
