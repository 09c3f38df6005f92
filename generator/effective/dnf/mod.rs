//! dnf: its configuration, and what its automatic runs would do.
//!
//! Owns the language of dnf's `.conf` and `.repo` files, the options of `dnf.conf` that decide
//! what is installed, and dnf-automatic's. When a run starts is systemd's: an [`Invocation`] is
//! taken from the arguments of the unit that starts it.
//!
//! dnf is Python, but it reads its files by libdnf's own parser (`libdnf/utils/iniparser`), and
//! so does dnf5: no interpolation, no `:`, no comment behind a value.

mod advisories;
mod automatic;
mod ini;
mod main_conf;

pub use advisories::{Advisories, Pending, advisories};
pub use automatic::{Automatic, Generation, Invocation, UpgradeType, automatic};
pub use ini::{Ini, Problem};
pub use main_conf::{DNF_CONF, MainConf, Repository, YUM_CONF, main_conf, repositories};

/// Words for true and false, in any case (`OptionBool`).
fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "on" => Some(true),
        "0" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
