//! What the *real software* would conclude from its configuration files.
//!
//! One reader per program, each with the program's true precedence. A reader takes a
//! [`Root`](crate::target::Root) and says the effective value and the line that decides it.
//! Readers never import the renderer, the plan or a template: they would otherwise agree with
//! our own output instead of with the program.
pub mod cloud_init;
pub mod dns;
pub mod dpkg;
#[cfg(test)]
mod fixture;
mod glob;
pub mod ini_dropin;
pub mod journald;
pub mod kernel;
pub mod mail;
pub mod ntp;
pub mod os_release;
pub mod reach;
pub mod rsyslog;
pub mod secrets;
