//! glob(3) inside a target: sorted by bytes, hidden files only by name.

use crate::target::{Result, Root};

/// Paths (relative to the root) that fit an absolute pattern, in glob(3)'s order.
///
/// A name without a wildcard is taken where something is there, dangling links included, as
/// glob(3) does.
pub fn expand(root: &Root<'_>, pattern: &[u8]) -> Result<Vec<Vec<u8>>> {
    let mut found: Vec<Vec<u8>> = vec![Vec::new()];
    for part in pattern.split(|b| *b == b'/').filter(|p| !p.is_empty()) {
        let mut next = Vec::new();
        for directory in &found {
            for name in names(root, directory, part)? {
                let mut path = directory.clone();
                if !path.is_empty() {
                    path.push(b'/');
                }
                path.extend_from_slice(&name);
                next.push(path);
            }
        }
        found = next;
    }
    Ok(found)
}

fn names(root: &Root<'_>, directory: &[u8], part: &[u8]) -> Result<Vec<Vec<u8>>> {
    if !part.iter().any(|b| matches!(b, b'*' | b'?' | b'[')) {
        let name = unescaped(part);
        let path = [directory, b"/", &name].concat();
        return Ok(root.entry(&path)?.map(|_| name).into_iter().collect());
    }
    let entries = root.read_dir(directory)?;
    let hidden = part.first() == Some(&b'.');
    Ok(entries
        .into_iter()
        .map(|e| e.name)
        .filter(|name| (hidden || name.first() != Some(&b'.')) && fits(name, part))
        .collect())
}

fn unescaped(part: &[u8]) -> Vec<u8> {
    let mut bytes = part.iter();
    let mut name = Vec::new();
    while let Some(b) = bytes.next() {
        name.push(if *b == b'\\' { *bytes.next().unwrap_or(b) } else { *b });
    }
    name
}

/// Whether a file name fits a pattern of `*`, `?`, `[…]` and escapes.
fn fits(name: &[u8], pattern: &[u8]) -> bool {
    let (mut n, mut p) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, n));
            p += 1;
            continue;
        }
        match one(pattern.get(p..).unwrap_or_default(), name[n]) {
            Some(used) => {
                n += 1;
                p += used;
            }
            None => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, n) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|b| *b == b'*')
}

/// Length of the pattern's first element if it fits the byte.
fn one(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', set @ ..] => match bracket(set, byte) {
            Some((hit, used)) => hit.then_some(used + 1),
            None => (byte == b'[').then_some(1),
        },
        [b'\\', escaped, ..] => (*escaped == byte).then_some(2),
        [literal, ..] => (*literal == byte).then_some(1),
        [] => None,
    }
}

/// A set after its `[`: whether the byte is in it, and its length with the `]`.
fn bracket(set: &[u8], byte: u8) -> Option<(bool, usize)> {
    let negated = matches!(set.first(), Some(b'!' | b'^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut hit = false;
    loop {
        match set.get(at..)? {
            [b']', ..] if at > start => return Some((hit != negated, at + 1)),
            [low, b'-', high, ..] if *high != b']' => {
                hit |= (*low..=*high).contains(&byte);
                at += 3;
            }
            [one, ..] => {
                hit |= *one == byte;
                at += 1;
            }
            [] => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn fits_as_fnmatch_does() {
        for (name, pattern, want) in [
            ("50-a.conf", "*.conf", true),
            ("50-a.conf.bak", "*.conf", false),
            ("a", "?", true),
            ("b1", "[ab][0-9]", true),
            ("c1", "[!ab][0-9]", true),
            ("b1", "[!ab]*", false),
            ("[x", "[x", true),
            ("*", "\\*", true),
            ("a", "\\*", false),
        ] {
            assert_eq!(fits(name.as_bytes(), pattern.as_bytes()), want, "{name} {pattern}");
        }
    }
}
