//! `sshd`: an option of the SSH daemon, as the daemon itself would conclude it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, Direction, Scale, options};
use super::{Kind, Wanted, checks_of, drop_in, sshd_main};
use crate::diagnostic::ConfigError;
use crate::distro::Distro;
use crate::effective::crypto_policies;
use crate::effective::sshd::{self, Effective, MAIN, OpenSshVersion, SshdConfig};
use crate::location::Location;
use crate::observation::{Observation, Outcome, Plane};
use crate::plan::Plan;
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// An option and the values it may have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Fields", into = "Fields")]
pub struct Sshd {
    /// Keyword as in `sshd_config(5)`.
    pub keyword: String,
    /// What is accepted.
    pub accepts: Accepts,
}

/// What an option's value may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepts {
    /// Exactly this.
    Value(String),
    /// This number or a smaller one, but not 0, which means "no limit".
    AtMost(u64),
    /// A list of these and no others, in any order.
    Only(Vec<String>),
}

/// The form in YAML: a keyword and one of the others.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Sshd")]
struct Fields {
    /// Keyword as in `sshd_config(5)`.
    keyword: String,
    /// Exactly this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    /// This number or a smaller one, but not 0, which means "no limit".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most: Option<u64>,
    /// A list of these and no others, in any order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<Vec<String>>,
}

impl TryFrom<Fields> for Sshd {
    type Error = String;

    fn try_from(fields: Fields) -> Result<Self, String> {
        let accepts = match (fields.value, fields.at_most, fields.only) {
            (Some(value), None, None) => Accepts::Value(value),
            (None, Some(number), None) => Accepts::AtMost(number),
            (None, None, Some(list)) if !list.is_empty() => Accepts::Only(list),
            _ => return Err("an sshd option wants one of `value`, `at_most` or `only`".into()),
        };
        Ok(Self { keyword: fields.keyword, accepts })
    }
}

impl From<Sshd> for Fields {
    fn from(sshd: Sshd) -> Self {
        let (value, at_most, only) = match sshd.accepts {
            Accepts::Value(value) => (Some(value), None, None),
            Accepts::AtMost(number) => (None, Some(number), None),
            Accepts::Only(list) => (None, None, Some(list)),
        };
        Self { keyword: sshd.keyword, value, at_most, only }
    }
}

/// What `sshd -T` leaves out although sshd knows it, so that a running one can't be asked.
const NOT_DUMPED: [&str; 1] = ["DebianBanner"];

/// Role of the file that keeps the system's crypto policy off sshd's command line, where one is needed.
const CRYPTO_POLICY: &str = "ssh-crypto-policy";

/// Keywords whose lines add up, each of which denies more.
const DENIALS: [&str; 2] = ["DenyUsers", "DenyGroups"];

/// Keywords whose lines add up: each line is a setting of its own.
const ADDING_UP: [&str; 4] = ["AllowUsers", "DenyUsers", "AllowGroups", "DenyGroups"];

/// Keywords that name algorithms of signatures, and before 7.8 the kinds of keys that make them.
const KEYS: [&str; 2] = ["PubkeyAcceptedAlgorithms", "HostbasedAcceptedAlgorithms"];

/// RSA keys as such: with one, a release before 7.8 takes signatures with SHA-1 as well as with SHA-2.
const RSA: [(&str, &str); 2] =
    [("rsa-sha2-512-cert-v01@openssh.com", "ssh-rsa-cert-v01@openssh.com"), ("rsa-sha2-512", "ssh-rsa")];

impl Sshd {
    /// The value to render.
    fn rendered(&self, distro: &Distro) -> String {
        match &self.accepts {
            Accepts::Value(value) => value.clone(),
            Accepts::AtMost(number) => number.to_string(),
            Accepts::Only(list) => {
                let version = distro.versions.openssh;
                let known = |name: &&str| !sshd::came_later(name, version);
                self.named(list, version).into_iter().filter(known).collect::<Vec<_>>().join(",")
            }
        }
    }

