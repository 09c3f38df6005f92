//! User-data laid open: what cloud-init makes of the bytes before it acts on them.
//!
//! gzip and base64 undone, MIME and archives taken apart, each part with its type. Nothing is
//! fetched: files that are included by address are only named.

use std::io::Read;
use std::ops::Range;

use flate2::read::GzDecoder;

use super::kind::{self, Kind, header};
use super::mime;
use super::template;
use super::unit::{Snippet, Trace, Unit};
use crate::effective::cloud_init::pyyaml::{self, Document};
use crate::effective::secrets::base64;

/// Most bytes that something packed may have unpacked: as much as any YAML that is read.
const MAX_UNPACKED: u64 = 1 << 20;

/// How often packed things may be packed.
const MAX_LAYERS: usize = 4;

/// A part of user-data.
#[derive(Debug)]
pub struct Part {
    /// The number of its unit.
    pub unit: usize,
    /// What it is.
    pub kind: Kind,
    /// The type that MIME or an archive names.
    pub named: String,
    /// Whether it is filled in before it is read.
    pub template: bool,
    /// Whether a header says how it is merged.
    pub merges: bool,
    /// Its YAML, if it is cloud-config; why it can't be read.
    pub document: Result<Document, pyyaml::Refused>,
}

/// User-data laid open.
#[derive(Debug, Default)]
pub struct Opened {
    /// Every text, the file first.
    pub units: Vec<Unit>,
    /// Parts in the order that cloud-init takes them.
    pub parts: Vec<Part>,
    /// Whether the file as it stands is what is linted, so that places in it mean something.
    pub packed: Vec<&'static str>,
    /// What could not be looked into, in words.
    pub not_read: Vec<String>,
    /// Units that are nothing but others: messages and archives.
    containers: Vec<usize>,
}

/// What a part announces of itself, apart from its content.
#[derive(Clone, Default)]
struct Announced {
    content_type: String,
    merges: bool,
}

/// Lays user-data open.
pub fn open(bytes: &[u8]) -> Opened {
    let mut opened = Opened::default();
    let mut bytes = bytes.to_vec();
    for _ in 0..MAX_LAYERS {
        if let Some(unpacked) = gunzip(&bytes) {
            opened.packed.push("gzip");
            bytes = unpacked;
        } else if let Some(decoded) = whole_base64(&bytes) {
            opened.packed.push("base64");
            bytes = decoded;
        } else {
            break;
        }
    }
    let (text, exact) = text(bytes);
    let label = opened.packed.iter().rev().copied().collect::<Vec<_>>().join(" in ");
    let stands = opened.packed.is_empty() && exact;
    opened.units.push(Unit {
        label: (!opened.packed.is_empty()).then(|| format!("unpacked from {label}")),
        trace: if stands { Trace::whole(0) } else { Trace::default() },
        stand_in: 0..0,
        text,
    });
    opened.part(0, Announced::default(), 0);
    opened
}

impl Opened {
    /// What a unit is, and what is in it.
    fn part(&mut self, unit: usize, announced: Announced, depth: usize) {
        let Some(text) = self.units.get(unit).map(|u| u.text.clone()) else { return };
        if depth > MAX_LAYERS {
            self.not_read.push("parts within parts, too deep".to_owned());
        } else if mime::is_message(text.as_bytes()) {
            self.message(unit, &text, depth);
        } else if is_archive(&text, &announced) {
            self.archive(unit, &text, depth);
        } else {
            self.leaf(unit, &text, announced);
        }
    }

    /// Whether a unit speaks for itself: it is no message or archive, whose parts do.
    pub fn is_leaf(&self, unit: usize) -> bool {
        !self.containers.contains(&unit)
    }

    fn message(&mut self, unit: usize, text: &str, depth: usize) {
        self.containers.push(unit);
        for (index, part) in mime::parts(text).into_iter().enumerate() {
            let name = part.name.as_deref().map_or_else(String::new, |name| format!(" ({name})"));
            let label = format!("part {}{name}", index + 1);
            let raw = text.get(part.body.clone()).unwrap_or_default();
            let packed = match part.encoding.as_str() {
                "base64" => base64(raw.as_bytes()).or_else(|| self.unreadable(&label, "base64")),
                "quoted-printable" => Some(mime::quoted_printable(raw)),
                _ => None,
            };
            let bytes = packed.as_deref().unwrap_or(raw.as_bytes());
            let announced = Announced { content_type: part.content_type.clone(), merges: part.merges };
            let child = match gunzip(bytes) {
                Some(unpacked) => self.packed_unit(unit, label, unpacked, &part.body),
                None if packed.is_some() => self.packed_unit(unit, label, bytes.to_vec(), &part.body),
                None => self.child(unit, label, &Snippet::of_range(text, part.body.clone())),
            };
            self.part(child, announced, depth + 1);
        }
    }

    fn unreadable(&mut self, label: &str, what: &str) -> Option<Vec<u8>> {
        self.not_read.push(format!("{label}: no {what}"));
        None
    }

    /// Adds a unit that stands in another one.
    fn child(&mut self, outer: usize, label: String, snippet: &Snippet) -> usize {
        let unit = snippet.unit(&self.units[outer], Some(label));
        self.units.push(unit);
        self.units.len() - 1
    }

