//! `lint`: what anybody's cloud-init user-data should not do.
//!
//! Owns how user-data is laid open, the rules, how a finding is silenced and how it is mended. A
//! text is read as cloud-init reads it. Knows nothing of plans: the only facts of a distribution that
//! count are its version of cloud-init and whether it is Windows, and both come as options.

mod config;
mod context;
pub mod facts;
mod fix;
mod kind;
mod mime;
mod open;
pub mod output;
mod patterns;
mod rule;
pub mod rules;
mod shell;
mod suppress;
mod template;
mod unit;

use crate::diagnostic::ConfigError;
use crate::effective::secrets::Scanner;

pub use context::Context;
pub use fix::mended;
pub use kind::Kind;
pub use open::{Opened, Part};
pub use rule::{Edit, Example, Finding, Rule};
pub use suppress::Silenced;
pub use unit::Unit;

/// The size that OpenStack Nova takes, in bytes before base64.
pub const USUAL_LIMIT: usize = crate::render::user_data::LIMIT;

/// Largest file that is linted, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// What decides besides the text.
#[derive(Clone, Debug)]
pub struct Options {
    /// The version of cloud-init; the newest where none is known.
    pub cloud_init: Option<String>,
    /// Most bytes that the cloud takes.
    pub limit: usize,
    /// Whether cloudbase-init on Windows gets it.
    pub windows: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { cloud_init: None, limit: USUAL_LIMIT, windows: false }
    }
}

/// A file and what is wrong with it.
pub struct Linted {
    /// Its name, as people know it.
    pub name: String,
    /// Its text; `None` where it is no UTF-8.
    pub text: Option<String>,
    /// It, laid open.
    pub opened: Opened,
    /// What is wrong, by place.
    pub findings: Vec<Finding>,
    /// What a comment silences.
    pub silenced: Vec<Silenced>,
}

/// Lints user-data.
///
/// `scanner` is one that the caller keeps: it is dear to make and is used again.
///
/// # Errors
/// The built-in facts are broken.
pub fn lint(
    name: &str,
    bytes: &[u8],
    options: &Options,
    scanner: &mut Scanner,
) -> Result<Linted, ConfigError> {
    let facts = facts::facts()?;
    let mut opened = open::open(bytes);
    let pieces = context::pieces(&mut opened);
    let mut context = Context::new(&opened, &pieces, options, facts, bytes.len(), scanner);
    for rule in rules::ALL {
        context.run(rule);
    }
    let mut findings = context.findings();
    let silenced = suppress::silence(&opened, &mut findings);
    findings.sort_by_key(|finding| {
        (finding.unit, finding.at.as_ref().map(|at| at.start), std::cmp::Reverse(finding.rule.severity))
    });
    let text = String::from_utf8(bytes.to_vec()).ok();
    Ok(Linted { name: name.to_owned(), text, opened, findings, silenced })
}
