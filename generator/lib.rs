//! ironseed: hardening profiles, everything rendered from them, and the proof that an image
//! meets them. See `ARCHITECTURE.md` for the shape.

pub mod effective;
pub mod location;
pub mod target;
