//! ufw: what `ufw-init start` loads at boot.
//!
//! Follows `/lib/ufw/ufw-init-functions` of ufw 0.36, which gives iptables-restore one text after
//! the other without emptying anything: its own chains, `before.rules`, `after.rules`, `user.rules`
//! and the policies, for IPv4 and, with `IPV6=yes`, for IPv6. Profiles of applications count only
//! while `ufw allow` writes the user's rules, so they are not read.

mod shell;
#[cfg(test)]
mod tests;

use super::Family;
use super::boot::{Setup, first_of};
use super::iptables::Restore;
use super::model::{RuleSet, Unknown};
use super::names::Names;
use crate::location::Location;
use crate::target::{Result, Root};
use shell::Variables;

/// ufw's program, which brings its chains.
const FUNCTIONS: [&str; 2] = ["/usr/lib/ufw/ufw-init-functions", "/lib/ufw/ufw-init-functions"];
const DEFAULTS: &str = "/etc/default/ufw";
const SWITCH: &str = "/etc/ufw/ufw.conf";
/// Directions for which ufw keeps chains.
const DIRECTIONS: [(&str, &str, &str); 3] = [
    ("INPUT", "input", "DEFAULT_INPUT_POLICY"),
    ("OUTPUT", "output", "DEFAULT_OUTPUT_POLICY"),
    ("FORWARD", "forward", "DEFAULT_FORWARD_POLICY"),
];

/// Reads what ufw's start at boot makes of an empty packet filter.
///
/// # Errors
/// A file that can't be read.
pub fn ufw(root: Root<'_>) -> Result<Setup> {
    let Some(functions) = first_of(root, &FUNCTIONS)? else { return Ok(Setup::Absent) };
    let mut unknown = Vec::new();
    let mut variables = Variables::new();
    for path in [DEFAULTS, SWITCH] {
        let text = root.read_text(path)?.filter(|text| !text.is_empty());
        let Some(text) = text else {
            // ufw-init gives up without these.
            return Ok(Setup::Off(Location::file(path)));
        };
        if let Err(more) = shell::source(path, &text, &mut variables) {
            unknown.push(more);
        }
    }
    let enabled = variables.get("ENABLED");
    if unknown.is_empty() && !enabled.is_some_and(|v| ["yes", "YES"].contains(&v.value.as_str())) {
        let at = enabled.map_or_else(|| Location::file(SWITCH), |v| v.at.clone());
        return Ok(Setup::Off(at));
    }
    for script in ["/etc/ufw/before.init", "/etc/ufw/after.init"] {
        if root.resolve(script)?.is_some_and(|found| found.meta.mode & 0o111 != 0) {
            unknown.push(Unknown { at: Location::file(script), text: "ufw runs this script".to_owned() });
        }
    }
    let names = Names::read(root)?;
    let mut rules = RuleSet { unknown, origin: SWITCH.to_owned(), ..RuleSet::default() };
    let mut start =
        Start { root, variables: &variables, functions: Location::file(functions), rules: &mut rules };
    start.family(Family::V4, &names)?;
    if start.text("IPV6").eq("yes") || start.text("IPV6").eq("YES") {
        start.family(Family::V6, &names)?;
    } else {
        start.no_ipv6(&names);
    }
    Ok(Setup::Loads(rules))
}

struct Start<'a> {
    root: Root<'a>,
    variables: &'a Variables,
    functions: Location,
    rules: &'a mut RuleSet,
}

