//! Holds an image and what lies beside it against the signed statements about it. Needs no network.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::statement::{self, Accepted, Provenance, Statement, Summary};
use super::{EXTENSION, PublicKey, Resource, dsse};
use crate::hash::{self, Digests};
use crate::report::Report;

/// What is read of a file beside an image, in bytes at most.
const MAX_FILE: u64 = 64 << 20;

/// What statements say of an image, as far as their signatures hold, and everything that is wrong.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verdict {
    /// Version of this JSON form: 1.
    pub version: u32,
    /// The image.
    pub image: PathBuf,
    /// SHA-256 (hex) of its bytes.
    pub sha256: String,
    /// The key that signed.
    pub key: Option<String>,
    /// Profile's name.
    pub profile: Option<String>,
    /// Distribution's id.
    pub distro: Option<String>,
    /// The plan's digest.
    pub plan: Option<String>,
    /// Who built it.
    pub builder: Option<String>,
    /// When it passed.
    pub time_verified: Option<Timestamp>,
    /// The files beside it that are as they were signed.
    pub files: Vec<String>,
    /// Accepted failures.
    pub waivers: Vec<Accepted>,
    /// Everything that is wrong, a sentence each; empty where all is well.
    pub findings: Vec<String>,
}

/// Where an image's statements are, if nobody says otherwise.
pub fn beside(image: &Path) -> PathBuf {
    image.with_extension(EXTENSION)
}

/// Holds an image against the statements in a file.
///
/// # Errors
/// The image or the statements can't be read. Whatever is wrong with what was read is a finding.
pub fn check(image: &Path, statements: &Path, trusted: &[PublicKey], today: Date) -> anyhow::Result<Verdict> {
    let mut file = File::open(image).with_context(|| image.display().to_string())?;
    let digests = Digests::of(&mut file).with_context(|| image.display().to_string())?;
    let name = statements.display();
    let text = bounded(statements).with_context(|| format!("{name}: the statements can't be read"))?;
    let mut verdict =
        Verdict { version: 1, image: image.to_owned(), sha256: digests.sha256.clone(), ..Verdict::default() };
    let Ok(text) = String::from_utf8(text) else {
        verdict.findings.push(format!("{name} is no text: it was changed"));
        return Ok(verdict);
    };
    let (mut provenance, mut summary) = (None, None);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let place = format!("{name}:{}", index + 1);
        let opened = opened(line, &digests, trusted, &mut verdict).and_then(|statement| {
            match statement.predicate_type.as_str() {
                statement::PROVENANCE => only(&mut provenance, &statement),
                statement::SUMMARY => only(&mut summary, &statement),
                other => anyhow::bail!("it says `{}`, which nobody here can read", other.escape_debug()),
            }
        });
        if let Err(error) = opened {
            verdict.findings.push(format!("{place}: {error:#}"));
        }
    }
    if !text.ends_with('\n') {
        verdict.findings.push(format!("{name}: its last line has no end: it was changed"));
    }
    match (provenance, summary) {
        (Some(provenance), Some(summary)) => {
            let folder = image.parent().unwrap_or(Path::new(""));
            Examination { folder, digests: &digests, today, verdict: &mut verdict }.of(provenance, summary);
        }
        (None, _) => verdict.findings.push(format!("{name}: no statement says how the image was made")),
        (_, None) => verdict.findings.push(format!("{name}: no statement says that the image passed")),
    }
    Ok(verdict)
}

/// A file's bytes, up to a bound.
fn bounded(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        anyhow::bail!("it is longer than {} MiB", MAX_FILE >> 20);
    }
    Ok(bytes)
}

/// The statement in a line, which a trusted key signed and which is about this image.
fn opened(
    line: &str,
    digests: &Digests,
    trusted: &[PublicKey],
    verdict: &mut Verdict,
) -> anyhow::Result<Statement> {
    let (payload, key) = dsse::Envelope::open(line, trusted)?;
    verdict.key = Some(key.to_string());
    let statement: Statement = serde_json::from_slice(&payload).context("no in-toto statement")?;
    if statement.kind != statement::STATEMENT {
        anyhow::bail!("no in-toto statement of version 1");
    }
    let [subject] = statement.subject.as_slice() else {
        anyhow::bail!("it is about {} things, not about one image", statement.subject.len());
    };
    for (what, said, found) in [
        ("SHA-256", &subject.digest.sha256, &digests.sha256),
        ("SHA-512", &subject.digest.sha512, &digests.sha512),
    ] {
        if said.as_ref() != Some(found) {
            let said = said.as_deref().unwrap_or("none");
            anyhow::bail!("it is about other bytes: it names {what} {said}, the image has {found}");
        }
    }
    Ok(statement)
}

