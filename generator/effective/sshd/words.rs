//! Lists of words, and the shapes that single words must have.

use super::keywords::WordRule;
use super::values::Value;
use super::version::OpenSshVersion;
use super::{numbers, pattern};

/// Reads a list. Before 9.7 a list of no words says nothing; since then sshd refuses it.
pub(super) fn read(rule: WordRule, args: &[String], version: OpenSshVersion) -> Result<Value, String> {
    if args.is_empty() {
        let needed = matches!(
            rule,
            WordRule::Methods | WordRule::OpenTarget | WordRule::ListenTarget | WordRule::Path
        );
        return if needed || version.at_least((9, 7)) {
            Err("no argument".to_owned())
        } else {
            Ok(Value::Nothing)
        };
    }
    if rule == WordRule::Path && args.len() > 1 {
        return Err("more arguments than the keyword takes".to_owned());
    }
    if let Some(alone) = alone(rule).filter(|a| args.iter().any(|w| w.eq_ignore_ascii_case(a))) {
        return if args.len() == 1 {
            Ok(Value::Many(vec![alone.to_owned()]))
        } else {
            Err(format!("“{alone}” must stand alone"))
        };
    }
    let words: Result<Vec<String>, String> = args.iter().map(|w| word(rule, w)).collect();
    words.map(|words| Value::Many(if rule == WordRule::Assignment { first_names(words) } else { words }))
}

/// A word that stands for “no list” and tolerates no other beside it.
fn alone(rule: WordRule) -> Option<&'static str> {
    match rule {
        WordRule::NoneAlone | WordRule::Timeout => Some("none"),
        WordRule::Methods => Some("any"),
        _ => None,
    }
}

fn word(rule: WordRule, word: &str) -> Result<String, String> {
    let good = match rule {
        WordRule::Any | WordRule::NoneAlone | WordRule::Path => !word.is_empty(),
        WordRule::EnvironmentName => !word.is_empty() && !word.contains('='),
        WordRule::Assignment => word.contains('='),
        WordRule::UserPattern => {
            let host = word.split_once('@').map(|(_, host)| host);
            !word.is_empty() && host.is_none_or(pattern::valid_addresses)
        }
        WordRule::Methods => word.split(',').all(known_method),
        WordRule::Timeout => word
            .split_once('=')
            .is_some_and(|(channel, time)| !channel.is_empty() && numbers::seconds(time).is_ok()),
        WordRule::OpenTarget => return open_target(word),
        WordRule::ListenTarget if word.contains(':') => return open_target(word),
        WordRule::ListenTarget if matches!(word, "any" | "none") => true,
        WordRule::ListenTarget => return open_target(&format!("*:{word}")),
    };
    match (good, rule) {
        (false, _) => Err(format!("invalid word “{word}”")),
        (true, WordRule::Path) => Ok(absolute(word)),
        (true, _) => Ok(word.to_owned()),
    }
}

fn known_method(method: &str) -> bool {
    METHODS.iter().any(|(name, _)| *name == method_name(method))
}

/// A method without the device that may follow it (`keyboard-interactive:pam`).
fn method_name(method: &str) -> &str {
    method.split_once(':').map_or(method, |(name, _)| name)
}

/// Methods of `AuthenticationMethods` and the keyword that turns each on; `none` always is.
const METHODS: &[(&str, Option<&str>)] = &[
    ("none", None),
    ("publickey", Some("pubkeyauthentication")),
    ("password", Some("passwordauthentication")),
    ("keyboard-interactive", Some("kbdinteractiveauthentication")),
    ("hostbased", Some("hostbasedauthentication")),
    ("gssapi-with-mic", Some("gssapiauthentication")),
    ("gssapi-keyex", Some("gssapiauthentication")),
];

/// Keywords that must be on for a list of methods (`publickey,password`) to be of use.
pub(super) fn switches(methods: &str) -> impl Iterator<Item = &'static str> + '_ {
    methods.split(',').filter_map(|m| {
        METHODS.iter().find(|(name, _)| *name == method_name(m)).and_then(|(_, switch)| *switch)
    })
}

/// `host:port`, `[address]:port`, `host:*`, or the whole list `any` or `none`.
fn open_target(word: &str) -> Result<String, String> {
    if matches!(word, "any" | "none") {
        return Ok(word.to_owned());
    }
    let parts = match word.strip_prefix('[') {
        Some(rest) => rest.split_once(']').and_then(|(_, port)| port.strip_prefix([':', '/'])),
        None => word.find([':', '/']).map(|at| &word[at + 1..]),
    };
    let good = parts.is_some_and(|port| port == "*" || numbers::port(port).is_ok());
    if good { Ok(word.to_owned()) } else { Err(format!("invalid target “{word}”")) }
}

/// Of several assignments to one variable the first wins.
fn first_names(words: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    words
        .into_iter()
        .filter(|w| seen.insert(w.split_once('=').map_or(w.clone(), |(name, _)| name.to_owned())))
        .collect()
}

/// A path as sshd keeps it: its working directory, the root, and a slash before relative ones.
pub(super) fn absolute(path: &str) -> String {
    if path.eq_ignore_ascii_case("none") {
        "none".to_owned()
    } else if path.starts_with(['/', '~']) {
        path.to_owned()
    } else {
        format!("//{path}")
    }
}

/// `ListenAddress`: `host`, `host:port`, `[address]:port` or a bare IPv6 address, with an
/// optional `rdomain`. Gives the words back as written, in one line.
pub(super) fn listen_address(args: &[String]) -> Result<String, String> {
    let (address, domain) = args.split_first().filter(|(a, _)| !a.is_empty()).ok_or("no address")?;
    if !matches!(domain, [] | [_, _]) || domain.first().is_some_and(|w| w != "rdomain") {
        return Err("bad syntax after the address".to_owned());
    }
    split_address(address).ok_or_else(|| format!("“{address}” is no address"))?;
    Ok(args.join(" "))
}

/// Splits a listening address into host and port.
pub(super) fn split_address(text: &str) -> Option<(&str, Option<u16>)> {
    if !text.contains('[') && text.matches(':').count() >= 2 {
        return Some((text, None));
    }
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']')?;
            (host, rest)
        }
        None => text.split_at(text.find([':', '/']).unwrap_or(text.len())),
    };
    if rest.is_empty() {
        return Some((host, None));
    }
    let port = rest.strip_prefix([':', '/'])?;
    numbers::port(port).ok().map(|port| (host, Some(port)))
}

/// `Subsystem name command…`.
pub(super) fn subsystem(args: &[String], version: OpenSshVersion) -> Result<Value, String> {
    match args {
        [name, command, rest @ ..] if !name.is_empty() && !command.is_empty() => {
            let quotes = version.at_least((9, 5));
            let words = std::iter::once(command).chain(rest);
            let words: Vec<String> = words.map(|w| if quotes { quoted(w) } else { w.clone() }).collect();
            Ok(Value::Many(vec![format!("{name} {}", words.join(" "))]))
        }
        _ => Err("a subsystem wants a name and a command".to_owned()),
    }
}

/// A word as sshd puts it together again.
fn quoted(word: &str) -> String {
    let escaped: String = word
        .chars()
        .flat_map(|c| matches!(c, '\\' | '\'' | '"').then_some('\\').into_iter().chain([c]))
        .collect();
    if escaped.contains([' ', '\t']) { format!("\"{escaped}\"") } else { escaped }
}
