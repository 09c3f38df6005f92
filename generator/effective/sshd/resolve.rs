//! Which statement wins: sshd's two passes.
//!
//! At start sshd takes everything outside `Match` (and under `Match all`), the first value of
//! each keyword. For each login it reads the files again, takes only what stands under
//! conditions that the login meets, again the first of each, and lays that over the first pass.

use std::collections::BTreeSet;

use super::criteria::{Connection, Criterion};
use super::keywords::{self, Keyword, Kind};
use super::load::{Loaded, Statement};
use super::possible::possible;
use super::values::{self, Value};
use super::version::OpenSshVersion;
use super::{Effective, numbers};
use crate::location::{Location, Sourced};

/// The value for one login.
pub(super) fn for_login(
    loaded: &Loaded,
    version: OpenSshVersion,
    keyword: &'static Keyword,
    login: &Connection,
) -> Effective {
    settle(loaded, version, keyword, |s| {
        s.guards.iter().all(|g| loaded.blocks[*g].iter().all(|c| c.met(login)))
    })
}

/// The value when the daemon starts, before any login.
pub(super) fn at_start(loaded: &Loaded, version: OpenSshVersion, keyword: &'static Keyword) -> Effective {
    settle_by_index(loaded, version, keyword, |_| false)
}

/// Every value that some login can get: the plain one first.
///
/// Errs on the side of more: conditions on different things are taken to be independent.
pub(super) fn reachable(
    loaded: &Loaded,
    version: OpenSshVersion,
    keyword: &'static Keyword,
) -> Vec<Effective> {
    let asked: Vec<Option<BTreeSet<&Criterion>>> =
        loaded.statements.iter().map(|s| asked(loaded, &s.guards)).collect();
    let mut seen = BTreeSet::new();
    let conditions = std::iter::once(BTreeSet::new()).chain(
        loaded
            .statements
            .iter()
            .zip(&asked)
            .filter(|(s, _)| s.keyword.name == keyword.name && !s.guards.is_empty())
            .filter_map(|(_, asked)| asked.clone()),
    );
    let mut values: Vec<Effective> = Vec::new();
    let mut add = |value: Effective| {
        if !values.iter().any(|v| v.value == value.value) {
            values.push(value);
        }
    };
    for met in conditions {
        if seen.insert(met.clone()) {
            add(settle_by_index(loaded, version, keyword, |i| {
                asked[i].as_ref().is_some_and(|a| a.is_subset(&met))
            }));
        }
    }
    if values::adds_up(keyword.kind) {
        // A login that meets several conditions gets all their words.
        add(settle_by_index(loaded, version, keyword, |i| asked[i].is_some()));
    }
    values
}

/// What a login must meet for a statement under these guards; `None` where none can.
fn asked<'a>(loaded: &'a Loaded, guards: &[usize]) -> Option<BTreeSet<&'a Criterion>> {
    let all = || guards.iter().flat_map(|g| &loaded.blocks[*g]);
    let asked = || all().filter(|c| !c.always()).collect();
    (!all().any(Criterion::never)).then(asked).filter(possible)
}

fn settle(
    loaded: &Loaded,
    version: OpenSshVersion,
    keyword: &'static Keyword,
    met: impl Fn(&Statement) -> bool,
) -> Effective {
    settle_by_index(loaded, version, keyword, |i| met(&loaded.statements[i]))
}

fn settle_by_index(
    loaded: &Loaded,
    version: OpenSshVersion,
    keyword: &'static Keyword,
    met: impl Fn(usize) -> bool,
) -> Effective {
    let own = || loaded.statements.iter().enumerate().filter(|(_, s)| s.keyword.name == keyword.name);
    let first: Vec<&Statement> = own().map(|(_, s)| s).filter(|s| loaded.at_start(&s.guards)).collect();
    let second: Vec<&Statement> = if keyword.in_match(version) {
        own().filter(|(i, s)| !s.guards.is_empty() && met(*i)).map(|(_, s)| s).collect()
    } else {
        Vec::new()
    };
    let start = pass(keyword, version, &first);
    let login = pass(keyword, version, &second);
    combine(keyword, version, start, login)
}

/// What one pass comes to.
struct Pass {
    value: Value,
    at: Location,
    joined: Vec<Location>,
    losers: Vec<Sourced<String>>,
}

fn pass(keyword: &Keyword, version: OpenSshVersion, statements: &[&Statement]) -> Option<Pass> {
    let index = winner(keyword, version, statements)?;
    let wins = statements[index];
    let mut pass =
        Pass { value: wins.value.clone(), at: wins.at.clone(), joined: Vec::new(), losers: Vec::new() };
    let (before, after) = (&statements[..index], &statements[index + 1..]);
    for statement in after {
        absorb(keyword.kind, &mut pass, statement, true);
    }
    // Where the last line wins, earlier ones still give the parts that it leaves out.
    let gives_parts = after.is_empty() && matches!(wins.value, Value::Parts(_));
    for statement in before.iter().rev() {
        absorb(keyword.kind, &mut pass, statement, gives_parts);
    }
    Some(pass)
}

