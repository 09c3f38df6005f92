//! A mode without quotes.

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::Content;
use crate::lint::{Context, Edit, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "unquoted-mode",
    title: "A mode without quotes",
    severity: Severity::Medium,
    rationale: "YAML reads `0644` as the number 420 and `644` as 644; cloud-init takes a number for the mode as it is, so that the second one becomes 01204. Its schema wants text.",
    remedy: "Put the mode into quotes: `permissions: '0644'`.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              write_files:\n\
              \x20 - path: /etc/app.conf\n\
              \x20   content: \"a = 1\"\n\
              \x20   permissions: 0644\n",
        line: 5,
        good: "#cloud-config\n\
              write_files:\n\
              \x20 - path: /etc/app.conf\n\
              \x20   content: \"a = 1\"\n\
              \x20   permissions: '0644'\n",
        fixed: true,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        for file in root.get("write_files").into_iter().flat_map(|files| files.items()) {
            let Some(mode) = file.get("permissions") else { continue };
            let Content::Number(number) = &mode.content else { continue };
            let written = context.unit(part.unit).text.get(mode.at.clone()).unwrap_or_default();
            let message = match number.as_u64() {
                Some(bits) if bits < 0o10000 && Ok(bits) == u64::from_str_radix(written, 8) => {
                    format!(
                        "without quotes this is the number {bits}: the mode is right by luck, and the schema refuses it"
                    )
                }
                Some(bits) => {
                    format!("without quotes this is the number {bits}, and the mode becomes {bits:05o}")
                }
                None => "without quotes this is no mode".to_owned(),
            };
            let digits = written.bytes().all(|digit| (b'0'..=b'7').contains(&digit))
                && (3..=4).contains(&written.len());
            let edit = Edit { at: mode.at.clone(), text: format!("'{written:0>4}'") };
            let edits = if digits { vec![edit] } else { Vec::new() };
            context.report_with(part.unit, mode.at.clone(), message, edits);
        }
    }
}
