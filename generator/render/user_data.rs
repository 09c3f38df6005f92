//! cloud-init user-data: a cloud-config that hardens a *stock* cloud image by itself.
//!
//! Never names `users`, so that the cloud's default user and its key stay. Files are deferred
//! until packages are there, then one script applies them in a safe order. A cloud-init before 21.4 can't wait with a
//! file: it writes them beside the script, which puts them in place.

use std::io::Write;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Bundle;
use super::apply::{self, Carrier, Packages};
use super::bundle::BundleFile;
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::plan::Plan;
use crate::yaml;

/// Largest user-data in bytes: OpenStack Nova takes 65,535 bytes of base64.
pub const LIMIT: usize = 49_149;

/// Where the apply script stands for as long as cloud-init runs it.
const SCRIPT: &str = "/run/ironseed-apply.sh";

/// Where script and files stand until the script has put them in place.
const STAGE: &str = "/run/ironseed";
const STAGED_SCRIPT: &str = "/run/ironseed/apply.sh";

#[derive(Serialize)]
struct CloudConfig {
    package_update: bool,
    packages: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ssh_authorized_keys: Vec<String>,
    #[serde(flatten)]
    keys: Map<String, Value>,
    write_files: Vec<File>,
    runcmd: Vec<Vec<String>>,
}

#[derive(Serialize)]
struct File {
    path: String,
    permissions: String,
    owner: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    defer: bool,
    content: String,
}

impl File {
    /// A file that is written when packages and users are there.
    fn deferred(file: &BundleFile) -> Self {
        Self {
            path: file.path.clone(),
            permissions: format!("{:04o}", file.mode),
            owner: format!("{}:{}", file.owner, file.group),
            defer: true,
            content: file.content.clone(),
        }
    }

    /// A file that waits beside the script.
    fn staged(file: &BundleFile) -> Self {
        Self {
            path: format!("{STAGE}/files{}", file.path),
            permissions: "0600".into(),
            owner: "root:root".into(),
            defer: false,
            content: file.content.clone(),
        }
    }
}

/// Renders the cloud-config text.
///
/// # Errors
/// A template that fails.
pub fn render(plan: &Plan, bundle: &Bundle, keys: &[String], assets: &Assets) -> Result<String, ConfigError> {
    let defer = plan.distro.versions.defers_files();
    let (carrier, script) =
        if defer { (Carrier::CloudInit, SCRIPT) } else { (Carrier::Beside, STAGED_SCRIPT) };
    let mut write_files: Vec<File> =
        bundle.files.values().map(if defer { File::deferred } else { File::staged }).collect();
    write_files.push(File {
        path: script.into(),
        permissions: "0700".into(),
        owner: "root:root".into(),
        defer,
        content: apply::script(plan, bundle, carrier, assets)?,
    });
    let config = CloudConfig {
        package_update: true,
        packages: Packages::of(plan, bundle).early,
        ssh_authorized_keys: keys.to_vec(),
        keys: bundle.cloud_config.iter().map(|(k, (v, _))| (k.clone(), v.clone())).collect(),
        write_files,
        // /run is mounted noexec on some systems, so the shell reads the script.
        runcmd: vec![vec!["sh".into(), script.into()]],
    };
    let body = yaml::write(&config)?;
    let (profile, distro) = (&plan.profile, &plan.distro.title);
    Ok(format!("#cloud-config\n# {profile} for {distro}, plan {}\n{body}", plan.digest()))
}

/// The bytes to hand to the cloud, compressed where asked for.
///
/// # Errors
/// They are more than [`LIMIT`].
pub fn pack(text: &str, gzip: bool) -> Result<Vec<u8>, ConfigError> {
    let bytes = if gzip { compress(text.as_bytes()) } else { text.as_bytes().to_vec() };
    if bytes.len() <= LIMIT {
        return Ok(bytes);
    }
    let advice = if gzip {
        "even compressed; drop checks, or build an image with `ironseed build` instead"
    } else {
        let small = compress(text.as_bytes()).len();
        if small <= LIMIT {
            return Err(ConfigError::plain(format!(
                "the user-data has {} bytes, and the cloud takes {LIMIT}: use --gzip ({small} bytes)",
                bytes.len()
            )));
        }
        "and too many compressed; drop checks, or build an image with `ironseed build` instead"
    };
    Err(ConfigError::plain(format!(
        "the user-data has {} bytes, and the cloud takes {LIMIT}: {advice}",
        bytes.len()
    )))
}

/// gzip without a time stamp: the same input gives the same bytes.
fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    // Writing into memory does not fail; were it to, the text is handed on as it is.
    match encoder.write_all(bytes).and_then(|()| encoder.finish()) {
        Ok(packed) => packed,
        Err(_) => bytes.to_vec(),
    }
}

/// The public keys in a `.pub` or `authorized_keys` file.
///
/// # Errors
/// A private key, or a line that is no public key: user-data can be read by everybody on the
/// machine, so nothing else may get in.
pub fn public_keys(text: &str, path: &Path) -> Result<Vec<String>, ConfigError> {
    let name = path.display();
    if text.contains("PRIVATE KEY") {
        return Err(ConfigError::plain(format!(
            "{name} is a private key; give the public one, {name}.pub (user-data can be read by \
             everybody on the machine)"
        )));
    }
    let mut keys = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let known =
            ["ssh-ed25519 ", "ssh-rsa ", "ecdsa-sha2-", "sk-ssh-ed25519@openssh.com ", "sk-ecdsa-sha2-"];
        if !known.iter().any(|k| line.starts_with(k)) || line.split_whitespace().count() < 2 {
            return Err(ConfigError::plain(format!(
                "{name}:{}: no public SSH key; a line looks like `ssh-ed25519 AAAA… comment`",
                number + 1
            )));
        }
        keys.push(line.to_owned());
    }
    if keys.is_empty() {
        return Err(ConfigError::plain(format!("{name} holds no public SSH key")));
    }
    Ok(keys)
}
