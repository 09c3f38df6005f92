use super::*;
use crate::effective::testing::MemoryTree;

const OLD: PamVersion =
    PamVersion { major: 1, minor: 5, patches: Patches { at_include: true, limits_spare_root: true } };
const NEW: PamVersion = PamVersion { minor: 7, ..OLD };
const PLAIN: PamVersion =
    PamVersion { major: 1, minor: 7, patches: Patches { at_include: false, limits_spare_root: false } };

fn service(files: &[(&str, &str)]) -> Service {
    let tree = MemoryTree::of(files);
    read(&tree.root(), "sshd", NEW).unwrap().unwrap()
}

fn of(text: &str, version: PamVersion) -> Service {
    let tree = MemoryTree::of(&[("/etc/pam.d/sshd", text)]);
    read(&tree.root(), "sshd", version).unwrap().unwrap()
}

fn names(service: &Service, facility: Facility) -> Vec<&str> {
    service.stack(facility).map(|r| r.module.as_str()).collect()
}

/// What a service answers when these modules succeed and all others do not.
fn answers(files: &[(&str, &str)], facility: Facility, good: &[&str]) -> Option<Code> {
    let tree = MemoryTree::of(files);
    let stacks = stacks(&tree.root(), "sshd", NEW).unwrap()?;
    let ask = |rule: &Rule| if good.contains(&rule.module.as_str()) { Code::SUCCESS } else { Code::AUTH_ERR };
    stacks.conclude(facility, ask).code()
}

#[test]
fn includes_stand_where_they_are_named() {
    let service = service(&[
        (
            "/etc/pam.d/sshd",
            "@include common-auth\naccount required pam_nologin.so\nauth include extra\nauth substack sub\n",
        ),
        (
            "/etc/pam.d/common-auth",
            "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n",
        ),
        ("/etc/pam.d/extra", "auth Optional pam_cap.so\nsession required pam_x.so\n"),
        ("/etc/pam.d/sub", "auth required pam_permit.so\n"),
    ]);
    assert_eq!(
        names(&service, Facility::Auth),
        ["pam_unix.so", "pam_deny.so", "pam_cap.so", "pam_permit.so"]
    );
    assert!(names(&service, Facility::Session).is_empty(), "include takes one facility");
    let unix = service.uses(Facility::Auth, "pam_unix.so").next().unwrap();
    assert_eq!(
        (unix.control.as_str(), unix.args.as_slice()),
        ("[success=1 default=ignore]", &["nullok".to_owned()][..])
    );
    assert_eq!(unix.at, Location::line("/etc/pam.d/common-auth", 1));
    assert_eq!(service.stack(Facility::Auth).last().unwrap().substack, 1);
    assert!(service.problems.is_empty());
}

#[test]
fn the_patched_library_includes_from_one_directory_only() {
    let tree = MemoryTree::of(&[
        ("/usr/lib/pam.d/sshd", "auth include sub\n"),
        ("/usr/lib/pam.d/sub", "auth required pam_permit.so\n"),
    ]);
    let good = |version| stacks(&tree.root(), "sshd", version).unwrap().unwrap();
    let ask = |_: &Rule| Code::SUCCESS;
    assert_eq!(good(PLAIN).conclude(Facility::Auth, ask).code(), Some(Code::SUCCESS));
    assert_eq!(good(NEW).conclude(Facility::Auth, ask).code(), Some(Code::PERM_DENIED));
}

#[test]
fn continued_lines_comments_and_brackets() {
    let text =
        "-session \\\n optional\tpam_systemd.so # x\r\npassword required /lib/pam_x.so [a b\\]c] d\n\n# no\n";
    let service = of(text, NEW);
    let session = service.stack(Facility::Session).next().unwrap();
    assert!(session.optional);
    assert_eq!(session.at.line, Some(1));
    assert_eq!(service.stack(Facility::Password).next().unwrap().args, ["a b]c", "d"]);
    assert_eq!(service.uses(Facility::Password, "pam_x.so").count(), 1);
    let crlf = of("auth required pam_unix.so\r\n", NEW);
    assert_eq!(names(&crlf, Facility::Auth), ["pam_unix.so\r"], "CRLF breaks a module's name");
    let gap = "auth required \\\n# c\n pam_unix.so\n";
    assert_eq!(names(&of(gap, OLD), Facility::Auth), ["pam_unix.so"]);
    assert!(!of(gap, NEW).problems.is_empty(), "since 1.6 a comment ends a continued line");
    let long = format!("# {} auth sufficient pam_permit.so\n", "x".repeat(1020));
    assert_eq!(names(&of(&long, OLD), Facility::Auth), ["pam_permit.so"]);
    assert!(names(&of(&long, NEW), Facility::Auth).is_empty());
}

