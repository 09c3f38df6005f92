//! ironseed: hardening profiles, everything rendered from them, and the proof that an image
//! meets them. See `ARCHITECTURE.md` for the shape.

pub mod assets;
pub mod attest;
pub mod bom;
pub mod build;
pub mod carried;
pub mod check;
pub mod cli;
pub mod diagnostic;
pub mod diff;
pub mod distro;
#[cfg(test)]
mod docs;
pub mod effective;
pub mod fat;
pub mod hash;
pub mod lint;
pub mod location;
pub mod observation;
pub mod parameter;
pub mod plan;
pub mod profile;
pub mod publish;
pub mod release;
pub mod remote;
pub mod render;
pub mod report;
pub mod sarif;
pub mod schema;
pub mod settings;
pub mod stock;
pub mod target;
pub mod triage;
pub mod verify;
pub mod version;
pub mod vm;
pub mod yaml;
