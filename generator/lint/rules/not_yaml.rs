//! cloud-init can't read it.

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::Content;
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "not-yaml",
    title: "cloud-init can't read it",
    severity: Severity::High,
    rationale: "Where the YAML can't be read, cloud-init logs an error and goes on as if the part were not there: no user, no package, no hardening.",
    remedy: "Mend the place that the message points at. `cloud-init schema -c FILE` says more.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              hostname: web: one\n",
        line: 2,
        good: "#cloud-config\n\
              hostname: web-one\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for part in &context.opened.parts {
        match &part.document {
            // A template becomes YAML only once it is filled in.
            Err(_) if part.template => {}
            Err(refused) => {
                let end = context.unit(part.unit).text.len();
                let start = refused.at.min(end.saturating_sub(1));
                context.report(
                    part.unit,
                    start..(start + 1).min(end),
                    format!("cloud-init can't read this: {}", refused.why),
                );
            }
            Ok(document) => {
                let root = document.root.as_deref();
                if let Some(root) = root.filter(|root| !matches!(root.content, Content::Map(_))) {
                    context.report(
                        part.unit,
                        root.at.clone(),
                        "cloud-config is a mapping: this is none, and cloud-init does nothing with it",
                    );
                }
            }
        }
    }
}
