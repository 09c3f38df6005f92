//! The second engine: a stock cloud image becomes a hardened one, with user-data alone.
//!
//! The stock image is built here, with a profile that renders nothing, unless `IRONSEED_STOCK_IMAGE`
//! names one (a cloud image of Debian 12). Takes minutes and a network from which the guest can
//! install packages; `IRONSEED_SKIP_VM=1` leaves it out. `IRONSEED_STOCK_ALL=1` adds Debian 13.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ironseed::target::{self, Root, sha256_file};
use serde_json::Value;
use tempfile::TempDir;

use crate::image;
use crate::program::{can_boot, real, run};

/// A profile that renders nothing: what is built with it is a stock cloud image.
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/stock.yaml");

/// The stock image of Debian 12; `None`, after saying why, where there is none.
pub fn stock() -> Option<PathBuf> {
    image::named("IRONSEED_STOCK_IMAGE").or_else(|| image::built(PROFILE, image::DISTRO))
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
    if std::env::var_os("IRONSEED_STOCK_ALL").is_none_or(|v| v != "1") {
        image::skipped("an image of Debian 13's stock image", "IRONSEED_STOCK_ALL is not 1");
        return;
    }
    if !can_boot("an image of Debian 13's stock image") {
        return;
    }
    let Some(stock) = image::built(PROFILE, "debian-13") else { return };
    released(&stock, "debian-13");
}

/// Releases an image of a stock image: it passes the gate, offline and booted, and keeps no trace.
fn released(stock: &Path, distro: &str) {
    let dir = TempDir::new().unwrap();
    let sha256 = hash(stock);
    let (code, out, err) = from("release", stock, &sha256, &["-d", distro, "-o", "store"], dir.path());
    assert_eq!(code, 0, "{out}{err}");
    let build = dir.path().join(format!("store/nectar-base-{distro}/current"));
    real("sha256sum", &["--strict", "--quiet", "-c", "SHA256SUMS"], &build);

    // Report, manifest and the record in the image agree on what it was made of.
    let json =
        |name: &str| -> Value { serde_json::from_slice(&fs::read(build.join(name)).unwrap()).unwrap() };
    let base = serde_json::json!({"source": stock.to_str().unwrap(), "sha256": sha256});
    assert_eq!(json("manifest.json")["base"], base);
    assert_eq!(json("report.json")["target"]["base"], base);
    let image = build.join(format!("nectar-base-{distro}.qcow2"));
    let made = target::open(&image).unwrap();
    let record = ironseed::build::Record::of(Root::new(made.tree.as_ref())).unwrap().unwrap();
    assert_eq!((record.base.unwrap().sha256, record.pending), (sha256, vec![]));

    no_trace(stock, &image, dir.path());
    // What was deleted left the disk: the image is not much larger than the stock image.
    let size = |path: &Path| fs::metadata(path).unwrap().len();
    assert!(size(&image) < size(stock) * 5 / 4, "{} of {}", size(&image), size(stock));
}

/// Every file that the image has and the stock image had not is a package's, or the profile's: none is the
/// first boot's own.
fn no_trace(stock: &Path, image: &Path, folder: &Path) {
    let files = |path: &Path| {
        let target = target::open(path).unwrap();
        let mut found = BTreeSet::new();
        let mut waiting = vec![Vec::new()];
        while let Some(directory) = waiting.pop() {
            for entry in target.tree.read_dir(&directory).unwrap() {
                let path = [&directory[..], b"/", &entry.name].concat();
                if entry.meta.kind == target::FileKind::Directory {
                    waiting.push(path.clone());
                }
                found.insert(String::from_utf8_lossy(&path).into_owned());
            }
        }
        found
    };
    let target = target::open(image).unwrap();
    let root = Root::new(target.tree.as_ref());
    let mut known: BTreeSet<String> = files(stock);
    for list in root.read_dir("var/lib/dpkg/info").unwrap() {
        let name = String::from_utf8_lossy(&list.name).into_owned();
        if name.ends_with(".list") {
            let text = root.read_text(format!("var/lib/dpkg/info/{name}")).unwrap().unwrap();
            known.extend(text.lines().map(str::to_owned));
        }
    }
    let (code, _, err) = run(&["render", "-o", "bundle"], folder);
    assert_eq!(code, 0, "{err}");
    let bundle = folder.join("bundle/files");
    for entry in walkdir::WalkDir::new(&bundle).into_iter().map(Result::unwrap) {
        known.insert(format!("/{}", entry.path().strip_prefix(&bundle).unwrap().display()));
    }
    let left: Vec<String> = files(image).into_iter().filter(|p| !known.contains(p)).collect();
    assert!(left.is_empty(), "{left:#?}");

    // Nor does a byte of the disk tell of the account's key or of the machine's name.
    real("qemu-img", &["convert", "-O", "raw", image.to_str().unwrap(), "all.raw"], folder);
    for trace in ["ironseed-boot", "AAAAC3NzaC1lZDI1NTE5AAAAI"] {
        let found = Command::new("grep")
            .args(["--quiet", "--text", "--fixed-strings", trace, "all.raw"])
            .current_dir(folder)
            .env("LC_ALL", "C")
            .status()
            .unwrap();
        assert_eq!(found.code(), Some(1), "{trace} is still on the disk");
    }
}
