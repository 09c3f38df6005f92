//! Where images are published to, as it is written on a command line.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

/// A place for published images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// A directory.
    Directory(PathBuf),
    /// The image service of a cloud, by the cloud's name in `clouds.yaml`; empty for the one that `OS_…` variables name.
    Glance(String),
}

impl FromStr for Store {
    type Err = Infallible;

    /// What begins with no store's prefix is a directory's path; `./glance:x` is one too.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.strip_prefix("glance:") {
            Some(cloud) => Self::Glance(cloud.to_owned()),
            None => Self::Directory(PathBuf::from(text)),
        })
    }
}
