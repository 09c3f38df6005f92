//! Whether lines that a profile put into a file hold against other files of the same program: what
//! the program concludes, where a reader knows it.
//!
//! Of files whose program no reader knows, or of which none can take another's place, nothing is
//! said.

use crate::effective::limits::{self, Conclusion, Limits, Login, Rule};
use crate::effective::profile::{self, NotRead, Profile};
use crate::effective::{coredump, ini_dropin, journald};
use crate::location::{Location, Sourced};
use crate::verify::Look;

/// Why one of the lines does not hold, and the place that decides in its stead.
type Overruled = Option<Sourced<String>>;

/// What overrules lines of a file; `None` where all hold, as far as is known.
///
/// # Errors
/// A file that can't be read, in words.
pub fn overruled(look: &Look<'_>, path: &str, lines: &str) -> Result<Overruled, String> {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    match (folder, name) {
        ("/etc/security", "limits.conf") | ("/etc/security/limits.d", _) => limits(look, path, lines),
        ("/etc/systemd", "coredump.conf") | ("/etc/systemd/coredump.conf.d", _) => {
            let config = coredump::read(look.root).map_err(|e| e.to_string())?;
            Ok(options(path, lines, coredump::SECTION, |key| config.option(key)))
        }
        ("/etc/systemd", "journald.conf") | ("/etc/systemd/journald.conf.d", _) => {
            let config = journald::read(look.root).map_err(|e| e.to_string())?;
            Ok(config.and_then(|c| options(path, lines, journald::SECTION, |key| c.option(key))))
        }
        (profile::FOLDER, _) => shell(look, path, lines),
        _ if path == profile::PROFILE || path == profile::BASHRC => shell(look, path, lines),
        _ => Ok(None),
    }
}

/// Every login that a line is for has to get what it says.
fn limits(look: &Look<'_>, path: &str, lines: &str) -> Result<Overruled, String> {
    let version = look.plan.distro.versions.pam;
    let limits = Limits::read(look.root, version).map_err(|e| e.to_string())?;
    let logins = limits.logins();
    for rule in limits::rules(path, lines, version) {
        for login in logins.iter().filter(|login| limits.is_for(&rule, login)) {
            if let Some(why) = differs(&limits, &rule, login) {
                return Ok(Some(why));
            }
        }
    }
    Ok(None)
}

fn differs(limits: &Limits, rule: &Rule, login: &Login) -> Overruled {
    let who = login.to_string();
    let found = match limits.of(login) {
        Conclusion::Limited(mut found) => found.remove(rule.item).unwrap_or_default(),
        Conclusion::Exempt(at) => return Some(Sourced::new(format!("it exempts {who} from all limits"), at)),
        Conclusion::Refused(why) => {
            return Some(Sourced::new(format!("pam_limits refuses every session: {}", why.value), why.at));
        }
    };
    for (bound, wanted, found) in
        [("soft", rule.bounds.soft, found.soft), ("hard", rule.bounds.hard, found.hard)]
    {
        let said = found.as_ref().map(|found| found.value);
        if wanted && said != Some(rule.value) {
            let words = match said {
                Some(limits::UNLIMITED) => "no limit".to_owned(),
                Some(value) => value.to_string(),
                None => "the kernel's own".to_owned(),
            };
            let why = format!("it gives {who} for {} ({bound}) {words}, not {}", rule.item, rule.value);
            return Some(Sourced::new(why, found.map_or_else(|| rule.at.clone(), |found| found.at)));
        }
    }
    None
}

/// The decisive line for a key, and those that lose.
type Deciding<'c> = Option<(&'c Sourced<String>, Vec<Location>)>;

/// Every option has to be decided by a line that says the same.
fn options<'c>(path: &str, lines: &str, section: &str, decides: impl Fn(&str) -> Deciding<'c>) -> Overruled {
    let own = ini_dropin::assignments(path, lines).into_iter().filter(|(s, ..)| s == section);
    for (_, key, wanted) in own {
        match decides(&key) {
            Some((found, _)) if found.value == wanted.value => {}
            Some((found, _)) => {
                let why = format!("it says `{key}={}` and comes last", found.value);
                return Some(Sourced::new(why, found.at.clone()));
            }
            None => {
                return Some(Sourced::new(format!("nothing sets {key}: the file is not read"), wanted.at));
            }
        }
    }
    None
}

/// Every plain line has to be the one that counts, as far as lines are plain.
fn shell(look: &Look<'_>, path: &str, lines: &str) -> Result<Overruled, String> {
    let files = Profile::read(look.root).map_err(|e| e.to_string())?;
    for own in profile::statements(path, lines) {
        match files.overruling(path, &own.what, &own.value) {
            Ok(None) => {}
            Ok(Some(other)) => {
                let how = if other.fixed { "for good" } else { "later" };
                let why = match other.value.as_str() {
                    "" => format!("it takes {} away {how}", own.what),
                    value => format!("it sets {} to {value} {how}", own.what),
                };
                return Ok(Some(Sourced::new(why, other.at.clone())));
            }
            Err(NotRead) if path == profile::BASHRC => {}
            Err(NotRead) => {
                let why = format!("{} does not read it", profile::PROFILE);
                return Ok(Some(Sourced::new(why, Location::file(path))));
            }
        }
    }
    Ok(None)
}
