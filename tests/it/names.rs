//! No Rust file and no template asks for a distribution by its name: what differs is a fact in `images/`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ironseed::assets::Assets;
use ironseed::release;

/// Words that contain such a name and mean something else: a keyword of sshd's and the patch that adds
/// it, and debconf's variable.
const OTHER: [&str; 3] = ["DebianBanner", "debian_banner", "DEBIAN_FRONTEND"];

/// Names by which releases are known, in lower case: ids of os-release, and code names of one word.
fn names() -> BTreeSet<String> {
    let releases = release::all(&Assets::embedded()).unwrap();
    let ids = releases.iter().flat_map(|r| r.os_release.iter().map(|o| o.id.clone()));
    let codenames = releases.iter().flat_map(|r| r.codename.clone());
    ids.chain(codenames).map(|n| n.to_lowercase()).filter(|n| n.len() > 3 && !n.contains(' ')).collect()
}

/// The code of a Rust file: without its tests, and without comments.
fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let lines = text[..end].lines().filter(|l| !l.trim_start().starts_with("//"));
    lines.map(|l| l.split(" // ").next().unwrap_or(l)).collect::<Vec<_>>().join("\n")
}

/// Whether a file holds tests, or what only they use.
fn is_test(path: &Path) -> bool {
    let text = path.to_string_lossy().into_owned();
    ["tests", "testing", "differential", "fixture.rs"].iter().any(|part| text.contains(part))
}

#[test]
fn no_code_and_no_template_names_a_distribution() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = names();
    assert!(names.len() > 15, "{names:?}");
    let mut found = Vec::new();
    let mut seen = 0;
    for folder in ["generator", "templates"] {
        for entry in walkdir::WalkDir::new(repository.join(folder)).into_iter().map(Result::unwrap) {
            let path = entry.path();
            let kind = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            if !["rs", "j2", "sh"].contains(&kind) || is_test(path) {
                continue;
            }
            seen += 1;
            let text = fs::read_to_string(path).unwrap();
            let mut text = if kind == "rs" { code(&text) } else { text };
            for other in OTHER {
                text = text.replace(other, "");
            }
            let words = text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_lowercase);
            found.extend(words.filter(|w| names.contains(w)).map(|w| format!("{}: {w}", path.display())));
        }
    }
    assert!(seen > 200, "only {seen} files were read");
    assert!(found.is_empty(), "{found:#?}");
}
