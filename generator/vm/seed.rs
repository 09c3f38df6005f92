//! The configuration drive of one boot: a NoCloud volume with a key made for it, given as a cloud
//! gives its key (in the meta-data), and the user's own user-data where there is some.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{KEY, Options, SEED, VmError};
use crate::build::tools;
use crate::fat;

/// What user-data and vendor-data are where there is none.
const NOTHING: &str = "#cloud-config\n{}\n";

/// Makes a key pair and the configuration drive that authorises it, in `folder`.
pub fn write(folder: &Path, options: &Options) -> Result<(), VmError> {
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
    let meta_data = serde_json::json!({
        "instance-id": "ironseed-boot",
        "local-hostname": "ironseed-boot",
        "public-keys": [public.trim()],
    })
    .to_string();
    let data = |given: &'_ Option<String>| given.as_deref().unwrap_or(NOTHING).as_bytes().to_vec();
    let (user_data, vendor_data) = (data(&options.user_data), data(&options.vendor_data));
    let files: [(&str, &[u8]); 3] =
        [("user-data", &user_data), ("vendor-data", &vendor_data), ("meta-data", meta_data.as_bytes())];
    fat::volume(1 << 20, 1, "CIDATA", &files)
        .and_then(|volume| fs::write(folder.join(SEED), volume))
        .map_err(VmError::io("writing the configuration drive"))
}
