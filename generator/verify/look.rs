//! What a setting kind may look at: the target's tree, the running system, and what was read of
//! them before, kept so that each file is read once for all checks.

use std::cell::OnceCell;
use std::result::Result;

use jiff::civil::Date;

use super::Selection;
use super::running::{self, Listener};
use super::scan::{self, Scan};
use super::start;
use crate::distro::PackageBackend;
use crate::effective::accounts::{self, Accounts, Login};
use crate::effective::apt::{AptConf, Sources};
use crate::effective::audit::{self, AuditRules};
use crate::effective::cloud_init::CloudConfig;
use crate::effective::dpkg;
use crate::effective::firewall::RuleSet;
use crate::effective::journald::{self, Journald};
use crate::effective::kernel::{self, Kernels};
use crate::effective::modprobe::{self, Modprobe};
use crate::effective::os_release::{self, OsRelease};
use crate::effective::packages::{Files, Packages};
use crate::effective::rpm;
use crate::effective::rsyslog::{self, Rsyslog};
use crate::effective::selinux::{self, Selinux};
use crate::effective::sshd::{self, CommandLine, SshdConfig};
use crate::effective::sudoers::{self, Sudoers};
use crate::effective::suspects::Suspects;
use crate::effective::sysctl::{self, Sysctls};
use crate::effective::systemd::Units;
use crate::plan::Plan;
use crate::target::{Exec, Root, TargetError};

/// What kind of machine the files belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// An image that instances will be made of.
    Image,
    /// An instance that has its own identity already.
    Instance,
}

/// A verifier's view of the target.
pub struct Look<'a> {
    /// The files.
    pub root: Root<'a>,
    /// What is wanted.
    pub plan: &'a Plan,
    /// Image or instance.
    pub nature: Nature,
    /// The day (UTC) that dates are held against.
    pub today: Date,
    selection: Option<&'a Selection>,
    exec: Option<&'a dyn Exec>,
    readers: Readers<'a>,
}

/// What a reader gave, or why it could not: in words, for an observation's reason.
type Read<T> = Result<T, String>;

/// What was read before.
#[derive(Default)]
struct Readers<'a> {
    accounts: OnceCell<Read<Accounts>>,
    apt_conf: OnceCell<Read<AptConf>>,
    apt_sources: OnceCell<Read<Sources>>,
    audit_rules: OnceCell<Read<AuditRules>>,
    cloud_config: OnceCell<Read<CloudConfig>>,
    firewall: OnceCell<Read<RuleSet>>,
    firewall_running: OnceCell<Read<RuleSet>>,
    journald: OnceCell<Read<Journald>>,
    kernels: OnceCell<Read<Kernels>>,
    listeners: OnceCell<Read<Vec<Listener>>>,
    logins: OnceCell<Read<Vec<Login>>>,
    os_release: OnceCell<Read<OsRelease>>,
    packaged_units: OnceCell<Read<Files>>,
    packages: OnceCell<Read<Packages>>,
    rsyslog: OnceCell<Read<Option<Rsyslog>>>,
    scan: OnceCell<Read<Scan>>,
    selinux: OnceCell<Read<Option<Selinux>>>,
    sshd: OnceCell<Read<SshdConfig>>,
    sshd_dump: OnceCell<Read<Vec<(String, String)>>>,
    modprobe: OnceCell<Read<Modprobe>>,
    sudoers: OnceCell<Read<Option<Sudoers>>>,
    suspects: OnceCell<Read<Suspects>>,
    sysctls: OnceCell<Read<Sysctls>>,
    systemd: OnceCell<Read<Units<'a>>>,
}

/// Gives a cell's value, read at the first time.
macro_rules! once {
    ($self:ident . $cell:ident, $read:expr) => {
        $self.readers.$cell.get_or_init(|| $read).as_ref().map_err(String::clone)
    };
}

// Behind the macro, which it uses.
mod firewall;

