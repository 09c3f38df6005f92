//! OVAL results that the real oscap writes, of this machine.

use std::collections::BTreeMap;

use serde_json::json;
use tempfile::TempDir;

use super::json;
use crate::program::{have, real, text};

/// Of each class and each outcome one.
const DEFINITIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/triage/definitions.xml");

#[test]
fn findings_are_what_oscap_says_is_true() {
    if !have(&["oscap", "dpkg"], "what oscap finds on this machine") {
        return;
    }
    let dir = TempDir::new().unwrap();
    let said =
        text(&real("oscap", &["oval", "eval", "--results", "scan.xml", DEFINITIONS], dir.path()).stdout);
    let said: BTreeMap<&str, &str> = said
        .lines()
        .filter_map(|line| line.strip_prefix("Definition oval:test:def:")?.split_once(": "))
        .collect();
    // An old bash, an older one, none, an inventory, and something that nobody can tell.
    let wanted = [("1", "true"), ("2", "false"), ("3", "false"), ("4", "true"), ("5", "unknown")];
    assert_eq!(said, wanted.into());

    let (code, found) = json(dir.path(), &["scan.xml"]);
    let host = &found["hosts"][0];
    assert_eq!((code, found["hosts"].as_array().unwrap().len()), (1, 1), "{found:#}");
    let findings = host["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    let finding = &findings[0];
    assert_eq!(finding["id"], "oval:test:def:1");
    assert_eq!(finding["title"], "DSA-1 old bash");
    assert_eq!(finding["cves"], json!(["CVE-2026-0001"]));
    assert_eq!(finding["rating"], "high");
    assert_eq!(found["notes"][0], "scan.xml: 1 definitions could not be evaluated: nobody knows of them");
    let name = text(&real("uname", &["-n"], dir.path()).stdout);
    assert_eq!(host["name"], name.trim());
    let system = std::fs::read_to_string("/etc/os-release").unwrap();
    let system = system.lines().find_map(|line| line.strip_prefix("NAME=")).unwrap().trim_matches('"');
    assert!(host["system"].as_str().unwrap().starts_with(system), "{host:#}");
}
