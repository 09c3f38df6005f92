//! What can be compared: an argument of the command line, opened.
//!
//! Owns how an argument is understood: a profile's name or path, a plan, a rendered directory, a report, a path in a
//! revision, or a range of revisions with every profile in them.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::change::Side;
use super::compare::Lines;
use super::git::{Repository, Revision};
use super::workshop::Workshop;
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::plan::{self, Plan};
use crate::profile::Profile;
use crate::report::{self, Report};

/// Largest plan or report that is read, in bytes.
const MAX_JSON_BYTES: u64 = 64 << 20;

/// The plan in a rendered directory.
const RENDERED: &str = "plan.json";

/// One side of a comparison.
pub struct Subject {
    /// As the user named it.
    pub label: String,
    /// What profiles are resolved with on this side.
    pub workshop: Arc<Workshop>,
    /// What it is.
    pub form: Form,
}

/// What one side of a comparison is.
pub enum Form {
    /// A profile, for every distribution.
    Profile(Box<Profile>),
    /// A plan for one distribution.
    Plan {
        /// The plan.
        plan: Box<Plan>,
        /// The rendered directory that it stands in.
        rendered: Option<PathBuf>,
    },
    /// A report about one distribution, whose plan is not known here.
    Report(Box<Report>),
    /// A report whose plan is known: it is the one of a profile that this program has.
    PlannedReport(Box<Report>, Box<Plan>),
}

/// Two sides of which one may be missing.
pub type Sides = (Option<Subject>, Option<Subject>);

/// Opens arguments.
pub struct Opener {
    assets: Assets,
    workshop: Arc<Workshop>,
}

impl Opener {
    /// Opens arguments with these assets, those of revisions with what the override directory was then.
    ///
    /// # Errors
    /// A broken file.
    pub fn new(assets: &Assets) -> Result<Self, ConfigError> {
        Ok(Self { assets: assets.clone(), workshop: Arc::new(Workshop::open(assets)?) })
    }

    /// Both sides of a comparison: two arguments, or a range of revisions with every profile that is in either.
    ///
    /// # Errors
    /// An argument that is none of these, a broken file, or git's own.
    pub fn sides(&self, old: &str, new: Option<&str>) -> Result<Vec<Sides>, ConfigError> {
        match new {
            Some(new) => Ok(vec![(Some(self.open(old)?), Some(self.open(new)?))]),
            None => self.range(old),
        }
    }

    /// One argument.
    fn open(&self, argument: &str) -> Result<Subject, ConfigError> {
        let path = Path::new(argument);
        // A built-in name means the profile, as it does for every verb, even beside a folder of that name.
        if path.is_dir() && !crate::profile::names(&self.assets)?.iter().any(|name| name == argument) {
            let plan = path.join(RENDERED);
            if !plan.is_file() {
                let why = "no rendered directory: it has no plan.json (`ironseed render` writes one)";
                return Err(ConfigError::plain(format!("{argument}: {why}")));
            }
            let plan = Box::new(read_plan(&text(&plan)?, &plan)?);
            return Ok(self.subject(argument, Form::Plan { plan, rendered: Some(path.to_owned()) }));
        }
        if argument.ends_with(".json") {
            return self.json(argument, path);
        }
        match argument.split_once(':').filter(|_| !path.exists()) {
            Some((revision, file)) => {
                let repository = Repository::around(Path::new("."))?;
                let revision = Arc::new(repository.revision(revision)?);
                let file = match file.starts_with("./") || file.starts_with("../") {
                    true => repository.inside(Path::new(file)).unwrap_or_else(|| PathBuf::from(file)),
                    false => PathBuf::from(file),
                };
                let (assets, workshop) = self.at(&repository, &revision)?;
                revised(&file.to_string_lossy(), &revision, &assets, &workshop)
            }
            None => {
                let profile = self.workshop.profile(argument, &self.assets).map_err(|e| hint(argument, e))?;
                Ok(self.subject(argument, Form::Profile(Box::new(profile))))
            }
        }
    }

    fn subject(&self, label: &str, form: Form) -> Subject {
        Subject { label: label.to_owned(), workshop: Arc::clone(&self.workshop), form }
    }