impl Start<'_> {
    fn text(&self, variable: &str) -> &str {
        self.variables.get(variable).map_or("", |value| value.value.as_str())
    }

    /// Loads a text of ufw-init's own.
    fn own(&mut self, restore: &mut Restore<'_>, text: &str, flush: bool, at: Location) {
        self.rules.unknown.extend(restore.run(text, flush, |_| at.clone()).err());
    }

    /// Loads a file; ufw-init goes on where it is missing or refused.
    fn file(&mut self, restore: &mut Restore<'_>, path: &str) -> Result<bool> {
        let text = self.root.read_text(path)?.filter(|text| !text.is_empty());
        if let Some(text) = &text {
            let failed = restore.run(text, false, |line| Location::line(path, line)).err();
            self.rules.unknown.extend(failed);
        }
        Ok(text.is_some())
    }

    fn family(&mut self, family: Family, names: &Names) -> Result<()> {
        let six = if family == Family::V6 { "6" } else { "" };
        let mut restore = Restore::new(family, names);
        let functions = self.functions.clone();
        self.own(&mut restore, &primary_chains(six), false, functions.clone());
        for (_, direction, variable) in DIRECTIONS {
            let text = match self.text(variable) {
                "REJECT" => format!("*filter\n-A ufw{six}-reject-{direction} -j REJECT\nCOMMIT\n"),
                "ACCEPT" => format!(
                    "*filter\n\
                     -A ufw{six}-track-{direction} -p tcp -m conntrack --ctstate NEW -j ACCEPT\n\
                     -A ufw{six}-track-{direction} -p udp -m conntrack --ctstate NEW -j ACCEPT\n\
                     COMMIT\n"
                ),
                _ => continue,
            };
            let at = self.policy_at(variable);
            self.own(&mut restore, &text, false, at);
        }
        let logging = format!("*filter\n:ufw{six}-logging-deny -\n:ufw{six}-logging-allow -\nCOMMIT\n");
        self.own(&mut restore, &logging, false, functions.clone());
        let declared =
            |(_, direction, _): &(&str, &str, &str)| format!(":ufw{six}-skip-to-policy-{direction} -\n");
        let jump = |(_, direction, variable): &(&str, &str, &str)| {
            format!("-A ufw{six}-skip-to-policy-{direction} -j {}\n", self.text(variable))
        };
        let skip = DIRECTIONS.iter().map(declared).chain(DIRECTIONS.iter().map(jump)).collect::<String>();
        let at = self.policy_at("DEFAULT_INPUT_POLICY");
        self.own(&mut restore, &format!("*filter\n{skip}COMMIT\n"), false, at);
        self.file(&mut restore, &format!("/etc/ufw/before{six}.rules"))?;
        self.file(&mut restore, &format!("/etc/ufw/after{six}.rules"))?;
        if self.user_rules(&mut restore, six)? {
            let hook = |(_, direction, _): &(&str, &str, &str)| {
                format!("-A ufw{six}-before-{direction} -j ufw{six}-user-{direction}\n")
            };
            let hooks: String = DIRECTIONS.iter().map(hook).collect();
            self.own(&mut restore, &format!("*filter\n{hooks}COMMIT\n"), false, functions);
        }
        // All three go in one text, and where it is refused no policy is set.
        let valid =
            |(.., variable): &(&str, &str, &str)| ["ACCEPT", "DROP", "REJECT"].contains(&self.text(variable));
        if let Some((.., variable)) = DIRECTIONS.iter().find(|direction| !valid(direction)) {
            let text = format!("iptables-restore refuses the policy {}", self.text(variable));
            let at = self.policy_at(variable);
            self.rules.unknown.push(Unknown { at, text });
        } else {
            for (chain, _, variable) in DIRECTIONS {
                let policy = if self.text(variable) == "REJECT" { "DROP" } else { self.text(variable) };
                let text = format!("*filter\n:{chain} {policy}\nCOMMIT\n");
                let at = self.policy_at(variable);
                self.own(&mut restore, &text, false, at);
            }
        }
        self.rules.tables.extend(restore.tables());
        Ok(())
    }

    /// The user's rules; false where there are none.
    fn user_rules(&mut self, restore: &mut Restore<'_>, six: &str) -> Result<bool> {
        let path = format!("/etc/ufw/user{six}.rules");
        if self.root.read(&path)?.is_none_or(|bytes| bytes.is_empty()) {
            return Ok(false);
        }
        let names = [
            "input",
            "output",
            "forward",
            "logging-input",
            "logging-output",
            "logging-forward",
            "limit",
            "limit-accept",
        ];
        let chains: String = names.iter().map(|name| format!(":ufw{six}-user-{name} -\n")).collect();
        let at = self.functions.clone();
        self.own(restore, &format!("*filter\n{chains}COMMIT\n"), false, at);
        self.file(restore, &path)
    }

    /// With IPv6 off, ufw lets nothing of it in.
    fn no_ipv6(&mut self, names: &Names) {
        let mut restore = Restore::new(Family::V6, names);
        let text = "*filter\n:INPUT DROP\n:FORWARD DROP\n:OUTPUT DROP\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n";
        let at = self.policy_at("IPV6");
        self.own(&mut restore, text, true, at);
        self.rules.tables.extend(restore.tables());
    }

    fn policy_at(&self, variable: &str) -> Location {
        self.variables.get(variable).map_or_else(|| Location::file(DEFAULTS), |value| value.at.clone())
    }
}

/// ufw's first text: the chains that it hangs into the built-in ones.
fn primary_chains(six: &str) -> String {
    const KINDS: [&str; 6] = ["before-logging", "before", "after", "after-logging", "reject", "track"];
    let mut text = String::from("*filter\n");
    for kind in KINDS {
        for (_, direction, _) in DIRECTIONS {
            text += &format!(":ufw{six}-{kind}-{direction} -\n");
        }
    }
    for (chain, direction, _) in DIRECTIONS {
        for kind in KINDS {
            text += &format!("-A {chain} -j ufw{six}-{kind}-{direction}\n");
        }
    }
    text + "COMMIT\n"
}
