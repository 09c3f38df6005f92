//! nftables' own listing, `nft -j list ruleset`, of a running system.

use serde_json::{Map, Value};

use super::compile::{compile, priority};
use super::iptables;
use super::model::{Action, Base, Hook, RuleSet, Unknown};
use super::names::Names;
use super::nft_flags::{self, FlagTest};
use super::nft_raw::{self, Element, Operator, RawAction, RawMatch, RawRule, RawRules, Test, Values};
use crate::location::Location;

/// What answered, for locations.
const ORIGIN: &str = "nft -j list ruleset";

/// Reads the listing.
///
/// # Errors
/// Text that is no such listing.
pub fn nftables_listing(listing: &Value) -> Result<RuleSet, String> {
    let objects = listing.get("nftables").and_then(Value::as_array).ok_or("no list `nftables`")?;
    let mut raw = RawRules::default();
    for object in objects.iter().filter_map(Value::as_object) {
        let Some((kind, body)) = object.iter().next() else { continue };
        let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
        match kind.as_str() {
            "table" => {
                let flags = body.get("flags").map(Value::to_string).unwrap_or_default();
                raw.table(text("family"), text("name")).dormant = flags.contains("dormant");
            }
            "chain" => chain(&mut raw, body),
            "set" | "map" => set(&mut raw, body),
            "rule" => {
                let handle = body.get("handle").and_then(Value::as_u64).unwrap_or_default();
                let at = Location::file(format!(
                    "{ORIGIN} ({} {} {}, handle {handle})",
                    text("family"),
                    text("table"),
                    text("chain")
                ));
                let expressions = body.get("expr").and_then(Value::as_array);
                let rule = rule(expressions.map_or(&[], Vec::as_slice), at);
                raw.table(text("family"), text("table")).chain(text("chain")).rules.push(rule);
            }
            _ => {}
        }
    }
    Ok(compile(raw, ORIGIN, &Names::default()))
}

fn chain(raw: &mut RawRules, body: &Value) {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let (family, table, name) = (text("family"), text("table"), text("name"));
    let at = Location::file(format!("{ORIGIN} ({family} {table} {name})"));
    let found = raw.table(family, table).chain(name);
    let hook = match text("hook") {
        "prerouting" => Hook::Prerouting,
        "input" => Hook::Input,
        "forward" => Hook::Forward,
        "ingress" => {
            found.ingress = Some(at);
            return;
        }
        _ => return,
    };
    let prio = body.get("prio");
    let priority = prio.and_then(Value::as_i64).or_else(|| priority(prio?.as_str()?));
    let base = Base {
        hook,
        priority: priority.unwrap_or_default(),
        drops: text("policy") == "drop",
        policy_at: at.clone(),
    };
    found.base = Some(base);
    if priority.is_none() {
        raw.unknown.push(Unknown { at, text: "a chain without a priority".into() });
    }
}

fn set(raw: &mut RawRules, body: &Value) {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let at = Location::file(format!("{ORIGIN} (set {})", text("name")));
    let elements = body.get("elem").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let read: Result<Vec<Element>, String> = elements.iter().map(element).collect();
    let flags = body.get("flags").map(Value::to_string).unwrap_or_default();
    match read {
        Ok(elements) => {
            let table = raw.table(text("family"), text("table"));
            let set = table.sets.entry(text("name").to_string()).or_default();
            set.dynamic = flags.contains("dynamic") || flags.contains("timeout");
            set.elements = elements;
        }
        Err(text) => raw.unknown.push(Unknown { at, text }),
    }
}

fn rule(expressions: &[Value], at: Location) -> RawRule {
    let mut rule = RawRule { matches: Vec::new(), action: RawAction::Plain(Action::Continue), at };
    for expression in expressions.iter().filter_map(Value::as_object) {
        if let Err(text) = statement(expression, &mut rule) {
            rule.action = RawAction::Plain(Action::Unknown(text));
        }
    }
    rule
}

