//! All facts of a release that can be rendered, from `images/`. No behaviour.

mod load;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diagnostic::ConfigError;
use crate::effective::pam::PamVersion;
use crate::effective::sshd::OpenSshVersion;
use crate::release::{Lifecycle, OsRelease};
use crate::version;

pub use load::{all, ids, load, of_system, supported, usual};

/// Facts about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Distro {
    /// Slug, such as the `-d` option takes.
    pub id: String,
    /// Name and code name.
    pub title: String,
    /// What `/etc/os-release` says.
    pub os_release: OsRelease,
    /// Code name of the release, as in the archive.
    pub codename: String,
    /// The archive's word for the CPU architecture.
    pub architecture: String,
    /// The account that cloud-init makes and gives the cloud's key.
    pub default_user: String,
    /// Members of this group may become root.
    pub admin_group: String,
    /// Dates of support.
    pub lifecycle: Lifecycle,
    /// Whether it is meant where no distribution is named. One says so.
    #[serde(default)]
    pub usual: bool,
    /// Versions of programs whose behaviour depends on them.
    pub versions: Versions,
    /// Which program does what.
    pub backends: Backends,
    /// Package names by role.
    pub packages: BTreeMap<String, Vec<String>>,
    /// Unit names by role.
    pub units: BTreeMap<String, String>,
    /// File paths by role.
    pub paths: BTreeMap<String, String>,
    /// Where security updates come from.
    pub archive: Archive,
    /// Whether SELinux is on.
    #[serde(default)]
    pub selinux: bool,
    /// Whether iptables has the kernel's tables from before nftables, which nft does not list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub iptables_apart: bool,
    /// Whether systemd listens in sshd's place and starts it when somebody connects.
    #[serde(default)]
    pub ssh_socket_activated: bool,
    /// What profiles name, mostly a path, and what it is called here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instead: BTreeMap<String, String>,
    /// Files that profiles write, by path, and what they say here instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub contents: BTreeMap<String, String>,
    /// What profiles name and this release has nothing for, and why that is no gap.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub nothing_like: BTreeMap<String, String>,
    /// Where its security team announces holes.
    pub announcements: String,
    /// Units that a plain installation of this release starts, as globs, by what they are for.
    pub base_units: BTreeMap<String, Vec<String>>,
    /// Set-user-id and set-group-id programs that a plain installation has.
    #[serde(default)]
    pub set_id_programs: Vec<String>,
    /// How an image is made.
    pub image: ImageFacts,
    /// What OpenStack is told.
    pub openstack: OpenStackFacts,
}

/// Versions that decide what configuration means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// OpenSSH, with what its packager added.
    pub openssh: OpenSshVersion,
    /// cloud-init.
    pub cloud_init: String,
    /// systemd, major.
    pub systemd: u32,
    /// Linux-PAM's library, with what its packager added.
    pub pam: PamVersion,
    /// fail2ban.
    pub fail2ban: String,
    /// nftables.
    pub nftables: String,
    /// firewalld, where it is older than what zones are written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewalld: Option<String>,
    /// sudo, or the program that stands in for it.
    pub sudo: String,
}

impl Versions {
    /// Whether cloud-init can wait with a file until packages and users are there.
    pub fn defers_files(&self) -> bool {
        version::at_least(&self.cloud_init, "21.4")
    }

    /// systemctl's verb that makes a running unit follow its configuration.
    pub fn reload_verb(&self) -> &'static str {
        if self.systemd >= 229 { "try-reload-or-restart" } else { "reload-or-try-restart" }
    }

    /// Whether nft knows priorities of chains by name.
    pub fn names_priorities(&self) -> bool {
        version::at_least(&self.nftables, "0.9.1")
    }

    /// Whether firewalld brings a policy that lets IPv6's neighbour discovery in.
    pub fn lets_neighbours_in(&self) -> bool {
        self.firewalld.as_ref().is_none_or(|firewalld| version::at_least(firewalld, "0.9"))
    }
}

/// Which program plays a role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backends {
    /// Package manager.
    pub packages: PackageBackend,
    /// Automatic updates.
    pub updates: UpdatesBackend,
    /// Host firewall.
    pub firewall: FirewallBackend,
    /// Ban tool.
    pub ban: BanBackend,
    /// PAM's shared stacks.
    pub pam: PamBackend,
    /// Boot menu.
    pub boot: BootBackend,
}

/// Package managers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PackageBackend {
    /// dpkg and apt.
    Apt,
    /// rpm and dnf.
    Dnf,
    /// rpm and yum, before dnf.
    Yum,
}

/// Programs that install updates by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UpdatesBackend {
    /// unattended-upgrades with apt's timers.
    UnattendedUpgrades,
    /// dnf-automatic, in Python.
    DnfAutomatic,
    /// dnf5's plugin of the same name.
    Dnf5Automatic,
    /// yum-cron, before dnf.
    YumCron,
}

/// Host firewalls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FirewallBackend {
    /// nftables from `/etc/nftables.conf`.
    Nftables,
    /// firewalld with its nftables backend.
    Firewalld,
    /// ufw.
    Ufw,
    /// iptables' own files, one for IPv4 and one for IPv6.
    Iptables,
}

