//! SPDX 2.3 (ISO/IEC 5962), JSON.

use serde::Serialize;

use super::inventory::{Component, Inventory, Source};
use super::{Subject, VERSION, number, seconds};

/// Where nothing is claimed.
const NO_ASSERTION: &str = "NOASSERTION";
const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";

/// A document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    spdx_version: &'static str,
    data_license: &'static str,
    #[serde(rename = "SPDXID")]
    id: &'static str,
    name: String,
    document_namespace: String,
    creation_info: CreationInfo,
    packages: Vec<Package>,
    relationships: Vec<Relationship>,
}

#[derive(Serialize)]
struct CreationInfo {
    created: String,
    creators: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(rename = "SPDXID")]
    id: String,
    name: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    version_info: String,
    supplier: String,
    download_location: &'static str,
    files_analyzed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_info: Option<String>,
    license_concluded: &'static str,
    license_declared: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    license_comments: Option<String>,
    copyright_text: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    checksums: Vec<Checksum>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    external_refs: Vec<ExternalRef>,
    primary_package_purpose: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checksum {
    algorithm: &'static str,
    checksum_value: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalRef {
    reference_category: &'static str,
    reference_type: &'static str,
    reference_locator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Relationship {
    spdx_element_id: &'static str,
    relationship_type: &'static str,
    related_spdx_element: String,
}

/// The document of an inventory.
pub fn bill(inventory: &Inventory, subject: &Subject) -> Document {
    let mut packages = vec![image(inventory, subject)];
    packages.extend(inventory.components.iter().enumerate().map(|(index, part)| package(index, part)));
    let describes = Relationship {
        spdx_element_id: DOCUMENT,
        relationship_type: "DESCRIBES",
        related_spdx_element: IMAGE.into(),
    };
    let contains = packages[1..].iter().map(|part| Relationship {
        spdx_element_id: IMAGE,
        relationship_type: "CONTAINS",
        related_spdx_element: part.id.clone(),
    });
    Document {
        spdx_version: "SPDX-2.3",
        data_license: "CC0-1.0",
        id: DOCUMENT,
        name: subject.name.clone(),
        document_namespace: number("spdx", inventory, subject),
        creation_info: CreationInfo {
            created: seconds(subject.made),
            creators: vec![format!("Tool: ironseed-{VERSION}")],
        },
        relationships: std::iter::once(describes).chain(contains).collect(),
        packages,
    }
}

fn image(inventory: &Inventory, subject: &Subject) -> Package {
    let sums = |digests: &crate::hash::Digests| {
        vec![
            Checksum { algorithm: "SHA256", checksum_value: digests.sha256.clone() },
            Checksum { algorithm: "SHA512", checksum_value: digests.sha512.clone() },
        ]
    };
    Package {
        id: IMAGE.into(),
        name: subject.name.clone(),
        version_info: String::new(),
        supplier: NO_ASSERTION.into(),
        source_info: Some(format!("an installation of {}", inventory.system.title)),
        license_comments: None,
        checksums: subject.digests.as_ref().map(sums).unwrap_or_default(),
        external_refs: Vec::new(),
        primary_package_purpose: "OPERATING_SYSTEM",
        ..unsaid()
    }
}

fn package(index: usize, part: &Component) -> Package {
    Package {
        id: identifier(index, &part.name),
        name: part.name.clone(),
        version_info: part.version.clone(),
        supplier: part.supplier.as_deref().map_or_else(|| NO_ASSERTION.into(), supplier),
        source_info: match &part.source {
            Source::Named { name, version } => Some(format!("built from source package {name} {version}")),
            Source::File(file) => Some(format!("built from {file}")),
            Source::Unknown => None,
        },
        // Packagers' licence fields are no valid SPDX expressions on every distribution.
        license_comments: part.licence.as_ref().map(|text| format!("the package says: {text}")),
        checksums: Vec::new(),
        external_refs: vec![ExternalRef {
            reference_category: "PACKAGE-MANAGER",
            reference_type: "purl",
            reference_locator: part.purl.clone(),
        }],
        ..unsaid()
    }
}

/// A package of which nothing is said yet.
fn unsaid() -> Package {
    Package {
        id: String::new(),
        name: String::new(),
        version_info: String::new(),
        supplier: String::new(),
        download_location: NO_ASSERTION,
        files_analyzed: false,
        source_info: None,
        license_concluded: NO_ASSERTION,
        license_declared: NO_ASSERTION,
        license_comments: None,
        copyright_text: NO_ASSERTION,
        checksums: Vec::new(),
        external_refs: Vec::new(),
        primary_package_purpose: "LIBRARY",
    }
}

/// Letters, digits, `.` and `-` only; the number keeps two names apart that differ in other characters.
fn identifier(index: usize, name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    format!("SPDXRef-Package-{}-{name}", index + 1)
}

/// `Organization: Debian X Team (address)`. A database doesn't say whether a name is a person's.
fn supplier(text: &str) -> String {
    let clean = |text: &str| text.replace(['(', ')'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    match text.rsplit_once('<') {
        Some((name, address)) => {
            format!("Organization: {} ({})", clean(name), clean(address.trim_end().trim_end_matches('>')))
        }
        None => format!("Organization: {}", clean(text)),
    }
}
