//! QEMU's command line: the machine's parts, and how they hang together.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::scan::GUEST_MAC;
use super::{CONSOLE, Firmware, INJECT, LISTEN, Options, SEED, VmError};
use crate::build::tools;

/// OVMF that enforces Secure Boot, and variables with the usual keys: Debian's package `ovmf`.
const OVMF_CODE: &str = "/usr/share/OVMF/OVMF_CODE_4M.ms.fd";
const OVMF_VARS: &str = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd";
const OVMF: tools::Tool = tools::Tool { name: "OVMF_CODE_4M.ms.fd", package: "ovmf" };

/// QEMU's name for hardware virtualisation.
const KVM: &str = "kvm";

/// Makes a disk that reads from `image` and keeps what is written for itself. It is larger than the
/// image, as a cloud's disks are: the root filesystem has to grow.
pub fn overlay(image: &Path, overlay: &Path) -> Result<(), VmError> {
    let image = image.canonicalize().map_err(VmError::io(format!("opening {}", image.display())))?;
    let mut magic = [0; 4];
    File::open(&image)
        .and_then(|mut file| file.read_exact(&mut magic))
        .map_err(VmError::io(format!("reading {}", image.display())))?;
    let format = if magic == *b"QFI\xfb" { "qcow2" } else { "raw" };
    qemu_img(
        &["create", "-q", "-f", "qcow2", "-F", format, "-b"],
        &[image.as_os_str(), overlay.as_os_str()],
    )?;
    qemu_img(&["resize", "-q"], &[overlay.as_os_str(), "+2G".as_ref()])
}

fn qemu_img(arguments: &[&str], more: &[&OsStr]) -> Result<(), VmError> {
    let output = Command::new(tools::QEMU_IMG.name)
        .args(arguments)
        .args(more)
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
            KVM,
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
    if works.is_ok_and(|status| status.success()) { KVM } else { "tcg,thread=multi" }
}

/// The file that a machine's disk is in.
pub struct Drive {
    /// QEMU's name for its format.
    pub format: &'static str,
    /// Where it is.
    pub path: PathBuf,
}

/// The command that starts the machine on a disk; its other files are in `folder`.
///
/// The network is QEMU's user network: DHCP, and a forwarded port for ssh. Two sockets let a neighbour
/// take part: what it sends reaches the machine only, what the machine sends reaches it as well.
pub fn command(
    options: &Options,
    drive: &Drive,
    folder: &Path,
    ssh_host_port: u16,
) -> Result<Command, VmError> {
    let file = |name: &str| comma_escaped(&folder.join(name));
    let with =
        |before: &str, name: &str| [OsString::from(before), file(name)].into_iter().collect::<OsString>();
    let mut disk = OsString::from(format!(
        "if=virtio,format={},cache=unsafe,discard=unmap,detect-zeroes=unmap,file=",
        drive.format
    ));
    disk.push(comma_escaped(&drive.path));
    let accelerator = accelerator();
    // On a busy host an emulated second processor can miss its timers, and the machine hangs.
    let cpus = if accelerator == KVM { "2" } else { "1" };
    let mut command = Command::new(tools::SETPRIV.name);
    command
        .args(["--pdeathsig", "KILL", tools::QEMU.name])
        .args(["-accel", accelerator, "-cpu", "max", "-smp", cpus])
        .args(["-m", &options.memory_mib.to_string(), "-nodefaults", "-nographic"])
        .arg("-serial")
        .arg(with("file:", CONSOLE))
        .args(["-device", "virtio-rng-pci", "-drive"])
        .arg(disk)
        .arg("-drive")
        .arg(with("if=virtio,format=raw,readonly=on,file=", SEED))
        .arg("-netdev")
        .arg(format!("user,id=net,hostfwd=tcp:127.0.0.1:{ssh_host_port}-:{}", options.ssh_port))
        .arg("-device")
        .arg(format!("virtio-net-pci,netdev=net,mac={GUEST_MAC}"))
        .arg("-chardev")
        .arg(with("socket,id=inject,server=on,wait=off,path=", INJECT))
        .arg("-chardev")
        .arg(with("socket,id=listen,server=on,wait=off,path=", LISTEN))
        .args(["-object", "filter-redirector,id=injector,netdev=net,queue=tx,indev=inject"])
        .args(["-object", "filter-mirror,id=listener,netdev=net,queue=rx,outdev=listen"]);
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
