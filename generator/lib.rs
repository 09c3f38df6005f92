//! ironseed: hardening profiles, everything rendered from them, and the proof that an image
//! meets them. See `ARCHITECTURE.md` for the shape.

pub mod build;
pub mod effective;
pub mod fat;
pub mod location;
pub mod target;
