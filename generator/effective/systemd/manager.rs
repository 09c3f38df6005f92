//! The real manager, asked what it would do with the units of a directory (`systemd --test`).

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::effective::testing::program;

const PROGRAM: &str = "/lib/systemd/systemd";
/// The administrator's units.
pub(super) const ETC: &str = "etc/systemd/system";
/// Units made since the boot.
pub(super) const RUN: &str = "run/systemd/system";
/// The distribution's units.
pub(super) const LIB: &str = "usr/lib/systemd/system";

/// Whether the manager can be asked here; says so where not, and fails then on a CI machine.
pub(super) fn is_there() -> bool {
    program(PROGRAM).is_some() && program("setpriv").is_some()
}

/// Everything that the manager prints of a boot with these units: its jobs, and each unit that it loaded.
///
/// It runs as nobody (it refuses to be tested by root), with no generator, in no environment of ours.
pub(super) fn dry_run(root: &Path) -> String {
    std::fs::set_permissions(root, PermissionsExt::from_mode(0o755)).unwrap();
    let path = [ETC, RUN, LIB].map(|d| root.join(d).display().to_string()).join(":");
    let empty = root.join("none");
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", PROGRAM])
        .args(["--test", "--system", "--unit=default.target", "--no-pager"])
        .env_clear()
        .envs([("HOME", "/"), ("SYSTEMD_LOG_TARGET", "console"), ("SYSTEMD_UNIT_PATH", &path)])
        .envs(["SYSTEMD_GENERATOR_PATH", "SYSTEMD_ENVIRONMENT_GENERATOR_PATH"].map(|name| (name, &empty)))
        .output()
        .unwrap();
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}
