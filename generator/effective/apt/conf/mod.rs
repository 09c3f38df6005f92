//! The merged apt configuration: what `apt-config dump` would print.
//!
//! Order, as apt's `pkgInitConfig` has it: `/etc/apt/apt.conf.d/*` by name, then
//! `/etc/apt/apt.conf`. Each assignment replaces the scalar before it, `Name::` appends, and
//! `#clear` forgets. Files named by `APT_CONFIG` or `-o` are no part of an image and are left out.

mod lex;
mod parse;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, display};

/// Directory of the configuration's parts.
const PARTS: &str = "etc/apt/apt.conf.d";
/// The main file, read after the parts.
const MAIN: &str = "etc/apt/apt.conf";

/// apt's configuration tree, merged from all its files.
#[derive(Debug)]
pub struct AptConf {
    /// All items; the root, without a name, is the first.
    items: Vec<Item>,
    /// Items by parent and lower-case tag: of several equal ones apt finds the first.
    index: HashMap<(usize, Vec<u8>), usize>,
    broken: Vec<Sourced<String>>,
}

#[derive(Debug)]
struct Item {
    tag: Vec<u8>,
    value: Sourced<String>,
    lost: Vec<Sourced<String>>,
    parent: usize,
    children: Vec<usize>,
}

impl AptConf {
    /// Reads and merges all files of a target.
    ///
    /// # Errors
    /// A file that can't be read. What apt itself would refuse is in [`AptConf::broken`].
    pub fn read(root: Root<'_>) -> Result<Self> {
        let mut conf = Self::empty();
        parse::directory(&mut conf, root, PARTS, 0)?;
        if let Some(link) = root.resolve(MAIN)?
            && link.meta.kind == FileKind::File
        {
            parse::file(&mut conf, root, MAIN, 0)?;
        }
        Ok(conf)
    }

    fn empty() -> Self {
        let nowhere = Sourced::new(String::new(), Location::file(display(MAIN.as_bytes())));
        let root =
            Item { tag: Vec::new(), value: nowhere, lost: Vec::new(), parent: 0, children: Vec::new() };
        Self { items: vec![root], index: HashMap::new(), broken: Vec::new() }
    }

    /// The lines apt refuses. With even one, **every** apt program stops with an error before it
    /// does anything: no list is updated and no upgrade is installed.
    pub fn broken(&self) -> &[Sourced<String>] {
        &self.broken
    }

    /// The value of a name (`APT::Periodic::Enable`, case ignored). `None` where it is not set or
    /// set to the empty string: apt takes its default for both.
    pub fn get(&self, name: &str) -> Option<&Sourced<String>> {
        let item = &self.items[self.find(name.as_bytes())?];
        (!item.value.value.is_empty()).then_some(&item.value)
    }

    /// A boolean, by apt's rule (`StringToBool`): 0 or 1, or one of the words no, false, without,
    /// off, disable, yes, true, with, on, enable. `None` where it is unset or neither, for which
    /// apt programs take their default.
    pub fn boolean(&self, name: &str) -> Option<Sourced<bool>> {
        let value = self.get(name)?;
        Some(Sourced::new(boolean(&value.value)?, value.at.clone()))
    }

    /// The values right below a name, in order: `Name { "a"; "b"; };` and `Name:: "c";`. Named
    /// children count too, and empty values are kept, as python-apt's `value_list` does.
    pub fn list(&self, name: &str) -> Vec<&Sourced<String>> {
        let Some(item) = self.find(name.as_bytes()) else { return Vec::new() };
        self.items[item].children.iter().map(|c| &self.items[*c].value).collect()
    }

    /// Values that were set for this name (or, for a list, below it) and then replaced or
    /// cleared, in the order in which they were set.
    pub fn losing(&self, name: &str) -> &[Sourced<String>] {
        match self.find(name.as_bytes()) {
            Some(item) => &self.items[item].lost,
            None => &[],
        }
    }

