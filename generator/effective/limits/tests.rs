use super::*;
use crate::effective::pam::Patches;
use crate::effective::testing::MemoryTree;

const OLD: PamVersion = PamVersion { major: 1, minor: 5, patches: PATCHES };
const NEW: PamVersion = PamVersion { major: 1, minor: 7, patches: PATCHES };
const PATCHES: Patches = Patches { at_include: true, limits_spare_root: true };
const DROP_IN: &str = "/etc/security/limits.d/10-a.conf";

fn core(tree: &MemoryTree, version: PamVersion, login: &Login) -> Option<Limit> {
    match Limits::read(tree.root(), version).unwrap().of(login) {
        Conclusion::Limited(mut limits) => limits.remove("core"),
        other => panic!("{other:?}"),
    }
}

fn alice() -> Login {
    Login { name: Some("alice".into()), uid: Some(1000), ..Login::default() }
}

#[test]
fn later_files_win_and_stronger_domains_win_over_later_ones() {
    let mut tree = MemoryTree::of(&[(MAIN, "* - core 1\nalice hard core 2\n"), (DROP_IN, "* - core 0\n")]);
    let limit = core(&tree, NEW, &Login::default()).unwrap();
    assert_eq!(limit.hard, Some(Sourced::new(0, Location::line(DROP_IN, 1))));
    let limit = core(&tree, NEW, &alice()).unwrap();
    assert_eq!(limit.hard, Some(Sourced::new(2048, Location::line(MAIN, 2))));
    assert_eq!(limit.soft.unwrap().value, 0);
    tree.write("/etc/security/limits.d/20-b.conf", "* soft core unlimited\n");
    assert_eq!(core(&tree, NEW, &Login::default()).unwrap().soft.unwrap().value, 0, "the hard one bounds it");
    tree.write("/etc/security/limits.d/20-b.conf.bak", "* hard core unlimited\n");
    assert_eq!(core(&tree, NEW, &Login::default()).unwrap().hard.unwrap().value, 0);
}

#[test]
fn root_has_its_own_lines_alone() {
    let tree =
        MemoryTree::of(&[(MAIN, "* hard core 0\n@adm hard core 1\n"), (DROP_IN, "root soft core 2\n")]);
    let root =
        Login { name: Some("root".into()), uid: Some(0), groups: vec!["adm".into()], ..Login::default() };
    let limit = core(&tree, NEW, &root).unwrap();
    assert_eq!((limit.soft.unwrap().value, limit.hard), (2048, None));
    let other = PamVersion { patches: Patches::default(), ..NEW };
    assert_eq!(core(&tree, other, &root).unwrap().hard.unwrap().value, 1024);
}

#[test]
fn one_line_exempts_and_one_missing_file_refuses() {
    let mut tree = MemoryTree::of(&[(MAIN, "* hard core 0\nalice -\n")]);
    let of = |tree: &MemoryTree, version| Limits::read(tree.root(), version).unwrap().of(&alice());
    assert_eq!(of(&tree, OLD), Conclusion::Exempt(Location::line(MAIN, 2)));
    tree.write(MAIN, "* hard core 0\n* -\n");
    assert!(matches!(of(&tree, OLD), Conclusion::Limited(_)));
    tree.link(DROP_IN, "nowhere");
    assert!(matches!(of(&tree, OLD), Conclusion::Refused(_)));
    assert!(matches!(of(&tree, NEW), Conclusion::Limited(_)));
}

#[test]
fn every_domain_has_a_login_that_it_is_for() {
    let text = "alice - core 1\n@adm - core 2\n@:7 - core 3\n@5:9 - core 4\n9: - core 5\n:3 - core 6\n%x - maxlogins 1\n";
    let tree = MemoryTree::of(&[(MAIN, text)]);
    let limits = Limits::read(tree.root(), NEW).unwrap();
    let logins = limits.logins();
    assert_eq!(logins.len(), 7, "{logins:?}");
    for rule in rules(MAIN, text, NEW) {
        let got = |login: &Login| core(&tree, NEW, login).and_then(|l| l.hard).map(|h| h.value);
        assert!(logins.iter().any(|login| got(login) == Some(rule.value)), "{rule:?}");
    }
}

#[test]
fn units_are_the_kernels() {
    let text = "* - cpu 2\n* - core 3\n* - nice -5\n* - nofile 4\n* - rss 99999999999999999999\n* - as x\n";
    let rules = rules(MAIN, text, NEW);
    let values: Vec<_> = rules.iter().map(|rule| (rule.item, rule.value)).collect();
    assert_eq!(values, [("cpu", 120), ("core", 3072), ("nice", 25), ("nofile", 4), ("rss", UNLIMITED)]);
}

#[test]
fn too_many_lines_are_an_error() {
    let tree = MemoryTree::of(&[(MAIN, &"a - core 1\n".repeat(MAX_LINES + 1))]);
    assert!(Limits::read(tree.root(), NEW).is_err());
}
