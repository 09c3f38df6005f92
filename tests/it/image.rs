//! The image that the tests look at: a real one, built once for each plan and kept in `target/`.
//!
//! `IRONSEED_TEST_IMAGE` names one that is there already (nectar-base for debian-12).

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use ironseed::assets::Assets;
use ironseed::{hash, render};

use crate::plans;

/// Profile and distribution of the image.
pub const PROFILE: &str = "nectar-base";
pub const DISTRO: &str = "debian-12";

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
    if let Some(path) = std::env::var_os("IRONSEED_TEST_IMAGE") {
        let path = PathBuf::from(path);
        assert!(path.is_file(), "IRONSEED_TEST_IMAGE names {}, which is no file", path.display());
        return Some(path);
    }
    let folder = cache();
    let image = folder.join(format!("{PROFILE}-{DISTRO}.qcow2"));
    if image.is_file() {
        return Some(image);
    }
    let _ = writeln!(std::io::stderr(), "building {} for the tests", image.display());
    let build = Command::new(env!("CARGO_BIN_EXE_ironseed"))
        .args(["build", "--profile", PROFILE, "--distro", DISTRO, "--output"])
        .arg(&folder)
        .output()
        .unwrap();
    if build.status.success() {
        return Some(image);
    }
    // A machine without network or mmdebstrap; what makes builds fail is tested elsewhere.
    skipped(
        "everything about a built image",
        &format!("none can be built here: {}", String::from_utf8_lossy(&build.stderr)),
    );
    None
}

/// A folder whose name stands for everything that goes into the image.
fn cache() -> PathBuf {
    let plan = plans::resolve(PROFILE, DISTRO);
    let bundle = render::bundle(&plan, &Assets::embedded()).unwrap();
    let key = plan.digest() + &serde_json::to_string(&bundle).unwrap();
    let key = hash::bytes(key.as_bytes());
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("images").join(&key[..16])
}