    /// Every item with its full name, depth first, as `apt-config dump` orders them. Items that
    /// exist only as a scope have an empty value.
    pub fn entries(&self) -> impl Iterator<Item = (String, &Sourced<String>)> {
        let mut todo: Vec<usize> = self.items[0].children.iter().rev().copied().collect();
        std::iter::from_fn(move || {
            let at = todo.pop()?;
            todo.extend(self.items[at].children.iter().rev());
            Some((self.full_name(at), &self.items[at].value))
        })
    }

    fn full_name(&self, mut at: usize) -> String {
        let mut tags = Vec::new();
        while at != 0 {
            tags.push(String::from_utf8_lossy(&self.items[at].tag));
            at = self.items[at].parent;
        }
        tags.reverse();
        tags.join("::")
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        let tags = split_name(name);
        tags.iter().try_fold(0, |at, tag| self.child(at, tag))
    }

    fn child(&self, parent: usize, tag: &[u8]) -> Option<usize> {
        self.index.get(&(parent, tag.to_ascii_lowercase())).copied()
    }

    /// Assigns a value; a name that ends in `::` appends.
    fn set(&mut self, name: &[u8], value: Sourced<String>) {
        let mut at = 0;
        for tag in split_name(name) {
            at = match self.child(at, tag) {
                Some(child) => child,
                None => self.append(at, tag, &value.at),
            };
        }
        let item = &mut self.items[at];
        let old = std::mem::replace(&mut item.value, value);
        if !old.value.is_empty() {
            item.lost.push(old);
        }
    }

    fn append(&mut self, parent: usize, tag: &[u8], at: &Location) -> usize {
        let item = self.items.len();
        self.items.push(Item {
            tag: tag.to_vec(),
            value: Sourced::new(String::new(), at.clone()),
            lost: Vec::new(),
            parent,
            children: Vec::new(),
        });
        self.items[parent].children.push(item);
        // Nothing is ever found under the empty tag: each one is a new item of a list.
        if !tag.is_empty() {
            self.index.insert((parent, tag.to_ascii_lowercase()), item);
        }
        item
    }

    /// `#clear`: empties an item and drops everything below it.
    fn clear(&mut self, name: &[u8]) {
        let Some(top) = self.find(name) else { return };
        let mut lost = Vec::new();
        let mut todo = vec![top];
        while let Some(at) = todo.pop() {
            let item = &mut self.items[at];
            let nothing = Sourced::new(String::new(), item.value.at.clone());
            let old = std::mem::replace(&mut item.value, nothing);
            lost.append(&mut item.lost);
            if !old.value.is_empty() {
                lost.push(old);
            }
            let children = std::mem::take(&mut item.children);
            for child in children.iter().rev() {
                let key = (at, self.items[*child].tag.to_ascii_lowercase());
                self.index.remove(&key);
                todo.push(*child);
            }
        }
        self.items[top].lost = lost;
    }
}

/// Splits a scoped name as `Configuration::Lookup` does: after a `::` the next character is
/// never the start of another one, so `a::::b` is `a` and then `::b`.
fn split_name(name: &[u8]) -> Vec<&[u8]> {
    let mut tags = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at + 2 <= name.len() {
        if name[at..].starts_with(b"::") {
            tags.push(&name[start..at]);
            start = at + 2;
            at += 2;
        }
        at += 1;
    }
    tags.push(&name[start..]);
    tags
}

/// Whether apt reads a file of this name in one of its directories, extension aside: letters,
/// digits and `_-:.`, no dot at either end.
pub(super) fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-:.".contains(c);
    !name.starts_with('.') && !name.ends_with('.') && name.chars().all(plain)
}

/// apt's `StringToBool`.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "yes" | "true" | "with" | "on" | "enable" => Some(true),
        "0" | "no" | "false" | "without" | "off" | "disable" => Some(false),
        _ => None,
    }
}
