//! The `test` command, by `grub-core/commands/test.c`.

use super::number::{Number, number};
use super::variables::Value;
use crate::target::{FileKind, Result, Root};

/// Parentheses that may stand in one another.
const MAX_DEPTH: usize = 50;

/// Whether the arguments of `[` hold; `None` where it depends on the machine.
pub fn test(root: Root<'_>, arguments: &[Value]) -> Result<Option<bool>> {
    Test { root, rest: arguments }.group(0)
}

struct Test<'t> {
    root: Root<'t>,
    rest: &'t [Value],
}

/// A group's value so far: `-o` ends a row of tests that all must hold.
struct Group {
    invert: bool,
    any: Option<bool>,
    all: Option<bool>,
}

impl Group {
    fn update(&mut self, holds: Option<bool>) {
        self.all = and(self.all, if self.invert { not(holds) } else { holds });
        self.invert = false;
    }

    fn result(&self) -> Option<bool> {
        or(self.any, self.all)
    }
}

impl Test<'_> {
    fn group(&mut self, depth: usize) -> Result<Option<bool>> {
        let mut group = Group { invert: false, any: Some(false), all: Some(true) };
        while let [first, rest @ ..] = self.rest {
            if let [left, operator, right, rest @ ..] = self.rest
                && let Some(holds) = compare(&left.text, &operator.text, &right.text)
            {
                self.rest = rest;
                group.update(holds.filter(|_| left.certain && right.certain));
                continue;
            }
            if let [operator, operand, rest @ ..] = self.rest
                && let Some(holds) = self.unary(&operator.text, operand)?
            {
                self.rest = rest;
                group.update(holds);
                continue;
            }
            self.rest = rest;
            match first.text.as_str() {
                ")" => break,
                "(" if depth == MAX_DEPTH => return Ok(None),
                "(" => {
                    let holds = self.group(depth + 1)?;
                    group.update(holds);
                }
                "!" => group.invert = !group.invert,
                "-a" => {}
                "-o" => {
                    group.any = group.result();
                    group.all = Some(true);
                }
                text => group.update(Some(!text.is_empty()).filter(|_| first.certain)),
            }
        }
        Ok(group.result())
    }

    /// A test of one operand; the outer `None` where this is no such operator.
    fn unary(&self, operator: &str, operand: &Value) -> Result<Option<Option<bool>>> {
        let text = operand.text.as_str();
        if !["-n", "-z", "-d", "-e", "-f", "-s"].contains(&operator) {
            return Ok(None);
        }
        if !operand.certain {
            return Ok(Some(None));
        }
        let meta = || -> Result<_> { Ok(self.root.resolve(plain_path(text))?.map(|link| link.meta)) };
        Ok(Some(Some(match operator {
            "-n" => !text.is_empty(),
            "-z" => text.is_empty(),
            "-d" => meta()?.is_some_and(|meta| meta.kind == FileKind::Directory),
            "-e" => meta()?.is_some(),
            "-f" => meta()?.is_some_and(|meta| meta.kind != FileKind::Directory),
            _ => meta()?.is_some_and(|meta| meta.kind == FileKind::File && meta.size > 0),
        })))
    }
}

/// A path without the device before it: which one GRUB calls so is unknown here.
pub fn plain_path(path: &str) -> &str {
    match path.strip_prefix('(').and_then(|rest| rest.split_once(')')) {
        Some((_, path)) => path,
        None => path,
    }
}

/// A comparison; the outer `None` where this is no such operator, the inner where it compares ages of files.
fn compare(left: &str, operator: &str, right: &str) -> Option<Option<bool>> {
    let numbers = || (signed(left), signed(right));
    Some(Some(match operator {
        "=" | "==" => left == right,
        "!=" => left != right,
        "<" => left < right,
        "<=" => left <= right,
        ">" => left > right,
        ">=" => left >= right,
        "-eq" => numbers().0 == numbers().1,
        "-ne" => numbers().0 != numbers().1,
        "-lt" => numbers().0 < numbers().1,
        "-le" => numbers().0 <= numbers().1,
        "-gt" => numbers().0 > numbers().1,
        "-ge" => numbers().0 >= numbers().1,
        _ if ["-nt", "-ot", "-pgt", "-plt"].iter().any(|unread| operator.starts_with(unread)) => {
            return Some(None);
        }
        _ => return None,
    }))
}

/// A number with an optional sign, as a C `int` keeps it; 0 for what is none.
fn signed(text: &str) -> i32 {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
    let value = match number(digits) {
        Number::Value(value, _) => value,
        Number::TooLarge => u64::MAX,
        Number::None => 0,
    };
    let value = if negative { value.wrapping_neg() } else { value };
    #[expect(clippy::cast_possible_truncation, reason = "as in C")]
    return value as i32;
}

fn not(a: Option<bool>) -> Option<bool> {
    a.map(|a| !a)
}

/// Both hold; unknown unless one of them surely doesn't.
fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn or(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    not(and(not(a), not(b)))
}
