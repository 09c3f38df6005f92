//! Templates: what is filled in later is masked, so that everything else keeps its place.

use std::sync::LazyLock;

use regex::Regex;

/// Stands for what nobody knows yet: a character of private use, three bytes long.
pub const HOLE: char = '\u{e000}';

/// Tags and values of jinja, and what Terraform and ERB fill in line by line.
static TAGS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?s)\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|%\{[^}\n]*\}|<%.*?%>").ok());

/// A key that begins a line of most cloud-config, in a text that does not say what it is.
static KEYS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?m)^(users|packages|runcmd|write_files|bootcmd|package_update|package_upgrade|ssh_authorized_keys|ssh_pwauth|chpasswd|disable_root):").ok()
});

/// Whether cloud-init fills a text in before it reads it.
pub fn is_jinja(text: &str) -> bool {
    let start = text.trim_start();
    start.get(..18).is_some_and(|begin| begin.eq_ignore_ascii_case("## template: jinja"))
}

/// Whether another program seems to fill it in.
pub fn is_foreign(text: &str) -> bool {
    TAGS.as_ref().is_some_and(|tags| tags.is_match(text))
}

/// Whether a value is not known before it is filled in.
pub fn has_hole(text: &str) -> bool {
    text.contains(HOLE) || text.contains("${") || text.contains("{{")
}

/// Whether a text without a header is cloud-config by its keys: two of the usual ones.
pub fn looks_like_cloud_config(text: &str) -> bool {
    let starts_as_mapping = text.lines().find(|line| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && line != "---"
    });
    starts_as_mapping.is_some_and(|line| line.contains(':'))
        && KEYS.as_ref().is_some_and(|keys| keys.find_iter(text).take(2).count() == 2)
}

/// The text with values as holes and tags as blanks, each byte in its place.
pub fn masked(text: &str) -> String {
    let Some(tags) = TAGS.as_ref() else { return text.to_owned() };
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for tag in tags.find_iter(text) {
        out.push_str(&text[from..tag.start()]);
        let is_value = tag.as_str().starts_with("{{") || tag.as_str().starts_with("<%=");
        if is_value && !tag.as_str().contains('\n') {
            out.extend(std::iter::repeat_n(HOLE, tag.len() / HOLE.len_utf8()));
            out.extend(std::iter::repeat_n('_', tag.len() % HOLE.len_utf8()));
        } else {
            // A line's end stays one, anything else becomes blanks of its length.
            tag.as_str().chars().for_each(|c| match c {
                '\n' => out.push('\n'),
                c => out.extend(std::iter::repeat_n(' ', c.len_utf8())),
            });
        }
        from = tag.end();
    }
    out.push_str(&text[from..]);
    out
}
