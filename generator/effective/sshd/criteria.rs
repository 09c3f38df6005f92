//! The condition of a `Match` line: its syntax, and whether a login meets it.

use super::lex;
use super::pattern::{self, Match};
use super::version::OpenSshVersion;

/// What sshd knows of a login when it evaluates `Match`. An absent field meets no condition on
/// it, as in `sshd -T -C`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// Name of the account logged into.
    pub user: Option<String>,
    /// Names of that account's groups.
    pub groups: Vec<String>,
    /// The account does not exist.
    pub invalid_user: bool,
    /// Host name of the client.
    pub host: Option<String>,
    /// Address of the client.
    pub address: Option<String>,
    /// Address of the server that the client reached.
    pub local_address: Option<String>,
    /// Port of the server that the client reached.
    pub local_port: Option<u16>,
    /// Routing domain the connection came in on.
    pub routing_domain: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Criterion {
    User(String),
    Group(String),
    Host(String),
    Address(String),
    LocalAddress(String),
    LocalPort(u16),
    RoutingDomain(String),
    InvalidUser,
    /// Compared with sshd's own version, so known before any login.
    Version {
        matches: bool,
    },
}

/// All criteria of a `Match` line; none stands for `all`.
pub(super) type Criteria = Vec<Criterion>;

/// Reads a condition; the error is a sentence for people.
pub(super) fn parse(line: &lex::Line, version: OpenSshVersion) -> Result<Criteria, String> {
    let words =
        if version.at_least((9, 9)) { line.args.clone().unwrap_or_default() } else { old_words(&line.rest) };
    let mut words = words.into_iter().take_while(|w| !w.starts_with('#')).peekable();
    if words.peek().is_none() {
        return Err("“Match” without a condition".to_owned());
    }
    let mut criteria = Criteria::new();
    let mut first = true;
    while let Some(word) = words.next() {
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) if version.at_least((9, 9)) => {
                (name.to_ascii_lowercase(), Some(value.to_owned()))
            }
            _ => (word.to_ascii_lowercase(), None),
        };
        match name.as_str() {
            "all" if first && words.peek().is_none() => return Ok(criteria),
            "all" => return Err("“all” can't be combined with other conditions".to_owned()),
            "invalid-user" if version.at_least((9, 9)) && inline.is_none() => {
                criteria.push(Criterion::InvalidUser);
            }
            _ => {
                let value = inline.or_else(|| words.next()).filter(|v| !v.is_empty());
                criteria.push(criterion(&name, value, version)?);
            }
        }
        first = false;
    }
    Ok(criteria)
}

/// Before 9.9 a condition's words were cut as a keyword is: at blanks or one `=`.
fn old_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = Some(text.to_owned());
    while let Some((word, next)) = rest.as_deref().and_then(lex::delimited) {
        if word.is_empty() {
            break;
        }
        words.push(word);
        rest = next;
    }
    words
}

fn criterion(name: &str, value: Option<String>, version: OpenSshVersion) -> Result<Criterion, String> {
    let known = ["user", "group", "host", "address", "localaddress", "localport", "rdomain"];
    let version_known = version.at_least((10, 0));
    if !known.contains(&name) && (name != "version" || !version_known) {
        return Err(format!("unsupported condition “{name}”"));
    }
    let value = value.ok_or_else(|| format!("condition “{name}” without a value"))?;
    if matches!(name, "address" | "localaddress") && !pattern::valid_addresses(&value) {
        return Err(format!("invalid address list “{value}”"));
    }
    Ok(match name {
        "user" => Criterion::User(value),
        "group" => Criterion::Group(value),
        "host" => Criterion::Host(value.to_ascii_lowercase()),
        "address" => Criterion::Address(value),
        "localaddress" => Criterion::LocalAddress(value),
        "rdomain" => Criterion::RoutingDomain(value),
        "version" => {
            let release = format!("OpenSSH_{version}p1");
            let second = format!("OpenSSH_{version}p2");
            let hit = |r: &str| pattern::match_list(r, &value) == Match::Yes;
            Criterion::Version { matches: hit(&release) || hit(&second) }
        }
        _ => Criterion::LocalPort(value.parse().map_err(|_| format!("invalid local port “{value}”"))?),
    })
}

impl Criterion {
    /// Whether a login meets it.
    pub(super) fn met(&self, login: &Connection) -> bool {
        let list = |text: &Option<String>, list: &str| {
            text.as_deref().is_some_and(|t| pattern::match_list(t, list) == Match::Yes)
        };
        let addresses = |text: &Option<String>, list: &str| {
            text.as_deref().is_some_and(|t| pattern::match_addresses(t, list) == Match::Yes)
        };
        match self {
            Self::User(users) => list(&login.user, users),
            Self::Group(groups) => login.user.is_some() && in_groups(&login.groups, groups),
            Self::Host(hosts) => list(&login.host.as_ref().map(|h| h.to_ascii_lowercase()), hosts),
            Self::Address(nets) => addresses(&login.address, nets),
            Self::LocalAddress(nets) => addresses(&login.local_address, nets),
            Self::LocalPort(port) => login.local_port == Some(*port),
            Self::RoutingDomain(domains) => list(&login.routing_domain, domains),
            Self::InvalidUser => login.invalid_user,
            Self::Version { matches } => *matches,
        }
    }

    /// Every login meets it.
    pub(super) fn always(&self) -> bool {
        match self {
            Self::User(list) | Self::Host(list) | Self::Address(list) | Self::LocalAddress(list) => {
                pattern::is_everything(list)
            }
            Self::Version { matches } => *matches,
            _ => false,
        }
    }

    /// No login can meet it.
    pub(super) fn never(&self) -> bool {
        match self {
            Self::User(list)
            | Self::Group(list)
            | Self::Host(list)
            | Self::Address(list)
            | Self::LocalAddress(list)
            | Self::RoutingDomain(list) => !pattern::has_positive(list),
            Self::Version { matches } => !matches,
            Self::LocalPort(_) | Self::InvalidUser => false,
        }
    }

    /// The port that it asks for.
    pub(super) fn port(&self) -> Option<u16> {
        if let Self::LocalPort(port) = self { Some(*port) } else { None }
    }

    /// Already met when the daemon starts, before any login.
    pub(super) fn met_at_start(&self) -> bool {
        matches!(self, Self::Version { matches: true })
    }
}

/// One denied group decides against all others.
fn in_groups(groups: &[String], list: &str) -> bool {
    let outcomes: Vec<Match> = groups.iter().map(|g| pattern::match_list(g, list)).collect();
    !outcomes.contains(&Match::Denied) && outcomes.contains(&Match::Yes)
}
