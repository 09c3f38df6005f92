//! cloud-init does nothing with a part.

use crate::check::Severity;
use crate::lint::{Context, Example, Kind, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "part-ignored",
    title: "cloud-init does nothing with a part",
    severity: Severity::Medium,
    rationale: "A part whose type cloud-init does not know is logged as unhandled. Nothing in it happens.",
    remedy: "Name one of the types that cloud-init handles, such as `text/cloud-config` or `text/x-shellscript`.",
    example: Example {
        arguments: &[],
        bad: "MIME-Version: 1.0\n\
              Content-Type: multipart/mixed; boundary=PART\n\
              \n\
              --PART\n\
              Content-Type: text/yaml\n\
              \n\
              runcmd: [first]\n\
              --PART--\n",
        line: 7,
        good: "MIME-Version: 1.0\n\
              Content-Type: multipart/mixed; boundary=PART\n\
              \n\
              --PART\n\
              Content-Type: text/cloud-config\n\
              \n\
              runcmd: [first]\n\
              --PART--\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    let handled = context.opened.parts.iter().any(|part| part.kind == Kind::PartHandler);
    for part in context.opened.parts.iter().filter(|part| part.kind == Kind::Unknown && !handled) {
        let text = &context.unit(part.unit).text;
        let first = text.lines().next().unwrap_or_default().len();
        let what = if part.named.is_empty() {
            "a text without a header that it knows".to_owned()
        } else {
            format!("the type `{}`", part.named)
        };
        if !text.trim().is_empty() {
            context.report(part.unit, 0..first, format!("cloud-init does nothing with {what}"));
        }
    }
}
