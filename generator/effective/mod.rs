//! What the *real software* would conclude from its configuration files.
//!
//! One reader per program, each with the program's true precedence. A reader takes a
//! [`Root`](crate::target::Root) and says the effective value and the line that decides it.
//! Readers never import the renderer, the plan or a template: they would otherwise agree with
//! our own output instead of with the program.

pub mod apt;
pub mod deb822;
pub mod dpkg;
pub mod systemd;
#[cfg(test)]
mod fixture;
