//! What a packet filter lets in: one model for every backend, and the answers it gives.
//!
//! A backend's reader makes a [`RuleSet`]; the questions are asked of the rule set alone:
//! who reaches which port ([`RuleSet::reach`], [`RuleSet::openings`]), and what becomes of the
//! rest ([`RuleSet::input_default`], [`RuleSet::forward_default`]). The packet in question is
//! always the first of a new connection, from another host, for this host.
//!
//! What a reader or the judge does not know makes the answer [`Unobserved`](Reach::Unobserved);
//! it never counts as closed, nor as open.

mod compile;
mod judge;
mod model;
mod nft_json;
mod nft_lex;
mod nft_raw;
mod nft_rule;
mod nft_text;
mod ranges;
#[cfg(test)]
mod tests;

pub use judge::{Fate, Opening, Protocol, Reach, Sources};
pub use model::{Family, RuleSet, Unknown};
pub use nft_json::nftables_listing;
pub use nft_text::nftables_file;
pub use ranges::Ranges;
