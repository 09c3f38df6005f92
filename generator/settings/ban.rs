//! `ban`: addresses that fail to log in over SSH are banned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::Aspect;
use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::distro::BanBackend;
use crate::effective::fail2ban::{self, Jail, JailState};
use crate::location::{Location, Sourced};
use crate::observation::{Observation, Plane};
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::target::Exec;
use crate::verify::{Look, running};

/// The ban tool's sshd jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ban {
    /// SSH's port.
    pub port: u16,
    /// Failures before a ban.
    pub max_retry: u32,
    /// Seconds in which they are counted.
    pub find_time: u32,
    /// Seconds that a ban lasts.
    pub ban_time: u32,
}

/// Sorts after the file that the package ships in the folder.
const PATH: &str = "/etc/fail2ban/jail.d/zz-ironseed.conf";

/// Packages of Python's bindings to the journal, for either Python.
const BINDINGS: [&str; 2] = ["python3-systemd", "systemd-python"];

/// An address that belongs to nobody (RFC 5737), banned and released again to see the ban work.
const NOBODY: &str = "192.0.2.77";

#[derive(Serialize)]
struct Template {
    profile: String,
    #[serde(flatten)]
    jail: Ban,
    action: &'static str,
}

/// What enforces a ban.
struct Enforcement {
    /// fail2ban's name of the action.
    action: &'static str,
    /// The program that the action runs.
    program: &'static str,
    /// Shows the kernel's rules.
    listing: &'static [&'static str],
    /// Lets fail2ban judge its configuration.
    judge: &'static [&'static str],
}

fn enforcement(backend: BanBackend) -> Enforcement {
    match backend {
        BanBackend::Fail2banSystemd => Enforcement {
            action: "nftables-multiport",
            program: "nft",
            listing: &["nft", "list", "ruleset"],
            judge: &["fail2ban-client", "--test"],
        },
        BanBackend::Fail2banIptables => Enforcement {
            action: "iptables-multiport",
            program: "iptables",
            listing: &["iptables-save"],
            // Before 0.10 there is no `--test`; this ends with an error as well where a jail is no good.
            judge: &["fail2ban-client", "-d"],
        },
    }
}

impl Kind for Ban {
    const SUMMARY: &'static str = "addresses that fail to log in over SSH are banned";
    const ORDER: Option<&'static str> =
        Some("fewer tries, a longer count and a longer ban are tighter; another port is a change");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!(
            "an address banned for {} s after {} failures in {} s on port {}",
            self.ban_time, self.max_retry, self.find_time, self.port
        )
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![
            Aspect::plain("port", self.port),
            Aspect::at_most("failures", self.max_retry, self.max_retry),
            Aspect::at_least("seconds counted", self.find_time, self.find_time),
            Aspect::at_least("seconds banned", self.ban_time, self.ban_time),
        ]
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let checks = checks_of(all);
        for wanted in all {
            let Enforcement { action, judge, .. } = enforcement(context.plan.distro.backends.ban);
            let (profile, jail) = (context.plan.profile.clone(), wanted.setting.clone());
            let content = context.templates.render("fail2ban.conf", Template { profile, jail, action })?;
            bundle.write(BundleFile::config(PATH, content), &checks)?;
            bundle.validate(judge, "let fail2ban judge its jails", Some(PATH), &checks);
            let unit = context.plan.distro.unit("ban-tool")?;
            let restart = ["systemctl", "restart", unit];
            bundle.run(Phase::Activate, &restart, "restart the ban tool", &checks);
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => match look.exec() {
                Ok(exec) => vec![self.bans(exec, &enforcement(look.plan.distro.backends.ban))],
                Err(why) => vec![Observation::unobserved(plane, self.wanted(), why)],
            },
        }
    }
}