/// Adds a statement to what the winner says, or counts it among the losers.
fn absorb(kind: Kind, pass: &mut Pass, statement: &Statement, adds: bool) {
    if adds && merge(kind, &mut pass.value, &statement.value) {
        pass.joined.push(statement.at.clone());
    } else {
        pass.losers.push(Sourced::new(statement.text.clone(), statement.at.clone()));
    }
}

/// Index of the statement that decides.
fn winner(keyword: &Keyword, version: OpenSshVersion, statements: &[&Statement]) -> Option<usize> {
    let last = statements.len().checked_sub(1)?;
    let last_wins = match keyword.name {
        "fingerprinthash" | "streamlocalbindmask" => true,
        // First wins only after 10.0, whatever sshd_config(5) says.
        "maxstartups" | "ipqos" => !version.at_least((10, 1)),
        "persourcemaxstartups" => !version.at_least((9, 5)),
        _ => false,
    };
    if last_wins {
        return Some(last);
    }
    // `none` takes effect wherever it stands.
    let none = Value::One("none".to_owned());
    let cleared = (keyword.kind == Kind::TimeOrNone).then(|| statements.iter().position(|s| s.value == none));
    Some(cleared.flatten().unwrap_or(0))
}

/// Adds a later statement's words or parts; whether anything was added.
fn merge(kind: Kind, value: &mut Value, later: &Value) -> bool {
    match (value, later) {
        (Value::Many(words), Value::Many(more)) if values::adds_up(kind) => {
            let name = |w: &String| w.split(' ').next().map(str::to_owned);
            let fresh: Vec<String> = more
                .iter()
                .filter(|w| kind != Kind::Subsystem || !words.iter().any(|have| name(have) == name(w)))
                .cloned()
                .collect();
            words.extend_from_slice(&fresh);
            !fresh.is_empty()
        }
        (Value::Parts(parts), Value::Parts(more)) => {
            let fresh: Vec<_> =
                more.iter().filter(|(n, _)| parts.iter().all(|(have, _)| have != n)).cloned().collect();
            parts.extend_from_slice(&fresh);
            !fresh.is_empty()
        }
        (value @ Value::One(_), Value::One(more)) if values::adds_up(kind) => {
            if let Value::One(word) = value {
                *value = Value::Many(vec![std::mem::take(word), more.clone()]);
            }
            true
        }
        (Value::Many(words), Value::One(more)) if values::adds_up(kind) => {
            words.push(more.clone());
            true
        }
        _ => false,
    }
}

fn combine(
    keyword: &'static Keyword,
    version: OpenSshVersion,
    start: Option<Pass>,
    login: Option<Pass>,
) -> Effective {
    let (winner, beaten) = match (login, start) {
        (Some(login), start) => (Some(login), start),
        (None, start) => (start, None),
    };
    let mut overridden = Vec::new();
    if let Some(beaten) = &beaten {
        let lines = std::iter::once(&beaten.at).chain(&beaten.joined);
        let text = printed(keyword, version, &beaten.value);
        overridden.extend(lines.map(|at| Sourced::new(text.clone(), at.clone())));
    }
    let Some(mut winner) = winner else {
        let value = default(keyword, version);
        return Effective { keyword: keyword.name, value, at: None, joined: Vec::new(), overridden };
    };
    if let (Value::Parts(_), Some(Pass { value: below, .. })) = (&winner.value, &beaten) {
        merge(keyword.kind, &mut winner.value, below);
    }
    overridden.append(&mut winner.losers);
    overridden.extend(beaten.into_iter().flat_map(|b| b.losers));
    let value = printed(keyword, version, &winner.value);
    Effective { keyword: keyword.name, value, at: Some(winner.at), joined: winner.joined, overridden }
}

fn printed(keyword: &Keyword, version: OpenSshVersion, value: &Value) -> String {
    match value {
        Value::One(word) => word.clone(),
        Value::Many(words) => values::joined(keyword.kind, words),
        Value::Parts(parts) => numbers::assembled(keyword.kind, &default(keyword, version), parts),
        Value::Nothing => String::new(),
    }
}

/// The value where the files say nothing, as `sshd -T` prints it.
pub(super) fn default(keyword: &Keyword, version: OpenSshVersion) -> String {
    match keyword.kind {
        Kind::Algorithms(family) => family.default(version).join(","),
        // See SshdConfig::challenge_response.
        _ if keyword.name == "kbdinteractiveauthentication" && !version.at_least((8, 7)) => "no".to_owned(),
        _ => keyword.default.to_owned(),
    }
}

/// The keyword of that name in this release.
pub(super) fn keyword(name: &str, version: OpenSshVersion) -> Option<&'static Keyword> {
    keywords::look_up(name, version)
}
