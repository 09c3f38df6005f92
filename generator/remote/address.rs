//! How a machine is named: `ssh://[user@]host[:port]`, as ssh and git take it.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, bail};

const SCHEME: &str = "ssh://";

/// A machine. What is left out is ssh's to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

impl Address {
    /// The address that a target names; `None` where it is a path.
    pub fn of(target: &Path) -> Option<anyhow::Result<Self>> {
        let text = target.to_str()?;
        text.starts_with(SCHEME).then(|| text.parse())
    }

    /// Name or number.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// ssh's arguments for user and port.
    pub fn arguments(&self) -> Vec<String> {
        let user = self.user.iter().flat_map(|user| ["-l".to_owned(), user.clone()]);
        user.chain(self.port.iter().flat_map(|port| ["-p".to_owned(), port.to_string()])).collect()
    }
}

impl FromStr for Address {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let usage = || format!("`{}` names no machine: write ssh://user@host:port", text.escape_debug());
        let rest = text.strip_prefix(SCHEME).unwrap_or(text);
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = match place.strip_prefix('[') {
            // A number of IPv6 has colons of its own, and so stands in brackets.
            Some(number) => match number.split_once(']') {
                Some((number, "")) => (number, None),
                Some((number, port)) => (number, Some(port.strip_prefix(':').with_context(usage)?)),
                None => bail!(usage()),
            },
            None => match place.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (place, None),
            },
        };
        // What begins with a dash would be an option to ssh.
        let plain = |word: &str| {
            !word.is_empty()
                && !word.starts_with('-')
                && word.chars().all(|c| c.is_alphanumeric() || "-_.:%+".contains(c))
        };
        if !plain(host) || !user.is_none_or(plain) {
            bail!(usage());
        }
        let port = match port.map(str::parse::<u16>) {
            None => None,
            Some(Ok(port)) if port > 0 => Some(port),
            Some(_) => bail!("{}: the port is no number from 1 to 65535", usage()),
        };
        Ok(Self { user: user.map(str::to_owned), host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        if let Some(user) = &self.user {
            write!(f, "{user}@")?;
        }
        match self.host.contains(':') {
            true => write!(f, "[{}]", self.host)?,
            false => f.write_str(&self.host)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// The machines of a file: one to a line, with or without `ssh://`; `#` begins a comment.
///
/// # Errors
/// A file that can't be read or names none, or a line that names no machine.
pub fn hosts(path: &Path) -> anyhow::Result<Vec<Address>> {
    let name = path.display();
    let text = std::fs::read_to_string(path).with_context(|| format!("{name}: the list of hosts"))?;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            found.push(line.parse().with_context(|| format!("{name}:{}", index + 1))?);
        }
    }
    if found.is_empty() {
        bail!("{name} names no host");
    }
    Ok(found)
}
