//! One rule of nftables' text: matches, statements, a verdict.
//!
//! Works on the tokens of one statement; knows nothing of files, tables or variables.

use super::model::Action;
use super::nft_cursor::Cursor;
use super::nft_flags;
use super::nft_lex::Token;
use super::nft_raw::{self, Operator, RawAction, RawMatch, RawRule, Test};
use super::nft_values::values;

/// Keys of `meta` that may stand without the word.
const BARE_META: [&str; 14] = [
    "mark",
    "iif",
    "iifname",
    "iiftype",
    "iifgroup",
    "oif",
    "oifname",
    "oiftype",
    "oifgroup",
    "skuid",
    "skgid",
    "pkttype",
    "cpu",
    "rtclassid",
];

/// Headers whose fields are tested as `header field`.
const HEADERS: [&str; 19] = [
    "ip", "ip6", "tcp", "udp", "sctp", "dccp", "udplite", "th", "icmp", "icmpv6", "ether", "vlan", "esp",
    "ah", "comp", "igmp", "arp", "ct", "rt",
];

/// Statements that change where a packet goes or what it is.
const REDIRECTS: [&str; 11] = [
    "dnat",
    "snat",
    "redirect",
    "masquerade",
    "queue",
    "tproxy",
    "notrack",
    "synproxy",
    "dup",
    "fwd",
    "flow",
];

/// Reads a rule; `None` where there are no tokens.
///
/// # Errors
/// What was not understood: perhaps nft does not either, and then it loads nothing.
pub(super) fn rule(tokens: &[Token]) -> Result<Option<RawRule>, String> {
    let Some(first) = tokens.first() else { return Ok(None) };
    let action = RawAction::Plain(Action::Continue);
    let mut rule = RawRule { matches: Vec::new(), action, at: first.at() };
    let mut cursor = Cursor::new(tokens);
    while cursor.peek().is_some() {
        statement(&mut cursor, &mut rule)
            .map_err(|text| format!("{text} {}", cursor.rest()).trim().to_string())?;
    }
    Ok(Some(rule))
}

/// Reads one match or statement; an error names what was not understood.
fn statement(cursor: &mut Cursor<'_>, rule: &mut RawRule) -> Result<(), String> {
    let Some(token) = cursor.next() else { return Ok(()) };
    if token.quoted {
        return Err(token.text.clone());
    }
    if let Some(action) = verdict(&token.text, cursor)? {
        rule.action = RawAction::Plain(action);
        return Ok(());
    }
    match token.text.as_str() {
        "counter" => skip_counter(cursor),
        "comment" => {
            cursor.next();
        }
        "log" => skip_log(cursor),
        "limit" => rule.matches.push(RawMatch::Condition(limit(cursor))),
        "quota" => {
            cursor.rest();
            rule.matches.push(RawMatch::Condition("quota".into()));
        }
        "add" | "update" | "delete" if cursor.peek().is_some_and(|t| t.text.starts_with('@')) => {
            cursor.next();
            let limited =
                cursor.remaining().iter().take_while(|t| !t.is("}")).any(|t| t.is("limit") || t.is("ct"));
            cursor.skip_block();
            if limited {
                rule.matches.push(RawMatch::Condition("limit rate".into()));
            }
        }
        // An older form of a set that is filled by a rule.
        "meter" => {
            while cursor.peek().is_some_and(|t| !t.is("{")) {
                cursor.next();
            }
            cursor.skip_block();
            rule.matches.push(RawMatch::Condition("limit rate".into()));
        }
        "fib" => fib(cursor, rule)?,
        name if REDIRECTS.contains(&name) => {
            rule.action = RawAction::Plain(Action::Unknown(format!("{name} {}", cursor.rest())));
        }
        "ct" if cursor.peek().is_some_and(|t| t.is("count")) => {
            cursor.rest();
            rule.matches.push(RawMatch::Condition("ct count".into()));
        }
        name => comparison(name, cursor, rule)?,
    }
    Ok(())
}

