//! Which libpam would read the files.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A release of Linux-PAM (`1.5`) with the changes of its packager that alter what it concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PamVersion {
    /// Major number (`1` of `1.5.2`).
    pub major: u16,
    /// Minor number (`5` of `1.5.2`).
    pub minor: u16,
    /// What the packager added.
    #[serde(default)]
    pub patches: Patches,
}

/// Additions of packagers to the released library, named by what they add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(rename = "PamPatches")]
pub struct Patches {
    /// Knows the line `@include NAME`, and looks for what any line includes in `/etc/pam.d` alone.
    pub at_include: bool,
    /// `pam_limits` has no lines for root but those with its name.
    pub limits_spare_root: bool,
}

impl PamVersion {
    /// Lines of any length, and a bound on nested includes: since 1.6.
    pub(in crate::effective) fn has_long_lines(self) -> bool {
        (self.major, self.minor) >= (1, 6)
    }

    /// `pam_limits` goes on without a file that is not there: since 1.5.3.
    pub(in crate::effective) fn takes_missing_limits(self) -> bool {
        (self.major, self.minor) >= (1, 6)
    }
}
