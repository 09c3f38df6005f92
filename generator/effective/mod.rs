//! What the *real software* would conclude from its configuration files.
//!
//! One reader per program, each with the program's true precedence. A reader takes a
//! [`Root`](crate::target::Root) and says the effective value and the line that decides it.
//! Readers never import the renderer, the plan or a template: they would otherwise agree with
//! our own output instead of with the program.

pub mod accounts;
pub mod apt;
pub mod audit;
pub mod authselect;
pub mod cloud_init;
pub mod coredump;
pub mod crypto_policies;
pub mod deb822;
pub mod dnf;
pub mod dns;
pub mod dpkg;
pub mod fail2ban;
pub mod files;
mod filevercmp;
pub mod firewall;
pub mod fstab;
mod glob;
pub mod ini_dropin;
pub mod journald;
pub mod kernel;
pub mod keyvalue;
pub mod limits;
mod lines;
pub mod mail;
pub mod modprobe;
mod network;
pub mod ntp;
pub mod os_release;
pub mod packages;
pub mod pam;
pub mod profile;
pub mod python_ini;
pub mod reach;
pub mod rpm;
pub mod rsyslog;
pub mod secrets;
pub mod selinux;
mod shell;
pub mod sshd;
pub mod sudoers;
pub mod suspects;
pub mod sysctl;
pub mod systemd;
pub mod yum_cron;

#[cfg(test)]
pub mod testing;
