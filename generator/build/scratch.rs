//! The folder in which a build makes its parts: beside the image, so that the finished file only
//! needs a new name.

use std::fs::{self, File};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::BuildError;

/// A hidden folder that goes away with this value. A killed build leaves its folder behind; the
/// next build of the same name removes it.
pub struct Scratch {
    folder: tempfile::TempDir,
    /// Locked while the build runs: this is how a left folder is told from one in use.
    _lock: File,
}

impl Scratch {
    /// A new folder in `out_dir` for the image `name`.
    pub fn new(out_dir: &Path, name: &str) -> Result<Self, BuildError> {
        if name.is_empty() || name.starts_with(['.', '-']) || name.contains(['/', '\0']) {
            return Err(BuildError::Recipe(format!("image name {name:?}: no plain file name")));
        }
        fs::create_dir_all(out_dir).map_err(BuildError::io(format!("creating {}", out_dir.display())))?;
        let prefix = format!(".{name}.ironseed-");
        remove_left(out_dir, &prefix, name)?;
        let folder = tempfile::Builder::new()
            .prefix(&prefix)
            .tempdir_in(out_dir)
            .map_err(BuildError::io(format!("making a folder in {}", out_dir.display())))?;
        let lock = File::create(folder.path().join("lock")).map_err(BuildError::io("creating the lock"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|error| BuildError::io("locking")(error.into()))?;
        Ok(Self { folder, _lock: lock })
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

fn remove_left(out_dir: &Path, prefix: &str, name: &str) -> Result<(), BuildError> {
    let context = || BuildError::io(format!("clearing {}", out_dir.display()));
    for entry in fs::read_dir(out_dir).map_err(context())? {
        let entry = entry.map_err(context())?;
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        if let Ok(lock) = File::open(entry.path().join("lock"))
            && flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err()
        {
            return Err(BuildError::Busy(out_dir.join(format!("{name}.qcow2"))));
        }
        fs::remove_dir_all(entry.path()).map_err(context())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_left_folder_goes_and_one_in_use_stays() {
        let out = tempfile::tempdir().unwrap();
        let left = out.path().join(".a.ironseed-left");
        fs::create_dir(&left).unwrap();
        fs::write(left.join("lock"), "").unwrap();
        let mine = Scratch::new(out.path(), "a").unwrap();
        assert!(!left.exists());
        assert!(matches!(Scratch::new(out.path(), "a"), Err(BuildError::Busy(_))));
        assert!(mine.path().exists());
        Scratch::new(out.path(), "a.b").unwrap();
        drop(mine);
        assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0);
    }
}
