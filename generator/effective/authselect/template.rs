//! authselect's templates: lines and parts of lines that depend on features (authselect-profiles(5)).

/// Parentheses in an expression that are followed.
const MAX_DEPTH: usize = 32;

/// The text that a template gives with these features; `None` where an expression can't be read.
pub(super) fn generate(template: &str, features: &[String]) -> Option<String> {
    let mut features = features.to_vec();
    for line in template.lines() {
        if let Some((_, Operator::Imply { implied, condition }, _)) = operator(line)
            && holds(condition, &features)?
        {
            features.push(implied.to_owned());
        }
    }
    let mut text = String::new();
    for line in template.lines() {
        match made(line, &features)? {
            Line::Gone => {}
            Line::Text(line) => text.extend([&line, "\n"]),
            Line::Last(line) => {
                text.push_str(&line);
                break;
            }
        }
    }
    Some(text)
}

/// What becomes of a line.
enum Line {
    Gone,
    Text(String),
    /// Nothing follows it.
    Last(String),
}

fn made(line: &str, features: &[String]) -> Option<Line> {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, operator, after)) = operator(rest) {
        text.push_str(before);
        match operator {
            Operator::Imply { .. } => return Some(Line::Gone),
            Operator::Line { keeps, condition } if holds(condition, features)? != keeps => {
                return Some(Line::Gone);
            }
            Operator::Line { .. } => {}
            Operator::Rest { goes_on, condition } if holds(condition, features)? == goes_on => {
                return Some(Line::Gone);
            }
            Operator::Rest { .. } => return Some(Line::Last(text)),
            Operator::Value { condition, yes, no } => {
                text.push_str(if holds(condition, features)? { yes } else { no })
            }
        }
        rest = after;
    }
    text.push_str(rest);
    Some(Line::Text(text))
}

/// What stands in braces.
enum Operator<'t> {
    /// `include if`, `exclude if`: the line stays where the condition is as it `keeps`.
    Line { keeps: bool, condition: &'t str },
    /// `continue if`, `stop if`: what follows stays where the condition is as it `goes_on`.
    Rest { goes_on: bool, condition: &'t str },
    /// `if CONDITION:YES|NO`
    Value { condition: &'t str, yes: &'t str, no: &'t str },
    /// `imply "FEATURE" if CONDITION`
    Imply { implied: &'t str, condition: &'t str },
}

/// The first operator of a text, with what stands before and after it. Braces around anything else are text.
fn operator(text: &str) -> Option<(&str, Operator<'_>, &str)> {
    for (at, _) in text.match_indices('{') {
        let (inner, after) = text[at + 1..].split_once('}')?;
        if inner.contains('{') {
            continue;
        }
        let line = |word: &str| inner.strip_prefix(word).filter(|condition| !condition.contains([':', '|']));
        let found = if let Some(condition) = line("include if ") {
            Operator::Line { keeps: true, condition }
        } else if let Some(condition) = line("exclude if ") {
            Operator::Line { keeps: false, condition }
        } else if let Some(condition) = line("continue if ") {
            Operator::Rest { goes_on: true, condition }
        } else if let Some(condition) = line("stop if ") {
            Operator::Rest { goes_on: false, condition }
        } else if let Some((implied, condition)) = line("imply ").and_then(|rest| rest.split_once(" if ")) {
            Operator::Imply { implied: implied.trim().trim_matches('"'), condition }
        } else if let Some((condition, values)) =
            inner.strip_prefix("if ").and_then(|rest| rest.split_once(':'))
        {
            let (yes, no) = values.split_once('|').unwrap_or((values, ""));
            Operator::Value { condition, yes, no }
        } else {
            continue;
        };
        return Some((&text[..at], found, after));
    }
    None
}

/// Whether a condition holds: `"feature"`, `not`, `and`, `or`, parentheses; what comes first binds first.
fn holds(condition: &str, features: &[String]) -> Option<bool> {
    let mut rest = condition;
    let value = expression(&mut rest, features, 0)?;
    rest.trim_start().is_empty().then_some(value)
}

fn expression(rest: &mut &str, features: &[String], depth: usize) -> Option<bool> {
    let mut value = term(rest, features, depth)?;
    loop {
        let both = match rest.trim_start() {
            "" => return Some(value),
            end if end.starts_with(')') => return (depth > 0).then_some(value),
            _ if word(rest, "and") => true,
            _ if word(rest, "or") => false,
            _ => return None,
        };
        let next = term(rest, features, depth)?;
        value = if both { value && next } else { value || next };
    }
}

fn term(rest: &mut &str, features: &[String], depth: usize) -> Option<bool> {
    let mut wanted = true;
    while word(rest, "not") {
        wanted = !wanted;
    }
    *rest = rest.trim_start();
    if let Some(inner) = rest.strip_prefix('"') {
        let (feature, after) = inner.split_once('"')?;
        *rest = after;
        return Some(features.iter().any(|on| on == feature) == wanted);
    }
    *rest = rest.strip_prefix('(').filter(|_| depth < MAX_DEPTH)?;
    let value = expression(rest, features, depth + 1)?;
    *rest = rest.trim_start().strip_prefix(')')?;
    Some(value == wanted)
}

/// Takes a word, in letters of any case.
fn word(rest: &mut &str, word: &str) -> bool {
    let text = rest.trim_start();
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let there = text[..end].eq_ignore_ascii_case(word);
    if there {
        *rest = &text[end..];
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(template: &str, features: &[&str]) -> Option<String> {
        let features: Vec<String> = features.iter().map(|f| (*f).to_owned()).collect();
        generate(template, &features)
    }

    #[test]
    fn lines_stay_and_go_with_features() {
        let template =
            "a {include if \"x\"}\nb {exclude if \"x\"}\nc{if \"x\":1|2}{if not \"x\":3}\n{y} {if\n";
        assert_eq!(with(template, &["x"]).unwrap(), "a \nc1\n{y} {if\n");
        assert_eq!(with(template, &[]).unwrap(), "b \nc23\n{y} {if\n");
        let rest = "a\n{continue if \"x\"}\nb\n{stop if \"y\"}\nc\n";
        assert_eq!(with(rest, &[]).unwrap(), "a\n");
        assert_eq!(with(rest, &["x"]).unwrap(), "a\nb\nc\n");
        assert_eq!(with(rest, &["x", "y"]).unwrap(), "a\nb\n");
        let implied = "{imply \"x\" if \"y\"}\na {include if \"x\"}\n";
        assert_eq!(with(implied, &["y"]).unwrap(), "a \n");
    }

    #[test]
    fn conditions_are_read_from_left_to_right() {
        let holds =
            |text: &str, on: &[&str]| with(&format!("a{{include if {text}}}"), on).map(|t| !t.is_empty());
        for (text, on, wanted) in [
            ("\"x\" and not \"y\"", &["x"][..], Some(true)),
            ("\"x\" or \"y\" and \"z\"", &["x"], Some(false)),
            ("\"x\" or (\"y\" and \"z\")", &["x"], Some(true)),
            ("NOT (\"x\" Or \"y\")", &[], Some(true)),
            ("\"x\" \"y\"", &[], None),
            ("\"x\" and", &[], None),
            ("(\"x\"", &[], None),
            ("\"x\")", &[], None),
        ] {
            assert_eq!(holds(text, on), wanted, "{text}");
        }
    }
}