    /// Adds a unit that is packed in another one.
    pub fn packed_unit(&mut self, outer: usize, label: String, bytes: Vec<u8>, at: &Range<usize>) -> usize {
        let outer = &self.units[outer];
        let (text, _) = text(bytes);
        let stand_in = outer.trace.range(at).unwrap_or_else(|| outer.stand_in.clone());
        self.units.push(Unit { label: Some(label), text, trace: Trace::default(), stand_in });
        self.units.len() - 1
    }

    /// `#cloud-config-archive`: a list of texts, or of mappings with a `content`.
    fn archive(&mut self, unit: usize, text: &str, depth: usize) {
        let document = pyyaml::parse(text);
        let root = document.as_ref().ok().and_then(|document| document.root.clone());
        let Some(root) = root else {
            self.parts.push(Part {
                unit,
                kind: Kind::CloudConfig,
                named: "text/cloud-config-archive".to_owned(),
                template: false,
                merges: false,
                document,
            });
            return;
        };
        self.containers.push(unit);
        for (index, item) in root.items().iter().enumerate() {
            let word = |key: &str| item.get(key).and_then(|node| node.text()).map(str::to_owned);
            let Some(content) = item.get("content").or(item.text().map(|_| item)) else { continue };
            let Some(snippet) = Snippet::of_node(text, content) else { continue };
            let name = word("filename").map_or_else(String::new, |name| format!(" ({name})"));
            let child = self.child(unit, format!("part {}{name}", index + 1), &snippet);
            let merges = ["Merge-Type", "X-Merge-Type"].iter().any(|key| item.get(key).is_some());
            // Without a header, an entry is cloud-config.
            let content_type = word("type").unwrap_or_else(|| {
                if header(&snippet.text).is_some() { String::new() } else { "text/cloud-config".to_owned() }
            });
            self.part(child, Announced { content_type, merges }, depth + 1);
        }
    }

    fn leaf(&mut self, unit: usize, text: &str, announced: Announced) {
        let template = template::is_jinja(text);
        if template {
            self.units[unit].text = template::masked(text);
        }
        let text = self.units[unit].text.clone();
        let body = if template { text.split_once('\n').map_or("", |(_, rest)| rest) } else { &text };
        let kind = kind::of(body, &announced.content_type);
        let (document, template) = match kind {
            Kind::CloudConfig | Kind::Headless => self.document(unit, &text, template),
            _ => (Ok(Document::default()), template),
        };
        if kind == Kind::Include {
            self.not_read.extend(included(body).map(|address| format!("included: {address}")));
        }
        self.parts.push(Part {
            unit,
            kind,
            named: announced.content_type,
            template,
            merges: announced.merges,
            document,
        });
    }

    /// A part's YAML, and whether it is filled in first. What other programs than cloud-init fill in is taken for
    /// filled in, where that helps.
    fn document(
        &mut self,
        unit: usize,
        text: &str,
        template: bool,
    ) -> (Result<Document, pyyaml::Refused>, bool) {
        let document = pyyaml::parse(text);
        if document.as_ref().is_ok_and(is_of_coreos) {
            let why = "cloud-config with a key `coreos`: CoreOS's own program reads it, not cloud-init";
            self.not_read.push(why.to_owned());
            return (Ok(Document::default()), template);
        }
        if document.is_ok() || template || !template::is_foreign(text) {
            return (document, template);
        }
        let masked = template::masked(text);
        let second = pyyaml::parse(&masked);
        if second.is_ok() {
            self.units[unit].text = masked;
            return (second, true);
        }
        // Nobody knows what it is once it is filled in.
        self.not_read.push("a template that is no YAML before it is filled in".to_owned());
        (Ok(Document::default()), true)
    }
}

/// Whether cloud-config is meant for coreos-cloudinit, which has its own users, orders and keys.
fn is_of_coreos(document: &Document) -> bool {
    document.root.as_ref().is_some_and(|root| root.get("coreos").is_some())
}

/// Addresses in an include file.
fn included(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let lower = line.to_ascii_lowercase();
        let header = ["#include-once", "#include"].iter().find(|header| lower.starts_with(*header));
        let address = header.map_or(line, |header| &line[header.len()..]).trim();
        (!address.is_empty() && !address.starts_with('#')).then_some(address)
    })
}

fn is_archive(text: &str, announced: &Announced) -> bool {
    announced.content_type == "text/cloud-config-archive"
        || header(text).is_some_and(|h| h == "#cloud-config-archive")
}

/// Unpacks gzip; `None` for anything else.
pub fn gunzip(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return None;
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(bytes).take(MAX_UNPACKED).read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}

/// User-data that is base64 as a whole, as some clouds' programs want it: what comes out must be user-data again.
fn whole_base64(bytes: &[u8]) -> Option<Vec<u8>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte);
    if bytes.len() < 16 || !bytes.iter().all(is_part) {
        return None;
    }
    let decoded = base64(bytes)?;
    let text = std::str::from_utf8(&decoded).unwrap_or_default();
    let known = decoded.starts_with(&[0x1f, 0x8b])
        || mime::is_message(&decoded)
        || header(text).is_some()
        || template::is_jinja(text);
    known.then_some(decoded)
}

/// Bytes as text, and whether that changed nothing. A unit's places are bytes of this text.
fn text(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
    }
}
