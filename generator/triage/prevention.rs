//! Which of our checks would have kept a finding from coming up.
//!
//! Owns the file that says so, and its matching. Knows checks by their names alone.

use regex::bytes::{RegexBuilder, RegexSet, RegexSetBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::finding::{Finding, Kind, Place};
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::yaml::{self, Spanned};

/// The file.
pub const FILE: &str = "profiles/triage/prevention.yaml";

/// Checks that keep a kind of findings from coming up. A rule counts where everything that it names fits.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Prevention")]
pub struct Rule {
    /// Ids of checks.
    #[schemars(length(min = 1))]
    checks: Vec<String>,
    /// Why.
    because: String,
    /// Regular expressions, one of which fits the title; case does not matter.
    #[serde(default)]
    titles: Vec<String>,
    /// Regular expressions, one of which fits the scanner's family.
    #[serde(default)]
    families: Vec<String>,
    /// Regular expressions, one of which fits the place: a package with its version, or a port such as `tcp/22`.
    #[serde(default)]
    places: Vec<String>,
    /// Ids of the scanner.
    #[serde(default)]
    ids: Vec<String>,
    /// Sorts of findings.
    #[serde(default)]
    kinds: Vec<Kind>,
    /// Whether it is in a package of the distribution.
    #[serde(default)]
    package: bool,
    /// Whether there is a fixed version.
    #[serde(default)]
    fixable: bool,
    /// Whether it was found through a port.
    #[serde(default)]
    remote: bool,
    /// Ports through which it does not count.
    #[serde(default)]
    except_ports: Vec<u16>,
    /// Whether the host's release is past its end of life.
    #[serde(default)]
    past_end_of_life: bool,
}

/// The expressions of all rules for one thing, matched at once.
#[derive(Debug)]
struct Patterns {
    set: RegexSet,
    /// The rule of each.
    rules: Vec<usize>,
}

impl Patterns {
    /// The rules of which an expression fits.
    fn rules(&self, text: &str) -> Vec<usize> {
        self.set
            .matches(text.as_bytes())
            .into_iter()
            .filter_map(|pattern| self.rules.get(pattern).copied())
            .collect()
    }
}

/// All rules.
#[derive(Debug)]
pub struct Prevention {
    rules: Vec<Rule>,
    titles: Patterns,
    families: Patterns,
    places: Patterns,
}

impl Prevention {
    /// Reads the file.
    ///
    /// # Errors
    /// A broken file, or an expression that is none.
    pub fn load(assets: &Assets) -> Result<Self, ConfigError> {
        let source = assets.get(FILE)?.ok_or_else(|| ConfigError::plain(format!("there is no {FILE}")))?;
        let rules: Vec<Spanned<Rule>> = yaml::parse(&source)?;
        let patterns = |of: fn(&Rule) -> &Vec<String>| {
            let mut all: Vec<&str> = Vec::new();
            let mut owners = Vec::new();
            for (number, rule) in rules.iter().enumerate() {
                for pattern in of(&rule.value) {
                    RegexBuilder::new(pattern).unicode(false).build().map_err(|e| {
                        let why = e.to_string();
                        ConfigError::at(&source, rule.referenced, 1, "a regular expression is none", &why, "")
                    })?;
                    all.push(pattern);
                    owners.push(number);
                }
            }
            // Unicode's word borders would make a title with one letter beyond ASCII take a hundred times as long.
            let set = RegexSetBuilder::new(&all).case_insensitive(true).unicode(false).build();
            let set = set.map_err(|e| ConfigError::plain(format!("{}: {e}", source.name)))?;
            Ok::<_, ConfigError>(Patterns { set, rules: owners })
        };
        let titles = patterns(|rule| &rule.titles)?;
        let families = patterns(|rule| &rule.families)?;
        let places = patterns(|rule| &rule.places)?;
        Ok(Self { rules: rules.into_iter().map(|rule| rule.value).collect(), titles, families, places })
    }

    /// The checks of the rules that count, each once, with the reason.
    pub fn checks(&self, finding: &Finding, past_end_of_life: bool) -> Vec<(&str, &str)> {
        let titles = self.titles.rules(&finding.title);
        let families = finding.family.as_deref().map(|f| self.families.rules(f)).unwrap_or_default();
        let places = self.places.rules(&finding.place.to_string());
        let mut found: Vec<(&str, &str)> = Vec::new();
        for (number, rule) in self.rules.iter().enumerate() {
            let counts = rule.fits(finding, past_end_of_life)
                && (rule.titles.is_empty() || titles.contains(&number))
                && (rule.families.is_empty() || families.contains(&number))
                && (rule.places.is_empty() || places.contains(&number));
            for check in rule.checks.iter().filter(|_| counts) {
                if !found.iter().any(|(known, _)| known == check) {
                    found.push((check, &rule.because));
                }
            }
        }
        found
    }

    /// Every check that a rule names.
    pub fn named(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().flat_map(|rule| rule.checks.iter().map(String::as_str))
    }
}

impl Rule {
    /// Whether everything fits but the expressions.
    fn fits(&self, finding: &Finding, past_end_of_life: bool) -> bool {
        let Self { ids, kinds, package, fixable, remote, except_ports, .. } = self;
        let of_system = matches!(finding.place, Place::Package { of_system: true, .. });
        let through = matches!(&finding.place, Place::Port { number, .. } if !except_ports.contains(number));
        (ids.is_empty() || ids.contains(&finding.id))
            && (kinds.is_empty() || kinds.contains(&finding.kind))
            && (!package || of_system)
            && (!fixable || finding.fixable == Some(true))
            && (!remote || through)
            && (!self.past_end_of_life || past_end_of_life)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Catalogue;

    #[test]
    fn every_check_that_a_rule_names_is_there() {
        let assets = Assets::embedded();
        let catalogue = Catalogue::load(&assets).unwrap();
        let prevention = Prevention::load(&assets).unwrap();
        let unknown: Vec<&str> = prevention.named().filter(|id| catalogue.get(id).is_none()).collect();
        assert_eq!(unknown, [""; 0]);
    }

    #[test]
    fn titles_beyond_ascii_take_no_longer() {
        let prevention = Prevention::load(&Assets::embedded()).unwrap();
        let title = format!("{}…", "remote kernel update weak ssh ".repeat(10));
        let finding = Finding { title, ..Finding::default() };
        let start = std::time::Instant::now();
        (0..20_000).for_each(|_| assert!(!prevention.checks(&finding, false).is_empty()));
        assert!(start.elapsed().as_secs() < 4, "{:?}", start.elapsed());
    }

    #[test]
    fn findings_name_the_checks_that_prevent_them() {
        let prevention = Prevention::load(&Assets::embedded()).unwrap();
        let titled = |title: &str| Finding { title: title.into(), ..Finding::default() };
        let port = |title: &str, number| Finding {
            place: Place::Port { number, protocol: "tcp".into() },
            ..titled(title)
        };
        let local =
            |title: &str| Finding { family: Some("Debian Local Security Checks".into()), ..titled(title) };
        let package = |name: &str, fixable| Finding {
            place: Place::Package { name: name.into(), version: "1".into(), of_system: true, file: None },
            fixable: Some(fixable),
            ..titled("something")
        };
        let cases = [
            (port("SSH Weak Key Exchange Algorithms Enabled", 22), "encrypted-communications"),
            (port("SSH Server CBC Mode Ciphers Enabled", 22), "encrypted-communications"),
            (port("SSH Password Authentication Accepted", 22), "ssh-password-login"),
            (port("Unencrypted Telnet Server", 23), "encrypted-communications"),
            (port("Network Time Protocol (NTP) Mode 6 Scanner", 123), "ntp-restricted"),
            (port("DNS Server Recursive Query Cache Poisoning Weakness", 53), "dns-recursion"),
            (port("MTA Open Mail Relaying Allowed", 25), "mail-server-local"),
            (port("Redis Server Unprotected by Password Authentication", 6379), "host-firewall"),
            (local("Debian DSA-5000-1 : openssl - security update"), "automatic-updates"),
            (local("Debian DSA-5001-1 : linux kernel security update"), "kernel-current"),
            (titled("Unix Operating System Unsupported Version Detection"), "release-supported"),
            (titled("Canonical Ubuntu Linux SEoL (18.04.x)"), "release-supported"),
            (titled("IP Forwarding Enabled"), "network-hardening"),
            (package("openssl", true), "no-pending-updates"),
            (Finding { kind: Kind::Secret, ..titled("AWS Access Key ID") }, "keys-in-image"),
        ];
        for (finding, check) in cases {
            let found: Vec<&str> = prevention.checks(&finding, false).into_iter().map(|(c, _)| c).collect();
            assert!(found.contains(&check), "{}: {found:?}", finding.title);
        }
        // Nothing prevents what nobody fixed.
        assert_eq!(prevention.checks(&package("openssl", false), false), []);
        assert_eq!(prevention.checks(&package("openssl", false), true)[0].0, "release-supported");
        assert_eq!(prevention.checks(&port("SSL Certificate Cannot Be Trusted", 443), false), []);
    }
}
