//! `ban`: addresses that fail to log in over SSH are banned.

use serde::{Deserialize, Serialize};

use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::distro::BanBackend;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::target::Exec;
use crate::verify::{Look, running};

/// The ban tool's sshd jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// An address that belongs to nobody (RFC 5737), banned and released again to see the ban work.
const NOBODY: &str = "192.0.2.77";

#[derive(Serialize)]
struct Template {
    profile: String,
    #[serde(flatten)]
    jail: Ban,
}

impl Kind for Ban {
    const SUMMARY: &'static str = "addresses that fail to log in over SSH are banned";

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured, Plane::Running]
    }

    fn wanted(&self) -> String {
        format!("an address banned for {} s after {} failures in {} s on port {}", self.ban_time, self.max_retry, self.find_time, self.port)
    }

    fn render(all: &[Wanted<'_, Self>], context: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        let checks = checks_of(all);
        for wanted in all {
            let values = Template { profile: context.plan.profile.clone(), jail: wanted.setting.clone() };
            match context.plan.distro.backends.ban {
                BanBackend::Fail2banSystemd => {
                    let content = context.templates.render("fail2ban.conf", values)?;
                    bundle.write(BundleFile::config(PATH, content), &checks)?;
                    bundle.validate(&["fail2ban-client", "--test"], "let fail2ban judge its jails", Some(PATH), &checks);
                    let unit = context.plan.distro.unit("ban-tool")?;
                    bundle.run(Phase::Activate, &["systemctl", "restart", unit], "restart the ban tool", &checks);
                }
            }
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => match look.exec() {
                Ok(exec) => vec![self.bans(exec)],
                Err(why) => vec![Observation::unobserved(plane, self.wanted(), why)],
            },
        }
    }
}

impl Ban {
    /// Bans an address that belongs to nobody and looks for it in the kernel's rules: the jail
    /// runs, and its action can be enforced.
    fn bans(&self, exec: &dyn Exec) -> Observation {
        let plane = Plane::Running;
        let at = Location::file("fail2ban-client set sshd banip; nft list ruleset");
        let banned = running::ask(exec, &["fail2ban-client", "set", "sshd", "banip", NOBODY])
            .and_then(|_| wait_for_ban(exec));
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

/// fail2ban acts in a thread of its own: the ban shows within moments.
fn wait_for_ban(exec: &dyn Exec) -> Result<String, String> {
    for _ in 0..20 {
        let rules = running::ask(exec, &["nft", "list", "ruleset"])?;
        if rules.contains(NOBODY) {
            return Ok(rules);
        }
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    Err("the kernel's rules never named the banned address".into())
}
