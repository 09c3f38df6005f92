//! A profile: a named choice of checks, with parameter values and waivers.
//!
//! Owns the file format and the layering of `extends`. Every value keeps the file and line that
//! set it. Knows no distribution: profiles hold no conditionals.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::assets::Assets;
use crate::check::Catalogue;
use crate::diagnostic::{ConfigError, suggestion};
use crate::location::{Location, Sourced};
use crate::parameter::Declarations;
use crate::yaml::{self, Mapping, Source, Spanned};

/// How deep profiles may extend each other.
const MAX_LAYERS: usize = 16;

/// A profile with all that it extends laid together.
#[derive(Clone, Debug)]
pub struct Profile {
    /// Slug.
    pub name: String,
    /// One line.
    pub title: String,
    /// What it is for, and what it costs its users.
    pub description: String,
    /// The chosen checks, in order, each with the line that chose it.
    pub checks: Vec<Sourced<String>>,
    /// Values of parameters, each with the line that set it.
    pub parameters: BTreeMap<String, Sourced<Value>>,
    /// Accepted failures.
    pub waivers: Vec<Waiver>,
    /// The file itself, without what it extends.
    pub file: String,
    /// Checks that were inherited and dropped, each with the line that dropped it.
    pub dropped: Vec<Sourced<String>>,
}

/// An accepted failure: whose, why, until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// The check that may fail.
    pub check: String,
    /// Who answers for it.
    pub owner: String,
    /// Why it is accepted.
    pub reason: String,
    /// Last day it holds.
    pub expires: Date,
    /// The line of the profile.
    pub origin: Location,
}

/// A named choice of checks, with values for their parameters and accepted failures.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Profile")]
struct ProfileFile {
    /// Slug.
    #[schemars(with = "String")]
    name: Spanned<String>,
    /// One line.
    title: String,
    /// What it is for, and what it costs its users.
    #[serde(default)]
    description: String,
    /// Profiles below this one, by built-in name or by a path relative to this file. Later ones win.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    extends: Vec<Spanned<String>>,
    /// Values of parameters.
    #[serde(default)]
    #[schemars(schema_with = "parameters_schema")]
    parameters: Mapping<Spanned<Value>>,
    /// The chosen checks, besides inherited ones.
    #[serde(default)]
    #[schemars(schema_with = "check_ids_schema")]
    checks: Vec<Spanned<String>>,
    /// Inherited checks that are left out.
    #[serde(default)]
    #[schemars(schema_with = "check_ids_schema")]
    drop: Vec<Spanned<String>>,
    /// Accepted failures.
    #[serde(default)]
    waivers: Vec<WaiverFile>,
}

/// A failure accepted by somebody, for a reason, until a day. One that has expired, or that covers nothing, is a failure
/// itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Waiver")]
struct WaiverFile {
    /// The check that may fail.
    #[schemars(schema_with = "check_id_schema")]
    check: Spanned<String>,
    /// Who answers for it.
    #[schemars(with = "String", length(min = 1))]
    owner: Spanned<String>,
    /// Why it is accepted.
    #[schemars(with = "String", length(min = 1))]
    reason: Spanned<String>,
    /// Last day it holds.
    #[schemars(with = "Date")]
    expires: Spanned<String>,
}

/// The form of a profile's file. It refers to definitions `CheckId` and `Parameters`, which the catalogue and the
/// declarations have to fill in.
pub fn file_schema(generator: &mut SchemaGenerator) -> Schema {
    generator.root_schema_for::<ProfileFile>()
}

fn check_id_schema(_: &mut SchemaGenerator) -> Schema {
    Schema::new_ref("#/$defs/CheckId".into())
}

fn check_ids_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": check_id_schema(generator) })
}

fn parameters_schema(_: &mut SchemaGenerator) -> Schema {
    Schema::new_ref("#/$defs/Parameters".into())
}

/// What profiles may refer to.
pub struct Vocabulary<'a> {
    /// Built-in files.
    pub assets: &'a Assets,
    /// Checks by id.
    pub catalogue: &'a Catalogue,
    /// Parameters by name.
    pub declarations: &'a Declarations,
}

/// Loads a profile by built-in name, or from the user's own file where `name` is a path (it has
/// a `/` or ends in `.yaml` or `.yml`).
///
/// # Errors
/// A missing or broken file, a cycle in `extends`, an unknown check or parameter, a value of the
/// wrong type, a waiver without owner, reason or date: with file, line, column.
pub fn load(name: &str, vocabulary: &Vocabulary<'_>) -> Result<Profile, ConfigError> {
    let source = find(name, vocabulary.assets, None)?;
    layer(source, vocabulary, &mut Vec::new())
}

fn is_path(name: &str) -> bool {
    name.contains('/') || name.ends_with(".yaml") || name.ends_with(".yml")
}

/// `from`: the file that extends `name`, against whose folder a relative path is meant.
fn find(name: &str, assets: &Assets, from: Option<&Source>) -> Result<Source, ConfigError> {
    if is_path(name) {
        let base =
            from.map(|s| Path::new(&s.name).parent().unwrap_or(Path::new(""))).unwrap_or(Path::new(""));
        return assets.read(&base.join(name));
    }
    if let Some(source) = assets.get(&format!("profiles/{name}.yaml"))? {
        return Ok(source);
    }
    let known = names(assets)?;
    Err(ConfigError::plain(format!(
        "no built-in profile `{name}`; {} (a path to your own YAML works too)",
        suggestion(name, known.iter().map(String::as_str))
    )))
}

