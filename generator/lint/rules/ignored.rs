//! Comments that silence a rule, and what can be wrong with them. They are looked at when all rules are done.

use crate::check::Severity;
use crate::lint::{Context, Example, Rule};

/// A comment without a reason.
pub const WITHOUT_REASON: Rule = Rule {
    id: "ignored-without-reason",
    title: "A rule is ignored without a reason",
    severity: Severity::Medium,
    rationale: "Who reads it next year can't tell whether it may still be ignored. Without a reason, the comment silences nothing.",
    remedy: "Say why, behind the bracket: `# ironseed: ignore[root-login] the appliance has no other account`.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n# ironseed: ignore[root-login]\ndisable_root: true\n",
        line: 2,
        good: "#cloud-config\n# ironseed: ignore[root-login] the appliance has no other account\ndisable_root: false\n",
        fixed: false,
    },
    check: nothing,
};

/// A comment that silences nothing.
pub const NOTHING: Rule = Rule {
    id: "ignored-nothing",
    title: "A comment silences nothing",
    severity: Severity::Low,
    rationale: "What it was for has gone, or its rule's name is wrong. Left alone, it would hide the next finding in its place.",
    remedy: "Take the comment away.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n# ironseed: ignore[root-login] the appliance has no other account\ndisable_root: true\n",
        line: 2,
        good: "#cloud-config\ndisable_root: true\n",
        fixed: false,
    },
    check: nothing,
};

fn nothing(_: &mut Context<'_>) {}
