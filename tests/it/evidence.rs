//! The record of a build by dnf: the real program says what is pending in a made repository, and what the record is worth
//! once the packages are others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use ironseed::build::{Evidence, RECORD, Record};
use ironseed::observation::{Observation, Outcome, Plane};
use ironseed::target::{DirTree, Root};
use ironseed::verify::{Look, Nature};
use jiff::civil::date;
use tempfile::TempDir;

use crate::plans;
use crate::program::{have, real, text};

const DATABASE: &str = "var/lib/rpm/rpmdb.sqlite";
/// The package that a security update is for.
const HOLED: &str = "holed";

/// A machine: a tree, and the repository that it asks.
struct Machine(TempDir);

/// What the script says that takes the record of a tree. The home says where rpm keeps the tree's database.
pub fn asked(evidence: Evidence, tree: &Path, home: &Path) -> Output {
    let arguments = evidence.arguments(tree.to_str().unwrap());
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "sh", "-c", evidence.script(), "evidence"]).args(arguments);
    command.env("HOME", home).output().unwrap()
}

impl Machine {
    /// `None`, after saying why, where it can't be made.
    fn new() -> Option<Self> {
        let what = "a record of updates by dnf";
        if !have(&["rpm", "rpmbuild", "dnf", "createrepo_c"], what) || !Self::possible(what) {
            return None;
        }
        let work = TempDir::new().unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/evidence/make.sh");
        real("bash", &[script.to_str().unwrap(), work.path().to_str().unwrap()], work.path());
        Some(Self(work))
    }

    /// Whether somebody can be root in a space of its own; says what is skipped where not.
    fn possible(what: &str) -> bool {
        let said = Command::new("unshare").args(["--map-root-user", "true"]).output();
        let why = said.map_or_else(|error| error.to_string(), |said| text(&said.stderr));
        if !why.is_empty() {
            crate::image::skipped(what, &why);
        }
        why.is_empty()
    }

