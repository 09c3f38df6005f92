//! Pages of the documentation that tests write: `UPDATE_DOCS=1` writes them, else they have to be
//! as written.

/// Where a page says that it is not to be edited; `name` is the page's and the test module's.
pub fn generated(name: &str) -> String {
    format!("<!-- Generated: run `UPDATE_DOCS=1 cargo test --test it {name}`. -->")
}

/// Holds `docs/<name>.md` against what it should be.
pub fn hold(name: &str, wanted: &str) {
    let path = format!("{}/docs/{name}.md", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "docs/{name}.md is out of date: run `UPDATE_DOCS=1 cargo test --test it {name}`"
    );
}
