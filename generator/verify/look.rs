//! What a setting kind may look at: the target's tree, the running system, and what was read of
//! them before, kept so that each file is read once for all checks.

use std::cell::OnceCell;

use jiff::civil::Date;

use crate::effective::cloud_init::CloudConfig;
use crate::plan::Plan;
use crate::target::{Exec, Root, TargetError};

/// What kind of machine the files belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// An image that instances will be made of.
    Image,
    /// An instance that has its own identity already.
    Instance,
}

/// A verifier's view of the target.
pub struct Look<'a> {
    /// The files.
    pub root: Root<'a>,
    /// The running system, where there is one.
    pub exec: Option<&'a dyn Exec>,
    /// What is wanted.
    pub plan: &'a Plan,
    /// Image or instance.
    pub nature: Nature,
    /// The day (UTC) that dates are held against.
    pub today: Date,
    readers: Readers,
}

/// What a reader gave, or why it could not: in words, for an observation's reason.
type Read<T> = std::result::Result<T, String>;

/// What was read before.
#[derive(Default)]
struct Readers {
    cloud_config: OnceCell<Read<CloudConfig>>,
}

impl<'a> Look<'a> {
    /// A view of a target.
    pub fn new(
        root: Root<'a>,
        exec: Option<&'a dyn Exec>,
        plan: &'a Plan,
        nature: Nature,
        today: Date,
    ) -> Self {
        Self { root, exec, plan, nature, today, readers: Readers::default() }
    }

    /// cloud-init's own configuration.
    ///
    /// # Errors
    /// It is not installed, or can't be read.
    pub fn cloud_config(&self) -> std::result::Result<&CloudConfig, &str> {
        let read = || {
            found(
                CloudConfig::read(self.root),
                "cloud-init is not installed: there is no /etc/cloud/cloud.cfg",
            )
        };
        self.readers.cloud_config.get_or_init(read).as_ref().map_err(String::as_str)
    }
}

/// A reader's value, or in words why there is none.
fn found<T>(read: std::result::Result<Option<T>, TargetError>, absent: &str) -> Read<T> {
    match read {
        Ok(Some(value)) => Ok(value),
        Ok(None) => Err(absent.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
