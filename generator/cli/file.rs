//! Writing files, so that no name ever stands for half of one.

use std::fs::{File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Context;

/// Writes a file. One that is there is replaced, and keeps the links that lead to it. What is no file, such as `/dev/stdout`, is
/// written to: root would put a file in a device's place.
///
/// # Errors
/// The folder or the disk refuses.
pub fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let context = || path.display().to_string();
    if path.metadata().is_ok_and(|there| !there.is_file()) {
        let mut out = File::options().write(true).open(path).with_context(context)?;
        return out.write_all(bytes).with_context(context);
    }
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    replace(&path, bytes, Permissions::from_mode(0o644))
}

/// Writes a file in the place of one that is there, whose mode it keeps and whose links stay.
///
/// # Errors
/// There is none; or as [`write_whole`].
pub fn rewrite(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let path = path.canonicalize().with_context(|| path.display().to_string())?;
    let there = path.metadata().with_context(|| path.display().to_string())?;
    anyhow::ensure!(there.is_file(), "{} is no regular file", path.display());
    replace(&path, bytes, there.permissions())
}

fn replace(path: &Path, bytes: &[u8], permissions: Permissions) -> anyhow::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(|| folder.display().to_string())?;
    file.write_all(bytes).with_context(|| path.display().to_string())?;
    file.as_file().set_permissions(permissions)?;
    file.as_file().sync_all()?;
    file.persist(path).with_context(|| path.display().to_string())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{FileTypeExt, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_and_links_stay() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, dangling] = ["file", "link", "dangling"].map(|name| folder.path().join(name));
        symlink("file", &link).unwrap();
        fs::write(&file, "a longer text").unwrap();
        write_whole(&link, b"new").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&file).unwrap(), b"new");
        symlink("nowhere/at/all", &dangling).unwrap();
        write_whole(&dangling, b"new").unwrap();
        assert_eq!(fs::read(&dangling).unwrap(), b"new");
        assert!(write_whole(folder.path(), b"new").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "something half is left");
    }

    #[test]
    fn what_is_no_file_is_written_to_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || fs::read(pipe).unwrap()
        });
        write_whole(&pipe, b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(pipe.symlink_metadata().unwrap().file_type().is_fifo());
        assert!(rewrite(&pipe, b"").unwrap_err().to_string().contains("no regular file"));
    }
}
