//! The policy of automatic upgrades: apt's periodic jobs and unattended-upgrades.
//!
//! Owns what these programs read from apt's configuration. Whether their package is installed
//! and their timers start is for [`dpkg`](crate::effective::dpkg) and
//! the systemd reader to say.

mod glob;
mod origins;
#[cfg(test)]
mod tests;

pub use origins::{BadRule, OriginRules, Verdict};

use super::conf::AptConf;
use crate::location::Sourced;

/// How often a periodic job runs, as `/usr/lib/apt/apt.systemd.daily` reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Exactly `0`: never.
    Off,
    /// `always`: each time the timer fires.
    Always,
    /// At most once in this many seconds (days without a suffix; `s`, `m`, `h`, `d`).
    Every(u64),
    /// Neither: the script's arithmetic fails and nobody should rely on what follows.
    Invalid(String),
}

impl Interval {
    fn parse(text: &str) -> Self {
        match text {
            "0" => return Self::Off,
            "always" => return Self::Always,
            _ => {}
        }
        let (number, unit) = match text.char_indices().last() {
            Some((at, 's')) => (&text[..at], 1),
            Some((at, 'm')) => (&text[..at], 60),
            Some((at, 'h')) => (&text[..at], 3600),
            Some((at, 'd')) => (&text[..at], 86_400),
            _ => (text, 86_400),
        };
        let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
        seconds.map_or_else(|| Self::Invalid(text.to_owned()), Self::Every)
    }

    /// Whether the job runs at all.
    pub fn runs(&self) -> bool {
        matches!(self, Self::Always | Self::Every(_))
    }
}

/// What the automatic upgrades of a target are set to. `None` is a value that isn't set; the
/// program's default for it is named at the field.
#[derive(Clone, Debug)]
pub struct UpdatePolicy {
    /// Lines that apt refuses; with even one nothing is updated at all.
    pub broken: Vec<Sourced<String>>,
    /// `APT::Periodic::Enable`: false turns all periodic jobs off. Default true.
    pub enable: Option<Sourced<bool>>,
    /// `APT::Periodic::Update-Package-Lists`. Default off.
    pub update_lists: Option<Sourced<Interval>>,
    /// `APT::Periodic::Unattended-Upgrade`. Default off.
    pub unattended_upgrade: Option<Sourced<Interval>>,
    /// `Automatic-Reboot`. Default false: a new kernel never runs.
    pub reboot: Option<Sourced<bool>>,
    /// `Automatic-Reboot-Time`, a time of `shutdown -r`. Default `now`.
    pub reboot_time: Option<Sourced<String>>,
    /// `Automatic-Reboot-WithUsers`: also while somebody is logged in. Default true.
    pub reboot_with_users: Option<Sourced<bool>>,
    /// `Package-Blacklist`: Python regular expressions, matched at a name's start, of packages
    /// never upgraded.
    pub blacklist: Vec<Sourced<String>>,
    /// `Package-Whitelist`, likewise: where there are any, only these are chosen for upgrade.
    pub whitelist: Vec<Sourced<String>>,
    /// `Remove-Unused-Kernel-Packages`. Default true.
    pub remove_unused_kernels: Option<Sourced<bool>>,
    /// `Remove-Unused-Dependencies`. Default false.
    pub remove_unused: Option<Sourced<bool>>,
    /// `DevRelease`, a boolean or `auto`. Default true.
    pub dev_release: Option<Sourced<String>>,
    /// `MinimalSteps`. Default true.
    pub minimal_steps: Option<Sourced<bool>>,
    /// `Update-Days`: where there are any, upgrades run only on these days of the week.
    pub update_days: Vec<Sourced<String>>,
}

impl UpdatePolicy {
    /// The policy of a configuration.
    pub fn read(conf: &AptConf) -> Self {
        let own = |name: &str| format!("Unattended-Upgrade::{name}");
        let flag = |name: &str| conf.boolean(&own(name));
        let list = |name: &str| conf.list(&own(name)).into_iter().cloned().collect();
        let interval = |name: &str| {
            let value = conf.get(name)?;
            Some(Sourced::new(Interval::parse(&value.value), value.at.clone()))
        };
        // The script compares with the number 0; a word is an error to it and changes nothing.
        let enable = conf.get("APT::Periodic::Enable").map(|value| {
            let off = value.value.trim().parse::<i64>() == Ok(0);
            Sourced::new(!off, value.at.clone())
        });
        Self {
            broken: conf.broken().to_vec(),
            enable,
            update_lists: interval("APT::Periodic::Update-Package-Lists"),
            unattended_upgrade: interval("APT::Periodic::Unattended-Upgrade"),
            reboot: flag("Automatic-Reboot"),
            reboot_time: conf.get(&own("Automatic-Reboot-Time")).cloned(),
            reboot_with_users: flag("Automatic-Reboot-WithUsers"),
            blacklist: list("Package-Blacklist"),
            whitelist: list("Package-Whitelist"),
            remove_unused_kernels: flag("Remove-Unused-Kernel-Packages"),
            remove_unused: flag("Remove-Unused-Dependencies"),
            dev_release: conf.get(&own("DevRelease")).cloned(),
            minimal_steps: flag("MinimalSteps"),
            update_days: list("Update-Days"),
        }
    }

    /// Whether the periodic job installs upgrades: enabled, with an interval, in a configuration
    /// that apt accepts. It says nothing of where upgrades may come from: see [`OriginRules`].
    pub fn installs_upgrades(&self) -> bool {
        self.broken.is_empty()
            && self.enable.as_ref().is_none_or(|e| e.value)
            && self.unattended_upgrade.as_ref().is_some_and(|i| i.value.runs())
    }
}
