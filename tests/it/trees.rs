//! Rendered trees: the files and commands of a plan, laid over a real stock tree of its release.
//!
//! Made in two steps, each kept in `target/` under a name that stands for what goes into it:
//! mmdebstrap unpacks the release and the profile's packages (needs a network), then the real
//! apply script runs in that tree. No disk image is made; what belongs to one (the boot menu, the
//! emptied logs) is done by [`FINISH`].

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use ironseed::assets::Assets;
use ironseed::plan::Plan;
use ironseed::render::{self, Bundle, apply};
use ironseed::{hash, yaml};

use crate::image::skipped;
use crate::program::{have, text};

/// Part of the trees' names: another number makes all trees anew.
const VERSION: u32 = 1;

/// What is done to a tree after its packages are unpacked: `$1` is the tree, and the rendered
/// files are in its `/run/ironseed`.
const FINISH: &str = include_str!("trees/finish.sh");

/// The builder's stand-in for `grub-probe`, which finds no disk here either.
const GRUB_PROBE: &str = include_str!("../../generator/build/inside/grub-probe.sh");

/// The tree of a plan, as a tar archive; `None`, after saying why, where none can be made here.
pub fn path(plan: &Plan) -> Option<PathBuf> {
    // Two tests that want the same tree make it once.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap();
    let bundle = render::bundle(plan, &Assets::embedded()).unwrap();
    let script = apply::script(plan, &bundle, apply::Carrier::CloudInit, &Assets::embedded()).unwrap();
    let stock = stock(plan, &bundle)?;
    let key = [&script, &serde_json::to_string(&bundle).unwrap(), FINISH, stock.to_str().unwrap()].concat();
    let name = format!("{}-{}-", plan.profile, plan.distro.id);
    let tree = folder().join(format!("{name}{}.tar", short(&key)));
    if tree.is_file() {
        return Some(tree);
    }
    forget(&name);
    say(&format!("rendering {} for the tests", tree.display()));
    let payload = payload(plan, &bundle, &script);
    let hooks = [
        format!("--setup-hook=tar-in {} /", stock.display()),
        // mmdebstrap makes its own devices.
        r#"--setup-hook=rm -rf "$1/dev" && mkdir "$1/dev""#.to_owned(),
        r#"--customize-hook=mkdir -p "$1/run/ironseed""#.to_owned(),
        format!("--customize-hook=tar-in {} /run/ironseed", payload.path().display()),
        r#"--customize-hook=sh "$1/run/ironseed/finish.sh" "$1""#.to_owned(),
    ];
    let arguments = [
        &["--variant=custom", "--skip=update,cleanup/reproducible"],
        &hooks.each_ref().map(String::as_str)[..],
    ];
    make(&tree, &arguments.concat(), &plan.distro.codename)
}

/// Deletes trees of earlier plans: each takes half a gigabyte.
fn forget(name: &str) {
    for entry in fs::read_dir(folder()).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with(name) {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// The release with the packages that the plan's image would have, nothing configured.
fn stock(plan: &Plan, bundle: &Bundle) -> Option<PathBuf> {
    let image = &plan.distro.image;
    let mut packages: Vec<&str> =
        image.packages.iter().chain(bundle.packages.keys()).map(String::as_str).collect();
    packages.retain(|p| !bundle.absent.contains_key(*p));
    packages.sort_unstable();
    packages.dedup();
    let include = format!("--include={}", packages.join(","));
    let variant = format!("--variant={}", image.variant);
    // What no check reads is left out: it makes most of the archive.
    let mut arguments = vec![variant.as_str(), &include, "--skip=cleanup/reproducible"];
    arguments.extend([
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/lib/modules/*/kernel/*",
    ]);
    let key = [arguments.concat(), VERSION.to_string()].concat();
    let tree = folder().join(format!("stock-{}-{}.tar", plan.distro.id, short(&key)));
    if tree.is_file() {
        return Some(tree);
    }
    say(&format!("unpacking {} for the tests", tree.display()));
    make(&tree, &arguments, &plan.distro.codename)
}

/// Runs mmdebstrap and gives the finished archive its name.
fn make(tree: &Path, arguments: &[&str], suite: &str) -> Option<PathBuf> {
    let what = "mutations of a rendered tree";
    if !have(&["mmdebstrap"], what) {
        return None;
    }
    fs::create_dir_all(folder()).unwrap();
    let unfinished = tree.with_extension("unfinished.tar");
    let made = Command::new("mmdebstrap")
        .args(["--quiet", "--mode=unshare"])
        .args(arguments)
        .arg(suite)
        .arg(&unfinished)
        .env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()))
        .output()
        .unwrap();
    if !made.status.success() {
        // A machine without network or user namespaces.
        skipped(what, &format!("no tree can be made here: {}", text(&made.stderr)));
        return None;
    }
    fs::rename(&unfinished, tree).unwrap();
    Some(tree.to_owned())
}

/// The rendered files and commands, as [`FINISH`] takes them.
fn payload(plan: &Plan, bundle: &Bundle, script: &str) -> tempfile::NamedTempFile {
    let image = &plan.distro.image;
    let purge: String = image.purge.iter().map(|p| format!("dpkg --purge {p}\n")).collect();
    let mut install = String::new();
    let mut archive = tar::Builder::new(tempfile::NamedTempFile::new().unwrap());
    let mut add = |name: &str, content: &str| {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        archive.append_data(&mut header, name, content.as_bytes()).unwrap();
    };
    for (number, file) in bundle.files.values().enumerate() {
        add(&format!("files/{number}"), &file.content);
        install.push_str(&format!(
            "install -D -m {:04o} -o {} -g {} -- /run/ironseed/files/{number} {}\n",
            file.mode, file.owner, file.group, file.path
        ));
    }
    add("files/cloud", &yaml::write(&image.cloud_config).unwrap());
    install.push_str("install -D -m 0644 /run/ironseed/files/cloud /etc/cloud/cloud.cfg.d/90-image.cfg\n");
    let removals = image.removals.iter().chain(bundle.removals.keys());
    let removals: String = removals.map(|path| format!("rm -rf -- {path}\n")).collect();
    add("install.sh", &format!("set -eu\n{purge}{install}"));
    add("removals.sh", &removals);
    add("apply.sh", script);
    add("finish.sh", FINISH);
    add("grub-probe", GRUB_PROBE);
    let mut file = archive.into_inner().unwrap();
    file.flush().unwrap();
    file
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("trees")
}

fn short(key: &str) -> String {
    hash::bytes(key.as_bytes())[..16].to_owned()
}

/// Past the capture of the test harness: it takes a while.
fn say(words: &str) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
