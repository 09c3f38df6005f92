//! The standard's own schema of SARIF, for all that is written in that form.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemas/sarif-2.1.0.json");
    // The published pattern of a language has a bracket too many: it is no regular expression.
    let text = fs::read_to_string(schema).unwrap().replace("{2}]?$\"", "{2}$\"");
    let schema: Value = serde_json::from_str(&text).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
});

/// Reads SARIF that has to fit the standard's schema, and whose results have to name a rule that is there.
///
/// # Panics
/// With everything in which it does not fit.
pub fn fitting(text: &str) -> Value {
    let log: Value = serde_json::from_str(text).unwrap();
    let found: Vec<String> =
        SCHEMA.iter_errors(&log).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(found.is_empty(), "{found:#?}");
    let rules = &log["runs"][0]["tool"]["driver"]["rules"];
    for result in log["runs"][0]["results"].as_array().unwrap() {
        let rule = &rules[usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap()];
        assert_eq!(rule["id"], result["ruleId"], "{result}");
    }
    // The control.
    let mut wrong = log.clone();
    wrong["runs"][0]["results"][0]["level"] = "dire".into();
    assert!(!SCHEMA.is_valid(&wrong));
    log
}
