//! The command line: one file per verb.
//!
//! Owns arguments, what is printed where, and exit codes: 0 fine, 1 findings, 2 could not run.
//! stdout is the product, stderr is for people.

mod attest;
mod build;
mod carrying;
mod completions;
mod diff;
mod display;
mod explain;
mod file;
mod glance;
mod lifecycle;
mod lint;
mod list;
mod making;
mod matrix;
mod observe;
mod plan;
mod publish;
mod remote;
mod render;
mod report;
mod sbom;
mod schema;
mod stock;
mod triage;
mod user_data;
mod verify;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::assets::Assets;
use crate::check::Catalogue;
use crate::diagnostic::ConfigError;
use crate::distro::{self, Distro};
use crate::parameter;
use crate::plan::Plan;
use crate::profile::{self, Profile, Vocabulary};

/// Turns hardening profiles into cloud images, and proves that the images meet them.
#[derive(Parser)]
#[command(name = "ironseed", version, max_term_width = 100)]
struct Cli {
    /// Directory with profiles/, images/ or templates/ that replace or add to the built-in ones
    #[arg(long, global = true, value_name = "DIR", env = "IRONSEED_ASSETS")]
    assets: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    List(list::List),
    Explain(explain::Explain),
    Plan(plan::ShowPlan),
    Diff(diff::Diff),
    UserData(user_data::UserDataVerb),
    Render(render::RenderVerb),
    Build(build::Build),
    Verify(verify::Verify),
    Report(report::ReportVerb),
    Sbom(sbom::Sbom),
    Schema(schema::SchemaVerb),
    Completions(completions::Completions),
    Man(completions::Man),
    Lifecycle(lifecycle::LifecycleVerb),
    Lint(lint::LintVerb),
    Matrix(matrix::Matrix),
    Triage(triage::TriageVerb),
    Attest(attest::Attest),
    Publish(publish::Publish),
    Release(publish::Release),
    #[command(hide = true)]
    Observe(observe::Observe),
}

/// How a verb ended, apart from errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All is well.
    Fine,
    /// Something is not as wanted.
    Findings,
}

/// A verb's result: errors of every kind end with exit code 2.
type Outcome = anyhow::Result<Ended>;

/// The choice of a profile and a distribution.
#[derive(Args, Clone)]
struct Choice {
    /// Profile: a built-in name, or the path of your own YAML
    #[arg(short, long, default_value = "nectar-base", value_name = "NAME|FILE")]
    profile: String,
    /// Distribution: a built-in id, or the path of your own YAML [default: the one marked in `list distros`]
    #[arg(short, long, value_name = "ID|FILE")]
    distro: Option<String>,
}

impl Choice {
    fn resolve(&self, assets: &Assets) -> Result<Plan, ConfigError> {
        let (plan, profile) = resolved(&self.profile, self.distro(assets)?, assets)?;
        for (name, at) in plan.idle_parameters(&profile) {
            anstream::eprintln!("warning: {at}: `{name}` does nothing: none of the profile's checks uses it");
        }
        Ok(plan)
    }

    fn distro(&self, assets: &Assets) -> Result<Distro, ConfigError> {
        match &self.distro {
            Some(id) => distro::load(id, assets),
            None => distro::usual(assets),
        }
    }
}

/// Resolves a profile by name or path for a distribution.
fn resolve(profile: &str, distro: Distro, assets: &Assets) -> Result<Plan, ConfigError> {
    resolved(profile, distro, assets).map(|(plan, _)| plan)
}

fn resolved(profile: &str, distro: Distro, assets: &Assets) -> Result<(Plan, Profile), ConfigError> {
    let catalogue = Catalogue::load(assets)?;
    let declarations = parameter::load(assets)?;
    let vocabulary = Vocabulary { assets, catalogue: &catalogue, declarations: &declarations };
    let profile = profile::load(profile, &vocabulary)?;
    Ok((Plan::resolve(&profile, distro, &catalogue, &declarations)?, profile))
}

/// Output forms of verbs that programs read too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs; versioned.
    Json,
}

/// Runs the command line to its end.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let assets = match &cli.assets {
        Some(directory) => Assets::overridden(directory).map_err(anyhow::Error::from),
        None => Ok(Assets::embedded()),
    };
    let ended = assets.and_then(|assets| match cli.verb {
        Verb::List(verb) => verb.run(&assets),
        Verb::Explain(verb) => verb.run(&assets),
        Verb::Plan(verb) => verb.run(&assets),
        Verb::Diff(verb) => verb.run(&assets),
        Verb::UserData(verb) => verb.run(&assets),
        Verb::Render(verb) => verb.run(&assets),
        Verb::Build(verb) => verb.run(&assets),
        Verb::Verify(verb) => verb.run(&assets),
        Verb::Report(verb) => verb.run(),
        Verb::Sbom(verb) => verb.run(),
        Verb::Schema(verb) => verb.run(&assets),
        Verb::Completions(verb) => verb.run(),
        Verb::Man(verb) => verb.run(),
        Verb::Lifecycle(verb) => verb.run(&assets),
        Verb::Lint(verb) => verb.run(&assets),
        Verb::Matrix(verb) => verb.run(&assets),
        Verb::Triage(verb) => verb.run(&assets),
        Verb::Attest(verb) => verb.run(&assets),
        Verb::Publish(verb) => verb.run(&assets),
        Verb::Release(verb) => verb.run(&assets),
        Verb::Observe(verb) => verb.run(),
    });
    match ended {
        Ok(Ended::Fine) => ExitCode::SUCCESS,
        Ok(Ended::Findings) => ExitCode::from(1),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            anstream::eprintln!("{}", describe(&error));
            ExitCode::from(2)
        }
    }
}

/// The error with its causes, one a line; excerpts keep their own layout.
fn describe(error: &anyhow::Error) -> String {
    let text = format!("{error}");
    let mut lines = if text.starts_with("error") { text } else { format!("error: {text}") };
    for cause in error.chain().skip(1) {
        lines.push_str(&format!("\n  because: {cause}"));
    }
    lines
}

/// Whether the reader of our output went away (`ironseed … | head`), which is no error.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|io| io.kind() == std::io::ErrorKind::BrokenPipe)
}

/// The present instant, or what `SOURCE_DATE_EPOCH` says it is for a build that is repeated
/// (seconds since 1970, <https://reproducible-builds.org/specs/source-date-epoch/>).
fn now() -> anyhow::Result<Timestamp> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Err(_) => Ok(Timestamp::now()),
        Ok(text) => text
            .parse()
            .map_err(anyhow::Error::from)
            .and_then(|seconds| Ok(Timestamp::from_second(seconds)?))
            .with_context(|| format!("SOURCE_DATE_EPOCH is `{text}`, which is no number of seconds")),
    }
}

/// Today's date (UTC).
fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Prints the product of a verb.
fn print(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a value as JSON for programs.
fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    print(&text)?;
    Ok(())
}
