//! The archive that travels into the new root: the recipe's files and commands as data, and the
//! fixed files of the boot set-up. The scripts in `inside/` read it.

use std::fs::File;
use std::io;

use super::disk;
use super::evidence::Evidence;
use super::identity::Identity;
use super::recipe::Recipe;

/// The payload's place in the new root, while it is being built.
pub const PLACE: &str = "/run/ironseed";

/// Deleted from every image, beside what the recipe names: what belongs to one machine, and
/// what the build left behind.
pub const REMOVALS: &[&str] = &[
    // Package lists and caches, and mmdebstrap's own configuration.
    "/etc/apt/apt.conf.d/00mmdebstrap",
    "/etc/apt/apt.conf.d/99mmdebstrap",
    "/etc/dpkg/dpkg.cfg.d/99mmdebstrap",
    "/usr/sbin/policy-rc.d",
    "/var/lib/apt/lists/*",
    "/var/cache/apt/*.bin",
    "/var/cache/apt/archives/*.deb",
    "/var/cache/apt/archives/partial/*",
    "/var/cache/debconf/*-old",
    "/var/cache/ldconfig/aux-cache",
    "/var/lib/dpkg/*-old",
    // Keys and identities: every machine makes its own.
    "/etc/ssh/ssh_host_*",
    "/etc/ssl/private/ssl-cert-snakeoil.key",
    "/etc/ssl/certs/ssl-cert-snakeoil.pem",
    "/var/lib/dbus/machine-id",
    "/var/lib/systemd/random-seed",
    "/var/lib/systemd/credential.secret",
    "/var/lib/urandom/random-seed",
    // State of a first boot that has not happened.
    "/var/lib/cloud/*",
    "/var/lib/dhcp/*",
    "/var/lib/NetworkManager/*",
    "/var/lib/systemd/network/*",
    "/etc/udev/rules.d/70-persistent-*",
    // Traces of the build; other logs are emptied.
    "/var/log/apt/*",
    "/var/log/journal/*",
    "/var/log/alternatives.log",
    "/var/log/bootstrap.log",
    "/var/log/dpkg.log",
    "/root/.*_history",
    "/home/*/.*_history",
    "/root/.ssh",
    "/var/tmp/*",
];

/// Values the scripts need from the builder.
pub struct Values<'a> {
    /// Identifiers of the disk.
    pub identity: &'a Identity,
    /// Size of the root filesystem.
    pub root_kib: u64,
    /// The open disk's file descriptor, which the scripts inherit.
    pub disk_descriptor: i32,
}

/// Writes the payload as a tar archive.
pub fn write(recipe: &Recipe, values: &Values, archive: File) -> io::Result<()> {
    let mut payload = Payload(tar::Builder::new(io::BufWriter::new(archive)));
    payload.add("vars", vars(recipe, values).as_bytes())?;
    payload.add("hostname", format!("{}\n", recipe.hostname).as_bytes())?;
    payload.add("fstab", fstab(recipe, values.identity).as_bytes())?;
    payload.add("grub-defaults.cfg", grub_defaults(recipe).as_bytes())?;
    payload.add("early.cfg", disk::find_root(values.identity).as_bytes())?;
    payload.add("evidence.sh", Evidence::Apt.script().as_bytes())?;
    payload.add("finish.sh", include_bytes!("inside/finish.sh"))?;
    payload.add("pack.sh", include_bytes!("inside/pack.sh"))?;
    payload.add("grub-probe", include_bytes!("inside/grub-probe.sh"))?;
    payload.add("mke2fs.conf", include_bytes!("inside/mke2fs.conf"))?;

    let mut list = Vec::new();
    for (number, file) in recipe.files.iter().enumerate() {
        let name = format!("files/{number}");
        payload.add(&name, &file.content)?;
        let (mode, source) = (format!("{:04o}", file.mode), format!("{PLACE}/{name}"));
        list.extend(records([mode.as_str(), &file.owner, &file.group, &source, &file.path]));
    }
    payload.add("files.list", &list)?;
    for (number, command) in recipe.commands.iter().enumerate() {
        // The shell's `*` sorts by name: all numbers are of one length.
        payload.add(&format!("commands/{number:06}"), &records(command.iter().map(String::as_str)))?;
    }
    let removals = REMOVALS.iter().copied().chain(recipe.removals.iter().map(String::as_str));
    payload.add("removals.list", &records(removals))?;
    payload.0.into_inner()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    Ok(())
}

struct Payload(tar::Builder<io::BufWriter<File>>);

impl Payload {
    fn add(&mut self, name: &str, content: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        self.0.append_data(&mut header, name, content)
    }
}

/// Words, each ended by NUL.
pub fn records<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    words.into_iter().flat_map(|word| word.bytes().chain([0])).collect()
}

fn vars(recipe: &Recipe, values: &Values) -> String {
    let identity = values.identity;
    format!(
        "FS_UUID={}\nPART_UUID={}\nROOT_LABEL={}\nROOT_OFFSET={}\nROOT_KIB={}\nDISK_FD={}\nSOURCE_DATE_EPOCH={}\n",
        identity.filesystem,
        identity.root_partition,
        recipe.root_label,
        disk::ROOT_OFFSET,
        values.root_kib,
        values.disk_descriptor,
        recipe.source_date_epoch,
    )
}

/// `nofail`: a machine that booted does not need the EFI system partition. Nothing runs from it, so nothing may.
fn fstab(recipe: &Recipe, identity: &Identity) -> String {
    let more: String = recipe.fstab.iter().map(|line| format!("{line}\n")).collect();
    format!(
        "UUID={} / ext4 rw,discard,errors=remount-ro 0 1\n\
         UUID={} /boot/efi vfat umask=0077,nosuid,nodev,noexec,nofail 0 0\n{more}",
        identity.filesystem,
        identity.esp_uuid(),
    )
}

/// The last console is the one that the boot's messages go to: a cloud records the serial one.
fn grub_defaults(recipe: &Recipe) -> String {
    let more: String = recipe.kernel_args.iter().map(|argument| format!(" {argument}")).collect();
    format!(
        "GRUB_TIMEOUT=1\nGRUB_CMDLINE_LINUX_DEFAULT=''\nGRUB_CMDLINE_LINUX='console=tty0 console=ttyS0,115200n8{more}'\n\
         GRUB_TERMINAL='console serial'\nGRUB_SERIAL_COMMAND='serial --speed=115200'\n"
    )
}
