//! The images that the tests look at: real ones, built once for each plan and kept in `target/`.
//!
//! `IRONSEED_TEST_IMAGE` names one that is there already (nectar-base for debian-12).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use ironseed::assets::Assets;
use ironseed::plan::Plan;
use ironseed::{hash, render};
use walkdir::WalkDir;

use crate::plans;

/// Profile and distribution of the image.
pub const PROFILE: &str = "nectar-base";
pub const DISTRO: &str = "debian-12";
/// A profile whose images verify themselves.
pub const CARRYING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/carrying.yaml");

/// The image; `None`, after saying why, where there is none and none can be built here.
pub fn path() -> Option<&'static Path> {
    static IMAGE: OnceLock<Option<PathBuf>> = OnceLock::new();
    IMAGE.get_or_init(find).as_deref()
}

/// Says that a test proved nothing, past the capture of the test harness.
pub fn skipped(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {what}, because {why}");
}

fn find() -> Option<PathBuf> {
    named("IRONSEED_TEST_IMAGE").or_else(|| built(PROFILE, DISTRO))
}

/// The image that an environment variable names.
pub fn named(variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(std::env::var_os(variable)?);
    assert!(path.is_file(), "{variable} names {}, which is no file", path.display());
    Some(path)
}

/// The image of a plan, built where it isn't there yet; `None`, after saying why, where none can
/// be built here. One at a time: several tests may want the same one.
///
/// It carries no verifier: it would have to be built anew whenever a line of this program changes.
///
/// # Panics
/// Where none can be built although `CI` is set: there, nothing is skipped without a word.
pub fn built(profile: &str, distro: &str) -> Option<PathBuf> {
    let folder = folder(&plans::resolve(profile, distro), "");
    made(profile, distro, &folder, &["--verifier", "none"])
}

/// As [`built`], of [`CARRYING`], with a verifier: the program under test.
pub fn carrying() -> Option<PathBuf> {
    let program = ironseed::target::sha256_file(Path::new(env!("CARGO_BIN_EXE_ironseed"))).unwrap();
    let folder = folder(&plans::resolve(CARRYING, DISTRO), &program);
    let all = folder.parent().unwrap().join("carrying");
    let folder = all.join(folder.file_name().unwrap());
    if !folder.exists() {
        // Those of programs that are no more.
        let _ = std::fs::remove_dir_all(&all);
    }
    made(CARRYING, DISTRO, &folder, &[])
}

fn made(profile: &str, distro: &str, folder: &Path, more: &[&str]) -> Option<PathBuf> {
    static BUILDING: Mutex<()> = Mutex::new(());
    let _one = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = plans::resolve(profile, distro);
    let image = folder.join(format!("{}-{distro}.qcow2", plan.profile));
    if image.is_file() {
        return Some(image);
    }
    let _ = writeln!(std::io::stderr(), "building {} for the tests", image.display());
    let build = Command::new(env!("CARGO_BIN_EXE_ironseed"))
        .args(["build", "--profile", profile, "--distro", distro, "--output"])
        .arg(folder)
        .args(more)
        .output()
        .unwrap();
    if build.status.success() {
        return Some(image);
    }
    // A machine without network or mmdebstrap; what makes builds fail is tested elsewhere.
    assert!(std::env::var_os("CI").is_none(), "{}", String::from_utf8_lossy(&build.stderr));
    let why = format!("none can be built here: {}", String::from_utf8_lossy(&build.stderr));
    skipped(&format!("everything about an image of {} for {distro}", plan.profile), &why);
    None
}

/// A folder whose name stands for everything that goes into the image, and for how it is built.
fn folder(plan: &Plan, verifier: &str) -> PathBuf {
    let bundle = render::bundle(plan, &Assets::embedded()).unwrap();
    let mut key = plan.digest() + verifier + &serde_json::to_string(&bundle).unwrap();
    for part in ["generator/build", "generator/carried"] {
        let part = Path::new(env!("CARGO_MANIFEST_DIR")).join(part);
        for file in WalkDir::new(part).sort_by_file_name() {
            let file = file.unwrap();
            if file.file_type().is_file() {
                key += &std::fs::read_to_string(file.path()).unwrap();
            }
        }
    }
    let key = hash::bytes(key.as_bytes());
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("images").join(&key[..16])
}
