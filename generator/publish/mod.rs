//! Publishing: only what passed, and exactly the bytes that passed.
//!
//! [`gate`] owns the decision, [`directory`] the store. Neither looks into an image: the report
//! says what was found, and the image's hash ties the two together.

pub mod directory;
pub mod evidence;
pub mod gate;
mod properties;

pub use evidence::{Evidence, Signing};
pub use gate::{Passed, Refusal};
pub use properties::Properties;
