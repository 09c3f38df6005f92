//! What Debian's services run dnsmasq through: a script that adds options of its own, and those of its defaults.

use super::Config;
use crate::effective::shell::{self, Variables};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// Places of the script, by release.
pub(super) const WRAPPERS: [&str; 2] = ["/usr/share/dnsmasq/init-system-common", "/etc/init.d/dnsmasq"];
/// Where its variables are set.
pub(super) const DEFAULTS: &str = "/etc/default/dnsmasq";

/// Gives a configuration `--local-service` and what the defaults say, as the script's command line does.
pub(super) fn apply(config: &mut Config, root: Root<'_>) -> Result<()> {
    for wrapper in WRAPPERS {
        let text = root.read_text(wrapper)?.unwrap_or_default();
        if text.contains("CONFIG_DIR") {
            let option = |line: &str| line.contains("--local-service") && !line.trim_start().starts_with('#');
            let line = text.lines().position(option);
            config.local_service = line.map(|index| Sourced::new(false, Location::line(wrapper, index + 1)));
            return defaults(config, root);
        }
    }
    Ok(())
}

fn defaults(config: &mut Config, root: Root<'_>) -> Result<()> {
    let mut set = Variables::new();
    let text = root.read_text(DEFAULTS)?.unwrap_or_default();
    if let Err(line) = shell::source(DEFAULTS, &text, |_| true, &mut set) {
        config.unclear = Some(Location::line(DEFAULTS, line));
    }
    for name in ["DNSMASQ_INTERFACE", "DNSMASQ_EXCEPT", "CONFIG_DIR", "DNSMASQ_OPTS"] {
        let Some(Sourced { value, at }) = set.get(name) else { continue };
        let Some(value) = value.as_deref() else {
            // A command makes it.
            config.unclear = Some(at.clone());
            continue;
        };
        let mut options: Vec<(&str, Option<&str>)> = Vec::new();
        match name {
            "DNSMASQ_INTERFACE" => {
                options.extend(value.split_whitespace().map(|word| ("interface", Some(word))));
            }
            "DNSMASQ_EXCEPT" => {
                options.extend(value.split_whitespace().map(|word| ("except-interface", Some(word))));
            }
            "CONFIG_DIR" if !value.is_empty() => options.push(("conf-dir", Some(value))),
            "DNSMASQ_OPTS" => {
                options.extend((value.split_whitespace().filter_map(|word| word.strip_prefix("--"))).map(
                    |word| word.split_once('=').map_or((word, None), |(name, value)| (name, Some(value))),
                ))
            }
            _ => {}
        }
        for (name, value) in options {
            config.option(root, name, value, at, 0)?;
        }
    }
    Ok(())
}
