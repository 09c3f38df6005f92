//! JSON Schemas of the files that people write and programs read: editors complete and explain with them.
//!
//! They come from the types that read the files, whose comments are the descriptions, and from the catalogue: a
//! profile's schema knows every check and parameter there is. A schema says what a file may look like. What it means is
//! judged where it is loaded.

use std::collections::BTreeSet;

use clap::ValueEnum;
use regex::Regex;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::assets::Assets;
use crate::check::{self, Catalogue};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::lint::output::Findings;
use crate::parameter::{self, Declarations, Service, Type};
use crate::profile;
use crate::report::{Collection, Report};
use crate::settings::KINDS;
use crate::triage::document::Triage;
use crate::triage::policy::PolicyFile;
use crate::triage::prevention::Rule;

/// Files that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// A profile, with its waivers
    Profile,
    /// A check
    Check,
    /// The facts of a release, or of a family
    Distro,
    /// The declarations of parameters
    Parameters,
    /// A report of `verify`, or several
    Report,
    /// What `lint` found
    Lint,
    /// What `triage` tells
    Triage,
    /// A policy of `triage`
    TriagePolicy,
    /// Which checks prevent which findings
    TriagePrevention,
}

/// The schema of a kind of files, with the checks and parameters that `assets` holds.
///
/// # Errors
/// A broken file among the assets.
pub fn of(name: Name, assets: &Assets) -> Result<Value, ConfigError> {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = match name {
        Name::Profile => profile(assets, &mut generator)?,
        Name::Check => check(check::file_schema(&mut generator).to_value()),
        Name::Distro => distro(generator.root_schema_for::<Distro>().to_value()),
        Name::Parameters => {
            let mut schema = generator.root_schema_for::<Declarations>().to_value();
            schema["title"] = json!("Parameters");
            schema
        }
        Name::Lint => {
            let mut schema = generator.root_schema_for::<Findings>().to_value();
            schema["title"] = json!("Findings of lint");
            schema
        }
        Name::Triage => generator.root_schema_for::<Triage<'static>>().to_value(),
        Name::TriagePolicy => generator.root_schema_for::<PolicyFile>().to_value(),
        Name::TriagePrevention => {
            let mut schema = generator.root_schema_for::<Vec<Rule>>().to_value();
            schema["title"] = json!("Prevention");
            schema
        }
        Name::Report => {
            let forms = [generator.subschema_for::<Report>(), generator.subschema_for::<Collection>()];
            json!({ "title": "Report", "anyOf": forms, "$defs": generator.take_definitions(true) })
        }
    };
    every_map(&mut schema, &mut plain_description);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    Ok(schema)
}

/// A profile's file, with the ids of all checks and the types of all parameters.
fn profile(assets: &Assets, generator: &mut SchemaGenerator) -> Result<Value, ConfigError> {
    let mut schema = profile::file_schema(generator).to_value();
    let catalogue = Catalogue::load(assets)?;
    let ids = catalogue.iter().map(|c| json!({ "const": c.info.id, "description": c.info.title }));
    schema["$defs"]["CheckId"] = json!({ "oneOf": ids.collect::<Vec<_>>() });
    let mut properties = Map::new();
    for (name, declaration) in parameter::load(assets)? {
        let mut value = of_type(&declaration.kind, generator);
        value["description"] = json!(declaration.description);
        value["default"] = declaration.default;
        properties.insert(name, value);
    }
    schema["$defs"]["Parameters"] =
        json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.extend(generator.take_definitions(true));
    }
    Ok(schema)
}

/// What values a parameter takes.
fn of_type(kind: &Type, generator: &mut SchemaGenerator) -> Value {
    match kind {
        Type::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        Type::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Type::Boolean => json!({ "type": "boolean" }),
        Type::Text => json!({ "type": "string", "pattern": "^[^\\n\\r]*$" }),
        Type::Time => json!({ "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$" }),
        Type::OneOf(words) => json!({ "enum": words }),
        Type::List => json!({ "type": "array", "items": { "type": "string", "pattern": "^[^\\n\\r]*$" } }),
        Type::Services => json!({ "type": "array", "items": generator.subschema_for::<Service>() }),
    }
}

/// A check's file: wherever a setting wants something else than text, a parameter's place may stand instead.
fn check(mut schema: Value) -> Value {
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        for (name, definition) in definitions.iter_mut().filter(|(name, _)| *name != "Severity") {
            match name.as_str() {
                "Setting" => explain_kinds(definition),
                _ => every_map(definition, &mut open_for_places),
            }
        }
    }
    schema["$defs"]["ParameterPlace"] = json!({
        "type": "string",
        "pattern": r"^\$\{[a-z0-9_]+\}$",
        "description": "The value of a parameter.",
    });
    schema
}

/// Says of each setting kind what it is.
fn explain_kinds(setting: &mut Value) {
    for variant in setting["oneOf"].as_array_mut().into_iter().flatten() {
        let kind = KINDS.iter().find(|(kind, _)| variant["properties"].get(kind).is_some());
        if let Some((_, summary)) = kind {
            variant["description"] = json!(summary);
        }
    }
}

/// Lets a place stand for each property of an object that is no text.
fn open_for_places(map: &mut Map<String, Value>) {
    let properties = map.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(|p| p.values_mut()) {
        let types = property.get("type").map(ToString::to_string).unwrap_or_default();
        let text = types.contains("\"string\"") && property.get("enum").is_none();
        if !text && property.get("anyOf").is_none() {
            let description = property.as_object_mut().and_then(|p| p.remove("description"));
            let default = property.as_object_mut().and_then(|p| p.remove("default"));
            let mut open = json!({ "anyOf": [property, { "$ref": "#/$defs/ParameterPlace" }] });
            for (key, value) in [("description", description), ("default", default)] {
                if let Some(value) = value {
                    open[key] = value;
                }
            }
            *property = open;
        }
    }
}

/// A release's file: it may leave to the families that it extends whatever it does not state itself, but for what stands in
/// lists, which are replaced whole.
fn distro(mut schema: Value) -> Value {
    let mut whole = BTreeSet::new();
    every_map(&mut schema, &mut |map| {
        let items = map.get("items").and_then(|i| i["$ref"].as_str());
        whole.extend(items.and_then(|r| r.strip_prefix("#/$defs/")).map(str::to_owned));
    });
    if let Some(root) = schema.as_object_mut() {
        root.remove("required");
    }
    let definitions = schema["$defs"].as_object_mut().into_iter().flatten();
    for (_, definition) in definitions.filter(|(name, _)| !whole.contains(*name)) {
        if let Some(definition) = definition.as_object_mut() {
            definition.remove("required");
        }
    }
    schema["properties"]["extends"] = json!({
        "description": "The family whose facts these are laid over, or several of which a later one wins.",
        "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }],
    });
    schema["properties"]["known_only"] = json!({
        "description": "Nothing but identity and dates are known: it can't be rendered, built or verified.",
        "type": "boolean",
    });
    schema
}

/// Does something to every object within a schema, the innermost first.
fn every_map(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(|value| every_map(value, change));
            change(map);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| every_map(item, change)),
        _ => {}
    }
}

/// Takes out of a description what only rustdoc understands.
fn plain_description(map: &mut Map<String, Value>) {
    let Some(Value::String(text)) = map.get_mut("description") else { return };
    if let Ok(links) = Regex::new(r"\[(`[^`]+`)\](\([^)]*\))?") {
        *text = links.replace_all(text, "$1").replace('\n', " ");
    }
}
