//! What is said where a test can't run, in one way for all.

use std::fmt::Display;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a program is; where it is not installed, says that the test is skipped.
///
/// `make test` installs every program that a test asks for, so that on a CI machine (`CI` is set)
/// a missing one is a failure.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    let found = directories.map(|directory| directory.join(name)).find(|path| path.is_file());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "{name} is not installed");
        skip(format_args!("{name} is not installed"));
    }
    found
}

/// A program whose package excludes another one that the tests want, so that it is not installed but unpacked: where
/// `images/install-tools.sh` puts it, or below the folder that `IRONSEED_ASIDE` names. As with [`program`], a
/// missing one skips the test, and fails it on a CI machine.
pub fn aside(package: &str, name: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/aside");
    let folder = std::env::var_os("IRONSEED_ASIDE").map_or_else(default, PathBuf::from);
    let path = folder.join(package).join("usr/sbin").join(name);
    if path.is_file() {
        return Some(path);
    }
    assert!(std::env::var_os("CI").is_none(), "{} is missing", path.display());
    skip(format_args!("{} is missing", path.display()));
    None
}

/// Says that the running test is skipped, and why; the test returns next.
pub fn skip(why: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not by `eprintln!`, which the test runner keeps to itself where a test succeeds.
    writeln!(std::io::stderr(), "skipped: {test}: {why}").unwrap();
}