impl Ban {
    fn configured(&self, look: &Look<'_>) -> Vec<Observation> {
        let plane = Plane::Configured;
        let jail = match fail2ban::jail(look.root, "sshd") {
            Ok(JailState::Jail(jail)) => jail,
            Ok(JailState::Absent) => {
                let reason = "fail2ban has no jail `sshd`, so nobody is banned";
                let at = Location::file("/etc/fail2ban");
                return vec![Observation::fail(plane, "no jail", self.wanted(), reason).at(at)];
            }
            Ok(JailState::Broken(problem)) => {
                let reason =
                    format!("fail2ban refuses its configuration, so nobody is banned: {}", problem.value);
                return vec![Observation::fail(plane, "no jail", self.wanted(), reason).at(problem.at)];
            }
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        };
        let mut seen = vec![
            judge(&jail.enabled, true, "enabled", "the jail does not run"),
            self.log_is_readable(look, &jail),
            self.action(&jail, &enforcement(look.plan.distro.backends.ban)),
        ];
        let limits = [
            ("maxretry", &jail.maxretry, self.max_retry, "an attacker gets more tries"),
            ("findtime", &jail.findtime, self.find_time, "failures are counted over another time"),
            ("bantime", &jail.bantime, self.ban_time, "a ban lasts for another time"),
        ];
        for (name, found, wanted, reason) in limits {
            let wanted_text = format!("{name} {wanted}");
            seen.push(match found {
                Some(found) => {
                    let good = seconds(&found.value) == Some(i64::from(wanted));
                    Observation::judge(plane, good, format!("{name} {}", found.value), wanted_text, reason)
                        .at(found.at.clone())
                }
                None => Observation::fail(plane, format!("{name} not set"), wanted_text, reason),
            });
        }
        seen
    }

    /// Only the journal holds sshd's log on a system without a syslog daemon.
    fn log_is_readable(&self, look: &Look<'_>, jail: &Jail) -> Observation {
        let plane = Plane::Configured;
        let backend = &jail.backend;
        let wanted = "the jail reads the journal";
        let bindings = look.packages().map(|p| BINDINGS.iter().any(|name| p.get(name).is_some()));
        let found = format!("backend {}", backend.value);
        let (good, reason) = match backend.value.as_str() {
            "systemd" => match bindings {
                Ok(there) => (there, "python3-systemd is not installed, so the jail can't read the journal"),
                Err(why) => return Observation::unobserved(plane, wanted, why).at(backend.at.clone()),
            },
            _ => (false, "the log file that this backend reads is not written on this system"),
        };
        Observation::judge(plane, good, found, wanted, reason).at(backend.at.clone())
    }

    /// The ban goes through the packet filter, on the profile's port.
    fn action(&self, jail: &Jail, Enforcement { program, .. }: &Enforcement) -> Observation {
        // Whatever firewall there is, the kernel enforces what this program adds beside it.
        let plane = Plane::Configured;
        let wanted = format!("a ban through {program} on port {}", self.port);
        let Some(action) = jail.actions.first() else {
            let reason = "the jail has no action, so a ban does nothing";
            return Observation::fail(plane, "no action", wanted, reason).at(jail.enabled.at.clone());
        };
        let port = action.option("port").unwrap_or_default();
        let found = format!("action {} on port {port}", action.name);
        let (good, reason) = if action.file.is_none() {
            (false, "there is no such action, so the jail does not start".to_owned())
        } else if !action.programs.iter().any(|p| p == program) {
            (false, format!("the action runs {}, which nothing enforces here", action.programs.join(", ")))
        } else {
            (
                names_port(port, self.port),
                format!("sshd listens on port {}, and the ban is for others", self.port),
            )
        };
        let at = jail.port.as_ref().filter(|_| reason.starts_with("sshd")).map_or(&action.at, |p| &p.at);
        Observation::judge(plane, good, found, wanted, reason).at(at.clone())
    }

