//! Setting kinds: the vocabulary that checks are written in.
//!
//! A kind owns its fields, how it is rendered, how it is observed and what it accepts. Kinds are
//! code, one file each; instances are data in `profiles/checks/`. To add one: its file, its
//! template, its row in `kinds!` below.

mod accounts;
mod announcements;
mod audit_rules;
mod authselect;
mod ban;
mod cleartext;
mod cloud_config;
mod drop_in;
mod file;
mod file_mode;
mod file_scan;
mod firewall;
mod group;
mod host_key;
mod hygiene;
mod journald;
mod kernel;
mod kernel_argument;
mod kernel_module;
mod key_value;
mod log_files;
mod log_transport;
mod moduli;
mod mount;
pub mod order;
mod overruled;
mod package;
mod pam;
mod pending_updates;
mod permissions;
mod ports;
mod privileges;
mod release_supported;
mod secrets;
mod self_verification;
mod selinux;
mod server_scope;
mod services;
mod ssh_login;
mod ssh_port;
mod sshd;
mod sshd_main;
mod sudo_default;
mod sysctl;
mod unit;
mod update_reboot;
mod updates;

#[cfg(test)]
mod fixture;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::self_verification::SelfVerification;

use self::order::{Aspect, Direction};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::observation::{Observation, Plane};
use crate::render::{Bundle, Context};
use crate::verify::{Look, Outside};

/// What every setting kind can do.
pub trait Kind: Sized {
    /// What it is, in one line, for `ironseed list settings`.
    const SUMMARY: &'static str;

    /// Which of two values is stricter, in one line for people; `None` where no value of the kind is.
    const ORDER: Option<&'static str>;

    /// Whether the kind can only look: nothing that a bundle carries brings it about.
    const OBSERVES_ONLY: bool = false;

    /// The planes on which an instance can be observed. A plane named here and not observed is
    /// reported as unobserved, never passed over.
    fn planes(&self) -> &'static [Plane];

    /// Why the setting makes no sense on a distribution, if it does not.
    fn not_applicable(&self, _distro: &Distro) -> Option<String> {
        None
    }

    /// What is wanted, in a few words.
    fn wanted(&self) -> String;

    /// What an instance is about: two plans are compared where they want something of the same subject. Empty where
    /// the kind has one subject.
    fn subject(&self) -> String;

    /// What is wanted of the subject, each with its order: whatever differs between two instances of one subject and changes
    /// what is wanted differs in one of them.
    fn aspects(&self) -> Vec<Aspect>;

    /// Which way it goes when the setting is added to a plan.
    fn presence(&self) -> Direction {
        Direction::Tighter
    }

    /// Adds all instances of the kind to the bundle. Kinds that only observe leave it empty, and say
    /// so in [`Kind::OBSERVES_ONLY`].
    ///
    /// # Errors
    /// A template that fails, or a conflict with another item.
    fn render(
        _all: &[Wanted<'_, Self>],
        _context: &Context<'_>,
        _bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        Ok(())
    }

    /// Looks at the target on one plane.
    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation>;

    /// Files that are the setting's own, whole: who finds them need not ask who put them there.
    fn writes(&self, _distro: &Distro) -> Vec<String> {
        Vec::new()
    }

    /// Units that start at boot because of the setting, beside those that the distribution's facts name.
    fn starts(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a stranger on the network saw of it, on the running plane; most kinds are not seen
    /// from there.
    fn observe_outside(&self, _outside: &Outside) -> Vec<Observation> {
        Vec::new()
    }
}

/// A setting and the check that wants it.
pub struct Wanted<'a, K> {
    /// What is wanted.
    pub setting: &'a K,
    /// The check's id.
    pub check: &'a str,
}

/// The ids of the checks behind some settings, each once, in order.
pub fn checks_of<'a, K>(all: &[Wanted<'a, K>]) -> Vec<&'a str> {
    let mut ids: Vec<&str> = Vec::new();
    for wanted in all {
        if !ids.contains(&wanted.check) {
            ids.push(wanted.check);
        }
    }
    ids
}

