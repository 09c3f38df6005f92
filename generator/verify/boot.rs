//! The booted image: started on a throw-away overlay, looked at from outside, then asked inside
//! by a copy of this program.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};

use super::{Seen, outside};
use crate::plan::Plan;
use crate::vm::{Firmware, Options, Vm};

/// Until the machine must be up. An emulated one takes one to three minutes.
const LIMIT: Duration = Duration::from_secs(1200);

/// Memory of the machine, in MiB: what the smallest flavours of clouds have.
const MEMORY_MIB: u32 = 2048;

/// Where the copy of this program stands in the guest while it runs.
const GUEST_COPY: &str = "/var/tmp/ironseed-observe";

/// How the machine of a plan is started.
pub fn options(plan: &Plan) -> Options {
    let ssh_port = plan.parameter("ssh_port").as_u64().and_then(|p| u16::try_from(p).ok());
    Options {
        firmware: Firmware::Bios,
        memory_mib: MEMORY_MIB,
        user: plan.distro.default_user.clone(),
        ssh_port: ssh_port.unwrap_or(22),
        limit: LIMIT,
        user_data: None,
        vendor_data: None,
    }
}

/// Boots an image and returns everything seen of it running.
///
/// # Errors
/// Missing programs, a machine that does not come up in time (with its console's end), or one
/// that does not let the copy run.
pub fn boot(image: &Path, plan: &Plan) -> anyhow::Result<Vec<Seen>> {
    look(&Vm::boot(image, options(plan))?, plan)
}

/// Everything seen of a machine that runs already, inside and from outside.
///
/// # Errors
/// It does not let the copy run, or can't be reached.
pub fn look(vm: &Vm, plan: &Plan) -> anyhow::Result<Vec<Seen>> {
    let mut seen = inside(vm, plan)?;
    // Last: what is tried here may get the prober banned.
    let outside = outside::probe(vm)?;
    seen.extend(super::observe_outside(plan, &outside));
    Ok(seen)
}

/// Runs a copy of this program in the guest, and takes what it saw.
fn inside(vm: &Vm, plan: &Plan) -> anyhow::Result<Vec<Seen>> {
    let mut program = Vec::new();
    File::open("/proc/self/exe")
        .and_then(|mut f| f.read_to_end(&mut program))
        .context("reading this program")?;
    let install = ["sudo", "install", "-m", "0700", "/dev/stdin", GUEST_COPY];
    run(vm, &install, &program)?;
    let plan = serde_json::to_vec(plan)?;
    let json = run(vm, &["sudo", GUEST_COPY, "observe"], &plan).context(
        "the guest could not run a copy of this program; `make release` builds one that needs no libraries",
    )?;
    serde_json::from_str(&json).context("what the guest saw")
}

fn run(vm: &Vm, argv: &[&str], stdin: &[u8]) -> anyhow::Result<String> {
    let output = vm.ssh(argv, stdin).context("running ssh")?;
    if output.status != 0 {
        bail!(
            "`{}` ended with status {} in the guest: {}",
            argv.join(" "),
            output.status,
            output.stderr.trim()
        );
    }
    Ok(output.stdout)
}
