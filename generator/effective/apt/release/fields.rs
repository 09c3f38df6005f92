//! The fields of a `Release` file as `pkgTagSection::Scan()` finds them: apt reads these files without comments, and
//! takes a value as it stands over all of its lines.

/// How a file begins that holds its own signature.
const SIGNED: &str = "-----BEGIN PGP SIGNED MESSAGE-----";

/// The fields of a file's first paragraph.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads a file, signed or not.
    pub fn of(text: &str) -> Self {
        match text.strip_prefix(SIGNED).and_then(|rest| rest.split_once("\n\n")) {
            // A signature says nothing of blanks at the ends of lines, so they are taken away.
            Some((_, body)) => Self::parse(&body.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")),
            None => Self::parse(text),
        }
    }

    fn parse(text: &str) -> Self {
        let mut fields = Vec::new();
        let mut rest = text.trim_start_matches(['\n', '\r']);
        // A line without a colon belongs to the next field's name.
        while let Some((name, after)) = rest.split_once(':') {
            let mut value = after.trim_start_matches(BLANKS);
            while let Some(next) = value.strip_prefix('\n').filter(|next| next.starts_with(' ')) {
                value = next.trim_start_matches(BLANKS);
            }
            let end = end(value);
            fields.push((name.trim_end().to_owned(), value[..end].trim_end().to_owned()));
            rest = value[end..].trim_start_matches('\r');
            if rest.starts_with('\n') {
                break;
            }
        }
        Self(fields)
    }

    /// A field by name, case ignored. Of several equal ones the last counts; one that isn't there is empty.
    pub fn get(&self, name: &str) -> String {
        let found = self.0.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

const BLANKS: [char; 3] = [' ', '\t', '\r'];

/// Where a value ends: behind the first line that no line follows which begins with a blank.
fn end(value: &str) -> usize {
    let mut end = 0;
    while let Some(at) = value[end..].find('\n') {
        end += at + 1;
        if !value[end..].starts_with([' ', '\t']) {
            return end;
        }
    }
    value.len()
}