    /// A plan or a report.
    fn json(&self, argument: &str, path: &Path) -> Result<Subject, ConfigError> {
        let text = text(path)?;
        let value: BTreeMap<String, serde::de::IgnoredAny> = serde_json::from_str(&text)
            .map_err(|e| ConfigError::plain(format!("{argument}: no plan and no report: {e}")))?;
        if !value.contains_key("target") && !value.contains_key("reports") {
            let plan = Box::new(read_plan(&text, path)?);
            return Ok(self.subject(argument, Form::Plan { plan, rendered: None }));
        }
        let reports = report::read(&text).map_err(|e| ConfigError::plain(format!("{argument}: {e}")))?;
        let [report] = <[Report; 1]>::try_from(reports).map_err(|all| {
            ConfigError::plain(format!("{argument}: {} reports, and one is compared with one", all.len()))
        })?;
        let plan = self.plan_of(&report);
        let form = match plan {
            Some(plan) => Form::PlannedReport(Box::new(report), Box::new(plan)),
            None => Form::Report(Box::new(report)),
        };
        Ok(self.subject(argument, form))
    }

    /// The plan that a report is about, where a built-in profile resolves to the very same.
    fn plan_of(&self, report: &Report) -> Option<Plan> {
        // A report is a file of somebody's: what it names is looked up among names, never opened as a path.
        let profiles = crate::profile::names(&self.assets).ok()?;
        let distros = crate::distro::ids(&self.assets).ok()?;
        if !profiles.contains(&report.plan.profile) || !distros.contains(&report.plan.distro) {
            return None;
        }
        let profile = self.workshop.profile(&report.plan.profile, &self.assets).ok()?;
        let plan = self.workshop.plan(&profile, &report.plan.distro).ok()?;
        (plan.digest() == report.plan.digest).then_some(plan)
    }

    /// The assets of a revision: what is not in the repository stays as it is.
    fn at(
        &self,
        repository: &Repository,
        revision: &Arc<Revision>,
    ) -> Result<(Assets, Arc<Workshop>), ConfigError> {
        let inside = self.assets.directory().and_then(|directory| repository.inside(directory));
        let assets = self.assets.moved(Arc::clone(revision) as _, inside.clone());
        let workshop = match inside {
            Some(_) => Arc::new(Workshop::open(&assets)?),
            None => Arc::clone(&self.workshop),
        };
        Ok((assets, workshop))
    }

    /// Every profile of two revisions, paired by name: a file may have moved.
    fn range(&self, argument: &str) -> Result<Vec<Sides>, ConfigError> {
        let (old, new, forked) = parse_range(argument).ok_or_else(|| {
            let why =
                "one argument has to be a range of revisions such as main..HEAD; otherwise name OLD and NEW";
            ConfigError::plain(format!("{argument}: {why}"))
        })?;
        let repository = Repository::around(Path::new("."))?;
        let old = if forked { repository.fork(old, new)? } else { repository.revision(old)? };
        let mut sides: BTreeMap<(String, usize), Sides> = BTreeMap::new();
        for (subject, is_old) in self
            .profiles(&repository, old)?
            .into_iter()
            .map(|s| (s, true))
            .chain(self.profiles(&repository, repository.revision(new)?)?.into_iter().map(|s| (s, false)))
        {
            let name = subject.name().to_owned();
            // Several of one name go by the order of their paths.
            let free = |at: &usize| match sides.get(&(name.clone(), *at)) {
                Some((old, new)) => {
                    if is_old {
                        old.is_none()
                    } else {
                        new.is_none()
                    }
                }
                None => true,
            };
            let at = (0..).find(free).unwrap_or_default();
            let slot = sides.entry((name, at)).or_default();
            *(if is_old { &mut slot.0 } else { &mut slot.1 }) = Some(subject);
        }
        if sides.is_empty() {
            return Err(ConfigError::plain(format!("{argument}: neither revision has a profile")));
        }
        Ok(sides.into_values().collect())
    }

    fn profiles(&self, repository: &Repository, revision: Revision) -> Result<Vec<Subject>, ConfigError> {
        let revision = Arc::new(revision);
        let (assets, workshop) = self.at(repository, &revision)?;
        let paths = revision.profiles()?;
        paths.iter().map(|path| revised(path, &revision, &assets, &workshop)).collect()
    }
}

