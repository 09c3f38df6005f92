//! What apt and the programs around it conclude from their files.
//!
//! Owns the merged `apt.conf`, the package sources, the archives' `Release` files and the
//! policy of unattended-upgrades. Knows no distribution: ids and code names are parameters.

pub mod conf;
pub mod release;
pub mod sources;
pub mod unattended;

pub use conf::AptConf;
pub use release::{Archive, Pending, pending_upgrades};
pub use sources::{Source, Sources};
pub use unattended::{BadRule, OriginRules, UpdatePolicy, Verdict};
