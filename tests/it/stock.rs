//! The second engine: a stock cloud image becomes a hardened one, with user-data alone.
//!
//! The stock image is built here, with a profile that renders nothing, unless `IRONSEED_STOCK_IMAGE`
//! names one (a cloud image of Debian 12). Takes minutes and a network from which the guest can
//! install packages; `IRONSEED_SKIP_VM=1` leaves it out. `IRONSEED_STOCK_ALL=1` adds Debian 13
//! and a disk without space.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ironseed::carried;
use ironseed::target::{self, FileKind, Root, Tree, sha256_file};
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{can_boot, real, run};
use crate::{image, plans};

/// A profile that renders nothing: what is built with it is a stock cloud image.
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/stock.yaml");

/// The stock image of Debian 12; `None`, after saying why, where there is none.
pub fn stock() -> Option<PathBuf> {
    image::named("IRONSEED_STOCK_IMAGE").or_else(|| image::built(PROFILE, image::DISTRO))
}

/// Whether boots are wanted that say little more than those that always run, and take minutes.
pub fn all_wanted(what: &str) -> bool {
    let wanted = std::env::var_os("IRONSEED_STOCK_ALL").is_some_and(|value| value == "1");
    if !wanted {
        image::skipped(what, "IRONSEED_STOCK_ALL is not 1");
    }
    wanted
}

/// The hash to pin.
pub fn hash(path: &Path) -> String {
    sha256_file(path).unwrap()
}

/// Runs a verb on a stock image.
pub fn from(verb: &str, stock: &Path, sha256: &str, more: &[&str], folder: &Path) -> (i32, String, String) {
    run(&[&[verb, "--from", stock.to_str().unwrap(), "--sha256", sha256], more].concat(), folder)
}

#[test]
fn user_data_alone_makes_a_published_image_of_a_stock_one() {
    if !can_boot("an image of a stock image") {
        return;
    }
    let Some(stock) = stock() else { return };
    released(&stock, image::DISTRO);
}

#[test]
fn debian_13_takes_the_same_way() {
    let what = "an image of Debian 13's stock image";
    if !all_wanted(what) || !can_boot(what) {
        return;
    }
    let Some(stock) = image::built(PROFILE, "debian-13") else { return };
    released(&stock, "debian-13");
}

/// Releases an image of a stock image: it passes the gate, offline and booted, and keeps no trace.
fn released(stock: &Path, distro: &str) {
    let dir = TempDir::new().unwrap();
    let sha256 = hash(stock);
    let (code, out, err) =
        from("release", stock, &sha256, &["-p", image::CARRYING, "-d", distro, "-o", "store"], dir.path());
    assert_eq!(code, 0, "{out}{err}");
    let build = dir.path().join(format!("store/carrying-{distro}/current"));
    real("sha256sum", &["--strict", "--quiet", "-c", "SHA256SUMS"], &build);

    // Report, manifest and the record in the image agree on what it was made of.
    let json =
        |name: &str| -> Value { serde_json::from_slice(&fs::read(build.join(name)).unwrap()).unwrap() };
    let base = serde_json::json!({"source": stock.to_str().unwrap(), "sha256": sha256});
    assert_eq!(json("manifest.json")["base"], base);
    assert_eq!(json("report.json")["target"]["base"], base);
    let image = build.join(format!("carrying-{distro}.qcow2"));
    let made = target::open(&image).unwrap();
    let record = ironseed::build::Record::of(Root::new(made.tree.as_ref())).unwrap().unwrap();
    assert_eq!((record.base.unwrap().sha256, record.pending), (sha256, vec![]));

    no_trace(stock, &image, distro, dir.path());
    // What was deleted left the disk: the image is not much larger than the stock image, and the verifier that it got.
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    let most = size(stock) * 5 / 4 + size(Path::new(env!("CARGO_BIN_EXE_ironseed")));
    assert!(size(&image) < most, "{} of {}", size(&image), size(stock));
}