macro_rules! kinds {
    ($($name:literal $variant:ident($kind:ty),)*) => {
        /// One typed piece of desired state.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        pub enum Setting {
            $(
                #[doc = concat!("`", $name, "`")]
                #[serde(rename = $name)]
                $variant($kind),
            )*
        }

        /// Every kind's name in YAML and what it is, in the order of rendering.
        pub const KINDS: &[(&str, &str)] = &[$(($name, <$kind as Kind>::SUMMARY),)*];

        /// Every kind's name in YAML and its [`Kind::ORDER`].
        pub const ORDERS: &[(&str, Option<&str>)] = &[$(($name, <$kind as Kind>::ORDER),)*];

        impl Setting {
            /// The kind's name in YAML.
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// See [`Kind::planes`].
            pub fn planes(&self) -> &'static [Plane] {
                match self { $(Self::$variant(s) => s.planes(),)* }
            }

            /// See [`Kind::OBSERVES_ONLY`].
            pub fn observes_only(&self) -> bool {
                match self { $(Self::$variant(_) => <$kind as Kind>::OBSERVES_ONLY,)* }
            }

            /// See [`Kind::not_applicable`].
            pub fn not_applicable(&self, distro: &Distro) -> Option<String> {
                match self { $(Self::$variant(s) => s.not_applicable(distro),)* }
            }

            /// See [`Kind::wanted`].
            pub fn wanted(&self) -> String {
                match self { $(Self::$variant(s) => s.wanted(),)* }
            }

            /// See [`Kind::subject`].
            pub fn subject(&self) -> String {
                match self { $(Self::$variant(s) => s.subject(),)* }
            }

            /// See [`Kind::aspects`].
            pub fn aspects(&self) -> Vec<Aspect> {
                match self { $(Self::$variant(s) => s.aspects(),)* }
            }

            /// See [`Kind::presence`].
            pub fn presence(&self) -> Direction {
                match self { $(Self::$variant(s) => s.presence(),)* }
            }

            /// See [`Kind::observe`].
            pub fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
                match self { $(Self::$variant(s) => s.observe(look, plane),)* }
            }

            /// See [`Kind::writes`].
            pub fn writes(&self, distro: &Distro) -> Vec<String> {
                match self { $(Self::$variant(s) => s.writes(distro),)* }
            }

            /// See [`Kind::starts`].
            pub fn starts(&self) -> &'static [&'static str] {
                match self { $(Self::$variant(s) => s.starts(),)* }
            }

            /// See [`Kind::observe_outside`].
            pub fn observe_outside(&self, outside: &Outside) -> Vec<Observation> {
                match self { $(Self::$variant(s) => s.observe_outside(outside),)* }
            }
        }

        /// Renders every setting of the plan, kind by kind in the order of the list.
        ///
        /// # Errors
        /// The first kind that can't be rendered.
        pub fn render_all(context: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
            $({
                let all: Vec<Wanted<'_, $kind>> = context.plan.settings()
                    .filter_map(|(check, setting)| match setting {
                        Setting::$variant(setting) => Some(Wanted { setting, check }),
                        _ => None,
                    })
                    .collect();
                if !all.is_empty() {
                    <$kind>::render(&all, context, bundle)?;
                }
            })*
            Ok(())
        }
    };
}

kinds! {
    "sshd" Sshd(sshd::Sshd),
    "ssh-port" SshPort(ssh_port::SshPort),
    "ssh-login" SshLogin(ssh_login::SshLogin),
    "cloud-config" CloudConfig(cloud_config::CloudConfig),
    "package" Package(package::Package),
    "unit" Unit(unit::Unit),
    "updates" Updates(updates::Updates),
    "update-reboot" UpdateReboot(update_reboot::UpdateReboot),
    "pending-updates" PendingUpdates(pending_updates::PendingUpdates),
    "release-supported" ReleaseSupported(release_supported::ReleaseSupported),
    "firewall" Firewall(firewall::Firewall),
    "ports" Ports(ports::Ports),
    "ban" Ban(ban::Ban),
    "services" Services(services::Services),
    "accounts" Accounts(accounts::Accounts),
    "privileges" Privileges(privileges::Privileges),
    "secrets" Secrets(secrets::Secrets),
    "kernel" Kernel(kernel::Kernel),
    "server-scope" ServerScope(server_scope::ServerScope),
    "cleartext" Cleartext(cleartext::Cleartext),
    "journald" Journald(journald::Journald),
    "log-transport" LogTransport(log_transport::LogTransport),
    "log-files" LogFiles(log_files::LogFiles),
    "announcements" Announcements(announcements::Announcements),
    "hygiene" Hygiene(hygiene::Hygiene),
    "file" File(file::File),
    "file-mode" FileMode(file_mode::FileMode),
    "key-value" KeyValue(key_value::KeyValue),
    "sysctl" Sysctl(sysctl::Sysctl),
    "kernel-module" KernelModule(kernel_module::KernelModule),
    "sudo-default" SudoDefault(sudo_default::SudoDefault),
    "sshd-main" SshdMain(sshd_main::SshdMain),
    "host-key" HostKey(host_key::HostKey),
    "moduli" Moduli(moduli::Moduli),
    "group" Group(group::Group),
    "pam-profile" PamProfile(pam::PamProfile),
    "pam-rule" PamRule(pam::PamRule),
    "authselect" Authselect(authselect::Authselect),
    "audit-rules" AuditRules(audit_rules::AuditRules),
    "mount" Mount(mount::Mount),
    "kernel-argument" KernelArgument(kernel_argument::KernelArgument),
    "file-scan" FileScan(file_scan::FileScan),
    "selinux" Selinux(selinux::Selinux),
    "self-verification" SelfVerification(SelfVerification),
}
