//! `pam-profile` and `pam-rule`: what PAM's stacks run. This file owns what the two share: how a
//! rule is written, and how rules are found in the effective stack.

mod profile;
mod rule;

pub use profile::PamProfile;
pub use rule::PamRule;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::effective::pam::{self, Code, Facility, Rule};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::verify::Look;

/// One line of a stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// `required`, … or `[value=action …]`; `success=end` skips the rest of the block.
    pub control: String,
    /// Module, such as `pam_unix.so`.
    pub module: String,
    /// All of its arguments.
    #[serde(default)]
    pub args: Vec<String>,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.control, self.module)?;
        self.args.iter().try_for_each(|arg| write!(f, " {arg}"))
    }
}

/// The word of `pam.d(5)`.
fn word(facility: Facility) -> &'static str {
    match facility {
        Facility::Auth => "auth",
        Facility::Account => "account",
        Facility::Password => "password",
        Facility::Session => "session",
    }
}

/// Looks for lines in a service's stack: the modules that they name must run there exactly so,
/// in this order and nowhere else, and nothing before them may let a login through. Modules of
/// `before` may.
fn observe(
    look: &Look<'_>,
    service: &str,
    facility: Facility,
    lines: &[Line],
    before: Option<&str>,
) -> Observation {
    let plane = Plane::Configured;
    let shown: Vec<String> = lines.iter().map(Line::to_string).collect();
    let wanted = format!("{service} {}: {}", word(facility), shown.join("; "));
    let read = match pam::read(&look.root, service, look.plan.distro.versions.pam) {
        Ok(Some(read)) => read,
        Ok(None) => {
            let at = Location::file(format!("/etc/pam.d/{service}"));
            return Observation::fail(plane, "no such file", wanted, "PAM has no such service").at(at);
        }
        Err(error) => return Observation::error(plane, wanted, error.to_string()),
    };
    if let Some(problem) = read.problems.first() {
        let found = problem.value.clone();
        return Observation::fail(plane, found, wanted, "PAM can't use this line").at(problem.at.clone());
    }
    let stack: Vec<&Rule> = read.stack(facility).collect();
    let named = |rule: &&&Rule| lines.iter().any(|l| l.module == name(rule));
    let found: Vec<&&Rule> = stack.iter().filter(named).collect();
    let first = found.first().map(|rule| rule.at.clone());
    let differs = found.iter().zip(lines).find(|(rule, line)| !is_met(rule, line));
    let (good, at, reason) = if let Some((rule, line)) = differs {
        (false, Some(rule.at.clone()), format!("this line should say {line}"))
    } else if found.len() < lines.len() {
        (false, None, format!("the stack does not run {}", lines[found.len()].module))
    } else if let Some(more) = found.get(lines.len()) {
        (false, Some(more.at.clone()), format!("{} runs once more here", more.module))
    } else {
        // What stands before or between them may not let a login past the next of them.
        let skips = |(at, rule): &(usize, &&Rule)| {
            let next = stack[*at..].iter().find(named);
            !named(rule)
                && Some(name(rule)) != before
                && next.is_some_and(|next| read.skipped(rule, Code::SUCCESS).contains(next))
        };
        match stack.iter().enumerate().find(skips).map(|(_, rule)| rule) {
            Some(rule) => {
                (false, Some(rule.at.clone()), format!("{} comes first and may skip the rest", rule.module))
            }
            None => (true, first, String::new()),
        }
    };
    let at = at.unwrap_or_else(|| Location::file(format!("/etc/pam.d/{service}")));
    Observation::judge(plane, good, if good { "as wanted" } else { "different" }, wanted, reason).at(at)
}

fn name(rule: &Rule) -> &str {
    rule.module.rsplit('/').next().unwrap_or(&rule.module)
}

fn is_met(rule: &Rule, line: &Line) -> bool {
    name(rule) == line.module && rule.args == line.args && same_control(&rule.control, &line.control)
}

/// `success=end` in a profile becomes a number of lines to jump over.
fn same_control(found: &str, wanted: &str) -> bool {
    let words = |control: &str| -> Vec<String> {
        let inner = control.trim_matches(['[', ']']);
        let mut words: Vec<String> = inner.split_whitespace().map(str::to_owned).collect();
        for word in &mut words {
            if let Some((value, action)) = word.split_once('=')
                && (action == "end" || action.parse::<u32>().is_ok())
            {
                *word = format!("{value}=jump");
            }
        }
        words.sort();
        words
    };
    found.starts_with('[') == wanted.starts_with('[') && words(found) == words(wanted)
}

#[cfg(test)]
mod tests;