/// Keeps the one statement of its kind.
fn only<T: DeserializeOwned>(place: &mut Option<T>, statement: &Statement) -> anyhow::Result<()> {
    let predicate = serde_json::from_value(statement.predicate.clone())
        .with_context(|| format!("no {} of ours", statement.predicate_type))?;
    if place.replace(predicate).is_some() {
        anyhow::bail!("a second statement of the same kind");
    }
    Ok(())
}

/// Both statements, held against each other and against what lies beside the image.
struct Examination<'a> {
    folder: &'a Path,
    digests: &'a Digests,
    today: Date,
    verdict: &'a mut Verdict,
}

impl Examination<'_> {
    fn of(mut self, provenance: Provenance, summary: Summary) {
        let build = &provenance.build_definition;
        let plan = &build.internal_parameters.plan_sha256;
        if summary.policy.digest.sha256.as_ref() != Some(plan) {
            self.finding("the statements are about two different plans");
        }
        if summary.verification_result != "PASSED" {
            self.finding(format!(
                "the summary says {}, not PASSED",
                summary.verification_result.escape_debug()
            ));
        }
        if summary.input_attestations != provenance.run_details.byproducts {
            self.finding("the statements name different files");
        }
        let mut reports = Vec::new();
        for resource in &summary.input_attestations {
            if let Some(bytes) = self.companion(resource)
                && let Ok(report) = serde_json::from_slice::<Report>(&bytes)
            {
                reports.push(report);
            }
        }
        match reports.as_slice() {
            [report] => self.report(report, plan, &summary),
            [] => self.finding("there is no report of ironseed among the files"),
            _ => self.finding("there is more than one report of ironseed among the files"),
        }
        let today = self.today;
        for waiver in summary.ironseed.waivers.iter().filter(|waiver| waiver.expires < today) {
            let (check, expires, owner) = (&waiver.check, waiver.expires, &waiver.owner);
            self.finding(format!("the waiver of `{check}` expired on {expires} (owner: {owner})"));
        }
        self.verdict.profile = Some(build.external_parameters.profile.clone());
        self.verdict.distro = Some(build.external_parameters.distro.clone());
        self.verdict.plan = Some(plan.clone());
        self.verdict.builder = Some(provenance.run_details.builder.id.clone());
        self.verdict.time_verified = Some(summary.time_verified);
        self.verdict.waivers = summary.ironseed.waivers;
    }

    fn finding(&mut self, text: impl Into<String>) {
        self.verdict.findings.push(text.into());
    }

    /// The bytes of a file that a statement names, if they are the ones that were signed.
    fn companion(&mut self, resource: &Resource) -> Option<Vec<u8>> {
        let name = resource.name.as_deref().unwrap_or_default();
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            self.finding(format!(
                "a statement names the file `{}`, which is no plain name",
                name.escape_debug()
            ));
            return None;
        }
        let path = self.folder.join(name);
        let bytes = match bounded(&path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.finding(format!("{}: {error:#}: it was signed with the image", path.display()));
                return None;
            }
        };
        if resource.digest.sha256.as_deref() != Some(hash::bytes(&bytes).as_str()) {
            self.finding(format!("{} is not the file that was signed: it was changed", path.display()));
            return None;
        }
        self.verdict.files.push(name.to_owned());
        Some(bytes)
    }

    /// The report must let this very image through, by this plan, with the waivers that were signed.
    fn report(&mut self, report: &Report, plan: &str, summary: &Summary) {
        if report.digest != report.content_digest() {
            self.finding("the report's own digest is not that of its content");
        }
        if report.target.sha256.as_ref() != Some(&self.digests.sha256) {
            self.finding("the report is about another image");
        }
        if report.plan.digest != plan {
            self.finding("the report is about another plan");
        }
        if !report.is_clean() {
            self.finding(format!("the report lets nothing through: {}", report.summary()));
        }
        if statement::accepted(report) != summary.ironseed.waivers {
            self.finding("the report's waivers are not those that were signed");
        }
    }
}
