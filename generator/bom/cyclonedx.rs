//! CycloneDX 1.6 (ECMA-424), JSON.

use serde::Serialize;

use super::inventory::{Component as Package, Inventory, Source};
use super::{Subject, VERSION, number, seconds};
use crate::hash::Digests;

/// A bill of materials.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bill {
    #[serde(rename = "$schema")]
    schema: &'static str,
    bom_format: &'static str,
    spec_version: &'static str,
    serial_number: String,
    version: u32,
    metadata: Metadata,
    components: Vec<Component>,
    dependencies: Vec<Dependency>,
}

#[derive(Serialize)]
struct Metadata {
    timestamp: String,
    tools: Tools,
    component: Component,
}

#[derive(Serialize)]
struct Tools {
    components: Vec<Component>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Component {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(rename = "bom-ref")]
    reference: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplier: Option<Named>,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashes: Vec<Hash>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    licenses: Vec<License>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purl: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    properties: Vec<Property>,
}

#[derive(Serialize)]
struct Named {
    name: String,
}

#[derive(Serialize)]
struct Hash {
    alg: &'static str,
    content: String,
}

#[derive(Serialize)]
struct License {
    license: Named,
}

#[derive(Serialize)]
struct Property {
    name: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Dependency {
    #[serde(rename = "ref")]
    reference: String,
    depends_on: Vec<String>,
}

/// The bill of an inventory.
pub fn bill(inventory: &Inventory, subject: &Subject) -> Bill {
    let system = &inventory.system;
    let image = Component {
        kind: "file",
        reference: "image".into(),
        name: subject.name.clone(),
        hashes: subject.digests.as_ref().map(hashes).unwrap_or_default(),
        ..Component::default()
    };
    let operating_system = Component {
        kind: "operating-system",
        reference: "operating-system".into(),
        name: system.id.clone(),
        version: system.version.clone(),
        description: Some(system.title.clone()),
        ..Component::default()
    };
    let mut components = vec![operating_system];
    components.extend(inventory.components.iter().map(component));
    let contents = components.iter().map(|component| component.reference.clone()).collect();
    let tool = Component {
        kind: "application",
        reference: "tool".into(),
        name: "ironseed".into(),
        version: VERSION.into(),
        ..Component::default()
    };
    Bill {
        schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
        bom_format: "CycloneDX",
        spec_version: "1.6",
        serial_number: number("cyclonedx", inventory, subject),
        version: 1,
        metadata: Metadata {
            timestamp: seconds(subject.made),
            tools: Tools { components: vec![tool] },
            component: image,
        },
        components,
        dependencies: vec![Dependency { reference: "image".into(), depends_on: contents }],
    }
}

fn component(package: &Package) -> Component {
    let mut properties = Vec::new();
    let mut property = |name, value: &str| properties.push(Property { name, value: value.to_owned() });
    match &package.source {
        Source::Named { name, version } => {
            property("ironseed:source:name", name);
            property("ironseed:source:version", version);
        }
        Source::File(file) => property("ironseed:source:file", file),
        Source::Unknown => {}
    }
    if let Some(module) = &package.module {
        property("ironseed:rpm:module", module);
    }
    Component {
        kind: "library",
        reference: package.purl.clone(),
        supplier: package.supplier.clone().map(|name| Named { name }),
        name: package.name.clone(),
        version: package.version.clone(),
        licenses: package
            .licence
            .iter()
            .map(|name| License { license: Named { name: name.clone() } })
            .collect(),
        purl: Some(package.purl.clone()),
        properties,
        ..Component::default()
    }
}

fn hashes(digests: &Digests) -> Vec<Hash> {
    vec![
        Hash { alg: "SHA-256", content: digests.sha256.clone() },
        Hash { alg: "SHA-512", content: digests.sha512.clone() },
    ]
}