fn statement(expression: &Map<String, Value>, rule: &mut RawRule) -> Result<(), String> {
    let Some((kind, body)) = expression.iter().next() else { return Ok(()) };
    if let Some(action) = verdict(kind, body) {
        rule.action = RawAction::Plain(action);
        return Ok(());
    }
    match kind.as_str() {
        "counter" | "log" => {}
        "limit" => {
            let over = body.get("inv").and_then(Value::as_bool) == Some(true);
            let text = if over { "limit rate over" } else { "limit rate" };
            rule.matches.push(RawMatch::Condition(text.into()));
        }
        "quota" => rule.matches.push(RawMatch::Condition("quota".into())),
        "ct count" => rule.matches.push(RawMatch::Condition("ct count".into())),
        "match" => rule.matches.extend(comparison(body)?),
        "xt" => compatible(body, rule)?,
        "vmap" => {
            let selectors = selectors(body.get("key").unwrap_or(&Value::Null))?;
            let values = values(body.get("data").unwrap_or(&Value::Null))?;
            rule.action = RawAction::Map { selectors, values };
        }
        "set" => {
            let limited = body.get("stmt").map(Value::to_string).unwrap_or_default();
            if limited.contains("\"limit\"") || limited.contains("\"ct count\"") {
                rule.matches.push(RawMatch::Condition("limit rate".into()));
            }
        }
        "mangle" => {
            let key = selectors(body.get("key").unwrap_or(&Value::Null))?.join(" . ");
            if !["meta mark", "ct mark", "meta priority", "meta nftrace", "ct label"].contains(&key.as_str())
            {
                return Err(format!("{key} set"));
            }
        }
        "ct helper" => {}
        other => return Err(other.to_string()),
    }
    Ok(())
}

/// A match or target of iptables that the listing only names.
fn compatible(body: &Value, rule: &mut RawRule) -> Result<(), String> {
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    match text("type") {
        "match" if name == "comment" => {}
        "match" if iptables::holds_for_some(name) => {
            rule.matches.push(RawMatch::Condition(format!("match {name}")));
        }
        "target" if iptables::only_notes(name) => {}
        kind => return Err(format!("xt {kind} {name}")),
    }
    Ok(())
}

fn verdict(kind: &str, body: &Value) -> Option<Action> {
    let target = || body.get("target").and_then(Value::as_str).unwrap_or_default().to_string();
    Some(match kind {
        "accept" => Action::Accept,
        "drop" | "reject" => Action::Drop,
        "return" => Action::Return,
        "continue" => Action::Continue,
        "jump" => Action::Jump(target()),
        "goto" => Action::Goto(target()),
        _ => return None,
    })
}

fn comparison(body: &Value) -> Result<Vec<RawMatch>, String> {
    let null = Value::Null;
    let left = body.get("left").unwrap_or(&null);
    let operator = body.get("op").and_then(Value::as_str).unwrap_or_default();
    let right = body.get("right").unwrap_or(&null);
    if let Some(fib) = left.get("fib") {
        return fib_test(fib, operator, right);
    }
    let is_flags = |value: &Value| selectors(value).is_ok_and(|s| s == ["tcp flags"]);
    let masked = left.get("&").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    if is_flags(left) || masked.first().is_some_and(is_flags) {
        return Ok(nft_flags::matches(flag_test(masked.get(1), operator, right)));
    }
    if let [bits, mask] = masked {
        let number = |value: &Value| value.as_u64();
        let read = Operator::parse(operator).zip(number(mask)).zip(number(right));
        let test = read.and_then(|((operator, mask), value)| {
            nft_raw::masked(&selectors(bits).ok()?.join(" . "), mask, operator, value)
        });
        return test.ok_or_else(|| left.to_string().chars().take(80).collect());
    }
    // `ct state ! new`: none of the bits.
    let none_of = operator == "!" && selectors(left).is_ok_and(|s| s == ["ct state"] || s == ["ct status"]);
    let operator = if none_of { "!=" } else { operator };
    let operator = Operator::parse(operator).ok_or_else(|| format!("operator {operator}"))?;
    let selectors = selectors(left)?;
    let values = values(right)?;
    Ok(vec![RawMatch::Test(Test { selectors, operator, values })])
}

fn fib_test(fib: &Value, operator: &str, right: &Value) -> Result<Vec<RawMatch>, String> {
    let result = fib.get("result").and_then(Value::as_str).unwrap_or_default();
    let flags: Vec<&str> = match fib.get("flags") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    };
    let operator = Operator::parse(operator).ok_or("fib")?;
    let equal = operator == Operator::Equal;
    let absent = right == &Value::Bool(false) || right == &Value::from(0);
    if absent || right == &Value::Bool(true) {
        return Ok(nft_raw::fib(&flags, result, absent == equal).into_iter().collect());
    }
    Ok(vec![match flags.as_slice() {
        [flag] if result == "type" => {
            let selectors = vec![format!("fib {flag} type")];
            RawMatch::Test(Test { selectors, operator, values: values(right)? })
        }
        _ => RawMatch::Condition(format!("fib {result}")),
    }])
}

