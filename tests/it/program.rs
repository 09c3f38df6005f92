//! Running ironseed itself, and the real programs that it is held against.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::image::skipped;

/// The program under test.
pub fn ironseed() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::cargo_bin("ironseed").unwrap();
    command.env_remove("IRONSEED_ASSETS");
    command
}

/// Runs ironseed and returns its exit code, stdout and stderr. A panic is never an answer.
pub fn run(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let output = ironseed().args(arguments).current_dir(folder).output().unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(!err.contains("panicked"), "{arguments:?}: {err}");
    (output.status.code().expect("ended by a signal"), out, err)
}

/// Whether programs are there; says what is skipped where one is not.
pub fn have(programs: &[&str], what: &str) -> bool {
    let found = |program: &&str| {
        let line = format!("PATH=$PATH:/usr/sbin:/sbin command -v {program}");
        Command::new("sh").args(["-c", &line]).stdout(Stdio::null()).status().unwrap().success()
    };
    let missing: Vec<&&str> = programs.iter().filter(|p| !found(p)).collect();
    if !missing.is_empty() {
        skipped(what, &format!("{missing:?} are not installed"));
    }
    missing.is_empty()
}

/// Whether a machine can be booted here; says what is skipped, and why, where it can't.
pub fn can_boot(what: &str) -> bool {
    if std::env::var_os("IRONSEED_SKIP_VM").is_some_and(|v| v == "1") {
        skipped(what, "IRONSEED_SKIP_VM is set");
        return false;
    }
    have(&["qemu-system-x86_64", "qemu-img", "ssh"], what)
}

/// Runs a real program in a folder; it has to succeed.
pub fn real(program: &str, arguments: &[&str], folder: &Path) -> Output {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let output =
        Command::new(program).args(arguments).current_dir(folder).env("PATH", path).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    output
}

/// Bytes as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
