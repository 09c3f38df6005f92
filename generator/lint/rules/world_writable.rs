//! Everybody may write to it.

use std::sync::LazyLock;

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::Content;
use crate::lint::patterns::{CommandPattern, Patterns};
use crate::lint::{Context, Example, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "world-writable",
    title: "Everybody may write to it",
    severity: Severity::High,
    rationale: "Every account, that of a service that was broken into included, can then change what root or another user reads or runs.",
    remedy: "Give it to the user or group that writes to it, and take the right from all others.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd:\n\
              \x20 - chmod 777 /srv/app\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - chmod 0750 /srv/app\n",
        fixed: false,
    },
    check,
};

const COMMANDS: [CommandPattern; 4] = [
    CommandPattern {
        program: "chmod",
        arguments: r"(^| )0?[0-7]?[0-7][0-7][2367]( |$)",
        says: "everybody may write to it",
    },
    CommandPattern {
        program: "chmod",
        arguments: r"(^| )(o|a|ugo|go|uo)?\+[rx]*w[rxX]*( |$)",
        says: "everybody may write to it",
    },
    CommandPattern {
        program: "install|mkdir",
        arguments: r"(^| )(-m|--mode)[= ]?0?[0-7][0-7][2367]( |$)",
        says: "everybody may write to it",
    },
    CommandPattern {
        program: "umask",
        arguments: r"^0*([0-7][0-7])?0$",
        says: "everybody may write to what is made from here on",
    },
];

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::new(&COMMANDS, &[]));

/// With the sticky bit, as on `/tmp`, nobody takes away what another one wrote.
fn is_shared(arguments: &str) -> bool {
    let mut words = arguments.split(' ');
    words.any(|word| {
        word.len() >= 4
            && word.trim_start_matches('0').len() == 4
            && word.trim_start_matches('0').starts_with(['1', '3', '5', '7'])
    }) || arguments.contains("+t")
        || arguments.contains(" /dev/")
        || arguments.contains("u+w")
        || arguments.contains("g+w")
}

fn check(context: &mut Context<'_>) {
    for (part, root) in context.configs() {
        for file in root.get("write_files").into_iter().flat_map(|files| files.items()) {
            let Some(mode) = file.get("permissions") else { continue };
            let bits = match &mode.content {
                Content::Text(text) => u64::from_str_radix(text.trim().trim_start_matches("0o"), 8).ok(),
                Content::Number(number) => number.as_u64(),
                _ => None,
            };
            // Numbers that are no modes are another rule's.
            if bits.is_some_and(|bits| bits & 0o002 != 0 && bits <= 0o777) {
                context.report(part.unit, mode.at.clone(), "everybody may write to this file");
            }
        }
    }
    PATTERNS.look_unless(context, |pieces, number, index| {
        is_shared(&pieces[number].commands()[index].arguments())
    });
}
