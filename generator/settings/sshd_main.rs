//! `sshd-main`: the SSH daemon's main file says what its drop-ins say.
//!
//! Auditors' content reads `/etc/ssh/sshd_config` alone and takes every line of it as effective.
//! The daemon takes the first value it meets, and drop-ins come first: this kind keeps the text
//! that people and scanners read from contradicting what the daemon does.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::host_key::HostKey;
use super::order::Aspect;
use super::sshd::{Line, reload};
use super::{Kind, Setting, Wanted, checks_of, drop_in};
use crate::diagnostic::ConfigError;
use crate::effective::keyvalue::{self, Syntax};
use crate::effective::sshd::MAIN;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::plan::Plan;
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// The main file repeats the plan's options and contradicts none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SshdMain {}

/// Keywords whose lines add up: once is enough, and the drop-in has them.
const CUMULATIVE: [&str; 4] = ["AllowUsers", "DenyUsers", "AllowGroups", "DenyGroups"];

#[derive(Serialize)]
struct Template {
    profile: String,
    include: bool,
    options: Vec<Line>,
}

/// Options that are on in every packaged main file although sshd's own default is another.
const PACKAGED: [(&str, &str); 1] = [("UsePAM", "yes")];

/// Writes the main file with every option of the plan, for an sshd that includes no other files.
///
/// # Errors
/// A template that fails, or a conflict with another item.
pub fn whole(context: &Context<'_>, bundle: &mut Bundle, checks: &[&str]) -> Result<(), ConfigError> {
    let plan = context.plan;
    let lines = plan.settings().flat_map(|(_, setting)| match setting {
        Setting::Sshd(sshd) => sshd.lines(&plan.distro),
        Setting::SshPort(port) => vec![port.line()],
        Setting::HostKey(_) => HostKey::lines(),
        _ => Vec::new(),
    });
    let mut options = drop_in::each_once(lines);
    for (keyword, value) in PACKAGED {
        if !options.iter().any(|o| o.keyword == keyword) {
            options.push(Line { keyword: keyword.into(), value: value.into() });
        }
    }
    let values = Template { profile: plan.profile.clone(), include: false, options };
    let content = context.templates.render("sshd-main.conf", values)?;
    bundle.write(BundleFile::config(MAIN, content).mode(0o600), checks)?;
    reload(plan, bundle, MAIN, checks)?;
    // Where sshd refused it and it was taken away, sshd still starts: with its own defaults.
    bundle.validate(&["touch", MAIN], "leave sshd a main file", None, checks);
    Ok(())
}

fn options(plan: &Plan) -> Vec<Line> {
    let lines = plan.settings().flat_map(|(_, setting)| match setting {
        Setting::Sshd(sshd) => sshd.lines(&plan.distro),
        _ => Vec::new(),
    });
    drop_in::each_once(lines.filter(|line| !CUMULATIVE.contains(&line.keyword.as_str())))
}

impl Kind for SshdMain {
    const SUMMARY: &'static str =
        "sshd's main file repeats what the drop-ins say, for those who read no drop-ins";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        format!("{MAIN} says what the drop-ins say")
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        if !context.plan.distro.versions.openssh.has_include() {
            return whole(context, bundle, &checks_of(all));
        }
        let profile = context.plan.profile.clone();
        let values = Template { profile, include: true, options: options(context.plan) };
        let content = context.templates.render("sshd-main.conf", values)?;
        bundle.write(BundleFile::config(MAIN, content).mode(0o600), &checks_of(all))?;
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let keys = match keyvalue::read(&look.root, MAIN, Syntax::Blank) {
            Ok(Some(keys)) => keys,
            Ok(None) => {
                let seen = Observation::fail(plane, "no such file", self.wanted(), "sshd has no main file");
                return vec![seen.at(Location::file(MAIN))];
            }
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        };
        let mut seen = Vec::new();
        for Line { keyword, value } in options(look.plan) {
            let wanted = format!("{keyword} {value} in {MAIN}");
            let lines: Vec<_> = keys.iter().filter(|(key, _)| key.eq_ignore_ascii_case(&keyword)).collect();
            if lines.is_empty() {
                let reason = "the main file does not say it";
                seen.push(Observation::fail(plane, "no line", wanted, reason).at(Location::file(MAIN)));
                continue;
            }
            for (_, found) in lines.iter().filter(|(_, found)| found.value != value) {
                let shown = format!("{keyword} {}", found.value);
                let reason = "the main file contradicts the drop-in";
                seen.push(Observation::fail(plane, shown, &wanted, reason).at(found.at.clone()));
            }
        }
        if seen.is_empty() {
            seen.push(Observation::pass(plane, "the same", self.wanted()).at(Location::file(MAIN)));
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::fixture::Machine;

    #[test]
    fn a_contradicting_line_fails_although_it_loses() {
        let option: Setting =
            serde_json::from_str(r#"{"sshd": {"keyword": "X11Forwarding", "value": "no"}}"#).unwrap();
        let machine = Machine::of(&[option, Setting::SshdMain(SshdMain {})]);
        assert_eq!(machine.configured(), [Pass, Pass]);
        let main = machine.get(MAIN);
        machine.put(MAIN, &format!("{main}x11forwarding yes\n"));
        assert_eq!(machine.configured(), [Pass, Fail]);
    }
}
