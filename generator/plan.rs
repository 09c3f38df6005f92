//! The plan: profile × distribution, resolved. The one place where a wanted value exists;
//! rendering, verifying and diffing are readings of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::check::{Catalogue, Check, CheckInfo};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::location::{Location, Sourced};
use crate::observation::Plane;
use crate::parameter::{self, Declarations};
use crate::profile::{Profile, Waiver};
use crate::settings::Setting;

/// Version of the plan's JSON form.
pub const FORMAT: u32 = 1;

/// Everything wanted of a machine: the product of one profile and one distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Version of this JSON form.
    pub version: u32,
    /// Name of the profile.
    pub profile: String,
    /// Its title.
    pub title: String,
    /// The facts that the settings are read against.
    pub distro: Distro,
    /// Every parameter's value.
    pub parameters: BTreeMap<String, Value>,
    /// The checks, in the profile's order.
    pub checks: Vec<PlannedCheck>,
    /// Accepted failures.
    pub waivers: Vec<Waiver>,
    /// The planes on which a published image must have been seen.
    pub required_planes: BTreeSet<Plane>,
}

/// A check with its settings resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedCheck {
    /// What it is.
    pub info: CheckInfo,
    /// The line of the profile that chose it.
    pub origin: Location,
    /// What it demands. Never empty.
    pub settings: Vec<PlannedSetting>,
}

/// One wanted value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedSetting {
    /// What is wanted.
    pub setting: Setting,
    /// The line of the profile that set the value, or that chose the check.
    pub origin: Location,
    /// The lines of the profile that set the parameters that the value is made of, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub origins: BTreeMap<String, Location>,
    /// The line of the catalogue that demands it.
    pub catalogue: Location,
    /// Why it does not apply to this distribution, if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_applicable: Option<String>,
}

impl Plan {
    /// Resolves a profile for a distribution.
    ///
    /// # Errors
    /// A setting of the catalogue that names an unknown parameter, kind or field: with file and
    /// line of the check.
    pub fn resolve(
        profile: &Profile,
        distro: Distro,
        catalogue: &Catalogue,
        declarations: &Declarations,
    ) -> Result<Self, ConfigError> {
        let parameters: BTreeMap<String, Value> = declarations
            .iter()
            .map(|(name, d)| {
                let set = profile.parameters.get(name).map(|s| s.value.clone());
                (name.clone(), set.unwrap_or_else(|| d.default.clone()))
            })
            .collect();
        let mut checks = Vec::new();
        for chosen in &profile.checks {
            let check = catalogue.get(&chosen.value).ok_or_else(|| {
                ConfigError::plain(format!("{}: no check is named `{}`", chosen.at, chosen.value))
            })?;
            checks.push(resolve_check(check, chosen, profile, &distro, &parameters)?);
        }
        if checks.is_empty() {
            return Err(ConfigError::plain(format!(
                "profile `{}` chooses no check, so there is nothing to render or verify; \
                 add `checks:` or `extends:`",
                profile.name
            )));
        }
        Ok(Self {
            version: FORMAT,
            profile: profile.name.clone(),
            title: profile.title.clone(),
            distro,
            parameters,
            checks,
            waivers: profile.waivers.clone(),
            required_planes: BTreeSet::from([Plane::Configured, Plane::Running]),
        })
    }

    /// SHA-256 (hex) of what is wanted: the same for profiles that differ only in comments,
    /// layout or file names.
    pub fn digest(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        drop_places(&mut value);
        crate::hash::bytes(value.to_string().as_bytes())
    }

    /// The plan as a file holds it: JSON, with its digest.
    ///
    /// # Errors
    /// It can't be written as JSON.
    pub fn to_file(&self) -> serde_json::Result<String> {
        let saved = Saved { digest: self.digest(), plan: self.clone() };
        Ok(serde_json::to_string_pretty(&saved)? + "\n")
    }

    /// Reads what [`Plan::to_file`] wrote.
    ///
    /// # Errors
    /// In words: it is something else, or was edited since, so that the plan is not the one that its digest is of.
    pub fn from_file(json: &[u8]) -> Result<Self, String> {
        let saved: Saved = serde_json::from_slice(json)
            .map_err(|error| format!("it is no plan of `ironseed plan --format json`: {error}"))?;
        if saved.digest != saved.plan.digest() {
            return Err("its digest is not that of its plan: it was edited; make it anew".into());
        }
        Ok(saved.plan)
    }