/// Names of the built-in profiles.
///
/// # Errors
/// The override directory can't be read.
pub fn names(assets: &Assets) -> Result<Vec<String>, ConfigError> {
    Ok(assets
        .list("profiles")?
        .iter()
        .filter_map(|s| s.file_name().strip_suffix(".yaml"))
        .filter(|n| *n != "parameters")
        .map(str::to_owned)
        .collect())
}

fn layer(
    source: Source,
    vocabulary: &Vocabulary<'_>,
    path: &mut Vec<String>,
) -> Result<Profile, ConfigError> {
    let file: ProfileFile = yaml::parse(&source)?;
    path.push(source.name.clone());
    let mut profile = Profile {
        name: file.name.value.clone(),
        title: file.title.clone(),
        description: file.description.trim().to_owned(),
        checks: Vec::new(),
        parameters: BTreeMap::new(),
        waivers: Vec::new(),
        file: source.name.clone(),
        dropped: Vec::new(),
    };
    for parent in &file.extends {
        let below = find(&parent.value, vocabulary.assets, Some(&source))
            .map_err(|e| point(&source, parent, "can't extend this profile", &e.to_string()))?;
        if path.contains(&below.name) || path.len() >= MAX_LAYERS {
            let chain = format!("{} -> {}", path.join(" -> "), below.name);
            return Err(point(&source, parent, "profiles extend each other in a circle", &chain));
        }
        profile.inherit(layer(below, vocabulary, path)?);
    }
    path.pop();
    profile.apply(file, &source, vocabulary)?;
    Ok(profile)
}

impl Profile {
    fn inherit(&mut self, parent: Profile) {
        for check in parent.checks {
            if !self.checks.iter().any(|c| c.value == check.value) {
                self.checks.push(check);
            }
        }
        self.parameters.extend(parent.parameters);
        self.waivers.extend(parent.waivers);
        self.dropped.extend(parent.dropped);
    }

    fn apply(
        &mut self,
        file: ProfileFile,
        source: &Source,
        vocabulary: &Vocabulary<'_>,
    ) -> Result<(), ConfigError> {
        for (key, value) in file.parameters.0 {
            let name = &key.value;
            let Some(declaration) = vocabulary.declarations.get(name) else {
                let help = suggestion(name, vocabulary.declarations.keys().map(String::as_str));
                return Err(point(source, &key, &format!("no parameter is named `{name}`"), &help));
            };
            declaration
                .kind
                .accepts(&value.value)
                .map_err(|why| point(source, &value, &format!("bad value of `{name}`"), &why))?;
            let at = source.locate(value.referenced);
            self.parameters.insert(key.value, Sourced::new(value.value, at));
        }
        for check in &file.checks {
            known_check(check, source, vocabulary)?;
            let at = source.locate(check.referenced);
            match self.checks.iter_mut().find(|c| c.value == check.value) {
                Some(chosen) => chosen.at = at,
                None => self.checks.push(Sourced::new(check.value.clone(), at)),
            }
        }
        for check in &file.drop {
            let before = self.checks.len();
            self.checks.retain(|c| c.value != check.value);
            if self.checks.len() == before {
                let title = format!("`{}` is not inherited, so it can't be dropped", check.value);
                let help = suggestion(&check.value, self.checks.iter().map(|c| c.value.as_str()));
                return Err(point(source, check, &title, &help));
            }
            self.dropped.push(Sourced::new(check.value.clone(), source.locate(check.referenced)));
        }
        for waiver in file.waivers {
            let waiver = waiver.read(source, vocabulary)?;
            self.waivers.retain(|w| w.check != waiver.check);
            self.waivers.push(waiver);
        }
        Ok(())
    }
}

impl WaiverFile {
    fn read(self, source: &Source, vocabulary: &Vocabulary<'_>) -> Result<Waiver, ConfigError> {
        known_check(&self.check, source, vocabulary)?;
        for (field, name) in [(&self.owner, "owner"), (&self.reason, "reason")] {
            if field.value.trim().is_empty() {
                let help = "a waiver says who answers for it, why, and until when";
                return Err(point(source, field, &format!("a waiver needs its {name}"), help));
            }
        }
        let expires = self.expires.value.parse().map_err(|_| {
            point(source, &self.expires, "no date", "write the last day it holds as YYYY-MM-DD")
        })?;
        Ok(Waiver {
            origin: source.locate(self.check.referenced),
            check: self.check.value,
            owner: self.owner.value,
            reason: self.reason.value,
            expires,
        })
    }
}

fn known_check(
    check: &Spanned<String>,
    source: &Source,
    vocabulary: &Vocabulary<'_>,
) -> Result<(), ConfigError> {
    if vocabulary.catalogue.get(&check.value).is_some() {
        return Ok(());
    }
    let help = suggestion(&check.value, vocabulary.catalogue.ids());
    Err(point(source, check, &format!("no check is named `{}`", check.value), &help))
}

fn point<T: Serialize>(source: &Source, at: &Spanned<T>, title: &str, help: &str) -> ConfigError {
    let shown = serde_json::to_string(&at.value).unwrap_or_default();
    let width = shown.trim_matches('"').chars().count();
    let first_line = help.lines().next().unwrap_or_default();
    ConfigError::at(source, at.referenced, width, title, first_line, "")
}
