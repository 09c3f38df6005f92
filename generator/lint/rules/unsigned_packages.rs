//! Packages are installed without a look at their signatures.

use std::sync::LazyLock;

use crate::check::Severity;
use crate::lint::patterns::{CommandPattern, LinePattern, Patterns};
use crate::lint::{Context, Edit, Example, Rule, config};

/// The rule.
pub const RULE: Rule = Rule {
    id: "unsigned-packages",
    title: "Packages are installed without a look at their signatures",
    severity: Severity::High,
    rationale: "The signature is what tells a package of the distribution from one that somebody put in its place. Mirrors and the way to them are not trusted; without the check they have to be.",
    remedy: "Name the repository's key (`signed-by`, `gpgkey`) and leave the check on.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              yum_repos:\n\
              \x20 tools:\n\
              \x20   baseurl: https://rpm.example.org/tools\n\
              \x20   gpgkey: https://rpm.example.org/key.asc\n\
              \x20   gpgcheck: false\n",
        line: 6,
        good: "#cloud-config\n\
              yum_repos:\n\
              \x20 tools:\n\
              \x20   baseurl: https://rpm.example.org/tools\n\
              \x20   gpgkey: https://rpm.example.org/key.asc\n\
              \x20   gpgcheck: true\n",
        fixed: true,
    },
    check,
};

const COMMANDS: [CommandPattern; 3] = [
    CommandPattern {
        program: "apt|apt-get|aptitude",
        arguments: r"--allow-unauthenticated|--force-yes|--allow-insecure-repositories|AllowUnauthenticated=(true|1|yes)|AllowInsecureRepositories=(true|1|yes)",
        says: "apt takes packages without a signature",
    },
    CommandPattern {
        program: "dnf5?|yum|microdnf|tdnf",
        arguments: r"--nogpgcheck|--no-gpgchecks|gpgcheck=(0|false)",
        says: "dnf takes packages without a signature",
    },
    CommandPattern {
        program: "zypper",
        arguments: r"--no-gpg-checks|--allow-unsigned-rpm|--gpg-auto-import-keys.* --no-gpg",
        says: "zypper takes packages without a signature",
    },
];

const LINES: [LinePattern; 4] = [
    LinePattern {
        pattern: r"\bdeb(-src)?\s+\[[^\]]*\b(trusted|allow-insecure)=yes",
        says: "apt takes what this repository has without a signature",
    },
    LinePattern {
        pattern: r"(?i)^\s*(Trusted|Allow-Insecure):\s*yes\b",
        says: "apt takes what this repository has without a signature",
    },
    LinePattern {
        pattern: r"(?i)\b(AllowUnauthenticated|AllowInsecureRepositories)[\s\x22]+(true|1|yes)\b",
        says: "apt takes packages without a signature",
    },
    LinePattern {
        pattern: r"(?i)^\s*gpgcheck\s*=\s*(0|no|false|off)\b",
        says: "dnf takes packages without a signature",
    },
];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(&COMMANDS, &LINES));

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        let repositories = root.get("yum_repos").into_iter().flat_map(|repos| repos.entries());
        for repository in repositories {
            let Some(check) = repository.value.get("gpgcheck").filter(|check| config::is_false(check)) else {
                continue;
            };
            // With a key at hand, the check can only be turned on.
            let has_key = repository.value.get("gpgkey").is_some();
            let edit = Edit { at: check.at.clone(), text: "true".to_owned() };
            let edits = if has_key { vec![edit] } else { Vec::new() };
            let message = format!("dnf takes what `{}` has without a signature", repository.key.name());
            context.report_with(part.unit, check.at.clone(), message, edits);
        }
    }
    PATTERNS.look(context);
}
