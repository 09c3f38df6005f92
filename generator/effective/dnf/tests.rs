mod pending;

use serde_json::{Value, json};

use super::*;
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, python_in_own_root};
use crate::location::{Location, Sourced};

const ETC: &str = "/etc/dnf/automatic.conf";

fn read(files: &[(&str, &str)], generation: Generation, arguments: &[&str]) -> Automatic {
    let tree = MemoryTree::of(files);
    automatic(&tree.root(), generation, Invocation::of(arguments)).unwrap().unwrap()
}

#[test]
fn a_units_arguments_win_over_the_file() {
    let files = [(ETC, "[commands]\nupgrade_type = security\napply_updates = no\n")];
    let plain = read(&files, Generation::Dnf4, &["/usr/bin/dnf-automatic", "--timer"]);
    assert!(!plain.apply.value && !plain.download.value);
    assert_eq!(plain.upgrade_type, Sourced::new(UpgradeType::Security, Location::line(ETC, 2)));
    let install = read(&files, Generation::Dnf4, &["--timer", "--installupdates"]);
    assert!(install.apply.value && install.download.value);
}

#[test]
fn dnf5_lays_etc_over_usr_and_a_bad_value_changes_nothing() {
    let usr = (
        "/usr/share/dnf5/dnf5-plugins/automatic.conf",
        "[commands]\nupgrade_type = security\napply_updates = yes\n",
    );
    let both = read(
        &[usr, (ETC, "[commands]\nupgrade_type = Security\napply_updates = off\n")],
        Generation::Dnf5,
        &[],
    );
    assert_eq!(both.upgrade_type.value, UpgradeType::Security);
    assert_eq!(both.ignored.len(), 1);
    assert!(!both.apply.value && both.download.value);
    let none = read(&[], Generation::Dnf5, &[]);
    assert!(none.download.value && !none.apply.value);
}

#[test]
fn absent_and_broken_are_told_apart() {
    let of = |files: &[(&str, &str)]| {
        automatic(&MemoryTree::of(files).root(), Generation::Dnf4, Invocation::default()).unwrap()
    };
    assert!(!of(&[]).unwrap().apply.value);
    let broken = of(&[(ETC, "[commands]\napply_updates: yes\n")]).unwrap_err();
    assert_eq!(broken.at, Location::line(ETC, 2));
    for noise in ["\0", "[", "[]", "=", "[a]\n=", "[a]\n b", "\u{feff}\u{feff}[a]\n"] {
        drop(of(&[(ETC, noise)]));
    }
}

/// What dnf's own classes make of the files.
const DRIVER: &str = r#"
logging.disable()
dnf.const.CONF_AUTOMATIC_FILENAME = "/etc/dnf/automatic.conf"
def automatic(install, download):
    try: c = dnf.automatic.main.AutomaticConfig("/etc/dnf/automatic.conf", download, install).commands
    except dnf.exceptions.ConfigError: return None
    return [c.upgrade_type, c.download_updates, c.apply_updates]
def main():
    conf = dnf.conf.MainConf()
    if not os.path.exists("/etc/dnf/dnf.conf"): return [conf.gpgcheck, list(conf.excludepkgs)]
    try: conf.read("/etc/dnf/dnf.conf")
    except dnf.exceptions.ConfigError: return None
    return [conf.gpgcheck, list(conf.excludepkgs)]
def repositories():
    conf = dnf.conf.MainConf()
    if os.path.exists("/etc/dnf/dnf.conf"): conf.read("/etc/dnf/dnf.conf")
    reader = dnf.conf.read.RepoReader(conf, {})
    conf.reposdir = ["/etc/yum.repos.d"]
    return sorted([r.id, r.enabled, r.gpgcheck] for r in reader)
for line in sys.stdin:
    tree, install, download = json.loads(line)
    bring(tree)
    conf = main()
    print(json.dumps([automatic(install, download), conf, conf and repositories()]), flush=True)
"#;

