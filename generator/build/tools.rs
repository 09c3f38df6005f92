//! The programs the builder and the VM runner need from the machine.
//!
//! Owns where they are looked for and how a missing one is named. Must not know what they do.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

/// A program of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Its name on the command line.
    pub name: &'static str,
    /// The package that brings it, on Debian and its kin.
    pub package: &'static str,
}

/// Makes the root file system.
pub const MMDEBSTRAP: Tool = Tool { name: "mmdebstrap", package: "mmdebstrap" };
/// Puts it into an ext4 file system.
pub const MKE2FS: Tool = Tool { name: "mke2fs", package: "e2fsprogs" };
/// Maps subordinate user ids for an ordinary user.
pub const NEWUIDMAP: Tool = Tool { name: "newuidmap", package: "uidmap" };
/// Ends a child together with its parent.
pub const SETPRIV: Tool = Tool { name: "setpriv", package: "util-linux" };
/// Makes a throwaway overlay over an image, and unpacks one.
pub const QEMU_IMG: Tool = Tool { name: "qemu-img", package: "qemu-utils" };
/// Fetches a stock image.
pub const CURL: Tool = Tool { name: "curl", package: "curl" };
/// Boots an image.
pub const QEMU: Tool = Tool { name: "qemu-system-x86_64", package: "qemu-system-x86" };
/// Logs in.
pub const SSH: Tool = Tool { name: "ssh", package: "openssh-client" };
/// Makes a key for one boot.
pub const SSH_KEYGEN: Tool = Tool { name: "ssh-keygen", package: "openssh-client" };

/// Programs that are needed and not there.
#[derive(Debug, thiserror::Error)]
#[error("not installed: {}; install with: apt-get install {}", names(.0), packages(.0))]
pub struct Missing(pub Vec<Tool>);

fn names(tools: &[Tool]) -> String {
    tools.iter().map(|tool| tool.name).collect::<Vec<_>>().join(", ")
}

fn packages(tools: &[Tool]) -> String {
    let mut packages: Vec<_> = tools.iter().map(|tool| tool.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages.join(" ")
}

/// The search path for programs: the caller's own, and the places of administration programs,
/// which an ordinary user's path often lacks.
pub fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    format!("{own}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")
}

/// Where a program is, if it is anywhere.
pub fn find(tool: Tool) -> Option<PathBuf> {
    std::env::split_paths(&search_path())
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(tool.name))
        .find(|path| {
            path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
        })
}

/// Wants every one of the programs; names all that are missing at once.
pub fn require(tools: &[Tool]) -> Result<(), Missing> {
    let missing: Vec<_> = tools.iter().copied().filter(|tool| find(*tool).is_none()).collect();
    if missing.is_empty() { Ok(()) } else { Err(Missing(missing)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tools_are_named_with_the_command_that_installs_them() {
        let absent = Tool { name: "no-such-program", package: "some-package" };
        let error = require(&[Tool { name: "sh", package: "dash" }, absent, absent]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "not installed: no-such-program, no-such-program; install with: apt-get install some-package"
        );
    }
}
