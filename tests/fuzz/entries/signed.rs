//! What comes with an image from a stranger: signed statements, and keys.

use std::fs;
use std::hint::black_box;
use std::sync::LazyLock;

use ironseed::attest::{PublicKey, check};
use jiff::civil::date;
use tempfile::TempDir;

use super::{Takes, Target};

/// The key of RFC 8410's example (section 10.1): its private half is known to everybody.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

/// A folder with an image, a key and what an input fills.
static FOLDER: LazyLock<(TempDir, Vec<PublicKey>)> = LazyLock::new(|| {
    let dir = TempDir::new().expect("there is a place for files");
    let path = |name: &str| dir.path().join(name);
    fs::write(path("image.qcow2"), "image").expect("it can be written");
    fs::write(path("key"), KEY).expect("it can be written");
    let trusted = PublicKey::load(&path("key")).expect("it is a key");
    (dir, trusted)
});

/// The statements beside an image, and a file of trusted keys.
pub const STATEMENTS: Target = Target {
    name: "statements",
    takes: Takes::Bytes(|input| {
        let (dir, trusted) = &*FOLDER;
        let path = dir.path().join("image.intoto.jsonl");
        fs::write(&path, input).expect("it can be written");
        let verdict = check::check(&dir.path().join("image.qcow2"), &path, trusted, date(2026, 11, 23));
        black_box(verdict.map(|verdict| verdict.findings).map_err(|error| format!("{error:#}"))).ok();
        black_box(PublicKey::load(&path).map_err(|error| format!("{error:#}"))).ok();
    }),
};