    /// Every setting that applies, with its check's id.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.checks.iter().flat_map(|c| {
            c.settings.iter().filter(|s| s.not_applicable.is_none()).map(|s| (c.info.id.as_str(), &s.setting))
        })
    }

    /// The parameters that a profile's own file sets and that nothing in its plan is made of, with their lines. What it inherits may
    /// be meant for others.
    pub fn idle_parameters<'p>(&self, profile: &'p Profile) -> Vec<(&'p str, &'p Location)> {
        let used = |name: &String| {
            self.checks.iter().flat_map(|check| &check.settings).any(|set| set.origins.contains_key(name))
        };
        let set =
            profile.parameters.iter().filter(|(name, value)| value.at.file == profile.file && !used(name));
        set.map(|(name, value)| (name.as_str(), &value.at)).collect()
    }

    /// The waiver of a check, expired or not.
    pub fn waiver(&self, check: &str) -> Option<&Waiver> {
        self.waivers.iter().find(|w| w.check == check)
    }

    /// A parameter as text, for templates and file names.
    pub fn parameter(&self, name: &str) -> &Value {
        self.parameters.get(name).unwrap_or(&Value::Null)
    }
}

/// A plan in a file.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    digest: String,
    plan: Plan,
}

fn resolve_check(
    check: &Check,
    chosen: &Sourced<String>,
    profile: &Profile,
    distro: &Distro,
    parameters: &BTreeMap<String, Value>,
) -> Result<PlannedCheck, ConfigError> {
    let mut settings = Vec::new();
    for template in &check.settings {
        let catalogue = check.source.locate(template.referenced);
        let (value, used) = parameter::substitute(&template.value, parameters)
            .map_err(|why| ConfigError::plain(format!("{catalogue}: {why}")))?;
        let (value, nothing_like) = adapt(value, distro);
        let setting: Setting = serde_path_to_error::deserialize(&value)
            .map_err(|e| ConfigError::plain(format!("{catalogue}: at `{}`: {}", e.path(), e.inner())))?;
        let set_by = used.iter().find_map(|name| profile.parameters.get(name));
        let line = |name: &String| Some((name.clone(), profile.parameters.get(name)?.at.clone()));
        settings.push(PlannedSetting {
            not_applicable: nothing_like.or_else(|| setting.not_applicable(distro)),
            setting,
            origin: set_by.map_or_else(|| chosen.at.clone(), |s| s.at.clone()),
            origins: used.iter().filter_map(line).collect(),
            catalogue,
        });
    }
    if settings.is_empty() {
        return Err(ConfigError::plain(format!(
            "{}: a check without settings could not fail",
            check.source.name
        )));
    }
    Ok(PlannedCheck { info: check.info.clone(), origin: chosen.at.clone(), settings })
}

/// A setting in the release's own words, and why the release has nothing like it, if it has not. What
/// a list names and the release has nothing for is left out of it.
fn adapt(value: Value, distro: &Distro) -> (Value, Option<String>) {
    match value {
        Value::String(text) => match distro.nothing_like.get(&text) {
            Some(why) => (Value::String(text), Some(why.clone())),
            None => (Value::String(distro.instead.get(&text).cloned().unwrap_or(text)), None),
        },
        Value::Array(items) => {
            let adapted: Vec<_> = items.into_iter().map(|v| adapt(v, distro)).collect();
            let why = match adapted.iter().all(|(_, why)| why.is_some()) {
                true => adapted.first().and_then(|(_, why)| why.clone()),
                false => None,
            };
            let kept = adapted.into_iter().filter(|(_, w)| why.is_some() || w.is_none());
            (Value::Array(kept.map(|(value, _)| value).collect()), why)
        }
        Value::Object(mut map) => {
            let content = map.get("path").and_then(Value::as_str).and_then(|p| distro.contents.get(p));
            if let Some(content) = content.filter(|_| map.contains_key("content")) {
                map.insert("content".into(), Value::String(content.clone()));
            }
            let mut first = None;
            let adapted = map.into_iter().map(|(key, value)| {
                let (value, why) = adapt(value, distro);
                first = first.take().or(why);
                (key, value)
            });
            (Value::Object(adapted.collect()), first)
        }
        other => (other, None),
    }
}

/// Removes `origin`, `origins` and `catalogue`: where something stands is not what is wanted.
fn drop_places(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("origin");
            map.remove("origins");
            map.remove("catalogue");
            map.values_mut().for_each(drop_places);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_places),
        _ => {}
    }
}
