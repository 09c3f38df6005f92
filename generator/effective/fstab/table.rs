//! The lines of `/etc/fstab`, cut as `getmntent(3)` cuts them.

use crate::location::Location;

/// glibc reads no more of a line than this many bytes.
const MAX_LINE: usize = 4095;

/// One filesystem; a field that the line lacks is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Device or source.
    pub what: String,
    /// Mount point as it stands there.
    pub point: String,
    /// Type of the filesystem, such as `tmpfs`.
    pub kind: String,
    /// Options, parted by commas.
    pub options: String,
    /// Its line.
    pub at: Location,
}

/// The entries in order; comments start with a `#` after blanks, and there is none after an entry.
pub fn entries(file: &str, text: &str) -> Vec<Entry> {
    let lines = text.split('\n').enumerate();
    lines
        .filter_map(|(index, line)| {
            let line = line.split('\0').next().unwrap_or_default();
            let line = line.get(..MAX_LINE).unwrap_or(line).trim_matches(BLANK);
            if line.is_empty() || line.starts_with('#') {
                return None;
            }
            let mut fields = line.split(BLANK).filter(|field| !field.is_empty()).map(decoded);
            let mut field = || fields.next().unwrap_or_default();
            let (what, point, kind, options) = (field(), field(), field(), field());
            Some(Entry { what, point, kind, options, at: Location::line(file, index + 1) })
        })
        .collect()
}

const BLANK: [char; 2] = [' ', '\t'];

/// Puts characters in the place of `\040`, `\011`, `\012`, `\134` and `\\`; any other backslash stays.
fn decoded(field: &str) -> String {
    let (mut result, mut rest) = (String::new(), field);
    while let Some(at) = rest.find('\\') {
        result += &rest[..at];
        let escape = [("\\040", ' '), ("\\011", '\t'), ("\\012", '\n'), ("\\134", '\\'), ("\\\\", '\\')];
        let found = escape.iter().find(|(escape, _)| rest[at..].starts_with(escape));
        let (escape, c) = found.copied().unwrap_or(("\\", '\\'));
        result.push(c);
        rest = &rest[at + escape.len()..];
    }
    result + rest
}

impl Entry {
    /// Whether an option is given, with or without a value.
    pub fn has(&self, name: &str) -> bool {
        self.last_of(&[name]).is_some()
    }

    /// Which of these options is given last.
    pub fn last_of<'n>(&self, names: &[&'n str]) -> Option<&'n str> {
        self.split().iter().rev().find_map(|option| names.iter().find(|name| is(option, name)).copied())
    }

    /// The values of an option.
    pub fn values(&self, name: &str) -> Vec<String> {
        let valued = self.split().into_iter().filter(|option| is(option, name));
        valued.filter_map(|option| Some(option.split_once('=')?.1.to_owned())).collect()
    }

    /// The options one by one, as they stand; a comma after a backslash parts nothing.
    pub fn split(&self) -> Vec<String> {
        let mut parts = vec![String::new()];
        let mut escaped = false;
        for c in self.options.chars() {
            match parts.last_mut() {
                Some(part) if c != ',' || escaped => part.push(c),
                _ => parts.push(String::new()),
            }
            escaped = c == '\\' && !escaped;
        }
        parts.retain(|part| !part.is_empty());
        parts
    }
}

fn is(option: &str, name: &str) -> bool {
    option.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
}
