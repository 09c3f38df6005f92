//! Making an image of a machine: what it has of its own is taken away while it switches itself off.
//!
//! Owns which traces a first boot leaves. The work is done inside, by `inside/seal.sh`, after the
//! last process has ended; nothing here needs root or mounts a disk.

use std::io;

use super::{Order, StockError};
use crate::build::{RECORD, REMOVALS, Record, records};
use crate::target::{FileKind, Result as Seen, Root, display};
use crate::vm::Vm;

/// systemd runs what is there before it switches off.
const HOOK: &str = "/usr/lib/systemd/system-shutdown/ironseed-seal";
/// Where the script stands, and what it reads: on no disk, which could not be remounted while a file on it
/// is open.
const PLACE: &str = "/run/ironseed";
/// What prints the build's record.
const EVIDENCE: &str = "evidence.sh";
/// Starts the script. Its own file is closed by then.
const START: &str = "#!/bin/sh\n[ \"$1\" != poweroff ] || exec sh /run/ironseed/seal.sh\n";
/// What it says when all is done.
pub const SEALED: &str = "ironseed: sealed";

/// cloud-init writes these for one instance, on one network. In the image they are as the stock image
/// has them, or not there. No profile writes any of them.
pub const RESTORED: &[&str] = &[
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/netplan",
    "/etc/network/interfaces.d",
    "/etc/systemd/network",
    "/etc/NetworkManager/system-connections",
    "/etc/sysconfig/network",
    "/etc/sysconfig/network-scripts/ifcfg-eth0",
    // Addresses of a mirror near the machine.
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d",
    "/etc/ssh/sshd_config.d/50-cloud-init.conf",
    "/etc/sudoers.d/90-cloud-init-users",
    // They tell of the account that goes.
    "/etc/passwd-",
    "/etc/shadow-",
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/subuid-",
    "/etc/subgid-",
];

/// Traces of a machine that ran, beside what every image is rid of.
const RAN: &[&str] = &[
    "/etc/.updated",
    "/root/.cache",
    "/root/.*hist*",
    "/root/.lesshst",
    "/root/.viminfo",
    "/tmp/*",
    "/tmp/.[!.]*",
    "/var/.updated",
    "/var/cache/apparmor/*",
    "/var/cache/dnf/*",
    "/var/cache/libdnf5/*",
    "/var/cache/private/*",
    "/var/cache/yum/*",
    "/var/crash/*",
    "/var/lib/NetworkManager/*",
    "/var/lib/apt/periodic/*",
    "/var/lib/chrony/*",
    "/var/lib/dhclient/*",
    "/var/lib/dhcpcd/*",
    "/var/lib/fail2ban/*",
    "/var/lib/lastlog/*",
    "/var/lib/logrotate/*",
    "/var/lib/private/*",
    "/var/lib/sudo/*/*",
    "/var/lib/systemd/coredump/*",
    "/var/lib/systemd/linger/*",
    "/var/lib/systemd/timers/*",
    "/var/lib/systemd/timesync/*",
    "/var/lib/wtmpdb/*",
    "/var/mail/*",
    "/var/spool/mail/*",
];

/// What the stock image had before it ran.
pub struct Before {
    /// The places of [`RESTORED`] that it had, as a tar.
    restored: Vec<u8>,
    /// Whether it had the account that cloud-init makes otherwise.
    had_user: bool,
}

impl Before {
    /// Reads it from the disk that is about to run.
    ///
    /// # Errors
    /// What is there can't be read.
    pub fn read(root: Root<'_>, user: &str) -> Result<Self, StockError> {
        let unreadable = |error: &dyn std::fmt::Display| {
            StockError::Disk(format!("what the first boot changes can't be read: {error}"))
        };
        let mut archive = tar::Builder::new(Vec::new());
        for path in RESTORED {
            add(&mut archive, root, path.as_bytes()).map_err(|error| unreadable(&error))?;
        }
        let restored = archive.into_inner().map_err(|error| unreadable(&error))?;
        let accounts = root.read_text("/etc/passwd").map_err(|error| unreadable(&error))?;
        let is_user = |line: &str| line.split(':').next() == Some(user);
        Ok(Self { restored, had_user: accounts.unwrap_or_default().lines().any(is_user) })
    }
}

