//! From end to end on a tree of the rpm family: packages that the real rpm installed, a rendering laid over them, and
//! what a change of one fact turns red.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use ironseed::assets::Assets;
use ironseed::build::Evidence;
use ironseed::hash;
use ironseed::observation::{Observation, Plane};
use ironseed::plan::Plan;
use ironseed::render;
use ironseed::render::bundle::UnitState;
use ironseed::report::TargetReport;
use ironseed::settings::Setting;
use ironseed::target::{DirTree, Root, Tree, sha256_file};
use ironseed::verify::{self, Look, Nature, Seen};
use jiff::civil::{Date, date};
use serde_json::json;
use tempfile::{NamedTempFile, TempDir};

use crate::program::{have, real, text};
use crate::tree::{Changed, Edit};
use crate::{evidence, plans};

/// A release that trees are made of: its id, the end of its packages' releases, where rpm keeps its database, and the package that
/// installs updates with the name of its units.
struct Made {
    release: &'static str,
    dist: &'static str,
    database: &'static str,
    automatic: [&'static str; 2],
}

const MADE: [Made; 3] = [
    Made {
        release: "rocky-9",
        dist: "el9",
        database: "/var/lib/rpm",
        automatic: ["dnf-automatic", "dnf-automatic"],
    },
    Made {
        release: "centos-stream-10",
        dist: "el10",
        database: "/usr/lib/sysimage/rpm",
        automatic: ["dnf-automatic", "dnf-automatic"],
    },
    Made {
        release: "fedora-44",
        dist: "fc44",
        database: "/usr/lib/sysimage/rpm",
        automatic: ["dnf5-plugin-automatic", "dnf5-automatic"],
    },
];

const TODAY: Date = date(2026, 11, 23);
const DATABASE: &str = "/var/lib/rpm/rpmdb.sqlite";
const RECORD: &str = "/usr/share/ironseed/build.json";
const ENTRY: &str = "/boot/loader/entries/0123-5.14.0-427.el9.x86_64.conf";

/// The tree, with a rendering of the plan laid over it, and the record that the real dnf takes of it.
pub fn made(plan: &Plan, work: &Path) -> std::path::PathBuf {
    let of = MADE.iter().find(|made| made.release == plan.distro.id).unwrap();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/rpm_tree");
    let [tree, files] = ["tree", "files"].map(|name| work.join(name));
    let script = |name: &str| scripts.join(name).to_str().unwrap().to_owned();
    fs::create_dir(&tree).unwrap();
    let (id, versions) = (&plan.distro.os_release, &plan.distro.versions);
    let facts = [
        format!("ID={}", id.id),
        format!("VERSION_ID={}", id.version_id),
        format!("DIST={}", of.dist),
        format!("OPENSSH={}.{}p1", versions.openssh.major, versions.openssh.minor),
        format!("SYSTEMD={}", versions.systemd),
        format!("CLOUD_INIT={}", versions.cloud_init),
        format!("FAIL2BAN={}", versions.fail2ban),
        format!("DATABASE={}", of.database),
        format!("AUTOMATIC={}", of.automatic[0]),
        format!("TIMER={}", of.automatic[1]),
    ];
    let make = ["bash".to_owned(), script("make.sh"), work.display().to_string(), tree.display().to_string()];
    let words: Vec<&str> = facts.iter().chain(&make).map(String::as_str).collect();
    real("env", &words, work);
    let bundle = render::bundle(plan, &Assets::embedded()).unwrap();
    for file in bundle.files.values() {
        let path = files.join(file.path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &file.content).unwrap();
    }
    let port = bundle.port_labels.values().next().unwrap().0.port.to_string();
    let enabled =
        bundle.units.iter().filter(|(_, (state, _))| *state == UnitState::Enabled).map(|(name, _)| name);
    let mut arguments =
        vec![script("apply.sh"), files.display().to_string(), tree.display().to_string(), port];
    arguments.push("sshd.service".to_owned());
    arguments.extend(enabled.cloned());
    real("bash", &arguments.iter().map(String::as_str).collect::<Vec<_>>(), work);
    let evidence = Evidence::Dnf { program: "dnf", advisories: plan.distro.archive.advisories };
    let taken = evidence::asked(evidence, &tree, &work.join("home"));
    assert!(taken.status.success(), "{}", text(&taken.stderr));
    fs::write(tree.join(&RECORD[1..]), taken.stdout).unwrap();
    // What asking left behind goes when an image is sealed.
    for folder in ["var/cache", "var/log", "var/lib/dnf"] {
        fs::remove_dir_all(tree.join(folder)).unwrap();
    }
    fs::create_dir(tree.join("var/log")).unwrap();
    tree
}

/// What a build would record of a database.
fn record(database: &[u8]) -> String {
    json!({"format": 1, "pending": [], "security_release": [], "package_database_sha256": hash::bytes(database)}).to_string()
}

/// Every check that is not in order, and why.
fn red(tree: &dyn Tree, plan: &Plan, nature: Nature) -> BTreeMap<String, String> {
    let mut red = BTreeMap::new();
    for Seen { check, observation, .. } in looked(tree, plan, nature) {
        if !observation.outcome.is_acceptable() {
            let id = plan.checks[check].info.id.clone();
            red.entry(id).or_insert_with(|| format!("{observation:?}"));
        }
    }
    red
}

/// All that is seen of a tree's files.
fn looked(tree: &dyn Tree, plan: &Plan, nature: Nature) -> Vec<Seen> {
    let look = Look::new(Root::new(tree), plan, nature, TODAY);
    let mut seen = Vec::new();
    for (check, setting, wanted) in settings(plan, Plane::Configured) {
        let observed = wanted.observe(&look, Plane::Configured);
        seen.extend(observed.into_iter().map(|observation| Seen { check, setting, observation }));
    }
    seen
}

/// The settings of a plan that claim a plane, each with its number and that of its check.
fn settings(plan: &Plan, plane: Plane) -> impl Iterator<Item = (usize, usize, &Setting)> {
    plan.checks.iter().enumerate().flat_map(move |(check, planned)| {
        let settings = planned.settings.iter().enumerate().filter(|(_, s)| s.not_applicable.is_none());
        let claims = settings.filter(move |(_, s)| s.setting.planes().contains(&plane));
        claims.map(move |(setting, planned)| (check, setting, &planned.setting))
    })
}

fn file(path: &str, content: impl Into<Vec<u8>>) -> Edit {
    Edit::File { path: path.to_owned(), content: content.into(), mode: 0o644, owner: (0, 0) }
}

/// The files that edits are about.
fn paths(edits: &[Edit]) -> Vec<&str> {
    let mut paths = Vec::new();
    for edit in edits {
        let (Edit::File { path, .. }
        | Edit::Directory { path, .. }
        | Edit::Link { path, .. }
        | Edit::Remove { path }) = edit;
        paths.push(path.as_str());
    }
    paths
}

/// No image may have a package manager's cache; an instance has one.
fn nature(edits: &[Edit]) -> Nature {
    let cache = paths(edits).iter().any(|path| path.starts_with("/var/cache"));
    if cache { Nature::Instance } else { Nature::Image }
}

/// The database without a package, as rpm leaves it, and the record of that.
fn without(package: &str, tree: &Path) -> Vec<Edit> {
    let dir = TempDir::new().unwrap();
    let copy = dir.path().join("rpmdb.sqlite");
    fs::copy(tree.join(&DATABASE[1..]), &copy).unwrap();
    let dbpath = dir.path().to_str().unwrap();
    real("rpm", &["--dbpath", dbpath, "--justdb", "--nodeps", "-e", package], dir.path());
    let database = fs::read(copy).unwrap();
    assert_eq!(fs::metadata(dir.path().join("rpmdb.sqlite-wal")).map_or(0, |meta| meta.len()), 0);
    vec![file(RECORD, record(&database)), file(DATABASE, database)]
}

/// A cache of dnf's with one advisory of a package's version.
fn advisory(kind: &str, version: &str) -> Vec<Edit> {
    let folder = "/var/cache/dnf/baseos-0123456789abcdef/repodata";
    let repomd = "<repomd xmlns=\"http://linux.duke.edu/metadata/repo\"><data type=\"updateinfo\">\
                  <location href=\"repodata/0-updateinfo.xml\"/></data></repomd>";
    let updateinfo = format!(
        "<updates><update type=\"{kind}\"><id>RLSA-2026:1</id><pkglist><collection>\
         <package name=\"openssh-server\" version=\"{version}\" release=\"1.el9\" epoch=\"0\" arch=\"noarch\"/>\
         </collection></pkglist></update></updates>"
    );
    vec![
        file(&format!("{folder}/repomd.xml"), repomd),
        file(&format!("{folder}/0-updateinfo.xml"), updateinfo),
    ]
}

/// Whether trees can be made; says what is skipped where not.
pub fn possible() -> bool {
    let what = "a tree of the rpm family";
    let programs = ["rpm", "rpmbuild", "dnf", "createrepo_c", "unshare", "firewalld", "fail2ban-client"];
    if !have(&programs, what) {
        return false;
    }
    let spaces = Command::new("unshare").args(["--map-root-user", "true"]).output().unwrap();
    if !spaces.status.success() {
        crate::image::skipped(what, &text(&spaces.stderr));
    }
    spaces.status.success()
}

/// The gate's reasons against an image with these files; none where it lets it through. No machine boots here: what one would
/// say is taken as said.
fn refused(tree: &dyn Tree, plan: &Plan) -> Vec<String> {
    let mut seen = looked(tree, plan, Nature::Image);
    seen.extend(settings(plan, Plane::Running).map(|(check, setting, wanted)| {
        let observation = Observation::pass(Plane::Running, "as wanted", wanted.wanted());
        Seen { check, setting, observation }
    }));
    let image = NamedTempFile::new().unwrap();
    let target = TargetReport {
        name: "made".into(),
        kind: "qcow2".into(),
        sha256: Some(sha256_file(image.path()).unwrap()),
        base: None,
    };
    let report = verify::report(plan, target, &[Plane::Configured, Plane::Running], seen, TODAY);
    let passed = report.passed(image.path(), plan, TODAY).unwrap();
    passed.err().map(|refusal| refusal.reasons).unwrap_or_default()
}

#[test]
fn the_gate_lets_a_tree_of_each_release_through_with_the_record_that_dnf_took_and_not_without() {
    if !possible() {
        return;
    }
    for of in &MADE {
        let work = TempDir::new().unwrap();
        let plan = plans::resolve("nectar-base", of.release);
        let folder = made(&plan, work.path());
        let tree = DirTree::open(&folder).unwrap();
        assert_eq!(red(&tree, &plan, Nature::Image), BTreeMap::new(), "{}", of.release);
        assert_eq!(refused(&tree, &plan), Vec::<String>::new(), "{}", of.release);
        let without = Changed::edited(&tree, &[Edit::Remove { path: RECORD.to_owned() }]);
        let reasons = refused(&without, &plan);
        assert!(matches!(&reasons[..], [one] if one.contains("no-pending-updates")), "{reasons:?}");
    }
}

#[test]
fn a_rendering_over_installed_packages_passes_and_each_broken_fact_fails_its_check() {
    if !possible() {
        return;
    }
    let work = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", MADE[0].release);
    let folder = made(&plan, work.path());
    let tree = DirTree::open(&folder).unwrap();
    assert_eq!(red(&tree, &plan, Nature::Image), BTreeMap::new());

    let text = |path: &str| fs::read_to_string(folder.join(&path[1..])).unwrap();
    let replaced = |path: &str, from: &str, to: &str| {
        assert!(text(path).contains(from), "{path}: {from}");
        vec![file(path, text(path).replace(from, to))]
    };
    let ports = "/var/lib/selinux/targeted/active/ports.local";
    let automatic = "/etc/dnf/automatic.conf";
    let kernel = "/usr/lib/modules/5.14.0-503.el9.x86_64/vmlinuz";
    let module = |path: &str| Edit::Directory { path: path.to_owned(), mode: 0o755, owner: (0, 0) };
    let (grubenv, saved) = ("/boot/grub2/grubenv", "saved_entry=0123-");
    let broken = [
        ("automatic-updates", without("dnf-automatic", &folder)),
        ("ssh-ban-tool", without("fail2ban-server", &folder)),
        ("no-pending-updates", vec![file(RECORD, record(b"other packages"))]),
        ("no-pending-updates", advisory("security", "9.9p2")),
        ("ssh-port", replaced(ports, "ssh_port_t", "http_port_t")),
        ("ssh-port", vec![Edit::Remove { path: ports.to_owned() }]),
        ("automatic-updates", replaced(automatic, "apply_updates = yes", "apply_updates = no")),
        ("automatic-updates", replaced("/etc/dnf/dnf.conf", "gpgcheck=1", "gpgcheck=0\nexclude=kernel*")),
        ("update-reboot-policy", replaced(automatic, "when-needed", "never")),
        ("kernel-current", vec![module("/usr/lib/modules/5.14.0-503.el9.x86_64"), file(kernel, "")]),
        (
            "kernel-current",
            replaced(ENTRY, "linux /vmlinuz-5.14.0-427.el9.x86_64", "linux /vmlinuz-5.14.0-70.el9.x86_64"),
        ),
        (
            "keys-in-image",
            vec![file(
                "/usr/share/doc/openssh/regress.key",
                text("/usr/share/doc/openssh/regress.key") + "\n",
            )],
        ),
    ];
    for (check, edits) in broken {
        let changed = Changed::edited(&tree, &edits);
        let found = red(&changed, &plan, nature(&edits));
        assert_eq!(found.keys().collect::<Vec<_>>(), [check], "{:?}\n{found:#?}", paths(&edits));
    }
    let harmless = [
        advisory("security", "9.8p1"),
        advisory("bugfix", "9.9p2"),
        replaced(grubenv, saved, "other=0123-"),
        replaced("/etc/selinux/config", "enforcing", "disabled"),
    ];
    for edits in harmless {
        let changed = Changed::edited(&tree, &edits);
        assert_eq!(red(&changed, &plan, nature(&edits)), BTreeMap::new(), "{:?}", paths(&edits));
    }
}
