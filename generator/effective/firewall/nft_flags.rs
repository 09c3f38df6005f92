//! Tests of TCP's flags: whether a connection's first packet, which carries SYN alone, passes.

use super::nft_raw::{Element, Operator, RawMatch, Test, Values};

const SYN: u8 = 2;
/// ECE and CWR, which a first packet may or may not carry.
const ECN: u8 = 0xc0;

/// A test of flags, as bits.
#[derive(Clone, Copy, Debug)]
pub(super) enum FlagTest {
    /// `flags & mask == value`.
    Masked { mask: u8, operator: Operator, value: u8 },
    /// `flags == value`, all bits.
    Whole { operator: Operator, value: u8 },
}

impl FlagTest {
    /// Whether a first packet passes; `None` where that depends on more than SYN.
    fn passes(self) -> Option<bool> {
        let (operator, equal) = match self {
            Self::Masked { mask, .. } if mask & ECN != 0 => return None,
            Self::Masked { mask, operator, value } => (operator, SYN & mask == value),
            Self::Whole { value, .. } if value & !ECN == SYN => return None,
            Self::Whole { operator, .. } => (operator, false),
        };
        match operator {
            Operator::Equal => Some(equal),
            Operator::NotEqual => Some(!equal),
            _ => None,
        }
    }

    /// Any of the flags is set, or, with `none`, none of them.
    pub(super) fn any(bits: u8, none: bool) -> Self {
        let operator = if none { Operator::Equal } else { Operator::NotEqual };
        Self::Masked { mask: bits, operator, value: 0 }
    }
}

/// What the test demands of a packet: TCP, and the flags. `None` is a test that was not read.
pub(super) fn matches(test: Option<FlagTest>) -> Vec<RawMatch> {
    let tcp = Element { key: vec!["tcp".to_owned()], action: None };
    let is_tcp = RawMatch::Test(Test {
        selectors: vec!["meta l4proto".to_owned()],
        operator: Operator::Equal,
        values: Values::Elements(vec![tcp]),
    });
    match test.and_then(FlagTest::passes) {
        Some(true) => vec![is_tcp],
        Some(false) => vec![is_tcp, RawMatch::Never],
        None => vec![is_tcp, RawMatch::Condition("tcp flags".to_owned())],
    }
}

/// The words after `tcp flags`: `syn`, `& (fin|syn) == syn`, `syn / fin,syn,rst,ack`, `! syn`.
pub(super) fn parse(words: &[&str]) -> Option<FlagTest> {
    let is_operator = |word: &str| word == "!" || Operator::parse(word).is_some();
    let at = words.iter().position(|word| is_operator(word));
    let (left, right) = words.split_at(at.unwrap_or(words.len()));
    if let Some(("&", mask)) = left.split_first().map(|(first, rest)| (*first, rest)) {
        let (operator, value) = right.split_first()?;
        let (operator, value) = (Operator::parse(operator)?, bits(value)?);
        return Some(FlagTest::Masked { mask: bits(mask)?, operator, value });
    }
    let (operator, values) = match right.split_first() {
        Some((operator, values)) if left.is_empty() => (Some(*operator), values),
        None => (None, left),
        Some(_) => return None,
    };
    if let Some(slash) = values.iter().position(|word| *word == "/") {
        let operator = Operator::parse(operator.unwrap_or("=="))?;
        let (value, mask) = (bits(&values[..slash])?, bits(&values[slash + 1..])?);
        return Some(FlagTest::Masked { mask, operator, value });
    }
    let value = bits(values)?;
    match operator {
        None => Some(FlagTest::any(value, false)),
        Some("!") => Some(FlagTest::any(value, true)),
        Some(operator) => Some(FlagTest::Whole { operator: Operator::parse(operator)?, value }),
    }
}

fn bits(words: &[&str]) -> Option<u8> {
    let flags = words.iter().filter(|word| !["|", ",", "(", ")"].contains(word));
    flags.map(|word| flag(word)).try_fold(0, |all, bit| Some(all | bit?))
}

/// A flag by name, or several as a number.
pub(super) fn flag(name: &str) -> Option<u8> {
    const NAMES: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];
    if let Some(place) = NAMES.iter().position(|known| *known == name) {
        return Some(1 << place);
    }
    match name.strip_prefix("0x") {
        Some(hex) => u8::from_str_radix(hex, 16).ok(),
        None => name.parse().ok(),
    }
}