/// Where PAM's shared stacks come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PamBackend {
    /// `pam-auth-update` makes them of the packages' profiles.
    PamAuthUpdate,
    /// `authselect` makes them of one profile and its features.
    Authselect,
    /// `authconfig` makes them of `/etc/sysconfig/authconfig`, before authselect.
    Authconfig,
}

impl PamBackend {
    /// The program.
    pub fn program(self) -> &'static str {
        match self {
            Self::PamAuthUpdate => "pam-auth-update",
            Self::Authselect => "authselect",
            Self::Authconfig => "authconfig",
        }
    }
}

/// What writes the boot menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BootBackend {
    /// `update-grub` writes `grub.cfg` of GRUB's defaults.
    UpdateGrub,
    /// `grubby` changes an entry for each kernel (Boot Loader Specification).
    Grubby,
}

/// Programs that ban attackers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BanBackend {
    /// fail2ban reading the journal, with a table of nftables' of its own.
    Fail2banSystemd,
    /// fail2ban reading the journal, with a chain of iptables': before 0.11 its action for nftables wants a table that
    /// somebody else has made.
    Fail2banIptables,
}

/// Where security updates come from. What only another package manager knows stays empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Archive {
    /// apt: what `lsb_release -i` says, `${distro_id}` in patterns.
    pub distributor: String,
    /// apt: `Origins-Pattern`s that select security updates alone.
    pub security_patterns: Vec<String>,
    /// apt: `Origins-Pattern`s that select every update of the release.
    pub all_patterns: Vec<String>,
    /// apt: the archives of this release as their Release files name themselves.
    pub suites: Vec<ArchiveSuite>,
    /// dnf: whether the repositories say which updates are for security; without that, choosing those
    /// chooses none.
    pub advisories: bool,
    /// dnf: whether the program that installs updates also reboots.
    pub reboots: bool,
    /// A repository besides the release's own that some packages come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<ExtraRepository>,
}

/// A repository that is set up by installing a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtraRepository {
    /// The package that sets it up.
    pub package: String,
    /// Packages that come from there.
    pub provides: Vec<String>,
}

/// What an archive's Release file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArchiveSuite {
    /// `security`, `updates` or `release`.
    pub role: String,
    /// `Origin:`.
    pub origin: String,
    /// `Label:`.
    pub label: String,
    /// `Suite:`.
    pub suite: String,
    /// `Codename:`.
    pub codename: String,
    /// How sources name it, where by neither of the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
}

/// How an image is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageFacts {
    /// The engine that makes it.
    pub engine: Engine,
    /// mmdebstrap's variant.
    #[serde(default)]
    pub variant: String,
    /// Packages of a bootable cloud image.
    #[serde(default)]
    pub packages: Vec<String>,
    /// Packages of the variant that are taken out again.
    #[serde(default)]
    pub purge: Vec<String>,
    /// Keys of cloud-init's configuration that an image needs whatever its profile.
    #[serde(default)]
    pub cloud_config: serde_json::Map<String, Value>,
    /// Kernel arguments.
    #[serde(default)]
    pub kernel_args: Vec<String>,
    /// Folder under `EFI/` in which the signed boot loader looks for its configuration.
    pub efi_vendor: String,
    /// The root filesystem of the distribution's own cloud images.
    pub filesystem: String,
    /// Seconds since 1970: no file in the image is newer.
    #[serde(default)]
    pub source_date_epoch: u64,
    /// Patterns of paths that are deleted at the end of a build.
    #[serde(default)]
    pub removals: Vec<String>,
}

/// Programs that make images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// mmdebstrap in a user namespace.
    Mmdebstrap,
    /// The distribution's own cloud image, booted once.
    CloudImage,
}

/// What OpenStack is told of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenStackFacts {
    /// `os_distro`.
    pub os_distro: String,
    /// `os_version`.
    pub os_version: String,
    /// Image name without the cloud's prefix.
    pub name: String,
}

impl Archive {
    /// Whether a source names a suite: by its suite name, or by its code name where no other suite has it too.
    pub fn is_named(&self, suite: &ArchiveSuite, name: &str) -> bool {
        if let Some(named) = &suite.named {
            return name == named;
        }
        let shared = self.suites.iter().filter(|s| s.codename == suite.codename).count() > 1;
        name == suite.suite || (!shared && name == suite.codename)
    }
}

impl Distro {
    /// Package names that play a role; empty where the distribution has none.
    pub fn package_names(&self, role: &str) -> &[String] {
        self.packages.get(role).map_or(&[], Vec::as_slice)
    }

    /// The unit that plays a role.
    ///
    /// # Errors
    /// The facts name none.
    pub fn unit(&self, role: &str) -> Result<&str, ConfigError> {
        self.units.get(role).map(String::as_str).ok_or_else(|| self.missing("units", role))
    }

    /// The path of a role.
    ///
    /// # Errors
    /// The facts name none.
    pub fn path(&self, role: &str) -> Result<&str, ConfigError> {
        self.paths.get(role).map(String::as_str).ok_or_else(|| self.missing("paths", role))
    }

    /// The unit that listens for SSH's connections.
    ///
    /// # Errors
    /// The facts name none.
    pub fn ssh_listener(&self) -> Result<&str, ConfigError> {
        self.unit(if self.ssh_socket_activated { "ssh-socket" } else { "ssh" })
    }

    fn missing(&self, map: &str, role: &str) -> ConfigError {
        ConfigError::plain(format!("images/{}.yaml: `{map}` names no `{role}`", self.id))
    }
}
