//! Package URLs (`pkg:deb/debian/bash@5.2?arch=amd64`), by the package-url specification and its types `deb` and `rpm`.

/// A package URL of a component.
///
/// `kind` is `deb` or `rpm`, `vendor` os-release's `ID`. Qualifiers are written in the order of
/// their names, as the specification wants them, and left out where they are empty.
pub fn purl(kind: &str, vendor: &str, name: &str, version: &str, qualifiers: &[(&str, &str)]) -> String {
    let mut url = format!("pkg:{kind}/{}/{}@{}", encoded(vendor), encoded(name), encoded(version));
    let mut qualifiers: Vec<_> = qualifiers.iter().filter(|(_, value)| !value.is_empty()).collect();
    qualifiers.sort_unstable();
    for (index, (key, value)) in qualifiers.into_iter().enumerate() {
        let mark = if index == 0 { '?' } else { '&' };
        url.push_str(&format!("{mark}{key}={}", encoded(value)));
    }
    url
}

/// Percent-encodes all but RFC 3986's unreserved characters. The specification lets a colon stand as it is.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
