//! `ironseed triage`: what scans found, how bad it is, and how much time is left.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::{Ended, Outcome, print};
use crate::assets::Assets;
use crate::release;
use crate::report;
use crate::triage::ledger::{Ledger, Store};
use crate::triage::policy::Policy;
use crate::triage::prevention::Prevention;
use crate::triage::{self, Image, Judge, Run, Scans};

/// Rates what vulnerability scanners found, and tells how much time is left and what to do
///
/// Reads Nessus XML (.nessus) and CSV, Trivy and Grype JSON, and OVAL results of OpenSCAP, whatever their names.
/// Exit code 0: nothing is open that the policy refuses. 1: something is. 2: could not run.
#[derive(Args)]
pub struct TriageVerb {
    /// Scans; `-` is what comes in on stdin
    #[arg(required_unless_present = "ledger", value_name = "SCAN")]
    scans: Vec<PathBuf>,
    /// The report of `verify` on the image that the hosts were made of
    #[arg(long, value_name = "REPORT")]
    image: Option<PathBuf>,
    /// Bands, time limits, recasts and what is refused [default: the built-in policy]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Keeps between runs since when each finding is open; made where it is not there
    #[arg(long, value_name = "FILE")]
    ledger: Option<PathBuf>,
    /// A host that is no more: what the ledger has open on it is closed; repeatable
    #[arg(long, value_name = "HOST", requires = "ledger")]
    gone: Vec<String>,
    /// Name of the host that the scans are about, where they tell none or another one
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// When the scans were made, where they don't say so [default: when the file was last changed]
    #[arg(long, value_name = "INSTANT")]
    seen: Option<Timestamp>,
    /// Hold time limits against this instant, such as 2026-11-23T10:00:00+13:00 [default: now]
    #[arg(long, value_name = "INSTANT")]
    now: Option<Timestamp>,
    /// Output form
    #[arg(long, default_value = "human")]
    format: Form,
}

/// Output forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people.
    Human,
    /// For programs; versioned.
    Json,
    /// For tickets and comments.
    Markdown,
}

impl TriageVerb {
    pub fn run(self, assets: &Assets) -> Outcome {
        let policy = Policy::load(self.policy.as_deref(), assets)?;
        let prevention = Prevention::load(assets)?;
        let releases = release::all(assets)?;
        let image = self.image()?;
        let now = self.now.unwrap_or_else(Timestamp::now);
        let (ledger, run) = self.ledger(&policy, now)?;
        let judge = Judge {
            policy: &policy,
            prevention: &prevention,
            releases: &releases,
            image: image.as_ref(),
            now,
        };
        let triage = judge.triage(&ledger, run);
        match self.format {
            Form::Markdown => print(&triage::markdown(&triage, &policy.zone))?,
            // The others may be long: they are written as they are made.
            form => {
                let mut out = BufWriter::new(std::io::stdout().lock());
                if form == Form::Json {
                    serde_json::to_writer_pretty(&mut out, &triage).map_err(std::io::Error::from)?;
                    writeln!(out)?;
                } else {
                    triage::human(&triage, &policy.zone, &mut out)?;
                }
                out.flush()?;
            }
        }
        Ok(if triage.refusals.is_empty() { Ended::Fine } else { Ended::Findings })
    }

    /// The ledger with the scans in it, written back where it has a file.
    fn ledger(&self, policy: &Policy, now: Timestamp) -> anyhow::Result<(Ledger, Run)> {
        let scans = Scans { files: &self.scans, seen: self.seen, host: self.host.as_deref() }.read(policy)?;
        let Some(path) = &self.ledger else {
            let mut ledger = Ledger::default();
            let run = triage::take(&mut ledger, scans, policy, now);
            return Ok((ledger, run));
        };
        let waiting = || anstream::eprintln!("{}: another program has it; waiting", path.display());
        let store = Store::lock(path, waiting)?;
        let mut ledger = store.read()?;
        let mut run = triage::take(&mut ledger, scans, policy, now);
        for host in &self.gone {
            match ledger.forget(host, now) {
                Some(changes) => run.changes = run.changes.and(changes),
                None => bail!("{} knows no host `{host}`", path.display()),
            }
        }
        if !self.scans.is_empty() || !self.gone.is_empty() {
            store.write(&ledger)?;
        }
        Ok((ledger, run))
    }

    /// What the image's report says.
    fn image(&self) -> anyhow::Result<Option<Image>> {
        let Some(path) = &self.image else { return Ok(None) };
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).with_context(|| name.clone())?;
        let reports = report::read(&text).with_context(|| name.clone())?;
        let [report] = reports.as_slice() else { bail!("{name}: {} reports; one is wanted", reports.len()) };
        let outcomes = report.checks.iter().map(|c| (c.id.clone(), c.outcome)).collect();
        Ok(Some(Image { release: report.plan.distro.clone(), outcomes }))
    }
}
