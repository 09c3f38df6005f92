//! `ironseed lint`: what user-data should not do.

use std::cell::RefCell;
use std::fs::File;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use rayon::prelude::*;

use super::file::rewrite;
use super::{Ended, Outcome, print, print_json};
use crate::assets::Assets;
use crate::distro;
use crate::effective::secrets::Scanner;
use crate::lint::{self, Linted, MAX_BYTES, Options, USUAL_LIMIT, output};

/// How often `--fix` looks again: what is mended may bring up what more can be mended.
const ROUNDS: usize = 8;

/// Tells what cloud-init user-data should not do: secrets, open doors, what cloud-init reads otherwise than it looks
///
/// Takes cloud-config, scripts, multipart MIME, archives, jinja templates and include files, as they are or packed with gzip or base64.
/// Exit code 0: nothing found. 1: findings. 2: could not run.
#[derive(Args)]
pub struct LintVerb {
    /// User-data; `-` is what comes in on stdin
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Version of cloud-init that reads it [default: the newest]
    #[arg(long, value_name = "VERSION", value_parser = version, conflicts_with = "distro")]
    cloud_init: Option<String>,
    /// Distribution whose cloud-init reads it, or `windows` for cloudbase-init
    #[arg(short, long, value_name = "ID|FILE")]
    distro: Option<String>,
    /// Most bytes that the cloud takes
    #[arg(long, value_name = "BYTES", default_value_t = USUAL_LIMIT)]
    cloud_limit: usize,
    /// Mend what is safe to mend; comments and layout stay
    #[arg(long)]
    fix: bool,
    /// Output form
    #[arg(long, default_value = "human")]
    format: Format,
}

/// Output forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Human,
    /// For programs; versioned.
    Json,
    /// For code hosts: SARIF 2.1.0.
    Sarif,
    /// Annotations of GitHub's pull requests.
    Github,
}

fn version(text: &str) -> Result<String, String> {
    let is_version =
        text.split('.').count() >= 2 && text.split('.').next().is_some_and(|n| n.parse::<u32>().is_ok());
    if is_version { Ok(text.to_owned()) } else { Err("a version looks like `23.4`".to_owned()) }
}

/// What `-d` names where cloudbase-init reads the user-data.
const WINDOWS: &str = "windows";

thread_local! {
    static SCANNER: RefCell<Scanner> = RefCell::default();
}

impl LintVerb {
    pub fn run(self, assets: &Assets) -> Outcome {
        let options = self.options(assets)?;
        let stdin = Path::new("-");
        if self.fix && self.files.iter().any(|file| file == stdin) {
            bail!("--fix changes files, and can't change what comes in on stdin");
        }
        let linted: anyhow::Result<Vec<Linted>> =
            self.files.par_iter().map(|file| self.one(file, &options)).collect();
        let linted = linted?;
        match self.format {
            Format::Human => {
                let colour = std::io::stdout().is_terminal();
                let text: String = linted.iter().map(|file| output::human(file, colour)).collect();
                print(&text)?;
                anstream::eprintln!("{}", output::summary(&linted));
            }
            Format::Json => print_json(&output::json(&linted, &options))?,
            Format::Sarif => print_json(&output::sarif(&linted))?,
            Format::Github => print(&output::github(&linted))?,
        }
        let clean = linted.iter().all(|file| file.findings.is_empty());
        Ok(if clean { Ended::Fine } else { Ended::Findings })
    }

    fn options(&self, assets: &Assets) -> anyhow::Result<Options> {
        let windows = self.distro.as_deref() == Some(WINDOWS);
        let cloud_init = match &self.distro {
            Some(id) if !windows => Some(distro::load(id, assets)?.versions.cloud_init),
            _ => self.cloud_init.clone(),
        };
        Ok(Options { cloud_init, limit: self.cloud_limit, windows })
    }

    /// Lints a file, mended first where that is wanted.
    fn one(&self, file: &Path, options: &Options) -> anyhow::Result<Linted> {
        let name = file.display().to_string();
        let bytes = read(file).with_context(|| name.clone())?;
        let look = |bytes: &[u8]| {
            SCANNER
                .with_borrow_mut(|scanner| lint::lint(&name, bytes, options, scanner))
                .map_err(anyhow::Error::from)
        };
        let mut linted = look(&bytes)?;
        if !self.fix {
            return Ok(linted);
        }
        let before = linted.findings.len();
        let mut changed = None;
        for _ in 0..ROUNDS {
            let text = changed.as_deref().or(linted.text.as_deref()).unwrap_or_default();
            let Some(text) = lint::mended(&linted, text) else { break };
            linted = look(text.as_bytes())?;
            changed = Some(text);
        }
        if let Some(text) = changed {
            rewrite(file, text.as_bytes())?;
            anstream::eprintln!("{name}: mended {}", before.saturating_sub(linted.findings.len()));
        }
        Ok(linted)
    }
}

/// Reads a file, or stdin, up to the size that is linted.
fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let source: Box<dyn Read> =
        if file == Path::new("-") { Box::new(std::io::stdin()) } else { Box::new(File::open(file)?) };
    let mut bytes = Vec::new();
    source.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        bail!("more than {MAX_BYTES} bytes: no cloud takes that");
    }
    Ok(bytes)
}
