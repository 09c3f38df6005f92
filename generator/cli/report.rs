//! `ironseed report`: saved reports in another form, several of them side by side.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::{Ended, Outcome, print};
use crate::report::text::plain;
use crate::report::{self, Collection, Form};

/// Largest file of reports, in bytes. A report has some hundred kilobytes.
const MAX_REPORT_BYTES: u64 = 256 << 20;

/// Writes saved reports in another form; two of one distribution are before and after
///
/// Exit code 0: written, whatever the reports say (`verify` has judged). 2: could not run.
#[derive(Args)]
pub struct ReportVerb {
    /// JSON reports of `ironseed verify`, in the order in which they are shown
    #[arg(required = true, value_name = "REPORT")]
    reports: Vec<PathBuf>,
    /// Output form
    #[arg(long, default_value = "human")]
    format: Form,
}

impl ReportVerb {
    pub fn run(self) -> Outcome {
        let (mut reports, mut failures) = (Vec::new(), Vec::new());
        for path in &self.reports {
            let saved = open(path)?;
            reports.extend(saved.reports);
            failures.extend(saved.failures);
        }
        print(&self.format.write_with(&reports, &failures)?)?;
        for failure in &failures {
            anstream::eprintln!("not looked at: {}", plain(&failure.reason));
        }
        Ok(Ended::Fine)
    }
}

/// Reads the reports of a file, and what could not be looked at.
fn open(path: &Path) -> anyhow::Result<Collection> {
    let name = || path.display().to_string();
    let mut text = String::new();
    let mut file = File::open(path).with_context(name)?.take(MAX_REPORT_BYTES + 1);
    file.read_to_string(&mut text).with_context(name)?;
    anyhow::ensure!(text.len() as u64 <= MAX_REPORT_BYTES, "{}: larger than any report", name());
    report::collection(&text).with_context(name)
}