/// A verdict by its first word, if it is one.
pub(super) fn verdict(word: &str, cursor: &mut Cursor<'_>) -> Result<Option<Action>, String> {
    Ok(Some(match word {
        "accept" => Action::Accept,
        "drop" => Action::Drop,
        "reject" => {
            if cursor.peek().is_some_and(|t| t.is("with")) {
                for _ in 0..4 {
                    if cursor.peek().is_some_and(|t| !t.is("comment") && !t.is(",") && !t.is("}")) {
                        cursor.next();
                    }
                }
            }
            Action::Drop
        }
        "return" => Action::Return,
        "continue" => Action::Continue,
        "jump" => Action::Jump(cursor.word().ok_or("jump to nowhere")?),
        "goto" => Action::Goto(cursor.word().ok_or("goto nowhere")?),
        _ => return Ok(None),
    }))
}

/// `selector [. selector…] [operator] values`, or `… vmap values`, or `… set value`.
fn comparison(first: &str, cursor: &mut Cursor<'_>, rule: &mut RawRule) -> Result<(), String> {
    let mut selectors = vec![selector(first, cursor)?];
    while cursor.take(".") {
        let next = cursor.word().ok_or("a concatenation that ends")?;
        selectors.push(selector(&next, cursor)?);
    }
    if cursor.take("vmap") {
        rule.action = RawAction::Map { selectors, values: values(cursor)? };
        return Ok(());
    }
    if cursor.take("set") {
        return setting(&selectors, cursor);
    }
    if selectors == ["tcp flags"] {
        let of_flags = |t: &Token| {
            !t.quoted
                && ([
                    "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr", "/", ",", "&", "|", "(", ")",
                    "==", "!=", "!",
                ]
                .contains(&t.text.as_str())
                    || t.text.starts_with("0x"))
        };
        let mut words = Vec::new();
        while let Some(token) = cursor.peek().filter(|token| of_flags(token)) {
            words.push(token.text.as_str());
            cursor.next();
        }
        rule.matches.extend(nft_flags::matches(nft_flags::parse(&words)));
        return Ok(());
    }
    if cursor.peek().is_some_and(|t| t.is("&")) {
        return masked(&selectors, cursor, rule);
    }
    let of_bits = ["|", "^", "!", "/", "<<", ">>", "and", "or"];
    // `ct state ! new`: none of the bits.
    let none_of = selectors == ["ct state"] || selectors == ["ct status"];
    if cursor.peek().is_some_and(|t| of_bits.iter().any(|s| t.is(s)) && !(none_of && t.is("!"))) {
        return Err(format!("{} with bit operations", selectors.join(" . ")));
    }
    let operator = match cursor.peek().filter(|t| !t.quoted).and_then(|t| Operator::parse(&t.text)) {
        Some(operator) => {
            cursor.next();
            operator
        }
        None if cursor.take("!") => Operator::NotEqual,
        None => Operator::Equal,
    };
    let values = values(cursor)?;
    rule.matches.push(RawMatch::Test(Test { selectors, operator, values }));
    Ok(())
}

/// `& mask [operator value]`: of a mark, or of the offset of fragments.
fn masked(selectors: &[String], cursor: &mut Cursor<'_>, rule: &mut RawRule) -> Result<(), String> {
    cursor.next();
    let number = |cursor: &mut Cursor<'_>| cursor.word().and_then(|word| bits(&word));
    let bad = || format!("{} with bit operations", selectors.join(" . "));
    let mask = number(cursor).ok_or_else(bad)?;
    let operator = cursor.peek().and_then(|t| Operator::parse(&t.text)).ok_or_else(bad)?;
    cursor.next();
    let value = number(cursor).ok_or_else(bad)?;
    rule.matches.extend(nft_raw::masked(&selectors.join(" . "), mask, operator, value).ok_or_else(bad)?);
    Ok(())
}

/// A number in decimal or hexadecimal digits.
fn bits(word: &str) -> Option<u64> {
    match word.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => word.parse().ok(),
    }
}

