//! Package sources: `/etc/apt/sources.list` and `sources.list.d/*.{list,sources}`.

use super::conf;
use crate::effective::deb822::{self, Paragraph};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, display};

/// The main file, in the one-line format.
const MAIN: &str = "etc/apt/sources.list";
/// Directory of further files in either format.
const PARTS: &str = "etc/apt/sources.list.d";

/// One line, or one paragraph of a `.sources` file, that is switched on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// `deb`, `deb-src`.
    pub types: Vec<String>,
    /// Where the archive is.
    pub uris: Vec<String>,
    /// Suites, or a path that ends in `/`.
    pub suites: Vec<String>,
    /// Components; none where the suite is a path.
    pub components: Vec<String>,
    /// Options by lower-case name as in `.sources` (`signed-by`, `trusted`, `architectures`).
    pub options: Vec<(String, String)>,
    /// The line.
    pub at: Location,
}

impl Source {
    /// An option's value.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// `Trusted`: true means that **no signature is checked**. `None` where it isn't set.
    pub fn trusted(&self) -> Option<bool> {
        conf::boolean(self.option("trusted")?)
    }

    /// The key file, or the fingerprint, or the key itself that must have signed the archive.
    pub fn signed_by(&self) -> Option<&str> {
        self.option("signed-by")
    }
}

/// All sources of a target.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The sources that are on, in apt's order.
    pub enabled: Vec<Source>,
    /// Paragraphs switched off by `Enabled: no`.
    pub disabled: Vec<Location>,
    /// Lines apt refuses, with the reason. With even one, apt does nothing at all.
    pub broken: Vec<Sourced<String>>,
}

impl Sources {
    /// Reads the main file and then the parts by name.
    ///
    /// # Errors
    /// A file that can't be read; files that aren't there are no error.
    pub fn read(root: Root<'_>) -> Result<Self> {
        let mut sources = Self::default();
        sources.file(root, MAIN)?;
        for entry in root.read_dir(PARTS)? {
            let Ok(name) = std::str::from_utf8(&entry.name) else { continue };
            let extension = name.rsplit_once('.').map(|(_, e)| e);
            if conf::is_plain_name(name) && matches!(extension, Some("list" | "sources")) {
                sources.file(root, &format!("{PARTS}/{name}"))?;
            }
        }
        Ok(sources)
    }

    fn file(&mut self, root: Root<'_>, path: &str) -> Result<()> {
        if root.resolve(path)?.is_none_or(|link| link.meta.kind != FileKind::File) {
            return Ok(());
        }
        let Some(text) = root.read_text(path)? else { return Ok(()) };
        let shown = display(path.as_bytes());
        if path.ends_with(".sources") {
            for paragraph in deb822::parse(&text) {
                let at = Location::line(shown.clone(), paragraph.line);
                self.add(paragraph_source(&paragraph, at.clone()), at);
            }
        } else {
            for (number, line) in text.lines().enumerate() {
                let line = without_comment(line).trim();
                if !line.is_empty() {
                    let at = Location::line(shown.clone(), number + 1);
                    self.add(line_source(line, at.clone()).map(Some), at);
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, source: std::result::Result<Option<Source>, &'static str>, at: Location) {
        match source {
            Ok(Some(source)) => self.enabled.push(source),
            Ok(None) => self.disabled.push(at),
            Err(reason) => self.broken.push(Sourced::new(reason.to_owned(), at)),
        }
    }
}

/// The line up to a `#` that stands outside of `[…]`.
fn without_comment(line: &str) -> &str {
    let mut at = 0;
    while let Some(found) = line[at..].find(['#', '[']) {
        at += found;
        if line[at..].starts_with('#') {
            return &line[..at];
        }
        // An option list without an end hides no comment.
        at += line[at..].find(']').unwrap_or(1);
    }
    line
}

/// `deb [option=value …] uri suite component…`
fn line_source(line: &str, at: Location) -> std::result::Result<Source, &'static str> {
    let (kind, mut rest) = line.split_once([' ', '\t']).ok_or("no URI")?;
    is_known(kind)?;
    rest = rest.trim_start();
    let mut options = Vec::new();
    if let Some(inside) = rest.strip_prefix('[') {
        let (list, after) = inside.split_once(']').ok_or("an option list without its end")?;
        rest = after;
        for option in list.split_whitespace() {
            let (name, value) = option.split_once('=').ok_or("an option without \"=\"")?;
            if name.is_empty() || value.is_empty() {
                return Err("an option without a name or a value");
            }
            options.push((long_name(name), value.replace(',', " ")));
        }
    }
    let mut words = rest.split_whitespace().map(|word| word.replace('"', ""));
    let uri = words.next().ok_or("no URI")?;
    let suite = words.next().ok_or("no suite")?;
    let source = Source {
        types: vec![kind.to_owned()],
        uris: vec![uri],
        suites: vec![suite],
        components: words.collect(),
        options,
        at,
    };
    validate(source)
}

fn paragraph_source(
    paragraph: &Paragraph,
    at: Location,
) -> std::result::Result<Option<Source>, &'static str> {
    let words = |name: &str| -> Vec<String> {
        paragraph.get(name).unwrap_or_default().split_whitespace().map(str::to_owned).collect()
    };
    // An unknown type is refused even in a paragraph that is switched off.
    let types = words("Types");
    if types.is_empty() {
        return Err("no type");
    }
    types.iter().try_for_each(|kind| is_known(kind))?;
    // Only a word that means false switches a paragraph off.
    if paragraph.get("Enabled").and_then(conf::boolean) == Some(false) {
        return Ok(None);
    }
    let structure = ["types", "uris", "suites", "components", "enabled"];
    let options = paragraph
        .fields()
        .iter()
        .map(|f| (f.name.to_ascii_lowercase(), f.value.clone()))
        .filter(|(name, _)| !structure.contains(&name.as_str()))
        .collect();
    let source = Source {
        types,
        uris: words("URIs"),
        suites: words("Suites"),
        components: words("Components"),
        options,
        at,
    };
    validate(source).map(Some)
}

fn is_known(kind: &str) -> std::result::Result<(), &'static str> {
    if matches!(kind, "deb" | "deb-src") { Ok(()) } else { Err("an unknown type") }
}

fn validate(source: Source) -> std::result::Result<Source, &'static str> {
    if source.uris.is_empty() || source.uris.iter().any(|uri| !uri.contains(':')) {
        return Err("no URI");
    }
    if source.suites.is_empty() {
        return Err("no suite");
    }
    for suite in &source.suites {
        match (suite.ends_with('/'), source.components.is_empty()) {
            (true, false) => return Err("components beside a path"),
            (false, true) => return Err("no component"),
            _ => {}
        }
    }
    Ok(source)
}

/// One-line options have names of their own for some fields of `.sources`.
fn long_name(name: &str) -> String {
    let name = name.trim_end_matches(['+', '-']).to_ascii_lowercase();
    match name.as_str() {
        "arch" => "architectures".to_owned(),
        "lang" => "languages".to_owned(),
        "target" => "targets".to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests;
