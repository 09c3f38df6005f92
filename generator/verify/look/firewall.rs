//! The packet filter: as a boot sets it up, and as the kernel has it.

use super::{Look, Read, found, words};
use crate::distro::FirewallBackend;
use crate::effective::firewall::{self, Family, RuleSet, Setup};
use crate::observation::Plane;
use crate::verify::running;

impl Look<'_> {
    /// The packet filter: what all packet filters of a boot let in together, or as the kernel has it.
    ///
    /// # Errors
    /// See [`Look::accounts`].
    pub fn firewall(&self, plane: Plane) -> Read<&RuleSet> {
        match plane {
            Plane::Configured => once!(self.firewall, self.configured_firewall()),
            Plane::Running if self.plan.distro.iptables_apart => once!(self.firewall_running, {
                let listing = |program, family| {
                    let text = running::ask(self.exec()?, &[program])?;
                    firewall::iptables_listing(self.root, &text, family).map_err(words)
                };
                let four = listing("iptables-save", Family::V4)?;
                listing("ip6tables-save", Family::V6).map(|six| four.and(six))
            }),
            // Every backend's rules end in the kernel's nftables.
            Plane::Running => once!(self.firewall_running, {
                let listing = running::ask(self.exec()?, &["nft", "-j", "list", "ruleset"])?;
                let listing = serde_json::from_str(&listing).map_err(|e| format!("nft's JSON: {e}"))?;
                firewall::nftables_listing(&listing)
            }),
        }
    }

    /// What all packet filters of a boot let in together. Where units say what a boot loads, that
    /// counts; a tree without them has the files of its release's firewall.
    fn configured_firewall(&self) -> Read<RuleSet> {
        if let Ok(units) = self.systemd() {
            let boot = firewall::at_boot(self.root, units).map_err(words)?;
            if !boot.active.is_empty() {
                return Ok(boot.rules);
            }
        }
        let setup = match self.plan.distro.backends.firewall {
            FirewallBackend::Nftables => {
                let path = self.plan.distro.path("firewall").map_err(|e| e.to_string())?;
                let absent = format!("there is no {path}, so nothing sets up a firewall");
                return found(firewall::nftables_file(self.root, path), &absent);
            }
            FirewallBackend::Firewalld => firewall::firewalld(self.root),
            FirewallBackend::Ufw => firewall::ufw(self.root),
            FirewallBackend::Iptables => {
                let path = |role| self.plan.distro.path(role).map_err(|e| e.to_string());
                let files = [(path("firewall")?, Family::V4), (path("firewall-6")?, Family::V6)];
                firewall::iptables(self.root, &files)
            }
        };
        match setup.map_err(words)? {
            Setup::Loads(rules) => Ok(rules),
            Setup::Absent => Err("the firewall's program is not installed".into()),
            Setup::Off(at) => Err(format!("the firewall is switched off: {at}")),
        }
    }
}
