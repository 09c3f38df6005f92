//! Which entry GRUB boots when nobody chooses one, and with which options.
//!
//! Follows GRUB's sources: its scripting language, `load_env`, and Boot Loader Specification entries as
//! the GRUBs that have `blscfg` read them. Not followed: wildcards in words, translated strings, entries
//! that load another menu (an explicit unknown), and `fallback` where an entry fails.

mod bls;
mod condition;
#[cfg(test)]
mod differential;
mod environment;
mod lex;
mod number;
mod parse;
mod run;
mod variables;

use super::{Boot, release_of};
use crate::location::Location;
use crate::target::{Result, Root};
use condition::plain_path;
use number::{Number, number};
use run::{Item, Run};
use variables::Value;

/// Where GRUB's generated configuration may be.
const FOLDERS: [&str; 2] = ["/boot/grub", "/boot/grub2"];
/// Submenus in one another.
const MAX_LEVELS: usize = 8;

/// The entry of the variable `default`, followed through submenus; or why it can't be told.
pub fn default_boot(root: Root<'_>) -> Result<std::result::Result<Boot, String>> {
    Ok(match default_linux(root)? {
        Ok((at, words)) => boot(root, at, &words)?,
        Err(why) => Err(why),
    })
}

/// The `linux` command of the default entry: its place, and its words.
fn default_linux(root: Root<'_>) -> Result<std::result::Result<(Location, Vec<Value>), String>> {
    for folder in FOLDERS {
        let file = format!("{folder}/grub.cfg");
        if let Some(script) = root.read_text(&file)? {
            let mut run = Run::new(root, folder);
            run.script(&file, &script)?;
            return chosen(&mut run);
        }
    }
    Ok(Err(format!("there is no {}/grub.cfg", FOLDERS[0])))
}

/// Follows the default through submenus, as `grub-core/normal/menu.c` does.
fn chosen(run: &mut Run<'_>) -> Result<std::result::Result<(Location, Vec<Value>), String>> {
    for _ in 0..MAX_LEVELS {
        if let Some(why) = run.unknown.take() {
            return Ok(Err(why));
        }
        let default = run.variables.get("default");
        if default.as_ref().is_some_and(|value| !value.certain) {
            return Ok(Err("the default entry depends on the machine".to_owned()));
        }
        let default = default.map(|value| value.text);
        let items = std::mem::take(&mut run.items);
        let position = default.as_deref().and_then(|text| find(&items, text, run.knows_bls)).unwrap_or(0);
        let Some(item) = items.get(position) else { return Ok(Err("the menu has no entry".to_owned())) };
        // An entry that some machines don't have moves the numbers of those after it.
        if let Some(doubtful) = items[..=position].iter().find(|item| !item.certain) {
            let at = &doubtful.at;
            return Ok(Err(format!("the default entry depends on {at}, which not every machine has")));
        }
        if item.submenu {
            run.variables = run.variables.exported();
        }
        match default.as_deref().and_then(below) {
            Some(rest) => run.variables.set("default", Value::known(rest)),
            None => run.variables.unset("default", true),
        }
        run.linux = None;
        run.entry(item)?;
        if !item.submenu {
            if let Some(why) = run.unknown.take() {
                return Ok(Err(why));
            }
            let none = || format!("{}: the default entry starts no Linux kernel", item.at);
            return Ok(run.linux.take().ok_or_else(none));
        }
        if let Some((at, _)) = run.linux.take() {
            return Ok(Err(format!("{at}: a submenu loads a kernel by itself")));
        }
    }
    Ok(Err(format!("more than {MAX_LEVELS} submenus stand in one another")))
}

/// The entry that a default names: by number, title or id.
fn find(items: &[Item], default: &str, ids_first: bool) -> Option<usize> {
    let index = || match number(default) {
        Number::Value(value, _) => usize::try_from(value).ok(),
        _ => None,
    };
    let titled = |item: &Item| names(&item.title, default);
    let identified = |item: &Item| names(&item.id, default);
    let position = if ids_first {
        let by_id = items.iter().position(identified).or_else(|| items.iter().position(titled));
        by_id.or_else(|| match number(default) {
            Number::Value(_, rest) if !rest.is_empty() && !rest.starts_with(['>', ' ', '\t']) => None,
            _ => index(),
        })
    } else if number(default) == Number::None {
        items.iter().position(|item| titled(item) || identified(item))
    } else {
        index()
    };
    position.filter(|position| *position < items.len())
}

/// Whether a default's first step is this name; `>>` stands for a `>` in it.
fn names(name: &str, default: &str) -> bool {
    let mut step = default.chars().peekable();
    let mut name = name.chars();
    loop {
        let wanted = match step.next() {
            Some('>') => step.next_if_eq(&'>'),
            c => c,
        };
        match (wanted, name.next()) {
            (None, None) => return true,
            (wanted, c) if wanted == c => {}
            _ => return false,
        }
    }
}

/// What a default says of the submenu's entries.
fn below(default: &str) -> Option<&str> {
    let mut chars = default.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '>' && chars.next_if(|(_, next)| *next == '>').is_none() {
            return Some(&default[at + 1..]).filter(|rest| !rest.is_empty());
        }
    }
    None
}

fn boot(root: Root<'_>, at: Location, words: &[Value]) -> Result<std::result::Result<Boot, String>> {
    let Some((path, arguments)) = words.split_first() else {
        return Ok(Err(format!("{at}: names no kernel")));
    };
    // `($root)/vmlinuz`: the device is GRUB's, whichever it is.
    let path = plain_path(&path.text);
    let name = path.rsplit('/').next().unwrap_or(path);
    // As seen from the root; from a /boot of its own; from the top of a volume that holds subvolumes.
    for candidate in [path.to_owned(), format!("/boot{path}"), format!("/boot/{name}")] {
        if let Some(link) = root.resolve(&candidate)? {
            let kernel_path = crate::target::display(&link.path);
            let file = kernel_path.rsplit('/').next().unwrap_or_default();
            let Some(release) = release_of(file) else {
                return Ok(Err(format!("{at}: the name of {kernel_path} holds no release")));
            };
            let arguments = arguments.iter().map(|value| value.text.clone()).collect();
            return Ok(Ok(Boot { kernel_path, release, arguments, at }));
        }
    }
    Ok(Err(format!("{at}: the kernel {path} is not in the target")))
}
