//! Rendering: a plan becomes a [`Bundle`], and a bundle becomes user-data, plain files, an image
//! manifest, a Packer template or a security group.
//!
//! Owns templates and output formats. Never reads a target, and never decides a value: those
//! come from the plan.

pub mod apply;
pub mod bundle;
mod manifest;
pub mod output;
mod packer;
pub mod security_group;
mod template;
pub mod user_data;

pub use bundle::Bundle;
pub use template::Templates;

use std::collections::BTreeMap;

use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::plan::Plan;
use crate::settings;

/// What a setting kind may use while it renders.
pub struct Context<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Templates by name.
    pub templates: &'a Templates,
}

/// Renders everything that a plan wants.
///
/// # Errors
/// A template that fails, or two checks that want different things of one item.
pub fn bundle(plan: &Plan, assets: &Assets) -> Result<Bundle, ConfigError> {
    bundle_with(plan, &Templates::load(assets)?)
}

/// Renders everything that a plan wants, with templates that were read before.
///
/// # Errors
/// See [`bundle()`].
pub fn bundle_with(plan: &Plan, templates: &Templates) -> Result<Bundle, ConfigError> {
    let mut bundle = Bundle::default();
    settings::render_all(&Context { plan, templates }, &mut bundle)?;
    bundle.commands.sort_by_key(|c| c.phase);
    Ok(bundle)
}

/// Image properties that OpenStack is told; `automatic_updates` is what the plan asks for, and
/// counts only once it was verified.
pub fn openstack_properties(plan: &Plan) -> BTreeMap<String, String> {
    let distro = &plan.distro;
    let updates = plan.parameter("update_scope").as_str().unwrap_or("disabled");
    [
        ("nectar_name", distro.openstack.name.as_str()),
        ("default_user", &distro.default_user),
        ("automatic_updates", updates),
        ("os_distro", &distro.openstack.os_distro),
        ("os_version", &distro.openstack.os_version),
        ("architecture", "x86_64"),
        ("hw_qemu_guest_agent", "yes"),
    ]
    .into_iter()
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .collect()
}