    /// One whose package database nobody reads.
    fn of_nothing() -> Option<Self> {
        if !Self::possible("a record by programs in dnf's place") {
            return None;
        }
        let machine = Self(TempDir::new().unwrap());
        let database = machine.tree().join(DATABASE);
        fs::create_dir_all(database.parent().unwrap()).unwrap();
        fs::write(database, "").unwrap();
        Some(machine)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn tree(&self) -> PathBuf {
        self.path("tree")
    }

    fn asked(&self, program: &'static str, advisories: bool) -> Output {
        asked(Evidence::Dnf { program, advisories }, &self.tree(), &self.path("home"))
    }

    /// Takes the record, as dnf says it, and leaves it in the tree without the metadata that it was taken of.
    fn record(&self, advisories: bool) -> Record {
        let output = self.asked("dnf", advisories);
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::write(self.tree().join(&RECORD[1..]), &output.stdout).unwrap();
        fs::remove_dir_all(self.tree().join("var/cache")).unwrap();
        Record::parse(&output.stdout).unwrap()
    }

    /// What the check makes of the tree.
    fn judged(&self, distro: &str) -> Observation {
        let plan = plans::resolve("nectar-base", distro);
        let tree = DirTree::open(&self.tree()).unwrap();
        let look = Look::new(Root::new(&tree), &plan, Nature::Image, date(2026, 11, 23));
        let check = plan.checks.iter().find(|check| check.info.id == "no-pending-updates").unwrap();
        let mut seen = check.settings[0].setting.observe(&look, Plane::Configured);
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    /// rpm installs or removes in the tree.
    fn rpm(&self, arguments: &[&str]) {
        let tree = self.tree();
        let dbpath = ["--root", tree.to_str().unwrap(), "--dbpath", "/var/lib/rpm", "--nosignature"];
        real("unshare", &[&["--map-root-user", "rpm"], &dbpath[..], arguments].concat(), self.0.path());
    }

    /// Installs what a repository has newer.
    fn upgrade(&self, package: &str) {
        let file = self.path(&format!("repo/{package}-2-1.noarch.rpm"));
        self.rpm(&["-U", file.to_str().unwrap()]);
    }

    fn configure(&self, name: &str, content: &str) {
        fs::write(self.tree().join("etc/yum.repos.d").join(name), content).unwrap();
    }
}

#[test]
fn a_pending_security_update_fails_and_once_it_is_installed_the_check_passes() {
    let Some(machine) = Machine::new() else { return };
    let record = machine.record(true);
    assert_eq!(
        (&record.pending[..], &record.repositories[..]),
        (&[HOLED.to_owned()][..], &["made".to_owned()][..])
    );
    let seen = machine.judged("rocky-9");
    assert_eq!((seen.outcome, seen.found.as_str()), (Outcome::Fail, HOLED));

    machine.upgrade(HOLED);
    assert_eq!(machine.record(true).pending, Vec::<String>::new());
    assert_eq!(machine.judged("rocky-9").outcome, Outcome::Pass);

    // Where no repository tells which updates are for security, each may be.
    let pending = machine.record(false).pending;
    assert!(matches!(&pending[..], [dull, long] if dull == "dull" && long.len() > 80), "{pending:?}");
    assert_eq!(machine.judged("centos-stream-9").outcome, Outcome::Fail);
    pending.iter().for_each(|package| machine.upgrade(package));
    assert_eq!(machine.record(false).pending, Vec::<String>::new());
    assert_eq!(machine.judged("centos-stream-9").outcome, Outcome::Pass);
}

#[test]
fn a_record_of_other_packages_proves_nothing() {
    let Some(machine) = Machine::new() else { return };
    machine.upgrade(HOLED);
    machine.record(true);
    assert_eq!(machine.judged("rocky-9").outcome, Outcome::Pass);
    let database = machine.tree().join(DATABASE);
    let log = machine.tree().join(format!("{DATABASE}-wal"));
    let recorded = fs::read(&database).unwrap();

    // A transaction that stands in SQLite's log alone.
    let write = "import os, sqlite3, sys\nbase = sqlite3.connect(sys.argv[1])\n\
                 base.execute('PRAGMA journal_mode=WAL')\nbase.execute('PRAGMA wal_autocheckpoint=0')\n\
                 base.execute('CREATE TABLE more (a)')\nbase.commit()\nos._exit(0)\n";
    real("python3", &["-c", write, database.to_str().unwrap()], machine.0.path());
    assert!(fs::metadata(&log).unwrap().len() > 0);
    assert_eq!(fs::read(&database).unwrap(), recorded);
    let seen = machine.judged("rocky-9");
    assert_eq!(seen.outcome, Outcome::Unobserved, "{seen:?}");
    // A record that knows of the log holds.
    let program = stub(&machine, "exit 0");
    let output = machine.asked(program, false);
    fs::write(machine.tree().join(&RECORD[1..]), &output.stdout).unwrap();
    assert_eq!(machine.judged("rocky-9").outcome, Outcome::Pass);

    machine.record(true);
    let more = machine.path("RPMS/noarch/more-1-1.noarch.rpm");
    machine.rpm(&["-i", more.to_str().unwrap()]);
    let seen = machine.judged("rocky-9");
    assert_eq!(seen.outcome, Outcome::Unobserved, "{seen:?}");
}

#[test]
fn where_dnf_can_not_say_there_is_no_record() {
    let Some(machine) = Machine::new() else { return };
    let refused = |words: &str, advisories| {
        let output = machine.asked("dnf", advisories);
        assert!(!output.status.success() && output.stdout.is_empty(), "{}", text(&output.stdout));
        assert!(text(&output.stderr).contains(words), "{}", text(&output.stderr));
    };
    // The repository is gone, and what was fetched before does not count.
    machine.asked("dnf", true);
    let repomd = machine.path("repo/repodata/repomd.xml");
    let kept = fs::read_to_string(&repomd).unwrap();
    fs::remove_file(&repomd).unwrap();
    refused("can't say what is pending", true);
    fs::write(&repomd, &kept).unwrap();
    // One of two is.
    let repo = "name=Gone\nbaseurl=file:///nonexistent\ngpgcheck=0\nskip_if_unavailable=1\n";
    machine.configure("gone.repo", &format!("[gone]\n{repo}"));
    refused("can't say what is pending", true);
    machine.configure("gone.repo", &format!("[gone]\nenabled=0\n{repo}"));
    assert!(machine.asked("dnf", true).status.success());
    // No advisories to choose by.
    assert!(kept.contains("\"updateinfo\""));
    fs::remove_dir_all(machine.tree().join("var/cache")).unwrap();
    real("createrepo_c", &["--quiet", "repo"], machine.0.path());
    refused("no repository says which updates are for security", true);
    assert!(machine.asked("dnf", false).status.success());
    // No repository at all.
    machine.configure("made.repo", "");
    refused("no repository is enabled", false);
    // No packages.
    machine.configure(
        "made.repo",
        &format!("[made]\nname=Made\nbaseurl=file://{}\ngpgcheck=0\n", machine.path("repo").display()),
    );
    fs::remove_file(machine.tree().join(DATABASE)).unwrap();
    let output = machine.asked(stub(&machine, "exit 0"), false);
    assert!(!output.status.success() && text(&output.stderr).contains("no package database"));
}

/// A program in dnf's place that knows one repository, and answers as told when it is asked for updates.
fn stub(machine: &Machine, answer: &str) -> &'static str {
    let path = machine.path("answers");
    let script = format!(
        "#!/bin/sh\nfor word; do case $word in\n\
         repolist) printf 'repo id  repo name\\nmade  Made\\n'; exit ;;\n\
         clean) exit ;;\ncheck-update) {answer} ;;\nesac; done\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.to_str().unwrap().to_owned().leak()
}

#[test]
fn answers_of_other_versions_are_understood_and_strange_ones_refused() {
    let Some(machine) = Machine::of_nothing() else { return };
    // dnf5 heads its sections, and names what an update replaces; older ones break long lines.
    let answers = [
        (
            "printf 'Upgrades\\nkernel-core.x86_64 6.1-1.fc44 updates\\n\\nObsoleting packages\\n\
             grub2.x86_64 1:2-1 updates\\n    grub.x86_64 1-1 base\\n'; exit 100",
            vec!["grub2", "kernel-core"],
        ),
        (
            "printf '\\npython3.12-libs.i686\\n        3.12.1-1.el8  appstream\\nSecurity: kernel-5.1 is installed\\n'; exit 100",
            vec!["python3.12-libs"],
        ),
        ("echo 'Last metadata expiration check: 0:00:01 ago.'; exit 0", vec![]),
    ];
    for (answer, wanted) in answers {
        let output = machine.asked(stub(&machine, answer), false);
        assert!(output.status.success(), "{answer}: {}", text(&output.stderr));
        assert_eq!(Record::parse(&output.stdout).unwrap().pending, wanted, "{answer}");
    }
    for answer in
        ["exit 100", "echo 'Upgrades'; exit 100", "exit 1", "echo a.noarch 1 b; exit 3", "kill -9 $$"]
    {
        let output = machine.asked(stub(&machine, answer), false);
        assert!(!output.status.success() && output.stdout.is_empty(), "{answer}: {}", text(&output.stdout));
    }
}
