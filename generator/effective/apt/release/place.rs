//! Where apt keeps what it took from a source: names of lists are the URIs, quoted.
//!
//! Owns these names (`URItoFileName()`, `debReleaseIndex::MetaIndexURI()`) and nothing of what the files say.

use crate::effective::apt::Sources;

/// What a name of a list may end in: apt can keep its lists compressed.
const COMPRESSIONS: [&str; 7] = ["", ".gz", ".xz", ".bz2", ".lz4", ".lzma", ".zst"];
/// Characters that names of lists have quoted, beside blanks and what is no ASCII.
const QUOTED: &str = "\\|{}[]<>\"^~_=!@#$%&*";

/// A suite of a source.
pub(super) struct Place<'s> {
    /// What the names of its files begin with.
    pub prefix: String,
    /// Its host, without a port; empty for local ones.
    pub site: String,
    /// Its components; none where the suite is a path.
    components: &'s [String],
}

/// The suites of all sources that are on and have packages, in their order.
pub(super) fn all(sources: &Sources) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    for source in sources.enabled.iter().filter(|source| source.types.iter().any(|kind| kind == "deb")) {
        for uri in &source.uris {
            let (host, path) = split(uri);
            for suite in &source.suites {
                let suite = match suite.as_str() {
                    "/" => String::new(),
                    path if path.ends_with('/') => path.to_owned(),
                    name => format!("dists/{name}/"),
                };
                let slash = if path.ends_with('/') { "" } else { "/" };
                places.push(Place {
                    prefix: quoted(&format!("{host}{path}{slash}{suite}")),
                    site: without_port(host).to_owned(),
                    components: &source.components,
                });
            }
        }
    }
    places
}

impl<'s> Place<'s> {
    /// The component and architecture of a list by its file's name; both are empty where the suite is a path.
    pub fn list<'n>(&self, name: &'n str) -> Option<(&'s str, &'n str)>
    where
        's: 'n,
    {
        let rest = name.strip_prefix(&self.prefix)?;
        let (head, compression) = rest.rsplit_once("Packages")?;
        if !COMPRESSIONS.contains(&compression) {
            return None;
        }
        if self.components.is_empty() {
            return head.is_empty().then_some(("", ""));
        }
        let (component, architecture) = head.strip_suffix('_')?.rsplit_once("_binary-")?;
        let component = self.components.iter().find(|known| quoted(known) == component)?;
        Some((component, architecture))
    }
}

/// A URI's host with its port, without user and password, and its path.
fn split(uri: &str) -> (&str, &str) {
    let rest = uri.split_once(':').map_or(uri, |(_, rest)| rest);
    let Some(rest) = rest.strip_prefix("//") else { return ("", rest) };
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    (host.rsplit_once('@').map_or(host, |(_, host)| host), path)
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// A part of a URI in a file's name.
fn quoted(text: &str) -> String {
    let mut name = String::new();
    for byte in text.bytes() {
        match byte {
            b'/' => name.push('_'),
            b if b.is_ascii_graphic() && !QUOTED.contains(char::from(b)) => name.push(char::from(b)),
            other => name += &format!("%{other:02x}"),
        }
    }
    name
}
