//! What goes beside an image: its report, its manifest, its bills of materials, and the signed statements that bind
//! them to its bytes.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::Timestamp;
use serde::Serialize;

use super::{Passed, Properties};
use crate::attest::{self, Companion, Signer, dsse, statement};
use crate::bom::{Form, Inventory, Subject};
use crate::build::BaseRecord;
use crate::hash;
use crate::report::PlanReport;
use crate::target::{self, Root};

/// Who signs, and for which builder.
pub struct Signing {
    /// The key.
    pub signer: Signer,
    /// Who built the image: a URI.
    pub builder: String,
}

/// Everything that is published beside an image.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The image's published name.
    pub image: String,
    /// The files.
    pub files: Vec<Companion>,
}

/// What an image's `manifest.json` says.
#[derive(Serialize)]
struct Manifest<'a> {
    version: u32,
    image: &'a str,
    sha256: &'a str,
    size: u64,
    plan: &'a PlanReport,
    report_sha256: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'a BaseRecord>,
    openstack: &'a BTreeMap<String, String>,
}

impl Evidence {
    /// Gathers it for an image that passed, under the name that it is published by.
    ///
    /// # Errors
    /// The image's packages can't be read, so that there is no bill of materials; or the key doesn't sign.
    pub fn gather(
        passed: &Passed,
        image: String,
        properties: &Properties,
        signing: Option<&Signing>,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let stem = image.rsplit_once('.').map_or(image.as_str(), |(stem, _)| stem).to_owned();
        let mut files = vec![report(passed)?];
        files.push(manifest(passed, &image, properties)?);
        files.extend(bills(passed, &stem, &image, now)?);
        if let Some(signing) = signing {
            files.push(statements(passed, &stem, &image, &files, signing, now)?);
        }
        Ok(Self { image, files })
    }

    /// `sha256sum`'s lines for image and files.
    pub fn sums(&self, passed: &Passed) -> String {
        let files = self.files.iter().map(|file| format!("{}  {}\n", hash::bytes(&file.bytes), file.name));
        format!("{}  {}\n{}", passed.sha256(), self.image, files.collect::<String>())
    }
}

/// What an image is called in a store: its profile and its distribution.
///
/// # Errors
/// It can't be a file's name.
pub fn name(passed: &Passed) -> anyhow::Result<String> {
    let plan = &passed.report().plan;
    let name = format!("{}-{}", plan.profile, plan.distro);
    if name.contains('/') || name.starts_with('.') {
        anyhow::bail!("`{name}` can't be a file's name; rename the profile");
    }
    Ok(name)
}

/// [`name`], with the extension that the image has.
///
/// # Errors
/// As [`name`].
pub fn file_name(passed: &Passed) -> anyhow::Result<String> {
    let extension = passed.path().extension().and_then(|e| e.to_str()).unwrap_or("img");
    Ok(format!("{}.{extension}", name(passed)?))
}

fn report(passed: &Passed) -> anyhow::Result<Companion> {
    let bytes = passed.report().to_json()?.into_bytes();
    Ok(Companion { name: "report.json".into(), media_type: "application/json", bytes })
}

fn manifest(passed: &Passed, image: &str, properties: &Properties) -> anyhow::Result<Companion> {
    let manifest = Manifest {
        version: 1,
        image,
        sha256: passed.sha256(),
        size: passed.image().metadata()?.len(),
        plan: &passed.report().plan,
        report_sha256: hash::bytes(passed.report().to_json()?.as_bytes()),
        base: passed.report().target.base.as_ref(),
        openstack: &properties.values,
    };
    let bytes = (serde_json::to_string_pretty(&manifest)? + "\n").into_bytes();
    Ok(Companion { name: "manifest.json".into(), media_type: "application/json", bytes })
}

fn bills(passed: &Passed, stem: &str, image: &str, now: Timestamp) -> anyhow::Result<Vec<Companion>> {
    let path = passed.path();
    let inventory = target::open(path)
        .and_then(|target| Inventory::read(Root::new(target.tree.as_ref())))
        .with_context(|| format!("{}: its packages can't be listed", path.display()))?;
    let subject = Subject { name: image.to_owned(), digests: Some(passed.digests().clone()), made: now };
    let bill = |form: Form| {
        let media_type = match form {
            Form::CycloneDx => "application/vnd.cyclonedx+json",
            Form::Spdx => "application/spdx+json",
        };
        let bytes = form.write(&inventory, &subject)?.into_bytes();
        Ok(Companion { name: format!("{stem}.{}", form.extension()), media_type, bytes })
    };
    Form::ALL.into_iter().map(bill).collect()
}

/// A line for each statement.
fn statements(
    passed: &Passed,
    stem: &str,
    image: &str,
    companions: &[Companion],
    signing: &Signing,
    now: Timestamp,
) -> anyhow::Result<Companion> {
    let mut lines = String::new();
    for statement in statement::of(passed, image, companions, &signing.builder, now)? {
        let payload = serde_json::to_vec(&statement)?;
        lines += &dsse::Envelope::sign(&payload, &signing.signer)?.line()?;
    }
    let name = format!("{stem}.{}", attest::EXTENSION);
    Ok(Companion { name, media_type: "application/vnd.in-toto.bundle", bytes: lines.into_bytes() })
}
