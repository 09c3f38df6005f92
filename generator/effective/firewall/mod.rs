//! What a packet filter lets in: one model for every backend, and the answers it gives.
//!
//! A backend's reader makes a [`RuleSet`]; the questions are asked of the rule set alone:
//! who reaches which port ([`RuleSet::reach`], [`RuleSet::openings`]), and what becomes of the
//! rest ([`RuleSet::input_default`], [`RuleSet::forward_default`]). The packet in question is
//! always the first of a new connection, from another host, for this host.
//!
//! What a reader or the judge does not know makes the answer [`Unobserved`](Reach::Unobserved);
//! it never counts as closed, nor as open.

mod boot;
#[cfg(test)]
mod boot_tests;
mod compile;
mod firewalld;
mod flows;
mod iptables;
mod judge;
mod model;
mod names;
mod nft_cursor;
mod nft_flags;
mod nft_json;
mod nft_lex;
mod nft_raw;
mod nft_rule;
mod nft_text;
mod nft_values;
mod ranges;
mod selector;
#[cfg(test)]
mod tests;
mod ufw;

pub use self::iptables::{iptables_file, iptables_listing};
pub use boot::{Active, AtBoot, Backend, Setup, at_boot, iptables};
pub use firewalld::firewalld;
pub use judge::{Fate, Opening, Protocol, Reach, Sources};
pub use model::{Family, RuleSet, Unknown};
pub use nft_json::nftables_listing;
pub use nft_text::nftables_file;
pub use ranges::Ranges;
pub use ufw::ufw;
