//! Which systemd would read the files.

use crate::effective::files;
use crate::target::{Result, Root};

/// Where the library that all of systemd's programs share may be; its name ends in the version.
const LIBRARIES: [&str; 3] = [
    "/usr/lib/systemd/libsystemd-shared-*.so",
    "/usr/lib64/systemd/libsystemd-shared-*.so",
    "/usr/lib/*/systemd/libsystemd-shared-*.so",
];

/// The release (`252` of `252.38-1`); `None` where the library is not found.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Option<u32>> {
    let mut newest = None;
    for pattern in LIBRARIES {
        for path in files::glob(root, pattern)? {
            newest = newest.max(release(&path));
        }
    }
    Ok(newest)
}

fn release(path: &str) -> Option<u32> {
    let (_, version) = path.rsplit_once("libsystemd-shared-")?;
    let digits = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}
