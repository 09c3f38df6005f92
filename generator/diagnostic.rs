//! Errors in what the user wrote: what happened, where (with a caret), what to do.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::location::Location;
use crate::yaml::Source;

/// An error in a profile, a check, a distribution file or a template.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct ConfigError {
    /// Where, if it is one place.
    pub at: Option<Location>,
    text: String,
}

impl ConfigError {
    /// An error that belongs to no line.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { at: None, text: text.into() }
    }

    /// An error whose excerpt is already drawn.
    pub fn rendered(at: Option<Location>, text: String) -> Self {
        Self { at, text }
    }

    /// An error at a place of a YAML file, drawn with the line and a caret below `width` characters.
    pub fn at(
        source: &Source,
        at: serde_saphyr::Location,
        width: usize,
        title: &str,
        label: &str,
        help: &str,
    ) -> Self {
        let start = byte_offset(&source.text, at.line(), at.column());
        let end = source.text[start..]
            .char_indices()
            .nth(width.max(1))
            .map_or(source.text.len(), |(i, _)| start + i);
        let snippet = Snippet::source(&source.text)
            .path(&source.name)
            .annotation(AnnotationKind::Primary.span(start..end).label(label));
        let mut group = Level::ERROR.primary_title(title).element(snippet);
        if !help.is_empty() {
            group = group.element(Level::HELP.message(help));
        }
        Self { at: Some(source.locate(at)), text: Renderer::plain().render(&[group]) }
    }
}

/// Byte offset of a line and column counted from 1 in characters; the end where they lie outside.
fn byte_offset(text: &str, line: u64, column: u64) -> usize {
    let Ok(skip) = usize::try_from(line.saturating_sub(1)) else { return text.len() };
    let start: usize = text.split_inclusive('\n').take(skip).map(str::len).sum();
    text[start..]
        .char_indices()
        .nth(usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX))
        .map_or(text.len(), |(i, _)| start + i)
}

/// "Did you mean" for a misspelt name: the nearest of the known ones, or all of them.
pub fn suggestion<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let best = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(name, k), *k))
        .min()
        .filter(|(distance, k)| *distance <= k.len().max(name.len()) / 3 + 1);
    match best {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None => format!("known: {}", known.join(", ")),
    }
}