    /// A list as a release takes it. One that wants RSA keys must name their kind before 7.8, or all who have one are
    /// locked out.
    fn named<'l>(&self, list: &'l [String], version: OpenSshVersion) -> Vec<&'l str> {
        let kinds = KEYS.contains(&self.keyword.as_str()) && !version.at_least((7, 8));
        let kind = |(algorithm, kind)| list.iter().any(|name| name == algorithm).then_some(kind);
        list.iter().map(String::as_str).chain(RSA.into_iter().filter(|_| kinds).filter_map(kind)).collect()
    }

    /// The lines that set it: in older releases two keywords let passwords in by questions.
    pub fn lines(&self, distro: &Distro) -> Vec<Line> {
        let version = distro.versions.openssh;
        let own = sshd::spelling(&self.keyword, version).unwrap_or_else(|| self.keyword.clone());
        let asks = self.keyword == "KbdInteractiveAuthentication" && !version.at_least((8, 7));
        let older = asks.then(|| "ChallengeResponseAuthentication".to_owned());
        let line = |keyword| Line { keyword, value: self.rendered(distro) };
        std::iter::once(own).chain(older).map(line).collect()
    }

    /// Why a value is not accepted; `None` where it is.
    pub(super) fn objection(&self, value: &str, version: OpenSshVersion) -> Option<String> {
        match &self.accepts {
            // Who is denied besides takes nothing away.
            Accepts::Value(wanted) if DENIALS.contains(&self.keyword.as_str()) => {
                let denied = |word: &str| value.split(['\n', ' ']).any(|found| found == word);
                (!wanted.split(' ').all(denied)).then(|| format!("sshd would use {value}"))
            }
            Accepts::Value(wanted) => (value != wanted).then(|| format!("sshd would use {value}")),
            Accepts::AtMost(limit) => match value.parse::<u64>() {
                Ok(number) if (1..=*limit).contains(&number) => None,
                _ => Some(format!("sshd would use {value}")),
            },
            Accepts::Only(list) => {
                let accepted = self.named(list, version);
                let alien: Vec<&str> = value.split(',').filter(|a| !accepted.contains(a)).collect();
                match alien[..] {
                    [] => None,
                    _ => Some(format!("sshd would also use {}", alien.join(", "))),
                }
            }
        }
    }
}

impl Kind for Sshd {
    const SUMMARY: &'static str = "an option of the SSH daemon, for the weakest login that can get it";
    const ORDER: Option<&'static str> = Some(
        "each keyword has its own scale; fewer tries and fewer algorithms are tighter; an order of preference is a change",
    );

    fn planes(&self) -> &'static [Plane] {
        if NOT_DUMPED.contains(&self.keyword.as_str()) {
            return &[Plane::Configured];
        }
        &[Plane::Configured, Plane::Running]
    }

    fn not_applicable(&self, distro: &Distro) -> Option<String> {
        let version = distro.versions.openssh;
        let unknown = sshd::spelling(&self.keyword, version).is_none();
        unknown
            .then(|| format!("sshd of {} (OpenSSH {version}) does not know {}", distro.title, self.keyword))
    }

    fn wanted(&self) -> String {
        match &self.accepts {
            Accepts::Value(value) => format!("{} {value}", self.keyword),
            Accepts::AtMost(number) => format!("{} {number} or less", self.keyword),
            Accepts::Only(list) => format!("{} of {}", self.keyword, list.join(",")),
        }
    }

    fn subject(&self) -> String {
        match &self.accepts {
            Accepts::Value(value) if ADDING_UP.iter().any(|k| k.eq_ignore_ascii_case(&self.keyword)) => {
                format!("{} {value}", self.keyword)
            }
            _ => self.keyword.clone(),
        }
    }

    fn aspects(&self) -> Vec<Aspect> {
        match &self.accepts {
            Accepts::Value(value) => vec![Aspect::on("value", options::sshd(&self.keyword), value)],
            Accepts::AtMost(number) => {
                vec![Aspect { name: "at most", measure: Scale::Fewer.measure(&number.to_string()) }]
            }
            Accepts::Only(list) => {
                vec![Aspect::allowed("algorithms", list), Aspect::sequence("preference", list)]
            }
        }
    }

    fn presence(&self) -> Direction {
        let allows = ["AllowUsers", "AllowGroups"].iter().any(|k| k.eq_ignore_ascii_case(&self.keyword));
        if allows { Direction::Unordered } else { Direction::Tighter }
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let distro = &context.plan.distro;
        if let Ok(path) = distro.path(CRYPTO_POLICY) {
            let content = drop_in::content("ssh-crypto-policy", std::iter::empty::<Line>(), context)?;
            bundle.write(BundleFile::config(path, content).mode(0o640), &checks_of(all))?;
        }
        if !distro.versions.openssh.has_include() {
            return sshd_main::whole(context, bundle, &checks_of(all));
        }
        let content =
            drop_in::content("sshd.conf", all.iter().flat_map(|w| w.setting.lines(distro)), context)?;
        let checks = checks_of(all);
        let path = distro.path("ssh-drop-in")?;
        bundle.write(BundleFile::config(path, content).mode(0o600), &checks)?;
        reload(context.plan, bundle, path, &checks)
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        match plane {
            Plane::Configured => self.configured(look),
            Plane::Running => vec![self.running(look)],
        }
    }
}