const LINES: &[&str] = &[
    "apply_updates = yes",
    "apply_updates=no",
    "apply_updates = On",
    "apply_updates\t=\tTRUE",
    "apply_updates = maybe",
    "apply_updates =",
    "apply_updates = None",
    "apply_updates = \"yes\"",
    "apply_updates = 'no\"",
    "Apply_Updates = yes",
    "apply_updates = yes # c",
    "apply_updates : yes",
    "apply_updates",
    " apply_updates = yes",
    "apply_updates = 1\r",
    "apply_updates = yes\n no",
    "apply_updates =\n yes",
    "apply_updates = yes\n  \n",
    "apply_updates = yes \t",
    "download_updates = 1",
    "download_updates = 0",
    "download_updates = off",
    "upgrade_type = security",
    "upgrade_type = default",
    "upgrade_type = Security",
    "upgrade_type = 'security'",
    "upgrade_type = distro-sync",
    "upgrade_type = ${x}",
    "upgrade_type = %(x)s",
    "gpgcheck = 0",
    "gpgcheck=1",
    "gpgcheck = no",
    "gpgcheck = 2",
    "excludepkgs = kernel*",
    "excludepkgs = a, b\n c,d",
    "exclude = x y",
    "exclude=",
    "enabled = 0",
    "enabled = 1",
    "enabled = false",
    "name = n",
    "",
    "# c",
    "; c",
    "   ",
    "= x",
    "\u{e9} = \u{fc}",
    "x = [y]",
    "[",
    "[]",
    "\r",
];

const SECTIONS: &[&str] = &[
    "[commands]",
    "[commands]",
    "[main]",
    "[main]",
    "[base]",
    "[one]",
    "[two]",
    " [commands]",
    "[commands] ",
    "[commands] # c",
    "[commands] x",
    "[commands] xy",
    "[ commands ]",
    "[Commands]",
    "[commands]]",
    "[commands",
];

fn file(dice: &mut Dice, first: &str) -> String {
    let mut text = dice.pick(&["", "", "", "", "\u{feff}", "# c\n", "\n", "x = 1\n"]).to_owned();
    text += &format!("{first}\n");
    for _ in 0..dice.below(8) {
        let rare = if dice.once_in(6) { LINES.len() } else { LINES.len() - 6 };
        let line = if dice.once_in(8) { dice.pick(SECTIONS) } else { dice.pick(&LINES[..rare]) };
        let odd = line.contains(": yes") || line.starts_with(' ') || line == "apply_updates";
        if odd && dice.chance(80) {
            continue;
        }
        text += line;
        text += dice.pick(&["\n", "\n", "\n", "\n", "\n", "\r\n", "\n\n"]);
    }
    if dice.once_in(10) { text.trim_end().to_owned() } else { text }
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    if dice.chance(95) {
        tree.write(ETC, file(dice, "[commands]"));
    }
    if dice.chance(90) {
        tree.write("/etc/dnf/dnf.conf", file(dice, "[main]"));
    }
    for name in dice.subset(&["a.repo", "b.repo", "c.conf"]) {
        let id = format!("[{}]", name.replace('.', "-"));
        tree.write(format!("/etc/yum.repos.d/{name}"), file(dice, &id));
    }
    tree
}

fn ours(tree: &MemoryTree, invocation: Invocation) -> Value {
    let root = tree.root();
    let run = automatic(&root, Generation::Dnf4, invocation).unwrap().ok();
    let run = run.map(|run| {
        let kind = if run.upgrade_type.value == UpgradeType::Security { "security" } else { "default" };
        json!([kind, run.download.value, run.apply.value])
    });
    let main = main_conf(&root, DNF_CONF).unwrap();
    let of_main = main.as_ref().ok().map(|main| {
        let excludes = main.excludes.as_ref().map_or_else(Vec::new, |found| found.value.clone());
        json!([main.gpgcheck.value, excludes])
    });
    let found = main.ok().map(|main| {
        let found = repositories(&root, &main).unwrap().0.into_iter();
        let mut found: Vec<_> =
            found.map(|repo| (repo.id, repo.enabled.value, repo.gpgcheck.value)).collect();
        found.sort();
        found
    });
    json!([run, of_main, found])
}

fn verdict(driver: &mut Dialogue, tree: &MemoryTree) -> Verdict {
    let disk = tree.on_disk();
    let size = tree.shown().len();
    let choices = [None, Some(true), Some(false)];
    let invocation = Invocation { install: choices[size % 3], download: choices[size / 3 % 3] };
    let question = json!([disk.path().to_str().unwrap(), invocation.install, invocation.download]);
    let theirs: Value = serde_json::from_str(&driver.ask(&question.to_string())).unwrap();
    match ours(tree, invocation) {
        ours if ours != theirs => Verdict::differ(ours, theirs),
        ours if ours[0].is_null() => Verdict::Refuse,
        _ => Verdict::Agree,
    }
}

#[test]
fn agrees_with_dnf() {
    let modules = "json, logging, dnf, dnf.automatic.main, dnf.conf.read";
    let Some(mut driver) = python_in_own_root(&["/etc"], modules, DRIVER) else { return };
    let tally = Differential::cases(250).run(generate, |tree| verdict(&mut driver, tree));
    assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
}
