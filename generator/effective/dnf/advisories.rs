//! Security advisories in the metadata that dnf keeps of its repositories, held against installed packages:
//! what `dnf updateinfo list --security` would say.
//!
//! Owns dnf's cache and `updateinfo.xml`. Which repositories are in use is [`super::repositories`]' answer.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use roxmltree::{Document, Node, ParsingOptions};

use super::{Ini, Repository};
use crate::effective::rpm::{Database, Evr};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root, TargetError, display};

/// Where dnf and dnf5 keep metadata, a folder for each repository.
const CACHES: [&str; 2] = ["/var/cache/dnf", "/var/cache/libdnf5"];
/// Streams of modules that are enabled.
const MODULES: &str = "/etc/dnf/modules.d";
/// Longest file of metadata, in bytes after decompression, and most nodes of its tree.
const MAX_BYTES: u64 = 128 << 20;
const MAX_NODES: u32 = 8_000_000;

/// An installed package that an advisory has a newer version of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Name.
    pub package: String,
    /// Architecture.
    pub architecture: String,
    /// The newest version that is installed.
    pub installed: Evr,
    /// The newest version that an advisory names, and the metadata that has it.
    pub candidate: Sourced<Evr>,
    /// The advisory.
    pub advisory: String,
}

/// What the cache tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Advisories {
    /// By package and architecture.
    pub pending: Vec<Pending>,
    /// Ids of repositories of which there is metadata.
    pub known: Vec<String>,
    /// Repositories that may have more to say, and why nobody knows.
    pub unknown: Vec<Sourced<String>>,
}

/// Security updates of installed packages, by what is kept of the repositories that are in use.
///
/// # Errors
/// Metadata that is damaged.
pub fn advisories(root: &Root<'_>, repositories: &[Repository], installed: &Database) -> Result<Advisories> {
    let mut found = Advisories::default();
    let mut newest: HashMap<(&str, &str), &Evr> = HashMap::new();
    for package in installed.installed() {
        let key = (package.name.as_str(), package.architecture.as_str());
        let best = newest.entry(key).or_insert(&package.version);
        if package.version.compare(best).is_gt() {
            *best = &package.version;
        }
    }
    let streams = enabled_streams(root)?;
    let mut pending = BTreeMap::new();
    for repository in repositories.iter().filter(|repository| repository.enabled.value) {
        let Some(folder) = folder(root, &repository.id)? else {
            let text = format!("there is no metadata of the repository {}", repository.id);
            found.unknown.push(Sourced::new(text, repository.enabled.at.clone()));
            continue;
        };
        found.known.push(repository.id.clone());
        let repomd = format!("{folder}/repodata/repomd.xml");
        let Some(path) = updateinfo(root, &folder, &repomd)? else { continue };
        let text = match unpacked(root, &path)? {
            Some(text) => text,
            None => {
                let text = format!(
                    "the advisories of {} are not there or packed in a way that is not read",
                    repository.id
                );
                found.unknown.push(Sourced::new(text, Location::file(display(path.as_bytes()))));
                continue;
            }
        };
        for update in parse(&path, &text)?.root_element().children().filter(|n| n.has_tag_name("update")) {
            if update.attribute("type") == Some("security") {
                collect(update, &path, &newest, &streams, &mut pending);
            }
        }
    }
    found.pending = pending.into_values().collect();
    Ok(found)
}

/// Keeps what an advisory has newer than what is installed.
fn collect(
    update: Node<'_, '_>,
    path: &str,
    newest: &HashMap<(&str, &str), &Evr>,
    streams: &HashMap<String, String>,
    pending: &mut BTreeMap<(String, String), Pending>,
) {
    let id = update.children().find(|n| n.has_tag_name("id")).and_then(|n| n.text()).unwrap_or_default();
    let collections = update.descendants().filter(|n| n.has_tag_name("collection"));
    for collection in collections.filter(|collection| applies(*collection, streams)) {
        for package in collection.children().filter(|n| n.has_tag_name("package")) {
            let attribute = |name| package.attribute(name).unwrap_or_default();
            let key = (attribute("name"), attribute("arch"));
            let Some(installed) = newest.get(&key) else { continue };
            let candidate = Evr {
                epoch: attribute("epoch").parse().ok().filter(|epoch| *epoch != 0),
                version: attribute("version").to_owned(),
                release: attribute("release").to_owned(),
            };
            let key = (key.0.to_owned(), key.1.to_owned());
            let best = pending.get(&key).map_or(*installed, |pending| &pending.candidate.value);
            if candidate.compare(best).is_gt() {
                let at = Location::file(display(path.as_bytes()));
                let candidate = Sourced::new(candidate, at);
                let (package, architecture) = key.clone();
                let installed = (*installed).clone();
                let advisory = id.trim().to_owned();
                pending.insert(key, Pending { package, architecture, installed, candidate, advisory });
            }
        }
    }
}