#[test]
fn what_pam_can_not_use_is_a_problem() {
    for bad in [
        "auth",
        "auth required",
        "frob required pam_x.so",
        "auth perhaps pam_x.so",
        "auth include none",
        "auth include",
        "@include sshd",
        "@include",
        "auth [a=b pam_x.so",
        "auth [success=0] pam_x.so",
        "auth required .so",
        "auth required pam_x.so \\",
        "\u{feff}auth required pam_x.so",
    ] {
        assert!(!of(bad, NEW).problems.is_empty(), "{bad}");
        assert!(!of(bad, OLD).problems.is_empty(), "{bad}");
    }
    assert!(of("auth required pam_x.so", NEW).problems.is_empty());
}

#[test]
fn no_file_is_no_service() {
    let tree = MemoryTree::new();
    assert!(read(&tree.root(), "sshd", NEW).unwrap().is_none());
    assert!(stacks(&tree.root(), "sshd", NEW).unwrap().is_none());
}

#[test]
fn what_a_service_lacks_comes_from_other() {
    let deny = ("/etc/pam.d/other", "account requisite deny\nauth requisite deny\n");
    let own = ("/etc/pam.d/sshd", "auth required unix\n");
    assert_eq!(answers(&[own, deny], Facility::Auth, &["unix"]), Some(Code::SUCCESS));
    assert_eq!(answers(&[own, deny], Facility::Account, &["unix"]), Some(Code::AUTH_ERR));
    assert_eq!(answers(&[own], Facility::Account, &["unix"]), Some(Code::PERM_DENIED));
    assert_eq!(answers(&[], Facility::Account, &["unix"]), None);
}

#[test]
fn jumps_substacks_and_early_ends() {
    let stock = "auth [success=1 default=ignore] unix\nauth requisite deny\nauth required permit\n";
    let auth = |text: &str, good: &[&str]| answers(&[("/etc/pam.d/sshd", text)], Facility::Auth, good);
    assert_eq!(auth(stock, &["unix", "permit"]), Some(Code::SUCCESS));
    assert_eq!(auth(stock, &["permit"]), Some(Code::AUTH_ERR));
    assert_eq!(auth("auth [success=2 default=ignore] unix\n", &["unix"]), Some(Code::PERM_DENIED));
    let sub = |control: &str| {
        let own = format!("auth {control} inner\nauth required last\n");
        let files = [("/etc/pam.d/sshd", own.as_str()), ("/etc/pam.d/inner", "auth sufficient a\n")];
        answers(&files, Facility::Auth, &["a"])
    };
    assert_eq!(sub("include"), Some(Code::SUCCESS), "the end is the end of all");
    assert_eq!(sub("substack"), Some(Code::AUTH_ERR), "the end is the end of the substack");
}

#[test]
fn hostile_files_are_bounded() {
    let many = "auth required x\n".repeat(MAX + 1);
    let tree = MemoryTree::of(&[("/etc/pam.d/sshd", &many)]);
    assert!(read(&tree.root(), "sshd", NEW).is_err());
    let twice = "auth include sshd\n".repeat(50);
    let tree = MemoryTree::of(&[("/etc/pam.d/sshd", &twice)]);
    let run = |version| read(&tree.root(), "sshd", version);
    assert!(run(NEW).is_err(), "the sum of all lines counts");
    assert!(!run(OLD).unwrap().unwrap().problems.is_empty());
    let stacks = stacks(&tree.root(), "sshd", OLD).unwrap().unwrap();
    assert_eq!(stacks.conclude(Facility::Auth, |_| Code::SUCCESS).code(), None, "nobody knows");
}

const MAX: usize = 2_000;
