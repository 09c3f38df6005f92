//! What the kinds share that write one file of options: a drop-in of key and value.
//!
//! This module owns what such a file is filled with, not where it goes nor who reads it.

use serde::Serialize;

use crate::diagnostic::ConfigError;
use crate::render::Context;

#[derive(Serialize)]
struct Values<T> {
    profile: String,
    options: Vec<T>,
}

/// The options sorted and each once: a file is the same in whatever order a profile names them,
/// and however many checks want one.
pub fn each_once<T: Ord>(options: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut options: Vec<T> = options.into_iter().collect();
    options.sort();
    options.dedup();
    options
}

/// The text of a drop-in: its template, filled with `profile` and the sorted `options`.
///
/// # Errors
/// A template that is missing or broken.
pub fn content<T: Ord + Serialize + 'static>(
    template: &str,
    options: impl IntoIterator<Item = T>,
    context: &Context<'_>,
) -> Result<String, ConfigError> {
    let values = Values { profile: context.plan.profile.clone(), options: each_once(options) };
    context.templates.render(template, values)
}
