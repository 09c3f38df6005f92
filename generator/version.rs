//! Versions of programs, as facts and packages write them. Knows no program.

use std::cmp::Ordering;

/// Compares versions such as `22.4.2` number by number.
pub fn compare(a: &str, b: &str) -> Ordering {
    let numbers = |version: &str| -> Vec<u32> {
        version.split(['.', '-', '~', '+']).map_while(|n| n.parse().ok()).collect()
    };
    numbers(a).cmp(&numbers(b))
}

/// Whether a version is this one or newer.
pub fn at_least(version: &str, wanted: &str) -> bool {
    compare(version, wanted) != Ordering::Less
}
