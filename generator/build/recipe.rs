//! What goes into an image: all of it rendered, and checked before anything runs.
//!
//! Owns the recipe's shape and the bounds on its words: what reaches a command line, a shell
//! variable or GRUB's configuration holds no character that could mean anything there.

use sha2::{Digest, Sha256};

use super::BuildError;

/// A file that is put into the image after the packages are installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipeFile {
    /// Absolute path in the image.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Owner's name, known to the image once its packages are installed.
    pub owner: String,
    /// Group's name.
    pub group: String,
    /// The bytes.
    pub content: Vec<u8>,
}

/// What goes into an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// The release, as mmdebstrap knows it (`bookworm`). Its archives come from there, too.
    pub suite: String,
    /// mmdebstrap's variant (`important`, `apt`, `minbase`, ...).
    pub variant: String,
    /// Packages beyond the variant's. A kernel and boot loaders for BIOS and UEFI must be among
    /// them (on Debian: `linux-image-cloud-amd64`, `grub-cloud-amd64`).
    pub packages: Vec<String>,
    /// Files, put in place in this order.
    pub files: Vec<RecipeFile>,
    /// Argument vectors, run in the image in this order, after the files are in place.
    pub commands: Vec<Vec<String>>,
    /// Lines of `/etc/fstab` beyond those of the disk itself.
    pub fstab: Vec<String>,
    /// Patterns (`*`, `?`, `[`) of absolute paths, deleted at the end.
    pub removals: Vec<String>,
    /// Content of `/etc/hostname`.
    pub hostname: String,
    /// Kernel arguments beyond the consoles.
    pub kernel_args: Vec<String>,
    /// Label of the root filesystem: at most 16 characters.
    pub root_label: String,
    /// Folder under `EFI/` in which the signed boot loader looks for its configuration
    /// (`debian`).
    pub efi_vendor: String,
    /// Size of the disk in bytes: whole MiB, at least 1 GiB. The root filesystem grows at first
    /// boot.
    pub disk_size: u64,
    /// Seconds since 1970: no file in the image is newer.
    pub source_date_epoch: u64,
}

impl Recipe {
    /// Refuses words that could mean something else where they are used.
    pub fn check(&self) -> Result<(), BuildError> {
        let name = |word: &str| word.starts_with(|c: char| c.is_ascii_alphanumeric());
        word("suite", &self.suite, "-._", name)?;
        word("variant", &self.variant, "-", name)?;
        word("host name", &self.hostname, "-.", name)?;
        word("root label", &self.root_label, "-._", |label| name(label) && label.len() <= 16)?;
        word("EFI vendor", &self.efi_vendor, "-", name)?;
        for package in &self.packages {
            word("package", package, "+-.:=~/", name)?;
        }
        for argument in &self.kernel_args {
            word("kernel argument", argument, "-._,:=/+@", |_| true)?;
        }
        for file in &self.files {
            path("file", &file.path)?;
            word("owner", &file.owner, "-_.", name_or_underscore)?;
            word("group", &file.group, "-_.", name_or_underscore)?;
            if file.mode > 0o7777 {
                return Err(BuildError::Recipe(format!("file {}: mode {:o}", file.path, file.mode)));
            }
        }
        for pattern in &self.removals {
            path("removal", pattern)?;
        }
        for line in &self.fstab {
            word("line of fstab", line, "-._,:=/+@% ", |_| true)?;
        }
        for command in &self.commands {
            if command.first().is_none_or(String::is_empty) || command.iter().any(|word| word.contains('\0'))
            {
                return Err(BuildError::Recipe(format!("command {command:?}: empty, or holds NUL")));
            }
        }
        Ok(())
    }

    /// SHA-256 over everything that goes into the image.
    pub fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let mut part = |bytes: &[u8]| {
            hash.update((bytes.len() as u64).to_be_bytes());
            hash.update(bytes);
        };
        for text in [&self.suite, &self.variant, &self.hostname, &self.root_label, &self.efi_vendor] {
            part(text.as_bytes());
        }
        for list in
            [&self.packages, &self.removals, &self.kernel_args, &self.fstab].into_iter().chain(&self.commands)
        {
            part(&(list.len() as u64).to_be_bytes());
            list.iter().for_each(|text| part(text.as_bytes()));
        }
        for file in &self.files {
            for bytes in
                [file.path.as_bytes(), &file.mode.to_be_bytes(), file.owner.as_bytes(), file.group.as_bytes()]
            {
                part(bytes);
            }
            part(&file.content);
        }
        part(&self.disk_size.to_be_bytes());
        part(&self.source_date_epoch.to_be_bytes());
        hash.finalize().into()
    }
}

fn name_or_underscore(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
}

/// ASCII letters, digits and `also` only, not empty, and `rule`.
fn word(what: &str, word: &str, also: &str, rule: impl Fn(&str) -> bool) -> Result<(), BuildError> {
    let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c));
    if plain && !word.is_empty() && rule(word) {
        Ok(())
    } else {
        Err(BuildError::Recipe(format!("{what} {word:?}: empty, or holds a character it must not")))
    }
}

fn path(what: &str, path: &str) -> Result<(), BuildError> {
    let inside = path.starts_with('/')
        && path.len() > 1
        && !path.contains('\0')
        && path.split('/').all(|part| part != "..");
    if inside {
        Ok(())
    } else {
        Err(BuildError::Recipe(format!("{what} {path:?}: no absolute path inside the image")))
    }
}
