//! QEMU's command line: the machine's parts, and how they hang together.

use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::scan::GUEST_MAC;
use super::{CONSOLE, Firmware, LAN, OVERLAY, Options, SEED, VmError};
use crate::build::tools;

/// OVMF that enforces Secure Boot, and variables with the usual keys: Debian's package `ovmf`.
const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.ms.fd";
const OVMF_VARS: &str = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";
const OVMF: tools::Tool = tools::Tool { name: "OVMF_CODE_4M.ms.fd", package: "ovmf" };

/// Makes a disk that reads from `image` and keeps what is written for itself.
pub fn overlay(image: &Path, overlay: &Path) -> Result<(), VmError> {
    let image = image.canonicalize().map_err(VmError::io(format!("opening {}", image.display())))?;
    let output = Command::new(tools::QEMU_IMG.name)
        .args(["create", "-q", "-f", "qcow2", "-F", "qcow2", "-b"])
        .args([&image, overlay])
        .output()
        .map_err(VmError::io("running qemu-img"))?;
    let said = || String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() {
        Ok(())
    } else {
        Err(VmError::Program { program: tools::QEMU_IMG.name, said: said() })
    }
}

/// Hardware where it works, else emulation. A machine is really made to find out: `/dev/kvm` can
/// be there and openable, and QEMU still die of what the host's own hypervisor withholds.
fn accelerator() -> &'static str {
    let machine = Command::new("timeout")
        .args([
            "10",
            tools::QEMU.name,
            "-accel",
            "kvm",
            "-cpu",
            "max",
            "-nodefaults",
            "-display",
            "none",
            "-monitor",
            "stdio",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let works = machine.and_then(|mut machine| {
        // A machine that is dead already does not read this: its status tells.
        let _ = machine.stdin.take().map(|mut monitor| monitor.write_all(b"quit\n"));
        machine.wait()
    });
    if works.is_ok_and(|status| status.success()) { "kvm" } else { "tcg,thread=multi" }
}

/// The command that starts the machine whose files are in `folder`.
///
/// The network is a hub with the machine, QEMU's user network (DHCP, a forwarded port for ssh) and
/// a socket on which a neighbour's frames come in.
pub fn command(options: &Options, folder: &Path, ssh_host_port: u16) -> Result<Command, VmError> {
    let file = |name: &str| comma_escaped(&folder.join(name));
    let with =
        |before: &str, name: &str| [OsString::from(before), file(name)].into_iter().collect::<OsString>();
    let mut command = Command::new(tools::SETPRIV.name);
    command
        .args(["--pdeathsig", "KILL", tools::QEMU.name])
        .args(["-accel", accelerator(), "-cpu", "max", "-smp", "2"])
        .args(["-m", &options.memory_mib.to_string(), "-nodefaults", "-nographic"])
        .arg("-serial")
        .arg(with("file:", CONSOLE))
        .args(["-device", "virtio-rng-pci", "-drive"])
        .arg(with("if=virtio,format=qcow2,cache=unsafe,discard=unmap,file=", OVERLAY))
        .arg("-drive")
        .arg(with("if=virtio,format=raw,readonly=on,file=", SEED))
        .arg("-netdev")
        .arg(format!("user,id=user,hostfwd=tcp:127.0.0.1:{ssh_host_port}-:{}", options.ssh_port))
        .arg("-netdev")
        .arg(with("stream,id=lan,server=on,addr.type=unix,addr.path=", LAN))
        .args([
            "-netdev",
            "hubport,id=hub0,hubid=0,netdev=user",
            "-netdev",
            "hubport,id=hub1,hubid=0,netdev=lan",
        ])
        .args(["-netdev", "hubport,id=hub2,hubid=0", "-device"])
        .arg(format!("virtio-net-pci,netdev=hub2,mac={GUEST_MAC}"));
    if options.firmware == Firmware::Uefi {
        add_uefi(&mut command, folder)?;
    }
    Ok(command)
}

fn add_uefi(command: &mut Command, folder: &Path) -> Result<(), VmError> {
    const VARS: &str = "efivars.fd";
    if !Path::new(OVMF_CODE).exists() {
        return Err(tools::Missing(vec![OVMF]).into());
    }
    std::fs::copy(OVMF_VARS, folder.join(VARS)).map_err(VmError::io(format!("copying {OVMF_VARS}")))?;
    let vars = [OsString::from("if=pflash,unit=1,format=raw,file="), comma_escaped(&folder.join(VARS))];
    command
        .args(["-machine", "q35,smm=on", "-global", "driver=cfi.pflash01,property=secure,value=on", "-drive"])
        .arg(format!("if=pflash,unit=0,format=raw,readonly=on,file={OVMF_CODE}"))
        .arg("-drive")
        .arg(vars.into_iter().collect::<OsString>());
    Ok(())
}

/// QEMU splits options at commas; two stand for one.
fn comma_escaped(path: &Path) -> OsString {
    match path.to_str() {
        Some(text) => text.replace(',', ",,").into(),
        None => PathBuf::from(path).into(),
    }
}
