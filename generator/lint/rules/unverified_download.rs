//! A download whose server is not checked.

use std::sync::LazyLock;

use crate::check::Severity;
use crate::lint::patterns::{CommandPattern, LinePattern, Patterns};
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "unverified-download",
    title: "A download whose server is not checked",
    severity: Severity::Medium,
    rationale: "Without a check of the certificate, everybody on the way can answer in the server's place. What is fetched like that and then trusted, a key above all, is worth nothing.",
    remedy: "Use https, and mend the certificate instead of not looking at it.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd:\n\
              \x20 - curl -k -o /opt/app.tar.gz https://files.example.org/app.tar.gz\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - curl -o /opt/app.tar.gz https://files.example.org/app.tar.gz\n",
        fixed: false,
    },
    check,
};

const COMMANDS: [CommandPattern; 6] = [
    CommandPattern {
        program: "curl",
        arguments: r"(^| )(--insecure\b|-[a-zA-Z]*k[a-zA-Z]*( |$))",
        says: "curl does not look at the certificate",
    },
    CommandPattern {
        program: "wget",
        arguments: r"--no-check-certificate\b",
        says: "wget does not look at the certificate",
    },
    CommandPattern {
        program: "git",
        arguments: r"http\.sslVerify[= ]false",
        says: "git does not look at certificates",
    },
    CommandPattern {
        program: "pip3?",
        arguments: r"--trusted-host\b",
        says: "pip does not look at the certificate",
    },
    CommandPattern { program: "rpm", arguments: r"--import http://", says: "a key is fetched without TLS" },
    CommandPattern { program: "apt-key", arguments: r"http://", says: "a key is fetched without TLS" },
];

const LINES: [LinePattern; 1] = [LinePattern {
    pattern: r"\bcurl\b[^|;]*\bhttp://[^|;]*\|\s*(sudo\s+)?(apt-key\s+add|gpg\b)|\bwget\b[^|;]*\bhttp://[^|;]*\|\s*(sudo\s+)?(apt-key\s+add|gpg\b)",
    says: "a key is fetched without TLS",
}];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(&COMMANDS, &LINES));

fn check(context: &mut Context<'_>) {
    PATTERNS.look(context);
}