/// The canonical name of what is compared: `tcp dport`, `meta iifname`, `ct state`.
fn selector(first: &str, cursor: &mut Cursor<'_>) -> Result<String, String> {
    if BARE_META.contains(&first) {
        return Ok(format!("meta {first}"));
    }
    if first != "meta" && !HEADERS.contains(&first) {
        return Err(first.to_string());
    }
    let mut field = cursor.word().ok_or_else(|| first.to_string())?;
    if first == "ct" && (field == "original" || field == "reply") {
        field = format!("{field} {}", cursor.word().unwrap_or_default());
    }
    Ok(format!("{first} {field}"))
}

/// A statement that changes something. Marks and helpers decide nothing by themselves.
fn setting(selectors: &[String], cursor: &mut Cursor<'_>) -> Result<(), String> {
    match selectors {
        [one]
            if ["meta mark", "ct mark", "ct helper", "meta priority", "meta nftrace", "ct label"]
                .contains(&one.as_str()) =>
        {
            cursor.next();
            Ok(())
        }
        _ => Err(format!("{} set", selectors.join(" . "))),
    }
}

pub(super) fn skip_counter(cursor: &mut Cursor<'_>) {
    if cursor.take("name") {
        cursor.next();
        return;
    }
    for word in ["packets", "bytes"] {
        if cursor.take(word) {
            cursor.next();
        }
    }
}

fn skip_log(cursor: &mut Cursor<'_>) {
    while cursor.peek().is_some_and(|t| {
        ["prefix", "level", "group", "snaplen", "queue-threshold", "flags"].iter().any(|w| t.is(w))
    }) {
        if cursor.next().is_some_and(|t| t.is("flags")) {
            // `flags all`, `flags tcp sequence,options`, `flags ip options`
            let of_flags = ["all", "tcp", "ip", "skuid", "ether", "sequence", "options", ","];
            while cursor.peek().is_some_and(|t| of_flags.iter().any(|w| t.is(w))) {
                cursor.next();
            }
        } else {
            cursor.next();
        }
    }
}

fn limit(cursor: &mut Cursor<'_>) -> String {
    if cursor.take("name") {
        cursor.next();
        return "limit rate".into();
    }
    cursor.take("rate");
    let over = cursor.take("over");
    // `10/second`, `10 / second`, `1 mbytes/second`
    cursor.next();
    while cursor.peek().is_some_and(|t| t.is("/") || t.text.ends_with("bytes") || t.text.contains("bytes/")) {
        if cursor.next().is_some_and(|t| t.is("/")) {
            cursor.next();
        }
    }
    if cursor.take("burst") {
        cursor.next();
        cursor.next();
    }
    if over { "limit rate over".into() } else { "limit rate".into() }
}

/// `fib daddr type local`, `fib saddr . iif oif missing`.
fn fib(cursor: &mut Cursor<'_>, rule: &mut RawRule) -> Result<(), String> {
    let mut flags = vec![cursor.word().ok_or("fib")?];
    while cursor.take(".") {
        flags.extend(cursor.word());
    }
    let result = cursor.word().ok_or("fib")?;
    if cursor.peek().is_some_and(|t| t.is("vmap") || t.is("set")) {
        return Err("fib in a map".into());
    }
    let operator = cursor.peek().and_then(|t| Operator::parse(&t.text));
    if operator.is_some() {
        cursor.next();
    }
    let equal = match operator.unwrap_or(Operator::Equal) {
        Operator::Equal => true,
        Operator::NotEqual => false,
        _ => return Err("fib".into()),
    };
    // `oif 0` is another way to say `oif missing`.
    let missing = ["missing", "0"].iter().any(|word| cursor.take(word));
    if missing || cursor.take("exists") {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        rule.matches.extend(nft_raw::fib(&flags, &result, missing == equal));
        return Ok(());
    }
    let values = values(cursor)?;
    rule.matches.push(match flags.as_slice() {
        [address] if result == "type" => {
            let selectors = vec![format!("fib {address} type")];
            RawMatch::Test(Test { selectors, operator: operator.unwrap_or(Operator::Equal), values })
        }
        _ => RawMatch::Condition(format!("fib {result}")),
    });
    Ok(())
}
