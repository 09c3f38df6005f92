//! Packages are installed on a machine that is not updated.

use std::sync::LazyLock;

use regex::Regex;

use crate::check::Severity;
use crate::effective::cloud_init::pyyaml::Node;
use crate::lint::{Context, Example, Rule, config};

/// The rule.
pub const RULE: Rule = Rule {
    id: "updates-missing",
    title: "Packages are installed on a machine that is not updated",
    severity: Severity::Low,
    rationale: "An image is as old as the day it was made. Until it is updated, holes that were mended since are open, and the first thing that a fresh machine does is to listen on the network.",
    remedy: "Say `package_upgrade: true`, or use an image that installs its updates by itself and say so in a comment.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              packages: [nginx]\n",
        line: 2,
        good: "#cloud-config\n\
              package_upgrade: true\n\
              packages: [nginx]\n",
        fixed: false,
    },
    check,
};

static UPGRADE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b(apt|apt-get|aptitude|nala)\b[^\n;|&]*\b(upgrade|dist-upgrade|full-upgrade|safe-upgrade)\b|\b(yum|dnf5?|tdnf|zypper|apk|microdnf)\b[^\n;|&]*\b(update|upgrade|up|dist-upgrade|distro-sync|update-minimal)\b|\bpacman\b[^\n;|&]* -S[a-z]*u|unattended-upgrade|dnf-automatic|freebsd-update|pkg upgrade").ok()
});

fn check(context: &mut Context<'_>) {
    let configs = context.configs();
    let keys = ["package_upgrade", "apt_upgrade"];
    let says = |wanted: fn(&Node) -> bool| {
        let mut values = configs.iter().flat_map(|(_, root)| keys.iter().filter_map(|key| root.get(key)));
        values.any(|value| wanted(value))
    };
    let in_script = || {
        context
            .pieces
            .iter()
            .any(|piece| UPGRADE.as_ref().is_some_and(|pattern| pattern.is_match(&piece.snippet.text)))
    };
    // Parts that are not read may do it; and a package that does so from then on counts.
    let unattended = |root: &Node| {
        let mut packages =
            root.get("packages").into_iter().flat_map(|list| list.items()).filter_map(|item| item.text());
        packages.any(|name| {
            matches!(name, "unattended-upgrades" | "dnf-automatic" | "yum-cron" | "dnf5-plugin-automatic")
        })
    };
    if says(config::is_true)
        || in_script()
        || !context.opened.not_read.is_empty()
        || configs.iter().any(|(_, root)| unattended(root))
    {
        return;
    }
    for (part, root) in &configs {
        let off = keys.iter().find_map(|key| root.entry(key)).filter(|entry| config::is_false(&entry.value));
        let installs = root.entry("packages").filter(|entry| config::is_truthy(&entry.value));
        if let Some(entry) = off.or(installs) {
            context.report(
                part.unit,
                entry.key.at.clone(),
                "nothing here installs the updates that the image lacks",
            );
            return;
        }
    }
}
