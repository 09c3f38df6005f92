//! A tree that passes, and what a change of it turns red.
//!
//! Every setting is looked at once while its reads are noted. A change then asks anew only the
//! settings that read something the change touches: for the others nothing is different. That
//! makes thousands of changes cheap, and gives the same answer as looking at everything.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io::Read;
use std::sync::{Mutex, RwLock};

use ironseed::observation::{Observation, Plane};
use ironseed::plan::Plan;
use ironseed::target::{Entry, Meta, Reader, Result, Root, Tree};
use ironseed::verify::{Look, Nature};
use jiff::civil::{Date, date};
use serde_json::Value;

use crate::tree::{Changed, OnlyChanged};

/// The day of every look: all releases are supported.
const TODAY: Date = date(2026, 11, 23);

/// Kinds that look at every file there is: they are shown what a change touches, alone.
const SCANS: [&str; 2] = ["secrets", "file-scan"];

/// One setting of the plan that applies.
pub struct Item {
    /// Index of its check in the plan.
    pub check: usize,
    /// Its own index in the check.
    pub setting: usize,
    /// The check's id.
    pub id: String,
    /// The setting's kind.
    pub kind: &'static str,
    /// The setting's fields.
    pub fields: Value,
    /// What is not in order on the unchanged tree.
    known: BTreeSet<String>,
    reads: Reads,
}

/// What was read.
#[derive(Default)]
struct Reads {
    paths: HashSet<Vec<u8>>,
    listed: HashSet<Vec<u8>>,
}

impl Reads {
    fn touches(&self, path: &[u8]) -> bool {
        let parent = path.iter().rposition(|b| *b == b'/').map_or(&path[..0], |at| &path[..at]);
        self.paths.contains(path) || self.listed.contains(parent)
    }
}

/// A plan and a tree that meets it.
pub struct Base {
    /// The tree.
    pub tree: Remembered,
    /// The plan.
    pub plan: Plan,
    /// Every setting that applies and can be seen in files.
    pub items: Vec<Item>,
}

/// What a change turned red.
#[derive(Default)]
pub struct Red {
    /// Ids of checks, each with what it says.
    pub checks: BTreeMap<String, String>,
}

impl Base {
    /// Looks at the unchanged tree.
    pub fn new(tree: Box<dyn Tree>, plan: Plan) -> Self {
        let tree = Remembered::new(tree);
        let mut items = Vec::new();
        for (check, planned) in plan.checks.iter().enumerate() {
            for (setting, wanted) in planned.settings.iter().enumerate() {
                let in_files = wanted.setting.planes().contains(&Plane::Configured);
                if wanted.not_applicable.is_some() || !in_files {
                    continue;
                }
                let value = serde_json::to_value(&wanted.setting).unwrap();
                let kind = wanted.setting.kind();
                let mut item = Item {
                    check,
                    setting,
                    id: planned.info.id.clone(),
                    kind,
                    fields: value[kind].clone(),
                    known: BTreeSet::new(),
                    reads: Reads::default(),
                };
                let noting = Noting { tree: &tree, reads: Mutex::default() };
                let look = Look::new(Root::new(&noting), &plan, Nature::Image, TODAY);
                item.known = bad(&wanted.setting.observe(&look, Plane::Configured));
                drop(look);
                item.reads = noting.reads.into_inner().unwrap();
                items.push(item);
            }
        }
        Self { tree, plan, items }
    }

    /// What is not in order before anything is changed, by check.
    pub fn red(&self) -> Red {
        let mut red = Red::default();
        self.items.iter().for_each(|item| red.add(&item.id, &item.known));
        red
    }

    /// What is not in order after a change and was before.
    pub fn after(&self, changed: &Changed<'_>) -> Red {
        let accounts = changed.paths().any(|p| matches!(p, b"etc/passwd" | b"etc/group"));
        let only = Alone(changed.only());
        let look = |tree| Look::new(Root::new(tree), &self.plan, Nature::Image, TODAY);
        let (whole, alone) = (look(changed), look(&only));
        let mut red = Red::default();
        for item in &self.items {
            let scans = SCANS.contains(&item.kind);
            if !scans && !changed.paths().any(|p| item.reads.touches(p)) {
                continue;
            }
            let look = if scans && !(accounts && item.kind == "file-scan") { &alone } else { &whole };
            let setting = &self.plan.checks[item.check].settings[item.setting].setting;
            let new = bad(&setting.observe(look, Plane::Configured));
            red.add(&item.id, &new.difference(&item.known).cloned().collect());
        }
        red
    }
}