/// Whether a list of packages is for this system: one of modules' streams only where one of these is enabled
/// (`Advisory::getApplicablePackages()` of libdnf).
fn applies(collection: Node<'_, '_>, streams: &HashMap<String, String>) -> bool {
    let mut modules = collection.children().filter(|n| n.has_tag_name("module")).peekable();
    modules.peek().is_none()
        || modules.any(|module| {
            let [name, stream] = ["name", "stream"].map(|key| module.attribute(key).unwrap_or_default());
            streams.get(name).is_some_and(|enabled| enabled == stream)
        })
}

fn enabled_streams(root: &Root<'_>) -> Result<HashMap<String, String>> {
    let mut streams = HashMap::new();
    for entry in root.read_dir(MODULES)? {
        let name = String::from_utf8_lossy(&entry.name).into_owned();
        if !name.ends_with(".module") {
            continue;
        }
        let path = format!("{MODULES}/{name}");
        let Some(text) = root.read_text(&path)? else { continue };
        // A file that can't be parsed enables nothing, to dnf as well.
        let Ok(ini) = Ini::parse(&path, &text) else { continue };
        for section in ini.sections() {
            let value = |key| ini.get(section, key).map(|found| found.value.clone()).unwrap_or_default();
            if value("state") == "enabled" {
                streams.insert(section.to_owned(), value("stream"));
            }
        }
    }
    Ok(streams)
}

/// The folder of a repository: its id, and a digest of where it is.
fn folder(root: &Root<'_>, id: &str) -> Result<Option<String>> {
    let mut found = None;
    for cache in CACHES {
        for entry in root.read_dir(cache)? {
            let name = String::from_utf8_lossy(&entry.name).into_owned();
            let digest = name.strip_prefix(id).and_then(|rest| rest.strip_prefix('-'));
            let is_digest = digest.is_some_and(|d| d.len() == 16 && d.bytes().all(|b| b.is_ascii_hexdigit()));
            let folder = format!("{cache}/{name}");
            if is_digest && root.exists(format!("{folder}/repodata/repomd.xml"))? {
                found = Some(folder);
            }
        }
    }
    Ok(found)
}

/// The file of advisories that a repository's table of contents names.
fn updateinfo(root: &Root<'_>, folder: &str, repomd: &str) -> Result<Option<String>> {
    let Some(text) = root.read_text(repomd)? else { return Ok(None) };
    let document = parse(repomd, &text)?;
    let data = document.root_element().children().find(|n| n.attribute("type") == Some("updateinfo"));
    let place = data.and_then(|data| data.children().find(|n| n.has_tag_name("location")));
    let name = place.and_then(|place| place.attribute("href")?.rsplit('/').next());
    Ok(name.map(|name| format!("{folder}/repodata/{name}")))
}

/// A file's text. `None`: not there, or packed by what is not read (xz, zchunk).
fn unpacked(root: &Root<'_>, path: &str) -> Result<Option<String>> {
    let Some(link) = root.resolve(path)? else { return Ok(None) };
    let file = root.tree().open(&link.path)?;
    let failed = |error| TargetError::io(display(path.as_bytes()), error);
    let reader: Box<dyn Read + '_> = match path.rsplit('.').next() {
        Some("xml") => file,
        Some("gz") => Box::new(flate2::read::MultiGzDecoder::new(file)),
        Some("zst") => {
            let decoder = ruzstd::decoding::StreamingDecoder::new(file);
            Box::new(decoder.map_err(|e| TargetError::Corrupt(format!("{}: {e}", display(path.as_bytes()))))?)
        }
        _ => return Ok(None),
    };
    let mut bytes = Vec::new();
    reader.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        let size = bytes.len() as u64;
        return Err(TargetError::TooLarge { path: display(path.as_bytes()), size, limit: MAX_BYTES });
    }
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn parse<'t>(path: &str, text: &'t str) -> Result<Document<'t>> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    Document::parse_with_options(text, options)
        .map_err(|error| TargetError::Corrupt(format!("{}: {error}", display(path.as_bytes()))))
}
