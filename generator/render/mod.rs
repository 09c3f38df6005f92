//! Rendering: a plan becomes a [`Bundle`], and a bundle becomes user-data, plain files, an image
//! manifest, a Packer template or a security group.
//!
//! Owns templates and output formats. Never reads a target, and never decides a value: those
//! come from the plan.

pub mod bundle;
mod template;

pub use bundle::Bundle;
pub use template::Templates;

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
    let templates = Templates::load(assets)?;
    let mut bundle = Bundle::default();
    settings::render_all(&Context { plan, templates: &templates }, &mut bundle)?;
    bundle.commands.sort_by_key(|c| c.phase);
    Ok(bundle)
}
