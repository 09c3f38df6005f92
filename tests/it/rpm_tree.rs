//! From end to end on a tree of the rpm family: packages that the real rpm installed, a rendering laid over them, and
//! what a change of one fact turns red.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use ironseed::assets::Assets;
use ironseed::hash;
use ironseed::observation::Plane;
use ironseed::plan::Plan;
use ironseed::render;
use ironseed::render::bundle::UnitState;
use ironseed::target::{DirTree, Root, Tree};
use ironseed::verify::{Look, Nature};
use jiff::civil::date;
use serde_json::json;
use tempfile::TempDir;

use crate::plans;
use crate::program::{have, real, text};
use crate::tree::{Changed, Edit};

const DATABASE: &str = "/var/lib/rpm/rpmdb.sqlite";
const RECORD: &str = "/usr/share/ironseed/build.json";
const ENTRY: &str = "/boot/loader/entries/0123-5.14.0-427.el9.x86_64.conf";

/// The tree, with a rendering of the plan laid over it.
pub fn made(plan: &Plan, work: &Path) -> std::path::PathBuf {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/rpm_tree");
    let [tree, files] = ["tree", "files"].map(|name| work.join(name));
    let script = |name: &str| scripts.join(name).to_str().unwrap().to_owned();
    fs::create_dir(&tree).unwrap();
    real("bash", &[&script("make.sh"), work.to_str().unwrap(), tree.to_str().unwrap()], work);
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
    let path = tree.join(RECORD.trim_start_matches('/'));
    fs::write(path, record(&fs::read(tree.join(&DATABASE[1..])).unwrap())).unwrap();
    tree
}

/// What a build would record of a database.
fn record(database: &[u8]) -> String {
    json!({"format": 1, "pending": [], "security_release": [], "package_database_sha256": hash::bytes(database)}).to_string()
}

/// Every check that is not in order, and why.
fn red(tree: &dyn Tree, plan: &Plan, nature: Nature) -> BTreeMap<String, String> {
    let look = Look::new(Root::new(tree), plan, nature, date(2026, 11, 23));
    let mut red = BTreeMap::new();
    for check in &plan.checks {
        for planned in check.settings.iter().filter(|s| s.not_applicable.is_none()) {
            let planes = planned.setting.planes();
            if !planes.contains(&Plane::Configured) {
                continue;
            }
            for seen in planned.setting.observe(&look, Plane::Configured) {
                if !seen.outcome.is_acceptable() {
                    red.entry(check.info.id.clone()).or_insert_with(|| format!("{seen:?}"));
                }
            }
        }
    }
    red
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

#[test]
fn a_rendering_over_installed_packages_passes_and_each_broken_fact_fails_its_check() {
    if !have(&["rpm", "rpmbuild", "unshare", "firewalld", "fail2ban-client"], "a tree of the rpm family") {
        return;
    }
    let spaces = Command::new("unshare").args(["--map-root-user", "true"]).output().unwrap();
    if !spaces.status.success() {
        return crate::image::skipped("a tree of the rpm family", &text(&spaces.stderr));
    }
    let work = TempDir::new().unwrap();
    let plan = plans::resolve("nectar-base", "rocky-9");
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
