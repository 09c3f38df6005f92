//! Unit names: types, templates and instances.

/// The unit types there are.
const TYPES: [&str; 11] = [
    "service",
    "socket",
    "target",
    "device",
    "mount",
    "automount",
    "swap",
    "timer",
    "path",
    "slice",
    "scope",
];
/// Types that can have no template.
const UNTEMPLATED: [&str; 5] = ["mount", "automount", "swap", "slice", "scope"];
/// Types of which a unit can have no second name.
const UNALIASED: [&str; 5] = ["mount", "automount", "swap", "slice", "scope"];

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `ssh.service`
    Plain,
    /// `getty@.service`
    Template,
    /// `getty@tty1.service`
    Instance,
}

/// The type of a unit, such as `service`; `None` where the name is no unit's.
pub(super) fn unit_type(name: &str) -> Option<&str> {
    let (stem, suffix) = name.rsplit_once('.')?;
    let character = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let valid = !stem.is_empty()
        && !stem.starts_with('@')
        && name.len() < 256
        && TYPES.contains(&suffix)
        && stem.chars().all(character);
    valid.then_some(suffix)
}

/// Plain, template or instance; `None` where the name is no unit's.
pub(super) fn kind(name: &str) -> Option<Kind> {
    unit_type(name)?;
    let (stem, _) = name.rsplit_once('.')?;
    Some(match stem.split_once('@') {
        None => Kind::Plain,
        Some((_, "")) => Kind::Template,
        Some(_) => Kind::Instance,
    })
}

pub(super) fn can_be_template(unit_type: &str) -> bool {
    !UNTEMPLATED.contains(&unit_type)
}

pub(super) fn can_be_alias(unit_type: &str) -> bool {
    !UNALIASED.contains(&unit_type)
}

/// The part before `@`, the instance and the type: `("getty", Some("tty1"), "service")`.
pub(super) fn parts(name: &str) -> (&str, Option<&str>, &str) {
    let (stem, unit_type) = name.rsplit_once('.').unwrap_or((name, ""));
    match stem.split_once('@') {
        Some((prefix, instance)) => (prefix, Some(instance), unit_type),
        None => (stem, None, unit_type),
    }
}

/// `getty@tty1.service` → `getty@.service`; `None` for anything but an instance.
pub(super) fn template(name: &str) -> Option<String> {
    if kind(name)? != Kind::Instance {
        return None;
    }
    let (prefix, _, unit_type) = parts(name);
    Some(format!("{prefix}@.{unit_type}"))
}

/// `getty@.service` and `tty1` → `getty@tty1.service`.
pub(super) fn instantiate(template: &str, instance: &str) -> String {
    let (prefix, _, unit_type) = parts(template);
    format!("{prefix}@{instance}.{unit_type}")
}

/// Whether a link of the first name to the second makes an alias: the type stays, a plain name
/// leads to a plain one, a template to a template, and an instance to its like or a template. A
/// link to the same name in another unit directory is refused.
pub(super) fn may_alias(link: &str, target: &str) -> bool {
    let (Some(from), Some(to)) = (kind(link), kind(target)) else { return false };
    let same_type = unit_type(link) == unit_type(target);
    let (_, instance, _) = parts(link);
    let (_, target_instance, _) = parts(target);
    let fits = match (from, to) {
        (Kind::Instance, Kind::Instance) => instance == target_instance,
        (Kind::Instance, Kind::Template) => true,
        _ => from == to,
    };
    same_type && fits && link != target && unit_type(link).is_some_and(can_be_alias)
}

/// Base name of a path.
pub(super) fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Replaces the specifiers of a unit's own name (`%i`, `%I`, `%p`, `%j`, `%n`, `%N`, `%%`);
/// others are left as they stand.
pub(super) fn expand(text: &str, unit: &str) -> String {
    let (prefix, instance, _) = parts(unit);
    let mut result = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            result.push(c);
            continue;
        }
        match rest.next() {
            Some('i' | 'I') => result.push_str(instance.unwrap_or_default()),
            Some('p' | 'P') => result.push_str(prefix),
            Some('j' | 'J') => result.push_str(prefix.rsplit('-').next().unwrap_or(prefix)),
            Some('n') => result.push_str(unit),
            Some('N') => result.push_str(unit.rsplit_once('.').map_or(unit, |(stem, _)| stem)),
            Some('%') => result.push('%'),
            Some(other) => result.extend(['%', other]),
            None => result.push('%'),
        }
    }
    result
}
