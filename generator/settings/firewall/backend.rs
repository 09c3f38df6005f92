//! What each firewall program is given: its files, how it judges them, and how a running one follows.

use serde::Serialize;

use super::Opening;
use crate::diagnostic::ConfigError;
use crate::distro::FirewallBackend;
use crate::render::bundle::{BundleFile, Phase, UnitState};
use crate::render::{Bundle, Context};

/// firewalld's own settings, which name the zone that counts.
const FIREWALLD: &str = "/etc/firewalld/firewalld.conf";

/// ufw's files besides the rules for IPv4: what it does with everything else, and whether it is on.
const UFW_RULES_6: &str = "/etc/ufw/user6.rules";
const UFW_DEFAULTS: &str = "/etc/default/ufw";
const UFW_SWITCH: &str = "/etc/ufw/ufw.conf";

#[derive(Clone, Serialize)]
struct Template {
    profile: String,
    openings: Vec<Opening>,
    /// `6` in the names of chains for IPv6, else empty.
    family: &'static str,
    anywhere: &'static str,
    /// Of the chains that filter: by name, or the number that it stands for.
    priority: &'static str,
    /// Whether the rules themselves have to let neighbour discovery in.
    neighbours: bool,
}

/// Adds the files and commands for some openings.
///
/// # Errors
/// A template that fails, or a conflict with another item.
pub fn render(
    openings: Vec<Opening>,
    context: &Context<'_>,
    bundle: &mut Bundle,
    checks: &[&str],
) -> Result<(), ConfigError> {
    let distro = &context.plan.distro;
    let path = distro.path("firewall")?;
    let profile = context.plan.profile.clone();
    let values = Template {
        profile,
        openings,
        family: "",
        anywhere: "0.0.0.0/0",
        priority: if distro.versions.names_priorities() { "filter" } else { "0" },
        neighbours: !distro.versions.lets_neighbours_in(),
    };
    let make = |template: &str, values: &Template| context.templates.render(template, values.clone());
    match distro.backends.firewall {
        FirewallBackend::Nftables => {
            let content = make("nftables.conf", &values)?;
            bundle.write(BundleFile::config(path, content).mode(0o755), checks)?;
            bundle.validate(&["nft", "-c", "-f", path], "let nft judge the rules", Some(path), checks);
            bundle.run(Phase::Activate, &["nft", "-f", path], "load the firewall's rules", checks);
        }
        FirewallBackend::Firewalld => {
            bundle.write(BundleFile::config(path, make("firewalld-zone.xml", &values)?), checks)?;
            bundle.write(BundleFile::config(FIREWALLD, make("firewalld.conf", &values)?), checks)?;
            for file in [path, FIREWALLD] {
                let judge = ["firewall-offline-cmd", "--check-config"];
                bundle.validate(&judge, "let firewalld judge its zones", Some(file), checks);
            }
            let unit = distro.unit("firewall")?;
            let argv = ["systemctl", distro.versions.reload_verb(), unit];
            bundle.run(Phase::Activate, &argv, "load the firewall's rules", checks);
        }
        FirewallBackend::Iptables => {
            let six = Template { family: "6", ..values.clone() };
            for (file, values, program) in
                [(path, &values, "iptables-restore"), (distro.path("firewall-6")?, &six, "ip6tables-restore")]
            {
                let content = make("iptables.rules", values)?;
                bundle.write(BundleFile::config(file, content).mode(0o600), checks)?;
                let purpose = format!("let {program} judge the rules");
                bundle.validate(&[program, "--test", file], &purpose, Some(file), checks);
                let purpose = format!("load the firewall's rules with {program}");
                // This takes the ban tool's chain away; the ban tool is restarted later.
                bundle.run(Phase::Activate, &[program, file], &purpose, checks);
            }
            for name in distro.package_names("other-firewalls") {
                checks.iter().for_each(|check| bundle.remove_package(name, check));
            }
            if let Some(unit) = distro.units.get("firewall-6") {
                checks.iter().try_for_each(|check| bundle.unit(unit, UnitState::Enabled, check))?;
            }
        }
        FirewallBackend::Ufw => {
            let six = Template { family: "6", anywhere: "::/0", ..values.clone() };
            for (file, values, judge) in
                [(path, &values, "iptables-restore"), (UFW_RULES_6, &six, "ip6tables-restore")]
            {
                let content = make("ufw.rules", values)?;
                bundle.write(BundleFile::config(file, content).mode(0o640), checks)?;
                // Without its switch ufw stays off, and locks nobody out.
                let purpose = format!("let {judge} judge the rules");
                bundle.validate(&[judge, "--test", file], &purpose, Some(UFW_SWITCH), checks);
            }
            bundle.write(BundleFile::config(UFW_DEFAULTS, make("ufw-defaults", &values)?), checks)?;
            bundle.write(BundleFile::config(UFW_SWITCH, make("ufw.conf", &values)?), checks)?;
            bundle.run(Phase::Activate, &["ufw", "reload"], "load the firewall's rules", checks);
        }
    }
    Ok(())
}
