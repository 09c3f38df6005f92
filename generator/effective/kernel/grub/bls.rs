//! Boot Loader Specification entries, as `grub-core/commands/blscfg.c` reads them.
//!
//! Debian's GRUB has no such command; the ones of Fedora and its kin have.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::number::{Number, number};
use super::parse::{Command, parse};
use super::run::{Item, Place, Run};
use super::variables::{Value, Variables};
use crate::effective::rpm::compare_with;
use crate::location::Location;
use crate::target::{Result, Root, display};

/// Where entries are: beside the kernels, wherever the file system with them is mounted.
const FOLDERS: [&str; 2] = ["/loader/entries", "/boot/loader/entries"];
/// Entries that are read.
const MAX_ENTRIES: usize = 256;

/// Ids of entries that are in the menu already.
pub type Shown = BTreeSet<String>;

/// An entry's file.
struct Entry {
    /// The file's name without `.conf`.
    id: String,
    file: String,
    /// Key, value and line.
    fields: Vec<(String, String, usize)>,
    /// Whether it sorts equal to another, of which GRUB drops the one that it finds later.
    doubtful: bool,
}

/// The entries that a `blscfg` with these arguments adds to the menu, or why that can't be told.
pub fn entries(run: &mut Run<'_>, arguments: &[Value]) -> Result<std::result::Result<Vec<Item>, String>> {
    let argument = match arguments {
        [] => None,
        [one] if one.certain => Some(one.text.as_str()),
        _ => return Ok(Err("its arguments are not understood".to_owned())),
    };
    if argument.is_some_and(|argument| argument.starts_with('(')) {
        return Ok(Err("entries of another device are not read".to_owned()));
    }
    let folders: Vec<String> = match run.variables.get("blsdir") {
        Some(folder) if !folder.certain => {
            return Ok(Err("the entries' folder depends on the machine".to_owned()));
        }
        Some(folder) => vec![folder.text.clone(), format!("/boot{}", folder.text)],
        None => FOLDERS.map(str::to_owned).to_vec(),
    };
    let mut present = Vec::new();
    for folder in folders {
        if run.root.resolve(&folder)?.is_some() {
            present.push(folder);
        }
    }
    let folder = match present.as_slice() {
        [] => return Ok(Ok(Vec::new())),
        [folder] => folder,
        _ => return Ok(Err(format!("there are entries in {}", present.join(" and ")))),
    };
    let Some(entries) = sorted(run.root, folder)? else {
        return Ok(Err(format!("there are more than {MAX_ENTRIES} files in {folder}")));
    };
    let default = run.variables.get("default");
    let mut items = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let is_default = || default.as_ref().is_some_and(|default| entry.is_named(&default.text, index));
        let wanted = match argument {
            None => true,
            Some("default") => is_default(),
            Some("non-default") => !is_default(),
            Some(id) => id == entry.id,
        };
        let depends = matches!(argument, Some("default" | "non-default"));
        let certain = default.as_ref().is_none_or(|default| default.certain || !depends) && run.certain();
        if wanted && run.bls.insert(entry.id.clone()) {
            items.extend(entry.item(&run.variables, certain));
        }
    }
    Ok(Ok(items))
}

/// The folder's entries, the newest version first; `None` where there are too many.
fn sorted(root: Root<'_>, folder: &str) -> Result<Option<Vec<Entry>>> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut names: Vec<Vec<u8>> = root.read_dir(folder)?.into_iter().map(|entry| entry.name).collect();
    names.retain(|name| name.len() > 5 && name.ends_with(b".conf") && !name.starts_with(b"."));
    if names.len() > MAX_ENTRIES {
        return Ok(None);
    }
    names.sort();
    for name in names {
        let path = [folder.as_bytes(), b"/", &name].concat();
        let Some(text) = root.read_text(&path)? else { continue };
        let id = String::from_utf8_lossy(&name[..name.len() - 5]).into_owned();
        let entry = Entry { id, file: display(&path), fields: fields(&text), doubtful: false };
        let place = entries.iter().position(|other| compare_ids(&entry.id, &other.id) != Ordering::Less);
        match place {
            Some(at) if compare_ids(&entry.id, &entries[at].id) == Ordering::Equal => {
                entries[at].doubtful = true
            }
            Some(at) => entries.insert(at, entry),
            None => entries.push(entry),
        }
    }
    Ok(Some(entries))
}