/// A test of TCP's flags, with the mask that the left side may hold.
fn flag_test(mask: Option<&Value>, operator: &str, right: &Value) -> Option<FlagTest> {
    let value = bits(right)?;
    match (mask, operator) {
        (Some(mask), _) => {
            let operator = Operator::parse(operator)?;
            Some(FlagTest::Masked { mask: bits(mask)?, operator, value })
        }
        (None, "in") => Some(FlagTest::any(value, false)),
        (None, "!") => Some(FlagTest::any(value, true)),
        (None, operator) => Some(FlagTest::Whole { operator: Operator::parse(operator)?, value }),
    }
}

/// Flags by name, as a number, or several of them.
fn bits(value: &Value) -> Option<u8> {
    match value {
        Value::String(name) => nft_flags::flag(name),
        Value::Number(number) => u8::try_from(number.as_u64()?).ok(),
        Value::Array(list) => list.iter().map(bits).try_fold(0, |all, bit| Some(all | bit?)),
        Value::Object(operation) => bits(operation.get("|")?),
        _ => None,
    }
}

fn selectors(value: &Value) -> Result<Vec<String>, String> {
    if let Some(parts) = value.get("concat").and_then(Value::as_array) {
        return parts.iter().map(selector).collect();
    }
    Ok(vec![selector(value)?])
}

fn selector(value: &Value) -> Result<String, String> {
    let text = |body: &Value, key: &str| body.get(key).and_then(Value::as_str).map(str::to_string);
    let name = if let Some(payload) = value.get("payload") {
        text(payload, "protocol").zip(text(payload, "field")).map(|(p, f)| format!("{p} {f}"))
    } else if let Some(meta) = value.get("meta") {
        text(meta, "key").map(|key| format!("meta {key}"))
    } else if let Some(ct) = value.get("ct") {
        let direction = text(ct, "dir").map(|d| format!("{d} ")).unwrap_or_default();
        text(ct, "key").map(|key| format!("ct {direction}{key}"))
    } else {
        None
    };
    name.ok_or_else(|| {
        let shown = value.to_string();
        shown.chars().take(80).collect()
    })
}

fn values(value: &Value) -> Result<Values, String> {
    if let Some(name) = value.as_str().and_then(|text| text.strip_prefix('@')) {
        return Ok(Values::Named(name.to_string()));
    }
    let list = match value.get("set") {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice),
    };
    Ok(Values::Elements(list.iter().map(element).collect::<Result<_, _>>()?))
}

/// An element of a set, or a pair of key and verdict of a map.
fn element(value: &Value) -> Result<Element, String> {
    if let Some([key, action]) = value.as_array().map(Vec::as_slice) {
        let action = action.as_object().and_then(|a| a.iter().next());
        let action = action.and_then(|(kind, body)| verdict(kind, body));
        return Ok(Element { action: Some(action.ok_or("a map to no verdict")?), ..element(key)? });
    }
    if let Some(inner) = value.get("elem").and_then(|e| e.get("val")) {
        return element(inner);
    }
    let key = match value.get("concat").and_then(Value::as_array) {
        Some(parts) => parts.iter().map(atom).collect::<Result<_, _>>()?,
        None => vec![atom(value)?],
    };
    Ok(Element { key, action: None })
}

fn atom(value: &Value) -> Result<String, String> {
    if let Some(inner) = value.get("elem").and_then(|e| e.get("val")) {
        return atom(inner);
    }
    if let Some(prefix) = value.get("prefix") {
        let address = prefix.get("addr").and_then(Value::as_str).unwrap_or_default();
        let length = prefix.get("len").and_then(Value::as_u64).ok_or("a prefix without a length")?;
        return Ok(format!("{address}/{length}"));
    }
    if let Some([low, high]) = value.get("range").and_then(Value::as_array).map(Vec::as_slice) {
        return Ok(format!("{}-{}", atom(low)?, atom(high)?));
    }
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(other.to_string().chars().take(80).collect()),
    }
}
