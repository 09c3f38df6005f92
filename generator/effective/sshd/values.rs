//! From a keyword's arguments to the value as `sshd -T` prints it, or why sshd refuses them.

use super::keywords::Kind;
use super::lex::Line;
use super::version::OpenSshVersion;
use super::{numbers, words};

/// A line's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    One(String),
    Many(Vec<String>),
    /// Named parts, each of which is settled on its own.
    Parts(Vec<(&'static str, String)>),
    /// Accepted, but says nothing.
    Nothing,
}

/// Reads a line's arguments; the error is a sentence for people.
pub(super) fn read(kind: Kind, line: &Line, version: OpenSshVersion) -> Result<Value, String> {
    let args = line.args.as_deref().ok_or("a quote stays open")?;
    match kind {
        Kind::Ignored => return Ok(Value::Nothing),
        Kind::Rest | Kind::Command => return rest(kind, line),
        Kind::Words(rule) | Kind::Lines(rule) | Kind::Append(rule) => {
            return words::read(rule, args, version);
        }
        Kind::PubkeyOptions => return pubkey_options(args).map(Value::One),
        Kind::Penalties => return numbers::penalties(args).map(Value::Parts),
        Kind::RekeyLimit => return numbers::rekey_limit(args).map(Value::Parts),
        Kind::Subsystem => return words::subsystem(args, version),
        Kind::ListenAddress => return words::listen_address(args).map(Value::One),
        Kind::IpQos => return numbers::ip_qos(args, version).map(Value::One),
        _ => {}
    }
    let (first, extra) = args.split_first().ok_or("no argument")?;
    if first.is_empty() {
        return Err("no argument".to_owned());
    }
    if !extra.is_empty() {
        return Err("more arguments than the keyword takes".to_owned());
    }
    if kind == Kind::MaxStartups {
        return numbers::max_startups(first).map(Value::Parts);
    }
    one(kind, first, version).map(Value::One)
}

fn one(kind: Kind, word: &str, version: OpenSshVersion) -> Result<String, String> {
    match kind {
        Kind::Choice(choices) => choices
            .iter()
            .find(|(accepted, _)| word.eq_ignore_ascii_case(accepted))
            .map(|(_, printed)| (*printed).to_owned())
            .ok_or_else(|| format!("unsupported value “{word}”")),
        Kind::Exact(choices) if choices.contains(&word) => Ok(word.to_owned()),
        Kind::Exact(_) => Err(format!("unsupported value “{word}”")),
        Kind::Integer => numbers::integer(word).map(|n| n.to_string()),
        Kind::Time => numbers::seconds(word).map(|n| n.to_string()),
        Kind::TimeOrNone if word.eq_ignore_ascii_case("none") => Ok("none".to_owned()),
        Kind::TimeOrNone => {
            numbers::seconds(word).map(|n| if n == 0 { "none".to_owned() } else { n.to_string() })
        }
        Kind::Count if word == "none" => Ok("none".to_owned()),
        Kind::Count => numbers::integer(word)
            .map(|n| if n == numbers::INT_MAX { "none".to_owned() } else { n.to_string() }),
        Kind::Path => Ok(words::absolute(word)),
        Kind::Port => numbers::port(word).map(|n| n.to_string()),
        Kind::Algorithms(family) => family.expand(word, version),
        Kind::LogLevel => level(word),
        Kind::Facility => facility(word),
        Kind::NetBlockSize => numbers::net_block_size(word),
        Kind::Mask => numbers::mask(word),
        Kind::UserEnvironment => Ok(word.to_owned()),
        _ => Ok(if word.eq_ignore_ascii_case("none") { "none".to_owned() } else { word.to_owned() }),
    }
}

fn rest(kind: Kind, line: &Line) -> Result<Value, String> {
    let text = line.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    let none = text.eq_ignore_ascii_case("none");
    match kind {
        Kind::Command if !none && !text.starts_with('/') => {
            Err("the command must be an absolute path".to_owned())
        }
        _ if none => Ok(Value::One("none".to_owned())),
        _ => Ok(Value::One(text.to_owned())),
    }
}

fn pubkey_options(args: &[String]) -> Result<String, String> {
    let has = |name: &str| args.iter().any(|a| a.eq_ignore_ascii_case(name));
    let names = ["touch-required", "verify-required"];
    let known =
        |a: &String| a.eq_ignore_ascii_case("none") || names.iter().any(|n| a.eq_ignore_ascii_case(n));
    if let Some(unknown) = args.iter().find(|a| !known(a)) {
        return Err(format!("unsupported option “{unknown}”"));
    }
    let set: Vec<&str> = names.into_iter().filter(|n| has(n)).collect();
    Ok(if set.is_empty() { "none".to_owned() } else { set.join(" ") })
}

fn level(word: &str) -> Result<String, String> {
    let word = word.to_ascii_uppercase();
    match word.as_str() {
        // The same under two names, of which sshd shows the first.
        "SILENT" | "QUIET" => Ok("SILENT".to_owned()),
        "FATAL" | "ERROR" | "INFO" | "VERBOSE" | "DEBUG2" | "DEBUG3" => Ok(word),
        "DEBUG" | "DEBUG1" => Ok("DEBUG".to_owned()),
        _ => Err(format!("unsupported log level “{word}”")),
    }
}

fn facility(word: &str) -> Result<String, String> {
    let word = word.to_ascii_uppercase();
    let local = word.strip_prefix("LOCAL").is_some_and(|n| matches!(n.as_bytes(), [b'0'..=b'7']));
    if local || matches!(word.as_str(), "DAEMON" | "USER" | "AUTH" | "AUTHPRIV") {
        Ok(word)
    } else {
        Err(format!("unsupported log facility “{word}”"))
    }
}

/// Whether a list of words takes further lines into account instead of the first alone.
pub(super) fn adds_up(kind: Kind) -> bool {
    matches!(kind, Kind::Append(_) | Kind::Port | Kind::ListenAddress | Kind::Subsystem)
}

/// How `sshd -T` joins several words: in one line, or one a line.
pub(super) fn joined(kind: Kind, words: &[String]) -> String {
    let one_line = matches!(kind, Kind::Words(_));
    words.join(if one_line { " " } else { "\n" })
}
