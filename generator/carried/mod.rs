//! What an image carries to verify itself: a label, the plan that it was built from, this program, units that run it, and a
//! test for Nectar's pipeline.
//!
//! Owns which files these are, where they stand and what is in them. Must not know how they come into an image.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::build::RecipeFile;
use crate::plan::Plan;
use crate::report::PlanReport;
use crate::settings::Setting;
use crate::target::Root;

/// Where an image holds its [`Label`].
pub const LABEL: &str = "/usr/share/ironseed/label.json";
/// Where it holds the plan, as [`Plan::to_file`] writes it.
pub const PLAN: &str = "/usr/share/ironseed/plan.json";
/// Where the verifier stands. SELinux' policies call what is below libexec a program.
pub const VERIFIER: &str = "/usr/libexec/ironseed";
/// Starts the service every day, where it is enabled.
pub const TIMER: &str = "ironseed-verify.timer";
/// Verifies once.
pub const SERVICE: &str = "ironseed-verify.service";
/// What Nectar's pipeline runs on an instance of a new image, before the image is published.
pub const TEST: &str = "/usr/nectar/tests.d/900-ironseed.sh";
/// What is in [`TEST`].
pub const TEST_CONTENT: &str = include_str!("inside/test.sh");

/// The units by name, with what is in them.
pub const UNITS: [(&str, &str); 2] = [
    (SERVICE, include_str!("inside/ironseed-verify.service")),
    (TIMER, include_str!("inside/ironseed-verify.timer")),
];

/// systemd enables at a first boot whatever no preset mentions, on some distributions.
const PRESET: &str = "/usr/lib/systemd/system-preset/50-ironseed.preset";
/// Version of the label's form.
const FORMAT: u32 = 1;
/// Runs the verifier where it will run, so that no image carries one that can't.
const TRIAL: &str = "\"$1\" --version || { echo \"ironseed: error: the verifier does not run in the image: \
    build it with 'make binary', which makes one file without libraries, or name another with --verifier\" >&2; exit 1; }";

/// What an image says of itself: by which plan it was built, and who verifies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Version of this form: 1.
    pub version: u32,
    /// Version of the program that built it.
    pub ironseed: String,
    /// The plan.
    pub plan: PlanReport,
    /// The program at [`VERIFIER`]; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<Verifier>,
}

/// The program that an image verifies itself with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verifier {
    /// Where it stands.
    pub path: String,
    /// SHA-256 (hex) of its bytes.
    pub sha256: String,
}

impl Label {
    /// Reads a label's bytes.
    ///
    /// # Errors
    /// In words: they are none.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(json).map_err(|error| format!("it is no label of an image: {error}"))
    }

    /// The label that an image holds; `None` where it holds none.
    ///
    /// # Errors
    /// In words: what is there can't be read, or is none.
    pub fn of(root: Root<'_>) -> Result<Option<Self>, String> {
        let json = root.read(LABEL).map_err(|error| error.to_string())?;
        json.as_deref().map(Self::parse).transpose()
    }

    /// Why the image was not built by a plan, if it wasn't.
    pub fn is_not_of(&self, plan: &Plan) -> Option<String> {
        let (found, wanted) = (&self.plan, plan.digest());
        (found.digest != wanted).then(|| {
            format!(
                "it was built by another plan ({} for {}, {}), not by {wanted}",
                found.profile, found.distro, found.digest
            )
        })
    }
}

/// Everything that an image carries, and what is run in it once that is in place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// The files.
    pub files: Vec<RecipeFile>,
    /// Argument vectors, in order.
    pub commands: Vec<Vec<String>>,
    /// Units that start at boot.
    pub enabled: Vec<String>,
}

/// Why an image can't carry what it is to carry.
#[derive(Debug, thiserror::Error)]
pub enum CarriedError {
    /// The profile wants an image that verifies itself, and it may carry no verifier.
    #[error(
        "{0} wants the image to verify itself (check `self-verification`), for which it has to carry a verifier: \
         leave `--verifier none` out, or the check"
    )]
    NoVerifier(String),
    /// A plan that is no JSON.
    #[error("the plan: {0}")]
    Plan(#[from] serde_json::Error),
}

/// What the image of a plan carries, with the bytes of its verifier.
///
/// # Errors
/// See [`CarriedError`].
pub fn by(plan: &Plan, verifier: Option<Vec<u8>>) -> Result<Carried, CarriedError> {
    let wanted = wanted(plan);
    let report =
        PlanReport { digest: plan.digest(), profile: plan.profile.clone(), distro: plan.distro.id.clone() };
    let mut label =
        Label { version: FORMAT, ironseed: env!("CARGO_PKG_VERSION").into(), plan: report, verifier: None };
    let mut carried = Carried::default();
    carried.file(PLAN, 0o644, plan.to_file()?);
    if let Some(program) = verifier {
        label.verifier = Some(Verifier { path: VERIFIER.into(), sha256: crate::hash::bytes(&program) });
        carried.file(VERIFIER, 0o755, program);
        carried.run(&["sh", "-c", TRIAL, "sh", VERIFIER]);
        for (name, content) in UNITS {
            carried.file(&unit_path(name), 0o644, content);
        }
        let daily = wanted.is_some_and(|wanted| wanted.daily);
        carried.file(PRESET, 0o644, format!("{} {TIMER}\n", if daily { "enable" } else { "disable" }));
        if daily {
            carried.enabled.push(TIMER.to_owned());
        }
        if wanted.is_some() {
            carried.file(TEST, 0o755, TEST_CONTENT);
        }
    } else if wanted.is_some() {
        return Err(CarriedError::NoVerifier(plan.profile.clone()));
    }
    carried.file(LABEL, 0o644, serde_json::to_string_pretty(&label)? + "\n");
    Ok(carried)
}

/// Where a unit's file stands.
pub fn unit_path(name: &str) -> String {
    format!("/usr/lib/systemd/system/{name}")
}

/// What the plan wants of an image's verification of itself, if it does.
fn wanted(plan: &Plan) -> Option<&crate::settings::SelfVerification> {
    plan.settings().find_map(|(_, setting)| match setting {
        Setting::SelfVerification(wanted) => Some(wanted),
        _ => None,
    })
}

impl Carried {
    /// Where its files stand.
    pub fn paths(&self) -> impl Iterator<Item = String> {
        self.files.iter().map(|file| file.path.clone())
    }

    fn file(&mut self, path: &str, mode: u32, content: impl Into<Vec<u8>>) {
        let (owner, group) = ("root".to_owned(), "root".to_owned());
        self.files.push(RecipeFile { path: path.to_owned(), mode, owner, group, content: content.into() });
    }

    fn run(&mut self, argv: &[&str]) {
        self.commands.push(argv.iter().map(|word| (*word).to_owned()).collect());
    }
}