impl<'a> Look<'a> {
    /// A view of files alone.
    pub fn new(root: Root<'a>, plan: &'a Plan, nature: Nature, today: Date) -> Self {
        Self { root, plan, nature, today, selection: None, exec: None, readers: Readers::default() }
    }

    /// The same on a running system that can be asked.
    #[must_use]
    pub fn asking(mut self, exec: &'a dyn Exec) -> Self {
        self.exec = Some(exec);
        self
    }

    /// The same without some checks.
    #[must_use]
    pub fn selecting(mut self, selection: &'a Selection) -> Self {
        self.selection = Some(selection);
        self
    }

    /// Whether a check is not looked at.
    pub fn leaves_out(&self, check: &str) -> bool {
        self.selection.is_some_and(|s| s.leaves_out(check))
    }

    /// The running system.
    ///
    /// # Errors
    /// There is none: only files are looked at.
    pub fn exec(&self) -> Read<&'a dyn Exec> {
        self.exec.ok_or_else(|| "the target does not run here".to_owned())
    }

    /// passwd, shadow and group.
    ///
    /// # Errors
    /// As all readers here: the reason why there is nothing to see, in words.
    pub fn accounts(&self) -> Read<&Accounts> {
        once!(self.accounts, {
            let accounts = accounts::read(&self.root).map_err(words)?;
            match accounts.users {
                Some(_) => Ok(accounts),
                None => Err("there is no /etc/passwd".into()),
            }
        })
    }

    /// Every account as a way in.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn logins(&self) -> Read<&Vec<Login>> {
        once!(self.logins, {
            let files = self.sshd().ok().and_then(|s| s.global("AuthorizedKeysFile"));
            let files =
                files.map_or_else(|| ".ssh/authorized_keys .ssh/authorized_keys2".into(), |f| f.value);
            let patterns: Vec<&str> = files.split_whitespace().collect();
            accounts::who_can_login(&self.root, self.accounts()?, &patterns).map_err(words)
        })
    }

    /// apt's merged configuration.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn apt_conf(&self) -> Read<&AptConf> {
        once!(self.apt_conf, AptConf::read(self.root).map_err(words))
    }

    /// apt's sources.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn apt_sources(&self) -> Read<&Sources> {
        once!(self.apt_sources, Sources::read(self.root).map_err(words))
    }

    /// The audit system's rules.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn audit_rules(&self) -> Read<&AuditRules> {
        once!(self.audit_rules, audit::read(self.root).map_err(words))
    }

    /// cloud-init's own configuration.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn cloud_config(&self) -> Read<&CloudConfig> {
        once!(
            self.cloud_config,
            found(
                CloudConfig::read(self.root),
                "cloud-init is not installed: there is no /etc/cloud/cloud.cfg"
            )
        )
    }

    /// journald's configuration.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn journald(&self) -> Read<&Journald> {
        once!(self.journald, found(journald::read(self.root), "systemd-journald is not installed"))
    }

    /// Installed kernels, and the one that boots.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn kernels(&self) -> Read<&Kernels> {
        once!(self.kernels, {
            let order = match self.plan.distro.backends.packages {
                PackageBackend::Apt => dpkg::compare_versions,
                PackageBackend::Dnf | PackageBackend::Yum => rpm::compare_releases,
            };
            found(kernel::read(self.root, order), "there is no kernel in /boot")
        })
    }

    /// Listening sockets of the running system.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn listeners(&self) -> Read<&Vec<Listener>> {
        once!(self.listeners, running::listeners(self.exec()?))
    }

    /// `/etc/os-release`.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn os_release(&self) -> Read<&OsRelease> {
        once!(self.os_release, found(os_release::read(self.root), "there is no /etc/os-release"))
    }

    /// The package database.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn packages(&self) -> Read<&Packages> {
        once!(
            self.packages,
            match self.plan.distro.backends.packages {
                PackageBackend::Apt => found(
                    dpkg::Database::read(self.root),
                    "there is no package database /var/lib/dpkg/status"
                )
                .map(Packages::Dpkg),
                PackageBackend::Dnf | PackageBackend::Yum => found(
                    rpm::Database::read(self.root),
                    "there is no package database in /usr/lib/sysimage/rpm or /var/lib/rpm"
                )
                .map(Packages::Rpm),
            }
        )
    }

    /// Which package ships each of systemd's units and their drop-ins, and with which digest.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn packaged_units(&self) -> Read<&Files> {
        once!(self.packaged_units, {
            let is_unit = |path: &[u8]| {
                let path = path.strip_prefix(b"usr/").unwrap_or(path);
                [&b"lib/systemd/system/"[..], b"etc/systemd/system/"].iter().any(|f| path.starts_with(f))
            };
            self.packages()?.files(self.root, is_unit).map_err(words)
        })
    }

    /// rsyslog's configuration, where it is installed.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn rsyslog(&self) -> Read<&Option<Rsyslog>> {
        once!(self.rsyslog, rsyslog::read(self.root).map_err(words))
    }

    /// Every byte of every file, scanned for secrets.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn scan(&self) -> Read<&Scan> {
        once!(self.scan, scan::scan(self.root, self.packages().ok()).map_err(words))
    }

    /// What a boot makes of SELinux; `None` where it has no configuration.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn selinux(&self) -> Read<&Option<Selinux>> {
        once!(self.selinux, {
            let boot = self.kernels().ok().and_then(|kernels| kernels.boots.as_ref().ok());
            selinux::read(self.root, boot).map_err(words)
        })
    }

    /// sshd's configuration, as the boot starts it.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn sshd(&self) -> Read<&SshdConfig> {
        once!(self.sshd, {
            let started = CommandLine::parse(&start::sshd_arguments(self)?);
            let main = started.main.clone().unwrap_or_default();
            let read = sshd::read(&self.root, started, self.plan.distro.versions.openssh);
            let config = found(read, &format!("there is no {main}"))?;
            match config.problems.first() {
                Some(problem) => {
                    Err(format!("sshd refuses its configuration: {}: {}", problem.at, problem.value))
                }
                None => Ok(config),
            }
        })
    }

    /// What the installed sshd says of its configuration.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn sshd_dump(&self) -> Read<&Vec<(String, String)>> {
        once!(self.sshd_dump, {
            let sshd = self.plan.distro.path("ssh-server").map_err(|e| e.to_string())?;
            running::sshd_dump(self.exec()?, sshd, self.sshd()?.started())
        })
    }

    /// What modprobe does instead of loading modules.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn modprobe(&self) -> Read<&Modprobe> {
        once!(self.modprobe, modprobe::read(self.root).map_err(words))
    }

    /// Every file whose metadata may give rights away.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn suspects(&self) -> Read<&Suspects> {
        once!(self.suspects, Suspects::find(self.root).map_err(words))
    }

    /// The kernel's switches that the boot sets.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn sysctls(&self) -> Read<&Sysctls> {
        once!(self.sysctls, sysctl::read(self.root).map_err(words))
    }

    /// sudo's rules, where sudo is installed.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn sudoers(&self) -> Read<&Option<Sudoers>> {
        once!(self.sudoers, sudoers::read(&self.root).map_err(words))
    }

    /// systemd's units.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn systemd(&self) -> Read<&Units<'a>> {
        once!(self.systemd, {
            let units = Units::read(self.root, self.plan.distro.versions.systemd);
            units.and_then(Units::with_generated).map_err(words)
        })
    }
}

/// A reader's value, or in words why there is none.
fn found<T>(read: Result<Option<T>, TargetError>, absent: &str) -> Read<T> {
    read.map_err(words)?.ok_or_else(|| absent.to_owned())
}

fn words(error: TargetError) -> String {
    error.to_string()
}
