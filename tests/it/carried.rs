//! What images carry to verify themselves. Booted, that is in `ssh.rs`, where a machine runs already.

use std::fs;

use tempfile::TempDir;

use crate::image;
use crate::program::run;

#[test]
fn the_program_holds_nothing_that_looks_like_a_secret() {
    let dir = TempDir::new().unwrap();
    let program = dir.path().join("tree/usr/libexec/ironseed");
    fs::create_dir_all(program.parent().unwrap()).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_ironseed"), &program).unwrap();
    let verify = || run(&["verify", "tree", "-d", image::DISTRO, "--only", "keys-in-image"], dir.path()).1;
    assert!(verify().contains("pass  keys-in-image"), "{}", verify());
    // What is found is found in a program as well.
    let mut bytes = fs::read(&program).unwrap();
    bytes.extend(b"\0content: ghp_x7Kq2mVb9TzR4wNc8YdL1sPf6HgJ3aQe5UoW\n");
    fs::write(&program, bytes).unwrap();
    assert!(verify().contains("GithubToken"), "{}", verify());
}

#[test]
fn who_wants_an_image_that_verifies_itself_can_not_leave_the_verifier_out() {
    let dir = TempDir::new().unwrap();
    for verb in ["build", "release"] {
        let arguments = [verb, "-p", image::CARRYING, "-d", image::DISTRO, "--verifier"];
        let (code, _, said) = run(&[&arguments[..], &["none"]].concat(), dir.path());
        assert!(code == 2 && said.contains("carrying wants the image to verify itself"), "{code}: {said}");
        for (program, wanted) in [
            ("nowhere", "because: No such file"),
            ("/bin/false", "because: it is no ironseed"),
            ("/etc/passwd", "because: it does not run"),
        ] {
            let (code, _, said) = run(&[&arguments[..], &[program]].concat(), dir.path());
            assert!(code == 2 && said.contains(wanted), "wanted {wanted:?}: {said}");
        }
    }
}
