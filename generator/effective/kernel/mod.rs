//! Which kernels are installed, and which one the boot loader starts by default with which options.
//!
//! Reads `/boot`, `/lib/modules` and GRUB's generated configuration. It must not know which options are wanted.

pub mod defaults;
mod grub;

use std::cmp::Ordering;

use crate::location::Location;
use crate::target::{FileKind, Result, Root};

/// The kernels of a target.
#[derive(Clone, Debug)]
pub struct Kernels {
    /// Releases (as `uname -r` says) that have modules, and an image in `/boot` or beside them, oldest first.
    pub installed: Vec<String>,
    /// What the boot loader starts when nobody chooses, or why that can't be told.
    pub boots: std::result::Result<Boot, String>,
}

/// An entry of the boot menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Boot {
    /// The kernel's path in the target, links followed, with a leading `/`.
    pub kernel_path: String,
    /// The kernel's release, from the name of the image.
    pub release: String,
    /// The kernel's command line, in order.
    pub arguments: Vec<String>,
    /// The line that names the kernel and its options.
    pub at: Location,
}

/// Where modules are, a folder for each release. Where packages put the image there as well, a script copies it to
/// `/boot`: one that is missing there was not copied.
const MODULES: &str = "/lib/modules";

/// Reads the kernels, with the order that the package manager has of their releases; `None` where the
/// target has no kernel at all (a container's tree).
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>, order: fn(&str, &str) -> Ordering) -> Result<Option<Kernels>> {
    let mut installed = Vec::new();
    for entry in root.read_dir(MODULES)? {
        let release = String::from_utf8_lossy(&entry.name).into_owned();
        let modules = root.resolve(format!("{MODULES}/{release}"))?;
        let is_folder = modules.is_some_and(|link| link.meta.kind == FileKind::Directory);
        let images = [format!("/boot/vmlinuz-{release}"), format!("{MODULES}/{release}/vmlinuz")];
        let [booted, packaged] = images.map(|path| root.exists(path));
        if is_folder && (booted? || packaged?) {
            installed.push(release);
        }
    }
    installed.sort_by(|a, b| order(a, b));
    let boots = grub::default_boot(root)?;
    if installed.is_empty() && boots.is_err() {
        return Ok(None);
    }
    Ok(Some(Kernels { installed, boots }))
}

/// The release in an image's file name; `None` for a file that is no kernel.
fn release_of(name: &str) -> Option<String> {
    name.strip_prefix("vmlinuz-").filter(|release| !release.is_empty()).map(str::to_owned)
}

impl Kernels {
    /// The newest installed release.
    pub fn newest(&self) -> Option<&str> {
        self.installed.last().map(String::as_str)
    }
}

impl Boot {
    /// The value of a kernel option, the last one where it is given twice; empty for one without `=`.
    pub fn argument(&self, name: &str) -> Option<&str> {
        self.arguments.iter().rev().find_map(|argument| {
            let (key, value) = argument.split_once('=').unwrap_or((argument, ""));
            (key == name).then_some(value)
        })
    }
}

#[cfg(test)]
mod tests;
