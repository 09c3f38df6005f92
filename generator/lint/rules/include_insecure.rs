//! More user-data is fetched without TLS.

use crate::check::Severity;
use crate::lint::{Context, Example, Kind, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "include-insecure",
    title: "More user-data is fetched without TLS",
    severity: Severity::High,
    rationale: "What an include file names is run as root at the first boot. Without TLS, everybody on the way to the server can write it.",
    remedy: "Use an address with https.",
    example: Example {
        arguments: &[],
        bad: "#include\n\
              http://config.example.org/base.yaml\n",
        line: 2,
        good: "#include\n\
              https://config.example.org/base.yaml\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for part in context.opened.parts.iter().filter(|part| part.kind == Kind::Include) {
        let mut start = 0;
        for line in context.unit(part.unit).text.split_inclusive('\n') {
            let address = line.find("http://").filter(|_| !line.starts_with("# "));
            if let Some(at) = address {
                let end = start + line.trim_end().len();
                context.report(part.unit, start + at..end, "this is fetched without TLS and run as root");
            }
            start += line.len();
        }
    }
}
