//! The whole way with the real program: build, verify offline, verify booted, publish.
//!
//! Takes minutes where the processor can't help QEMU; `IRONSEED_SKIP_VM=1` leaves it out.

use std::fs;

use tempfile::TempDir;

use crate::image;
use crate::program::{can_boot, real, run, text};

#[test]
fn an_image_is_built_verified_booted_and_published() {
    let what = "the way from build to publication";
    if !can_boot(what) {
        return;
    }
    // Building is the first part of the way; without an image the reason was told there.
    let Some(image) = image::path() else { return };
    let image = fs::canonicalize(image).unwrap();
    let image = image.to_str().unwrap();
    let dir = TempDir::new().unwrap();
    let choice = ["--profile", image::PROFILE, "--distro", image::DISTRO];
    let verify = |more: &[&str]| {
        let arguments = [&["verify", image], choice.as_slice(), more].concat();
        run(&arguments, dir.path())
    };
    let (code, out, err) = verify(&["--report", "offline.json"]);
    assert_eq!(code, 0, "{out}{err}");
    let before = real("sha256sum", &[image], dir.path()).stdout;

    // What was not booted is not published, however good its files are.
    let publish = |report: &str| run(&["publish", image, "--report", report, "--to", "store"], dir.path());
    let (code, _, said) = publish("offline.json");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("verify it with --boot"), "{said}");

    let (code, out, err) = verify(&["--boot", "--report", "booted.json"]);
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(before, real("sha256sum", &[image], dir.path()).stdout, "a boot changed the image");

    let (code, _, said) = publish("booted.json");
    assert_eq!(code, 0, "{said}");
    let current = dir.path().join(format!("store/{}-{}/current", image::PROFILE, image::DISTRO));
    real("sha256sum", &["--strict", "--quiet", "-c", "SHA256SUMS"], &current);
    assert!(text(&before).starts_with(fs::read_link(&current).unwrap().to_str().unwrap()));
}