    /// Bans an address that belongs to nobody and looks for it in the kernel's rules: the jail
    /// runs, and its action can be enforced.
    fn bans(&self, exec: &dyn Exec, Enforcement { listing, .. }: &Enforcement) -> Observation {
        let plane = Plane::Running;
        let at = Location::file(format!("fail2ban-client set sshd banip; {}", listing.join(" ")));
        let banned = running::ask(exec, &["fail2ban-client", "set", "sshd", "banip", NOBODY])
            .and_then(|_| wait_for_ban(exec, listing));
        let released = running::ask(exec, &["fail2ban-client", "set", "sshd", "unbanip", NOBODY]);
        match (banned, released) {
            (Ok(rules), Ok(_)) => {
                let port = self.port.to_string();
                let on_port = rules.lines().any(|l| l.contains("dport") && l.contains(&port));
                let reason = format!("a ban took effect, but its rule does not name port {port}");
                Observation::judge(plane, on_port, "a ban takes effect", self.wanted(), reason).at(at)
            }
            (Err(why), _) | (_, Err(why)) => {
                let reason = format!("the jail can't ban: {why}");
                Observation::fail(plane, "no ban", self.wanted(), reason).at(at)
            }
        }
    }
}

fn judge(found: &Sourced<bool>, wanted: bool, what: &str, reason: &str) -> Observation {
    let text = |value: bool| format!("{what} {value}");
    Observation::judge(Plane::Configured, found.value == wanted, text(found.value), text(wanted), reason)
        .at(found.at.clone())
}

/// Whether a list of ports (`22022`, `ssh,22022`, `0:65535`) has one in it.
fn names_port(list: &str, port: u16) -> bool {
    list.split(',').map(str::trim).any(|item| match item.split_once(':') {
        Some((first, last)) => match (first.parse::<u16>(), last.parse::<u16>()) {
            (Ok(first), Ok(last)) => (first..=last).contains(&port),
            _ => false,
        },
        None => item.parse() == Ok(port) || (item == "ssh" && port == 22),
    })
}

/// A time as fail2ban writes it: seconds, or a number with a unit (fail2ban's `str2seconds`).
fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    let number: i64 = text[..digits].parse().ok()?;
    let factor = match text[digits..].trim() {
        "" | "s" | "sec" => 1,
        "m" | "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// fail2ban acts in a thread of its own: the ban shows within moments.
fn wait_for_ban(exec: &dyn Exec, listing: &[&str]) -> Result<String, String> {
    for _ in 0..20 {
        let rules = running::ask(exec, listing)?;
        if rules.contains(NOBODY) {
            return Ok(rules);
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    Err("the kernel's rules never named the banned address".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Outcome::{Fail, Pass, Unobserved};
    use crate::settings::{Setting, fixture::Machine};

    /// What a fail2ban before 0.11 ships, as far as it decides.
    const SHIPPED: [(&str, &str); 4] = [
        (
            "/etc/fail2ban/jail.conf",
            "[DEFAULT]\nfilter = %(__name__)s\naction_ = %(banaction)s[name=%(__name__)s, port=\"%(port)s\"]\n\
             action = %(action_)s\n[sshd]\nport = ssh\n",
        ),
        ("/etc/fail2ban/filter.d/sshd.conf", "[Definition]\nfailregex = x\n"),
        (
            "/etc/fail2ban/action.d/iptables-multiport.conf",
            "[INCLUDES]\nbefore = iptables-common.conf\n[Definition]\nactionban = <iptables> -I f2b-<name> 1 -s <ip> -j DROP\n",
        ),
        (
            "/etc/fail2ban/action.d/iptables-common.conf",
            "[Init]\niptables = iptables <lockingopt>\nlockingopt = -w\n",
        ),
    ];

    #[test]
    fn an_old_fail2ban_bans_through_iptables() {
        let wanted = Ban { port: 22022, max_retry: 5, find_time: 600, ban_time: 3600 };
        let machine = Machine::of_release("debian-10", &[Setting::Ban(wanted)]);
        SHIPPED.iter().for_each(|(path, text)| machine.put(path, text));
        // Nothing here says which packages are installed.
        assert_eq!(machine.configured(), [Pass, Unobserved, Pass, Pass, Pass, Pass]);
        let own = machine.get(PATH);
        machine.put(PATH, &own.replace("iptables-multiport", "other"));
        machine.put("/etc/fail2ban/action.d/other.conf", "[Definition]\nactionban = nft add element\n");
        assert_eq!(machine.configured(), [Pass, Unobserved, Fail, Pass, Pass, Pass]);
    }
}
