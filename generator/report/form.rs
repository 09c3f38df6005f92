//! The forms that reports can be written in: the list, and the way to each.

use clap::ValueEnum;

use super::{Collection, Failure, Report, github, html, human, junit, markdown, sarif, xccdf};

/// How reports are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people at a terminal
    #[default]
    Human,
    /// For programs; versioned
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
    /// For a build service's list of tests
    Junit,
    /// For a comment on a merge request
    Markdown,
    /// Annotations, as commands that GitHub Actions reads from a step's output
    Github,
    /// XCCDF 1.2 results, for tools that read OpenSCAP's
    Xccdf,
    /// One page for a browser, to read, search and print
    Html,
}

/// Why a report could not be written: nothing that a report of this program can cause.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// As JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// As a page.
    #[error("the page's template: {0:#}")]
    Template(#[from] minijinja::Error),
}

impl Form {
    /// Writes reports. Several go into one product: JSON holds a collection, the others a part for each.
    ///
    /// # Errors
    /// None that a report of this program can cause.
    pub fn write(self, reports: &[Report]) -> Result<String, FormError> {
        self.write_with(reports, &[])
    }

    /// Writes reports, and names in JSON what could not be looked at. The other forms are about what was seen.
    ///
    /// # Errors
    /// See [`Form::write`].
    pub fn write_with(self, reports: &[Report], failures: &[Failure]) -> Result<String, FormError> {
        Ok(match self {
            Self::Human => human::several(reports),
            Self::Json => match (reports, failures) {
                ([report], []) => report.to_json()?,
                _ => {
                    serde_json::to_string_pretty(&Collection::new(reports.to_vec(), failures.to_vec()))?
                        + "\n"
                }
            },
            Self::Sarif => sarif::sarif(reports)?,
            Self::Junit => junit::junit(reports),
            Self::Markdown => markdown::markdown(reports),
            Self::Github => github::github(reports),
            Self::Xccdf => xccdf::xccdf(reports),
            Self::Html => html::html(reports)?,
        })
    }
}
