//! It does not say that it is cloud-config.

use crate::check::Severity;
use crate::lint::{Context, Edit, Example, Kind, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "no-header",
    title: "It does not say that it is cloud-config",
    severity: Severity::High,
    rationale: "cloud-init knows cloud-config by its first line, `#cloud-config`, without a blank. Anything else it logs as unhandled and does nothing with.",
    remedy: "Begin the file with the line `#cloud-config`.",
    example: Example {
        arguments: &[],
        bad: "packages: []\n\
              runcmd:\n\
              \x20 - [systemctl, restart, app]\n",
        line: 1,
        good: "#cloud-config\n\
              packages: []\n\
              runcmd:\n\
              \x20 - [systemctl, restart, app]\n",
        fixed: true,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for part in context.opened.parts.iter().filter(|part| part.kind == Kind::Headless) {
        let text = &context.unit(part.unit).text;
        let first = text.lines().next().unwrap_or_default();
        let nearly = first.trim_start_matches(['#', ' ']).eq_ignore_ascii_case("cloud-config");
        let edit = if nearly {
            Edit { at: 0..first.len(), text: HEADER.to_owned() }
        } else {
            Edit { at: 0..0, text: format!("{HEADER}\n") }
        };
        context.report_with(
            part.unit,
            0..first.len(),
            format!("without the first line `{HEADER}`, cloud-init does nothing with this"),
            vec![edit],
        );
    }
}

const HEADER: &str = "#cloud-config";
