//! What sshd concludes from `sshd_config`: first match wins, `Include`, `Match`, defaults by
//! release. Values read as `sshd -T` prints them.
//!
//! Owns sshd's configuration language for OpenSSH 8.4 to 10.0 (arguments are cut as from 8.7 on), and sshd's own
//! options. Must not know which values anybody wants, nor what starts sshd: its arguments come from the caller, and
//! where a socket unit listens in its place, the ports here are without effect.
//!
//! Source of the rules: `servconf.c` and `sshd_config(5)`; held against the real `sshd -T` in
//! the tests.

mod algorithms;
mod command_line;
mod criteria;
#[cfg(test)]
mod differential;
mod keywords;
mod lex;
mod listen;
mod load;
mod numbers;
mod pattern;
mod possible;
mod resolve;
#[cfg(test)]
mod tests;
mod values;
mod version;
mod words;

pub use command_line::CommandLine;
pub use criteria::Connection;
pub use listen::Listener;
pub use version::{NoVersion, OpenSshVersion, Patches};

use crate::location::{Location, Sourced};
use crate::target::{Result, Root};
use load::Loaded;

/// How a release spells a keyword; `None` where it does not know it.
pub fn spelling(keyword: &str, version: OpenSshVersion) -> Option<String> {
    let known = keywords::look_up(keyword, version)?;
    let own = known.name.eq_ignore_ascii_case(keyword) && keywords::find(keyword, version).is_some();
    Some(if own { keyword.to_owned() } else { known.older_spelling(version).to_owned() })
}

/// Whether an algorithm came only after a release: where one is named that sshd does not know, it does not start.
pub fn came_later(algorithm: &str, version: OpenSshVersion) -> bool {
    algorithms::came_later(algorithm, version)
}

/// sshd's main file.
pub const MAIN: &str = "/etc/ssh/sshd_config";

/// A keyword's value and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The keyword's present name, in lower case.
    pub keyword: &'static str,
    /// As `sshd -T` prints it, without the keyword. Words that it prints one a line
    /// (`AllowUsers`, `AcceptEnv`, `HostKey`, …) are parted by `\n`; empty where it prints none.
    pub value: String,
    /// The line that decides; `None` for the built-in default.
    pub at: Option<Location>,
    /// Further lines that add to the value.
    pub joined: Vec<Location>,
    /// Lines that lose, with their text.
    pub overridden: Vec<Sourced<String>>,
}

impl Effective {
    /// The words of a value that `sshd -T` prints one a line.
    pub fn items(&self) -> impl Iterator<Item = &str> {
        self.value.split('\n').filter(|w| !w.is_empty())
    }
}

/// sshd's configuration, read once.
#[derive(Debug)]
pub struct SshdConfig {
    version: OpenSshVersion,
    started: CommandLine,
    loaded: Loaded,
    /// Why sshd would refuse to start: each a sentence and the line at fault.
    pub problems: Vec<Sourced<String>>,
}

/// Reads what an sshd concludes that is started so; `None` where there is no main file, without which it does not start.
///
/// # Errors
/// A target that can't be read, or a configuration beyond the bounds (files, blocks, lines).
pub fn read(root: &Root<'_>, started: CommandLine, version: OpenSshVersion) -> Result<Option<SshdConfig>> {
    Ok(load::load(root, &started, version)?.map(|mut loaded| {
        let problems = std::mem::take(&mut loaded.problems);
        let mut config = SshdConfig { version, started, loaded, problems };
        config.check_commands();
        config.check_methods();
        config.check_listeners();
        config
    }))
}

impl SshdConfig {
    /// The release whose rules were applied.
    pub fn version(&self) -> OpenSshVersion {
        self.version
    }

    /// How sshd is started.
    pub fn started(&self) -> &CommandLine {
        &self.started
    }

    /// The value for a login that meets no condition but `Match all`, found by any spelling;
    /// `None` where this release has no such keyword.
    pub fn global(&self, keyword: &str) -> Option<Effective> {
        self.for_login(keyword, &Connection::default())
    }

    /// The value for one login, as `sshd -T -C` says it.
    pub fn for_login(&self, keyword: &str, login: &Connection) -> Option<Effective> {
        let keyword = resolve::keyword(keyword, self.version)?;
        let own = resolve::for_login(&self.loaded, self.version, keyword, login);
        Some(self.challenge_response(keyword.name, login).unwrap_or(own))
    }

    /// Every value that some login can get through `Match` blocks, the plain one first; empty
    /// where this release has no such keyword. A check takes the weakest of them.
    pub fn reachable(&self, keyword: &str) -> Vec<Effective> {
        let Some(keyword) = resolve::keyword(keyword, self.version) else { return Vec::new() };
        match self.challenge_response(keyword.name, &Connection::default()) {
            Some(forced) => vec![forced],
            None => resolve::reachable(&self.loaded, self.version, keyword),
        }
    }

    /// All keywords of this release that have a value, with it, for one login.
    pub fn dump(&self, login: &Connection) -> Vec<Effective> {
        keywords::all(self.version)
            .filter(|k| k.kind != keywords::Kind::Ignored)
            .filter_map(|k| self.for_login(k.name, login))
            .collect()
    }

    /// Before 8.7 `ChallengeResponseAuthentication yes`, the default, turned
    /// keyboard-interactive on whatever `KbdInteractiveAuthentication` said.
    fn challenge_response(&self, keyword: &str, login: &Connection) -> Option<Effective> {
        if keyword != "kbdinteractiveauthentication" || self.version.at_least((8, 7)) {
            return None;
        }
        let switch = self.for_login("challengeresponseauthentication", login)?;
        (switch.value == "yes").then_some(Effective { keyword: "kbdinteractiveauthentication", ..switch })
    }

    /// One list of `AuthenticationMethods` at least must consist of methods that are on.
    fn check_methods(&mut self) {
        let at_start = |name: &str| {
            let keyword = resolve::keyword(name, self.version)?;
            Some(resolve::at_start(&self.loaded, self.version, keyword))
        };
        let Some(methods) = at_start("authenticationmethods") else { return };
        let on = |switch: &str| at_start(switch).is_some_and(|e| e.value == "yes");
        let usable = |list: &str| list == "any" || words::switches(list).all(on);
        if let (Some(at), false) = (methods.at, methods.value.split(' ').any(usable)) {
            let text = "no list of AuthenticationMethods consists of methods that are on";
            self.problems.push(Sourced::new(text.to_owned(), at));
        }
    }

    /// A command for keys needs a user to run as.
    fn check_commands(&mut self) {
        for command in ["authorizedkeyscommand", "authorizedprincipalscommand"] {
            let keyword = |name: &str| resolve::keyword(name, self.version);
            let (Some(run), Some(user)) = (keyword(command), keyword(&format!("{command}user"))) else {
                continue;
            };
            let at_start = |k| resolve::at_start(&self.loaded, self.version, k);
            let (run, user) = (at_start(run), at_start(user));
            if let (Some(at), None) = (run.at.filter(|_| run.value != "none"), user.at) {
                let text = format!("{command} without {command}user");
                self.problems.push(Sourced::new(text, at));
            }
        }
    }
}
