//! What is said where a test can't run, in one way for all.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;

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

/// A program whose package excludes another one that the tests want, so that it is not installed: it is looked for below
/// the folder that `IRONSEED_ASIDE` names, where somebody unpacked the package (`dpkg-deb -x`).
pub fn aside(name: &str) -> Option<PathBuf> {
    let found =
        std::env::var_os("IRONSEED_ASIDE").map(|root| PathBuf::from(root).join("usr/sbin").join(name));
    let found = found.filter(|path| path.is_file());
    if found.is_none() {
        skip(format_args!("{name} is not in IRONSEED_ASIDE"));
    }
    found
}

/// Says that the running test is skipped, and why; the test returns next.
pub fn skip(why: impl Display) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not by `eprintln!`, which the test runner keeps to itself where a test succeeds.
    writeln!(std::io::stderr(), "skipped: {test}: {why}").unwrap();
}
