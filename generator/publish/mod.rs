//! Publishing: only what passed, and exactly the bytes that passed.
//!
//! [`gate`] owns the decision, [`directory`] and [`glance`] each a store. None looks into an image: the report
//! says what was found, and the image's hash ties the two together.

pub mod directory;
pub mod evidence;
pub mod gate;
pub mod glance;
mod properties;
mod store;

pub use evidence::{Evidence, Signing};
pub use gate::{Passed, Refusal};
pub use properties::Properties;
pub use store::Store;