/// Every file and link in a tree, but for logs without a word and what package managers keep of their own.
fn files(tree: &dyn Tree) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![Vec::new()];
    while let Some(directory) = waiting.pop() {
        for entry in tree.read_dir(&directory).unwrap() {
            let path =
                if directory.is_empty() { entry.name } else { [&directory[..], b"/", &entry.name].concat() };
            let text = target::display(&path);
            let silent = text.starts_with("/var/log/") && entry.meta.size == 0;
            let link = (entry.meta.kind == FileKind::Symlink).then(|| tree.read_link(&path).unwrap());
            let alternative = link.is_some_and(|to| to.starts_with(b"/etc/alternatives/"));
            if entry.meta.kind == FileKind::Directory {
                waiting.push(path);
            } else if !silent && !alternative && !KEPT.iter().any(|part| text.contains(part)) {
                found.insert(text);
            }
        }
    }
    found
}

/// What installing packages writes that no list of theirs names.
const KEPT: [&str; 7] = [
    "/etc/alternatives/",
    "/etc/rc",
    ".wants/",
    "/__pycache__/",
    "/var/lib/dpkg/",
    "/var/lib/ucf/",
    "deb-systemd-helper",
];

/// Every Ed25519 key whose text stands anywhere on a disk, in a file or not.
fn public_keys(image: &Path, folder: &Path) -> BTreeSet<String> {
    real("qemu-img", &["convert", "-O", "raw", image.to_str().unwrap(), "all.raw"], folder);
    let found = Command::new("grep")
        .args([
            "--text",
            "--only-matching",
            "--extended-regexp",
            "AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/]{4,}",
            "all.raw",
        ])
        .current_dir(folder)
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    assert!(found.status.code().is_some_and(|code| code < 2), "{found:?}");
    String::from_utf8_lossy(&found.stdout).lines().map(str::to_owned).collect()
}

/// Every file that the image has and the stock image had not is a package's, or the profile's: none is the
/// first boot's own.
fn no_trace(stock: &Path, image: &Path, distro: &str, folder: &Path) {
    let [base, made] = [stock, image].map(|path| target::open(path).unwrap().tree);
    let root = Root::new(made.as_ref());
    let mut known = files(base.as_ref());
    for list in root.read_dir("var/lib/dpkg/info").unwrap() {
        let name = String::from_utf8_lossy(&list.name).into_owned();
        if name.ends_with(".list") {
            let text = root.read_text(format!("var/lib/dpkg/info/{name}")).unwrap().unwrap();
            // A package may name a file by the way through a link: /lib is /usr/lib.
            known.extend(text.lines().flat_map(|line| [line.to_owned(), format!("/usr{line}")]));
        }
    }
    let registered = root.read_text("var/lib/ucf/hashfile").unwrap().unwrap_or_default();
    known.extend(registered.lines().filter_map(|line| Some(line.split_whitespace().nth(1)?.to_owned())));
    let (code, _, err) = run(&["render", "-p", image::CARRYING, "-d", distro, "-o", "bundle"], folder);
    assert_eq!(code, 0, "{err}");
    known.extend(carried::by(&plans::resolve(image::CARRYING, distro), Some(Vec::new())).unwrap().paths());
    let bundle = folder.join("bundle/files");
    for entry in walkdir::WalkDir::new(&bundle).into_iter().map(Result::unwrap) {
        known.insert(format!("/{}", entry.path().strip_prefix(&bundle).unwrap().display()));
    }
    let left: Vec<String> = files(made.as_ref()).into_iter().filter(|path| !known.contains(path)).collect();
    assert!(left.is_empty(), "{left:#?}");

    // Nor does a byte of the disk hold the key of the account that is gone, or a host key: only those of
    // the stock image are there, which are examples in documents.
    let [before, after] = [stock, image].map(|image| public_keys(image, folder));
    let new: Vec<&String> = after.difference(&before).collect();
    assert!(new.is_empty(), "a public key is still on the disk: {new:?}");
}
