//! Which archives unattended-upgrades takes packages from: `Allowed-Origins` and
//! `Origins-Pattern`, matched as the program does.

use super::glob;
use crate::effective::apt::conf::AptConf;
use crate::effective::apt::release::Archive;
use crate::location::Sourced;

/// Why unattended-upgrade stops with an exception, having upgraded nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: unattended-upgrade stops at the origin {:?}: {reason}", .rule.at, .rule.value)]
pub struct BadRule {
    /// The line it stops at.
    pub rule: Sourced<String>,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// What the rules say of one archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Packages from there are upgraded, because of this line (as written).
    AllowedBy(&'a Sourced<String>),
    /// Locally installed packages, which the program always allows.
    Local,
    /// No line matches.
    Refused,
}

/// The rules in the order in which the program tries them.
#[derive(Debug)]
pub struct OriginRules {
    rules: Vec<Rule>,
    variables: Variables,
}

#[derive(Debug)]
struct Rule {
    /// The line as it stands in the configuration.
    written: Sourced<String>,
    /// The pattern it means, variables replaced.
    pattern: String,
}

#[derive(Debug)]
struct Variables {
    distro_id: String,
    distro_codename: String,
}

impl OriginRules {
    /// The rules of a configuration. The id and the code name are those that `lsb_release -i`
    /// and `-c` print on the target (`Debian`, `bookworm`).
    ///
    /// # Errors
    /// A line at which the program stops before it looks at any archive.
    pub fn read(conf: &AptConf, distro_id: &str, codename: &str) -> Result<Self, BadRule> {
        let variables = Variables { distro_id: distro_id.to_owned(), distro_codename: codename.to_owned() };
        let mut rules = Vec::new();
        for written in conf.list("Unattended-Upgrade::Allowed-Origins") {
            let pattern = variables.legacy(&written.value).map_err(|r| bad(written, r))?;
            rules.push(Rule { written: written.clone(), pattern });
        }
        for written in conf.list("Unattended-Upgrade::Origins-Pattern") {
            let pattern = variables.substitute(&written.value).map_err(|r| bad(written, r))?;
            rules.push(Rule { written: written.clone(), pattern });
        }
        Ok(Self { rules, variables })
    }

    /// The lines, as written, in the order of the program.
    pub fn lines(&self) -> impl Iterator<Item = &Sourced<String>> {
        self.rules.iter().map(|rule| &rule.written)
    }

    /// Whether packages of an archive are upgraded, and because of which line.
    ///
    /// # Errors
    /// A line at which the program stops while it looks at this archive.
    pub fn judge(&self, archive: &Archive) -> Result<Verdict<'_>, BadRule> {
        let local = archive.component == "now" && archive.suite == "now";
        if local && archive.label.is_empty() && archive.site.is_empty() {
            return Ok(Verdict::Local);
        }
        for rule in &self.rules {
            let matched = self.matches(&rule.pattern, archive);
            if matched.map_err(|reason| bad(&rule.written, reason))? {
                return Ok(Verdict::AllowedBy(&rule.written));
            }
        }
        Ok(Verdict::Refused)
    }

    /// The program's `match_whitelist_string`: every token is looked at, so that a bad one stops
    /// it even after one that didn't match.
    fn matches(&self, pattern: &str, archive: &Archive) -> Result<bool, &'static str> {
        let pattern = pattern.trim();
        if pattern.is_empty() {
            return Ok(false);
        }
        let mut matched = true;
        for token in pattern.replace("\\,", "%2C").split(',') {
            let (key, value) = token.split_once('=').ok_or("a token without \"=\"")?;
            if value.contains('=') {
                return Err("a token with two \"=\"");
            }
            let part = |text: &str| text.trim().replace("%2C", ",");
            // Variables are replaced here for the second time, as in the program.
            let value = self.variables.substitute(&part(value))?;
            let field = match part(key).as_str() {
                "o" | "origin" => &archive.origin,
                "l" | "label" => &archive.label,
                "a" | "suite" | "archive" => &archive.suite,
                "c" | "component" => &archive.component,
                "site" => &archive.site,
                "n" | "codename" => &archive.codename,
                _ => return Err("an unknown key"),
            };
            matched &= glob::matches(field, &value);
        }
        Ok(matched)
    }
}

fn bad(rule: &Sourced<String>, reason: &'static str) -> BadRule {
    BadRule { rule: rule.clone(), reason }
}

impl Variables {
    /// `Allowed-Origins` lines: `id:suite` (a `\:` belongs to the id) or `id suite`.
    fn legacy(&self, line: &str) -> Result<String, &'static str> {
        let colons = unescaped_colons(line);
        let (id, suite) = match colons[..] {
            [at] => (&line[..at], &line[at + 1..]),
            [] => {
                let words: Vec<&str> = line.split_whitespace().collect();
                let [id, suite] = words[..] else { return Err("not an id and a suite") };
                (id, suite)
            }
            _ => return Err("more than one colon"),
        };
        let id = escape_commas(&id.replace("\\:", ":"));
        let suite = escape_commas(suite);
        Ok(format!("o={},a={}", self.substitute(&id)?, self.substitute(&suite)?))
    }

    /// Python's `string.Template.substitute`: `$name`, `${name}` and `$$`.
    fn substitute(&self, text: &str) -> Result<String, &'static str> {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            result.push_str(&rest[..at]);
            let after = &rest[at + 1..];
            if let Some(after) = after.strip_prefix('$') {
                result.push('$');
                rest = after;
                continue;
            }
            let (name, after) = match after.strip_prefix('{') {
                Some(braced) => braced.split_once('}').ok_or("a \"${\" without its end")?,
                None => after.split_at(name_length(after)),
            };
            if name.is_empty() || name_length(name) != name.len() {
                return Err("a \"$\" without a name");
            }
            result.push_str(match name {
                "distro_id" => &self.distro_id,
                "distro_codename" => &self.distro_codename,
                _ => return Err("an unknown variable"),
            });
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }
}

/// Length of the identifier at the start of a text.
fn name_length(text: &str) -> usize {
    let digit_first = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    if digit_first { 0 } else { end }
}

fn unescaped_colons(line: &str) -> Vec<usize> {
    let bytes = line.as_bytes();
    let unescaped = |at: &usize| bytes[*at] == b':' && (*at == 0 || bytes[at - 1] != b'\\');
    (0..bytes.len()).filter(unescaped).collect()
}

/// The program's `re.sub(r'([^\\]),', r'\1\\,')`: one character and the comma after it at a time.
fn escape_commas(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        result.push(c);
        if c != '\\' && characters.next_if_eq(&',').is_some() {
            result.push_str("\\,");
        }
    }
    result
}
