//! The configuration drive of one boot: a NoCloud volume with a key made for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{KEY, SEED, VmError};
use crate::build::tools;
use crate::fat;

/// Makes a key pair and the configuration drive that authorises it, in `folder`.
pub fn write(folder: &Path) -> Result<(), VmError> {
    let key = folder.join(KEY);
    let output = Command::new(tools::SSH_KEYGEN.name)
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "ironseed-boot", "-f"])
        .arg(&key)
        .output()
        .map_err(VmError::io("running ssh-keygen"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(VmError::Program { program: tools::SSH_KEYGEN.name, said });
    }
    let public = fs::read_to_string(key.with_extension("pub")).map_err(VmError::io("reading the key"))?;
    // JSON is YAML, and needs no thought on quoting.
    let user_data =
        format!("#cloud-config\n{}\n", serde_json::json!({ "ssh_authorized_keys": [public.trim()] }));
    let meta_data = "instance-id: ironseed-boot\nlocal-hostname: ironseed-boot\n";
    let files: [(&str, &[u8]); 2] =
        [("user-data", user_data.as_bytes()), ("meta-data", meta_data.as_bytes())];
    fat::volume(1 << 20, 1, "CIDATA", &files)
        .and_then(|volume| fs::write(folder.join(SEED), volume))
        .map_err(VmError::io("writing the configuration drive"))
}