/// `key value` lines. The first line without a value, even an empty one, ends the entry.
fn fields(text: &str) -> Vec<(String, String, usize)> {
    let mut fields = Vec::new();
    for (line, text) in text.replace('\r', "").split('\n').enumerate() {
        let text = text.trim_start_matches([' ', '\t']);
        if text.starts_with('#') {
            continue;
        }
        let Some((key, value)) = text.split_once(' ').or_else(|| text.split_once('\t')) else { break };
        if value.is_empty() {
            break;
        }
        let value = value.trim_start_matches([' ', '\t']);
        fields.push((key.to_owned(), value.to_owned(), line + 1));
    }
    fields
}

impl Entry {
    /// The first line of a key.
    fn field(&self, key: &str) -> Option<(&str, usize)> {
        let field = self.fields.iter().find(|(name, _, _)| name == key);
        field.map(|(_, value, line)| (value.as_str(), *line))
    }

    /// Whether `default` means this one for `blscfg default`.
    fn is_named(&self, default: &str, index: usize) -> bool {
        let titled = self.field("title").is_some_and(|(title, _)| title == default);
        let numbered = matches!(number(default), Number::Value(n, _) if n == index as u64);
        default == self.id || titled || numbered
    }

    /// The menu's entry; `None` for one that names no kernel.
    fn item(&self, variables: &Variables, certain: bool) -> Option<Item> {
        let (linux, line) = self.field("linux")?;
        let options = self.field("options").map(|(options, _)| options.to_owned());
        let default_options = || variables.get("default_kernelopts").map(|value| value.text);
        let options =
            options.or_else(default_options).map(|text| expand(&text, variables)).unwrap_or_default();
        // What GRUB runs is a script again, so that quotes and blanks count.
        let body = parse(&format!("linux ($root){linux} {options}\n")).unwrap_or_default();
        let at = Location::line(&self.file, line);
        let title = self.field("title").map_or(linux, |(title, _)| title);
        Some(Item {
            title: title.to_owned(),
            id: self.id.clone(),
            submenu: false,
            certain: certain && !self.doubtful,
            place: Place::Line(at.clone()),
            at,
            body: Rc::<[Command]>::from(body),
            arguments: vec![Value::known(title)],
        })
    }
}

/// Puts variables in (`expand_val`): each is followed by a blank, and swallows one.
fn expand(text: &str, variables: &Variables) -> String {
    let mut result = String::new();
    let mut chars = text.chars().peekable();
    let mut previous = ' ';
    while let Some(c) = chars.next() {
        if c != '$' || previous == '\\' {
            result.push(c);
            previous = c;
            continue;
        }
        let mut name = String::new();
        while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
            name.push(c);
        }
        if let Some(value) = variables.get(&name) {
            result.push_str(&value.text);
            result.push(' ');
        }
        chars.next_if_eq(&' ');
        previous = ' ';
    }
    result
}

/// Compares two entries' ids, which are `NAME-VERSION-RELEASE`, in rpm's order with `+` in the place of `^`
/// (`vercmp` in `grub-core/commands/blscfg.c`).
fn compare_ids(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    let pairs = a.iter().zip(b);
    pairs.map(|(a, b)| compare_with(a, b, b'+')).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// Name, version and release; what is missing is empty, a lone second part is the version.
fn split(id: &str) -> [&str; 3] {
    let Some((rest, release)) = id.rsplit_once('-') else { return [id, "", ""] };
    match rest.rsplit_once('-') {
        Some((name, version)) => [name, version, release],
        None => [rest, release, ""],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_split_from_the_end() {
        for (newer, older) in [
            ("m-5.14.0-427.el9.x86_64", "m-5.14.0-70.el9.x86_64"),
            ("m-5.15.0-1", "m-5.14.0-427"),
            ("m-1", "m-0-rescue"),
            ("m-6.1.0-1", "m-6.1.0~rc1-1"),
        ] {
            assert_eq!(compare_ids(newer, older), Ordering::Greater, "{newer} {older}");
            assert_eq!(compare_ids(older, newer), Ordering::Less, "{newer} {older}");
        }
    }
}
