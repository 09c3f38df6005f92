//! A secret value stands in user-data.

use std::sync::LazyLock;

use regex::Regex;

use crate::check::Severity;
use crate::lint::{Context, Example, Rule, config, patterns, template};

/// The rule.
pub const RULE: Rule = Rule {
    id: "secret-value",
    title: "A secret value stands in user-data",
    severity: Severity::High,
    rationale: "A password in an option, a variable or an address can be read by everybody on the machine, and by whoever sees the cloud's API, the pipeline and the repository.",
    remedy: "Let the machine fetch its secrets itself, with an identity that the cloud gives it.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd:\n\
              \x20 - export DB_PASSWORD=Winter2026\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - export DB_PASSWORD=\"$(app-vault read db)\"\n",
        fixed: false,
    },
    check,
};

static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"[a-z][a-z0-9+]{2,}://[A-Za-z0-9._%+-]+:([^\s@/:\x22'$<{\[*]{3,})@[A-Za-z0-9.\[-]+").ok()
});

static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?i)(^|_)(password|passwd|passphrase|secret|secret_key|api_?key|access_token|auth_?token|token)$",
    )
    .ok()
});

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        for path in &context.facts.secret_keys {
            for (_, value) in config::find(root, path) {
                if value.text().is_some_and(is_literal) {
                    context.report(part.unit, value.at.clone(), format!("the value of `{path}` is a secret"));
                }
            }
        }
    }
    let (Some(url), Some(name)) = (URL.as_ref(), NAME.as_ref()) else { return };
    for piece in context.pieces {
        for command in piece.commands() {
            let exported = command
                .words
                .iter()
                .filter(|_| matches!(command.program(), "export" | "declare" | "local" | "readonly"));
            for word in command.assignments.iter().chain(exported) {
                let Some((variable, value)) = word.text.split_once('=') else { continue };
                if name.is_match(variable) && is_literal(value) {
                    context.report_in(piece, &word.at, format!("the value of `{variable}` is a secret"));
                }
            }
        }
        for (start, line) in patterns::lines(&piece.snippet.text) {
            for found in url.captures_iter(line).filter_map(|found| found.get(1)) {
                if is_literal(found.as_str()) {
                    let at = start + found.start()..start + found.end();
                    context.report_in(piece, &at, "an address with a password in it");
                }
            }
        }
    }
}

/// Whether a value stands for itself: no variable, no placeholder, nothing that is filled in later.
fn is_literal(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let placeholders = [
        "changeme",
        "change_me",
        "change-me",
        "replace",
        "example",
        "your",
        "xxx",
        "todo",
        "placeholder",
        "redacted",
        "dummy",
        "insert",
        "secret",
        "password",
        "token",
        "pass",
        "none",
        "null",
        "true",
        "false",
    ];
    let is_placeholder = placeholders.iter().any(|word| {
        lower == *word
            || lower.starts_with("your")
            || lower.contains("change")
            || lower.contains("xxx")
            || lower.contains("replace")
            || lower.contains("example")
    });
    value.len() >= 4
        && !is_placeholder
        && !template::has_hole(value)
        && !value.contains(['$', '`', '<', '>', '*', '%'])
        && !value.starts_with(['/', '.', '@'])
}