impl Red {
    fn add(&mut self, check: &str, words: &BTreeSet<String>) {
        for words in words {
            self.checks.entry(check.to_owned()).or_insert_with(|| words.clone());
        }
    }
}

/// What is not in order, in words. Nothing seen is not in order.
fn bad(seen: &[Observation]) -> BTreeSet<String> {
    if seen.is_empty() {
        return BTreeSet::from(["nothing was seen".to_owned()]);
    }
    let words = |o: &Observation| {
        let (outcome, reason) = (o.outcome.word(), o.reason.as_deref().unwrap_or_default());
        let at = o.location.as_ref().map_or_else(String::new, ToString::to_string);
        format!("{outcome}: wanted {}, found {} at {at}: {reason}", o.wanted, o.found)
    };
    seen.iter().filter(|o| !o.outcome.is_acceptable()).map(words).collect()
}

/// Files larger than this are read anew each time.
const KEPT: u64 = 4 << 20;

/// A tree that is read once.
pub struct Remembered {
    tree: Box<dyn Tree>,
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    metadata: BTreeMap<Vec<u8>, Option<Meta>>,
    listings: BTreeMap<Vec<u8>, Vec<Entry>>,
    contents: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Remembered {
    /// Nothing is read yet.
    pub fn new(tree: Box<dyn Tree>) -> Self {
        Self { tree, known: RwLock::default() }
    }
}

impl Tree for Remembered {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        if let Some(known) = self.known.read().unwrap().metadata.get(path) {
            return Ok(known.clone());
        }
        let found = self.tree.metadata(path)?;
        self.known.write().unwrap().metadata.insert(path.to_vec(), found.clone());
        Ok(found)
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        if let Some(known) = self.known.read().unwrap().listings.get(path) {
            return Ok(known.clone());
        }
        let found = self.tree.read_dir(path)?;
        self.known.write().unwrap().listings.insert(path.to_vec(), found.clone());
        Ok(found)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        if self.metadata(path)?.is_none_or(|meta| meta.size > KEPT) {
            return self.tree.open(path);
        }
        if let Some(known) = self.known.read().unwrap().contents.get(path) {
            return Ok(Box::new(std::io::Cursor::new(known.clone())));
        }
        let mut content = Vec::new();
        self.tree.open(path)?.read_to_end(&mut content).unwrap();
        self.known.write().unwrap().contents.insert(path.to_vec(), content.clone());
        Ok(Box::new(std::io::Cursor::new(content)))
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.tree.read_link(path)
    }

    fn read_many(&self, paths: &[Vec<u8>], read: &(dyn Fn(usize, Result<Reader<'_>>) + Sync)) {
        // The scan of every byte: nothing to keep.
        self.tree.read_many(paths, read);
    }
}

/// Notes what is read.
struct Noting<'a> {
    tree: &'a Remembered,
    reads: Mutex<Reads>,
}

impl Noting<'_> {
    fn note(&self, path: &[u8]) {
        self.reads.lock().unwrap().paths.insert(path.to_vec());
    }
}

impl Tree for Noting<'_> {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        self.note(path);
        self.tree.metadata(path)
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        self.note(path);
        self.reads.lock().unwrap().listed.insert(path.to_vec());
        self.tree.read_dir(path)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        self.note(path);
        self.tree.open(path)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.note(path);
        self.tree.read_link(path)
    }

    fn read_many(&self, paths: &[Vec<u8>], read: &(dyn Fn(usize, Result<Reader<'_>>) + Sync)) {
        self.tree.read_many(paths, read);
    }
}

/// What a change touches, for the scans: without the package database, whose files are all
/// unchanged and were scanned with the whole tree.
struct Alone<'a>(OnlyChanged<'a>);

impl Tree for Alone<'_> {
    fn metadata(&self, path: &[u8]) -> Result<Option<Meta>> {
        if path == b"var/lib/dpkg/status" { Ok(None) } else { self.0.metadata(path) }
    }

    fn read_dir(&self, path: &[u8]) -> Result<Vec<Entry>> {
        self.0.read_dir(path)
    }

    fn open(&self, path: &[u8]) -> Result<Reader<'_>> {
        self.0.open(path)
    }

    fn read_link(&self, path: &[u8]) -> Result<Vec<u8>> {
        self.0.read_link(path)
    }
}
