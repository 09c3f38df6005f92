//! `ironseed attest`: signed statements about an image, made and held against it.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::civil::Date;

use super::publish::saved;
use super::{Ended, Format, Outcome, now, print, print_json, resolve, today};
use crate::assets::Assets;
use crate::attest::check::{self, Verdict};
use crate::attest::statement::BUILDER;
use crate::attest::{PublicKey, Signer};
use crate::distro;
use crate::publish::{Evidence, Properties, Signing};

/// Signs what is known of an image, and checks it: how it was made, and that it passed
#[derive(Args)]
pub struct Attest {
    #[command(subcommand)]
    verb: AttestVerb,
}

#[derive(Subcommand)]
enum AttestVerb {
    Sign(Sign),
    Verify(Verify),
}

/// Who signs what is published.
#[derive(Args)]
pub struct SigningArgs {
    /// Sign with this key: Ed25519 or P-256 in PEM, or a key of OpenSSH (its .pub file where an agent or a token holds it)
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
    /// Who built the image, as a URI, for the signed statement
    #[arg(long, value_name = "URI", default_value = BUILDER)]
    builder: String,
}

impl SigningArgs {
    /// The key, if one is named.
    pub fn signing(&self) -> anyhow::Result<Option<Signing>> {
        let Some(path) = &self.sign else { return Ok(None) };
        Ok(Some(Signing { signer: Signer::load(path)?, builder: self.builder.clone() }))
    }
}

/// Writes bills of materials and signed statements beside an image that passed
///
/// `publish --sign` and `release --sign` do the same in their store.
#[derive(Args)]
struct Sign {
    /// The disk image
    image: PathBuf,
    /// Its report, from `ironseed verify --boot --report`
    #[arg(long, value_name = "FILE")]
    report: PathBuf,
    /// The key: Ed25519 or P-256 in PEM, or a key of OpenSSH (its .pub file where an agent or a token holds it)
    #[arg(long, value_name = "KEY")]
    key: PathBuf,
    /// Who built the image, as a URI
    #[arg(long, value_name = "URI", default_value = BUILDER)]
    builder: String,
    /// Profile that the image must meet; the report's where it is left out
    #[arg(short, long, value_name = "NAME|FILE")]
    profile: Option<String>,
    /// Distribution; the report's where it is left out
    #[arg(short, long, value_name = "ID|FILE")]
    distro: Option<String>,
}

/// Holds an image, its report and its bills of materials against the signed statements
///
/// Needs no network. Exit code 0: all is as it was signed. 1: something is not. 2: could not run.
#[derive(Args)]
struct Verify {
    /// The disk image; its files lie beside it
    image: PathBuf,
    /// Public key to trust: PEM, or lines of OpenSSH's .pub files; repeatable
    #[arg(long, value_name = "FILE", required = true)]
    key: Vec<PathBuf>,
    /// The statements; IMAGE's name with `.intoto.jsonl` where they are left out
    #[arg(long, value_name = "FILE")]
    statements: Option<PathBuf>,
    /// Hold dates against this day instead of today
    #[arg(long, value_name = "YYYY-MM-DD")]
    on: Option<Date>,
    /// Output form
    #[arg(long, default_value = "human")]
    format: Format,
}

impl Attest {
    pub fn run(self, assets: &Assets) -> Outcome {
        match self.verb {
            AttestVerb::Sign(verb) => verb.run(assets),
            AttestVerb::Verify(verb) => verb.run(),
        }
    }
}

impl Sign {
    fn run(self, assets: &Assets) -> Outcome {
        let signing = Signing { signer: Signer::load(&self.key)?, builder: self.builder };
        let report = saved(&self.report)?;
        let profile = self.profile.as_deref().unwrap_or(&report.plan.profile);
        let distro = self.distro.as_deref().unwrap_or(&report.plan.distro);
        let plan = resolve(profile, distro::load(distro, assets)?, assets)?;
        let image = self.image.display().to_string();
        let passed = match report.passed(&self.image, &plan, today()).with_context(|| image.clone())? {
            Ok(passed) => passed,
            Err(refusal) => {
                anstream::eprintln!("{refusal}");
                return Ok(Ended::Findings);
            }
        };
        let name = self.image.file_name().context("the image has no name")?.to_string_lossy().into_owned();
        let properties = Properties::of(&passed, &plan);
        let evidence = Evidence::gather(&passed, name, &properties, Some(&signing), now()?)?;
        for file in &evidence.files {
            let path = self.image.with_file_name(&file.name);
            super::file::write_whole(&path, &file.bytes)?;
            print(&format!("wrote {}\n", path.display()))?;
        }
        Ok(Ended::Fine)
    }
}

impl Verify {
    fn run(self) -> Outcome {
        let trusted: anyhow::Result<Vec<Vec<PublicKey>>> =
            self.key.iter().map(|path| PublicKey::load(path)).collect();
        let statements = self.statements.unwrap_or_else(|| check::beside(&self.image));
        let today = self.on.unwrap_or_else(today);
        let verdict = check::check(&self.image, &statements, &trusted?.concat(), today)?;
        match self.format {
            Format::Json => print_json(&verdict)?,
            Format::Human => print(&human(&verdict))?,
        }
        Ok(if verdict.findings.is_empty() { Ended::Fine } else { Ended::Findings })
    }
}

fn human(verdict: &Verdict) -> String {
    let image = verdict.image.display();
    let mut out = match verdict.findings.len() {
        0 => format!("{image}: as it was signed\n"),
        _ => format!("{image}: NOT as it was signed\n"),
    };
    for finding in &verdict.findings {
        out += &format!("  - {finding}\n");
    }
    let mut line = |what: &str, value: Option<String>| {
        if let Some(value) = value {
            out += &format!("  {what:<9} {value}\n");
        }
    };
    line("sha256", Some(verdict.sha256.clone()));
    line("signed by", verdict.key.clone());
    let choice = verdict.profile.as_ref().zip(verdict.distro.as_ref());
    line("profile", choice.map(|(profile, distro)| format!("{profile} for {distro}")));
    line("plan", verdict.plan.clone());
    line("passed", verdict.time_verified.map(|time| time.to_string()));
    line("built by", verdict.builder.clone());
    line("files", Some(verdict.files.join(", ")).filter(|files| !files.is_empty()));
    for waiver in &verdict.waivers {
        let (check, owner, expires, reason) = (&waiver.check, &waiver.owner, waiver.expires, &waiver.reason);
        line("waived", Some(format!("{check} until {expires} by {owner}: {reason}")));
    }
    out
}
