//! What a setting kind may look at: the target's tree, the running system, and what was read of
//! them before, kept so that each file is read once for all checks.

use std::cell::OnceCell;

use jiff::civil::Date;

use crate::observation::{Observation, Plane};
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

/// What was read before.
#[derive(Default)]
struct Readers {
}