/// Adds a path, with everything below it. Nothing is added where there is nothing.
fn add(archive: &mut tar::Builder<Vec<u8>>, root: Root<'_>, path: &[u8]) -> Seen<()> {
    let context = |error: io::Error| crate::target::TargetError::io(display(path), error);
    let path = path.strip_prefix(b"/").unwrap_or(path);
    let Some(meta) = root.tree().metadata(path)? else { return Ok(()) };
    let name = String::from_utf8_lossy(path);
    let mut header = tar::Header::new_gnu();
    header.set_mode(meta.mode);
    header.set_uid(meta.uid.into());
    header.set_gid(meta.gid.into());
    header.set_size(0);
    match meta.kind {
        FileKind::Directory => {
            header.set_entry_type(tar::EntryType::Directory);
            archive.append_data(&mut header, &*name, io::empty()).map_err(context)?;
            for entry in root.tree().read_dir(path)? {
                add(archive, root, &[path, b"/", &entry.name].concat())?;
            }
        }
        FileKind::File => {
            header.set_size(meta.size);
            archive.append_data(&mut header, &*name, root.tree().open(path)?).map_err(context)?;
        }
        FileKind::Symlink => {
            header.set_entry_type(tar::EntryType::Symlink);
            let link = root.tree().read_link(path)?;
            archive.append_link(&mut header, &*name, &*String::from_utf8_lossy(&link)).map_err(context)?;
        }
        FileKind::Special => {}
    }
    Ok(())
}

/// Puts the script where the machine runs it when it switches itself off.
///
/// # Errors
/// The machine refuses.
pub fn arm(vm: &Vm, before: &Before, order: &Order<'_>) -> Result<(), StockError> {
    let user = if before.had_user { "" } else { vm.options().user.as_str() };
    let removals = REMOVALS.iter().chain(RAN).copied();
    let removals = removals.chain(order.removals.iter().map(String::as_str));
    let files: [(&str, &[u8]); 6] = [
        ("seal.sh", include_bytes!("inside/seal.sh")),
        (EVIDENCE, order.evidence.script().as_bytes()),
        ("user", user.as_bytes()),
        ("removals.list", &records(removals)),
        ("restored.list", &records(RESTORED.iter().copied())),
        ("restored.tar", &before.restored),
    ];
    sudo(vm, &["install", "-d", "-m", "0700", PLACE], b"")?;
    let put = |name: &str, content: &[u8]| {
        sudo(vm, &["install", "-m", "0600", "/dev/stdin", &format!("{PLACE}/{name}")], content)
    };
    for (name, content) in files {
        put(name, content)?;
    }
    put("build.json", &record(vm, order)?)?;
    sudo(vm, &["install", "-D", "-m", "0755", "/dev/stdin", HOOK], START.as_bytes())?;
    Ok(())
}

/// The build's record: what is pending is asked for while there is a network. That packages stay what they are until the
/// machine is off shows in the image, by their database's digest.
fn record(vm: &Vm, order: &Order<'_>) -> Result<Vec<u8>, StockError> {
    let script = format!("{PLACE}/{EVIDENCE}");
    let printed = sudo(vm, &[&["sh", &script], &order.evidence.arguments("/")[..]].concat(), b"")?;
    let mut record = Record::parse(printed.as_bytes()).map_err(StockError::Machine)?;
    record.base = Some(order.base.record());
    serde_json::to_vec(&record).map_err(|error| StockError::Machine(format!("{RECORD}: {error}")))
}

/// Runs a command as root, and gives what it prints.
///
/// # Errors
/// It can't be run, or fails: in its words.
pub fn sudo(vm: &Vm, argv: &[&str], stdin: &[u8]) -> Result<String, StockError> {
    let output =
        vm.ssh(&[&["sudo", "-n", "--"], argv].concat(), stdin).map_err(StockError::io("running ssh"))?;
    if output.status == 0 {
        return Ok(output.stdout);
    }
    let (what, said) = (argv.join(" "), output.stderr.trim());
    Err(StockError::Machine(format!("`{what}` ended with status {} and said: {said}", output.status)))
}
