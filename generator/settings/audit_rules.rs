//! `audit-rules`: what the kernel's audit system records.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::effective::audit::FOLDER;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::plan::Plan;
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::verify::{Look, running};

/// A file of rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditRules {
    /// The file's name in `rules.d`, without its ending; files are loaded in order of names.
    pub name: String,
    /// Lines of `audit.rules(7)`.
    #[serde(default)]
    pub rules: Vec<String>,
    /// Whether every use of a set-user-id or set-group-id program is recorded, too.
    #[serde(default)]
    pub set_id_programs: bool,
}

#[derive(Serialize)]
struct Template {
    profile: String,
    rules: Vec<String>,
}

impl AuditRules {
    /// Every line, those of the release's programs among them.
    fn lines(&self, plan: &Plan) -> Vec<String> {
        let programs = if self.set_id_programs { plan.distro.set_id_programs.as_slice() } else { &[] };
        let record = |path: &String| {
            format!("-a always,exit -F path={path} -F perm=x -F auid>=1000 -F auid!=unset -F key=privileged")
        };
        self.rules.iter().cloned().chain(programs.iter().map(record)).collect()
    }
}

impl Kind for AuditRules {
    const SUMMARY: &'static str = "rules of the kernel's audit system, merged in order and loaded";
    const ORDER: Option<&'static str> =
        Some("recording more is tighter; a control, an exclusion or another order of the rules is a change");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("audit rules `{}`", self.name)
    }

    fn subject(&self) -> String {
        self.name.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let records = |rule: &&String| rule.starts_with("-w ") || rule.starts_with("-a always,");
        let (recorded, controls): (Vec<&String>, Vec<&String>) = self.rules.iter().partition(records);
        let set_id = if self.set_id_programs { "recorded" } else { "not recorded" };
        vec![
            Aspect::demanded("recorded", recorded),
            Aspect::plain(
                "controls",
                controls.into_iter().map(String::as_str).collect::<Vec<_>>().join("; "),
            ),
            Aspect::sequence("order", &self.rules),
            Aspect::at_least("set-id programs", set_id, self.set_id_programs),
        ]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        for wanted in all {
            let rules = wanted.setting.lines(context.plan);
            let values = Template { profile: context.plan.profile.clone(), rules };
            let content = context.templates.render("audit.rules", values)?;
            let path = format!("{FOLDER}/{}.rules", wanted.setting.name);
            bundle.write(BundleFile::config(path, content).mode(0o600), &[wanted.check])?;
            bundle.run(Phase::Activate, &["augenrules", "--load"], "load the audit rules", &[wanted.check]);
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        vec![match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => self.running(look),
        }]
    }
}

impl AuditRules {
    fn configured(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Configured;
        let audit = match look.audit_rules() {
            Ok(audit) => audit,
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        if let Some(silencer) = audit.silencers().next() {
            let reason = "this rule keeps the kernel from recording anything";
            return Observation::fail(plane, &silencer.value, self.wanted(), reason).at(silencer.at.clone());
        }
        let lines = self.lines(look.plan);
        let missing: Vec<&String> = lines.iter().filter(|line| !self.is_there(audit, line)).collect();
        let found = format!("{} of {} lines", lines.len() - missing.len(), lines.len());
        let lacking =
            missing.first().map_or_else(String::new, |line| format!("the merged rules lack `{line}`"));
        let (reason, at) = match &audit.refused {
            Some(line) => (
                format!(
                    "auditctl refuses this line, which can be no rule, and loads nothing after it: {lacking}"
                ),
                line.at.clone(),
            ),
            None => (lacking, Location::file(FOLDER)),
        };
        Observation::judge(plane, missing.is_empty(), found, self.wanted(), reason).at(at)
    }

    fn is_there(&self, audit: &crate::effective::audit::AuditRules, line: &str) -> bool {
        let option = line.split(' ').next().unwrap_or_default();
        match option {
            "-w" | "-a" => audit.rules.iter().any(|rule| rule.value == line),
            // Of a control the last counts; `-D` has no value to lose.
            _ => audit.control(option).is_some_and(|control| control.value == line),
        }
    }

    /// The kernel spells rules in its own way; their number says whether all were taken.
    fn running(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Running;
        let loaded = match look.exec().and_then(|exec| running::ask(exec, &["auditctl", "-l"])) {
            Ok(text) => text.lines().filter(|l| l.starts_with("-a") || l.starts_with("-w")).count(),
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        let status = match look.exec().and_then(|exec| running::ask(exec, &["auditctl", "-s"])) {
            Ok(status) => status,
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        let enabled = status.lines().any(|l| matches!(l.trim(), "enabled 1" | "enabled 2"));
        let planned = match look.audit_rules() {
            Ok(audit) => audit.rules.len(),
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        let found = format!("{loaded} rules, {}", if enabled { "enabled" } else { "not enabled" });
        let reason = format!("the files hold {planned} rules");
        Observation::judge(plane, enabled && loaded >= planned, found, self.wanted(), reason)
            .at(Location::file("auditctl -l"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass};
    use crate::settings::{Setting, fixture::Machine};

    #[test]
    fn what_is_rendered_passes_until_it_is_undone() {
        let file = |name: &str, rules: &[&str]| {
            let rules = rules.iter().map(|r| (*r).to_owned()).collect();
            Setting::AuditRules(AuditRules { name: name.into(), rules, set_id_programs: true })
        };
        let machine = Machine::of(&[
            file("50-x", &["-D", "-w /etc/passwd -p wa -k identity"]),
            file("99-z", &["-e 2"]),
        ]);
        assert_eq!(machine.configured(), [Pass, Pass]);
        machine.put("/etc/audit/rules.d/10-a.rules", "-e 0\n");
        assert_eq!(machine.configured(), [Pass, Pass], "an earlier control loses");
        machine.put("/etc/audit/rules.d/zz.rules", "-e 0\n");
        assert_eq!(machine.configured(), [Pass, Fail]);
        machine.put("/etc/audit/rules.d/10-a.rules", "-a task,never\n");
        assert_eq!(machine.configured(), [Fail, Fail]);
    }
}
