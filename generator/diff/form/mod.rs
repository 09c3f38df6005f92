//! The forms that a comparison is written in.

mod human;
mod markdown;
mod sarif;
mod words;

use clap::ValueEnum;

use super::change::Comparison;

/// How a comparison is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people at a terminal
    #[default]
    Human,
    /// For a comment on a merge request
    Markdown,
    /// For programs; versioned
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
}

impl Form {
    /// Writes a comparison, with a line break at its end. The human form has colours, which the terminal's writer
    /// strips where they don't belong.
    ///
    /// # Errors
    /// None that a comparison of this program can cause.
    pub fn write(self, comparison: &Comparison) -> serde_json::Result<String> {
        Ok(match self {
            Self::Human => human::human(comparison),
            Self::Markdown => markdown::markdown(comparison),
            Self::Json => serde_json::to_string_pretty(comparison)? + "\n",
            Self::Sarif => serde_json::to_string_pretty(&sarif::sarif(comparison))? + "\n",
        })
    }
}