/// A profile in a revision.
fn revised(
    path: &str,
    revision: &Revision,
    assets: &Assets,
    workshop: &Arc<Workshop>,
) -> Result<Subject, ConfigError> {
    // A path, even where it looks like a name.
    let profile = workshop.profile(&format!("./{path}"), assets)?;
    Ok(Subject {
        label: format!("{}:{path}", revision.name()),
        workshop: Arc::clone(workshop),
        form: Form::Profile(Box::new(profile)),
    })
}

/// Where no such profile is, perhaps a revision was meant.
fn hint(argument: &str, error: ConfigError) -> ConfigError {
    match argument.contains(['/', '.']) {
        true => error,
        false => ConfigError::plain(format!(
            "{error}; a revision is named with a path (main:profiles/x.yaml) or as a range (main..HEAD)"
        )),
    }
}

/// Old and new of `A..B`, and whether it is `A...B`, which compares B with where the two parted.
fn parse_range(argument: &str) -> Option<(&str, &str, bool)> {
    let (old, new, forked) = match argument.split_once("...") {
        Some((old, new)) => (old, new, true),
        None => argument.split_once("..").map(|(old, new)| (old, new, false))?,
    };
    Some((or_head(old), or_head(new), forked))
}

/// git's own default.
fn or_head(name: &str) -> &str {
    if name.is_empty() { "HEAD" } else { name }
}

fn text(path: &Path) -> Result<String, ConfigError> {
    let broken = |why: &dyn std::fmt::Display| ConfigError::plain(format!("{}: {why}", path.display()));
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(|e| broken(&e))?;
    file.take(MAX_JSON_BYTES + 1).read_to_string(&mut text).map_err(|e| broken(&e))?;
    match u64::try_from(text.len()) {
        Ok(length) if length <= MAX_JSON_BYTES => Ok(text),
        _ => Err(broken(&format!("more than {MAX_JSON_BYTES} bytes"))),
    }
}

/// What `ironseed plan --format json` prints, or the plan alone.
fn read_plan(text: &str, path: &Path) -> Result<Plan, ConfigError> {
    let broken =
        |why: &dyn std::fmt::Display| ConfigError::plain(format!("{}: no plan: {why}", path.display()));
    let mut value: serde_json::Value = serde_json::from_str(text).map_err(|e| broken(&e))?;
    if let Some(plan) = value.get_mut("plan").filter(|plan| plan.is_object()) {
        value = plan.take();
    }
    let version = value.get("version").and_then(serde_json::Value::as_u64);
    if version != Some(u64::from(plan::FORMAT)) {
        let found = version.map_or_else(|| "no version".to_owned(), |v| format!("version {v}"));
        return Err(broken(&format!("it has {found}; this program reads version {}", plan::FORMAT)));
    }
    serde_path_to_error::deserialize(&value).map_err(|e| broken(&format!("at `{}`: {}", e.path(), e.inner())))
}

impl Subject {
    /// The profile's name.
    pub fn name(&self) -> &str {
        match &self.form {
            Form::Profile(profile) => &profile.name,
            Form::Plan { plan, .. } => &plan.profile,
            Form::Report(report) | Form::PlannedReport(report, _) => &report.plan.profile,
        }
    }

    /// The distribution that it is about, where it is about one.
    pub fn distro(&self) -> Option<&str> {
        match &self.form {
            Form::Profile(_) => None,
            Form::Plan { plan, .. } => Some(&plan.distro.id),
            Form::Report(report) | Form::PlannedReport(report, _) => Some(&report.plan.distro),
        }
    }

    /// Lines of the profile that a plan does not have.
    pub fn lines(&self) -> Lines {
        match &self.form {
            Form::Profile(profile) => Lines::of(profile),
            _ => Lines::default(),
        }
    }

    /// What the comparison says of it.
    pub fn side(&self) -> Side {
        let file = match &self.form {
            Form::Profile(profile) => Some(profile.file.clone()),
            _ => None,
        };
        Side { label: self.label.clone(), profile: self.name().to_owned(), file }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_told_from_names() {
        assert_eq!(parse_range("main..HEAD"), Some(("main", "HEAD", false)));
        assert_eq!(parse_range("main..."), Some(("main", "HEAD", true)));
        assert_eq!(parse_range("..feature/x"), Some(("HEAD", "feature/x", false)));
        assert_eq!(parse_range("nectar-base"), None);
    }
}