/// One line of the drop-in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Line {
    /// Keyword.
    pub keyword: String,
    /// Value.
    pub value: String,
}

/// sshd judges a drop-in before anything is restarted; where it refuses, the drop-in is taken
/// away again and sshd goes on as before.
pub fn reload(plan: &Plan, bundle: &mut Bundle, drop_in: &str, checks: &[&str]) -> Result<(), ConfigError> {
    let sshd = plan.distro.path("ssh-server")?;
    bundle.validate(&["ssh-keygen", "-A"], "make missing host keys", None, checks);
    bundle.validate(&[sshd, "-t"], "let sshd judge its configuration", Some(drop_in), checks);
    let unit = plan.distro.unit("ssh")?;
    bundle.run(
        Phase::Activate,
        &["systemctl", plan.distro.versions.reload_verb(), unit],
        "restart sshd",
        checks,
    );
    Ok(())
}

impl Sshd {
    fn configured(&self, look: &Look<'_>) -> Vec<Observation> {
        let plane = Plane::Configured;
        let config = match look.sshd() {
            Ok(config) => config,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        let mut seen: Vec<Observation> = config
            .reachable(&self.keyword)
            .into_iter()
            .enumerate()
            .map(|(index, found)| self.judge(look, config, index, found))
            .collect();
        if seen.len() > 1 {
            // Match blocks that give the wanted value as well add nothing.
            let weak: Vec<_> = seen.iter().filter(|o| o.outcome == Outcome::Fail).cloned().collect();
            seen.truncate(1);
            let plain = seen[0].clone();
            seen.extend(weak.into_iter().filter(|o| *o != plain));
        }
        seen
    }

    fn judge(&self, look: &Look<'_>, config: &SshdConfig, index: usize, found: Effective) -> Observation {
        let plane = Plane::Configured;
        let mut shown = format!("{} {}", self.keyword, found.value.replace('\n', " "));
        if let Some(part) = found.at.as_ref().filter(|at| crypto_policies::is_part(&at.file)) {
            match crypto_policies::behind(look.root, &part.file) {
                Ok(policy) => shown.extend(policy.map(|policy| format!(", by {}", policy.words()))),
                Err(error) => return Observation::error(plane, self.wanted(), error.to_string()),
            }
        }
        let at = found.at.clone().or_else(|| Some(Location::file(MAIN)));
        let losing = found.overridden.iter().map(|l| l.at.clone()).collect();
        let seen = match self.objection(&found.value, config.version()) {
            None => Observation::pass(plane, shown, self.wanted()),
            Some(what) => {
                let why = match (&found.at, index) {
                    (None, _) => "no file sets it, so this is the built-in default",
                    (Some(at), _) if config.started().is_said_at(at) => {
                        "sshd gets it on its command line, which wins over every file"
                    }
                    (Some(_), 0) => "this line comes first, and sshd takes the first value it meets",
                    (Some(_), _) => "this Match block lets some logins have it",
                };
                Observation::fail(plane, shown, self.wanted(), format!("{what}: {why}"))
            }
        };
        seen.at(at).over(losing)
    }

    /// What the installed daemon itself says of its configuration.
    fn running(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Running;
        let answer = match look.sshd_dump() {
            Ok(answer) => answer,
            Err(why) => return Observation::unobserved(plane, self.wanted(), why),
        };
        let keyword = self.keyword.to_ascii_lowercase();
        let version = look.plan.distro.versions.openssh;
        let older = sshd::spelling(&self.keyword, version);
        let older = older.unwrap_or_default().to_ascii_lowercase();
        let Some(value) = answer.iter().find_map(|(k, v)| (*k == keyword || *k == older).then_some(v)) else {
            return Observation::error(plane, self.wanted(), format!("sshd -T says nothing of {keyword}"));
        };
        let shown = format!("{} {value}", self.keyword);
        let at = Location::file("sshd -T");
        match self.objection(value, version) {
            None => Observation::pass(plane, shown, self.wanted()).at(at),
            Some(what) => Observation::fail(plane, shown, self.wanted(), what).at(at),
        }
    }
}
