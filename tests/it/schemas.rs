//! The published JSON Schemas: every file of ours fits its own, and a wrong one does not.

use std::fs;
use std::path::Path;

use ironseed::assets::Assets;
use ironseed::schema::{self, Name};
use ironseed::yaml::{self, Source};
use jsonschema::Validator;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::run;

fn validator(name: Name) -> Validator {
    let schema = schema::of(name, &Assets::embedded()).unwrap();
    assert!(jsonschema::meta::is_valid(&schema), "{name:?}");
    jsonschema::validator_for(&schema).unwrap()
}

fn read(source: &Source) -> Value {
    yaml::parse(source).unwrap_or_else(|e| panic!("{}: {e}", source.name))
}

fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[test]
fn every_built_in_file_fits_its_schema() {
    let assets = Assets::embedded();
    let mut seen = 0;
    let folders = [
        ("profiles", Name::Profile),
        ("profiles/checks", Name::Check),
        ("images", Name::Distro),
        ("images/families", Name::Distro),
        ("images/families/known", Name::Distro),
    ];
    for (folder, name) in folders {
        let validator = validator(name);
        for source in assets.list(folder).unwrap() {
            let own = source.name.ends_with(".yaml") && source.name != "profiles/parameters.yaml";
            if own {
                let found = complaints(&validator, &read(&source));
                assert!(found.is_empty(), "{}: {found:#?}", source.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 80, "only {seen} files were read");
    let parameters = assets.get("profiles/parameters.yaml").unwrap().unwrap();
    assert!(validator(Name::Parameters).is_valid(&read(&parameters)));
    for (path, name) in [
        ("profiles/triage/policy.yaml", Name::TriagePolicy),
        ("profiles/triage/prevention.yaml", Name::TriagePrevention),
    ] {
        let source = assets.get(path).unwrap().unwrap();
        assert_eq!(complaints(&validator(name), &read(&source)), Vec::<String>::new(), "{path}");
    }
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples/lab.yaml");
    let example = Source { name: "lab".into(), text: fs::read_to_string(example).unwrap() };
    assert!(validator(Name::Profile).is_valid(&read(&example)));
}

const POLICY: &str = "zone: UTC\nbands: {low: 0, medium: 4, high: 7, critical: 10}\nlimits: {high: 30 days}\n\
                      refuse: {ratings: [high], overdue: true}\nreopens_within: 1 day\n";

/// A right file, and what makes it wrong.
#[test]
fn a_wrong_file_is_refused() {
    let profile = "name: a\ntitle: A\nextends: [nectar-base]\n";
    let check = "id: a\ntitle: A\nseverity: low\nreferences: []\nrationale: r\nremediation: r\nsettings:\n";
    let waiver = "waivers:\n  - {check: ssh-port, owner: me, reason: because, expires: \"2027-01-01\"}\n";
    let cases = [
        (Name::Profile, format!("{profile}{waiver}parameters: {{ssh_port: 22222}}\n"), ""),
        (Name::Profile, profile.to_owned(), "parameters: {ssh_prot: 22222}"),
        (Name::Profile, profile.to_owned(), "parameters: {ssh_port: 70000}"),
        (Name::Profile, profile.to_owned(), "parameters: {ssh_port: \"22\"}"),
        (Name::Profile, profile.to_owned(), "checks: [ssh-prot]"),
        (Name::Profile, profile.to_owned(), "colour: red"),
        (Name::Profile, profile.to_owned(), "waivers: [{check: ssh-port, owner: me, reason: because}]"),
        (
            Name::Profile,
            profile.to_owned(),
            "waivers: [{check: ssh-port, owner: \"\", reason: b, expires: \"2027-01-01\"}]",
        ),
        (Name::Check, format!("{check}  - sysctl: {{key: kernel.sysrq, value: \"0\"}}\n"), ""),
        (Name::Check, check.to_owned(), "  - sysctll: {key: kernel.sysrq, value: \"0\"}"),
        (Name::Check, check.to_owned(), "  - sysctl: {kee: kernel.sysrq, value: \"0\"}"),
        (Name::Check, check.to_owned(), "  - ssh-port: {port: ${no place}}"),
        (Name::Check, check.to_owned(), "  - ssh-port: {port: lots}"),
        (Name::Distro, "extends: debian\nid: a\n".into(), ""),
        (Name::Distro, "extends: debian\nid: a\n".into(), "colour: red"),
        (Name::Distro, "extends: debian\nid: a\n".into(), "backends: {firewall: wishes}"),
        (Name::Distro, "extends: debian\nid: a\n".into(), "archive: {suites: [{role: security}]}"),
        (Name::Distro, "extends: debian\nid: a\n".into(), "versions: {systemd: new}"),
        (Name::Parameters, "a: {type: port, description: a, default: 1}\n".into(), ""),
        (Name::TriagePolicy, POLICY.into(), ""),
        (Name::TriagePolicy, POLICY.into(), "colour: red"),
        (Name::TriagePolicy, POLICY.into(), "recasts: [{id: a, rating: low, owner: me, reason: r}]"),
        (
            Name::TriagePolicy,
            POLICY.into(),
            "recasts: [{id: a, rating: low, owner: \"\", reason: r, expires: \"2027-01-01\"}]",
        ),
        (Name::TriagePrevention, "- {checks: [a], because: b, titles: [c]}\n".into(), ""),
        (Name::TriagePrevention, "- {checks: [], because: b}\n".into(), "- {because: c}"),
        (Name::Parameters, "a: {type: prt, description: a, default: 1}\n".into(), ""),
    ];
    for (name, right, wrong) in cases {
        let text = format!("{right}{wrong}\n");
        let value = yaml::parse(&Source { name: "case".into(), text: text.clone() });
        let fits = value.as_ref().is_ok_and(|v| validator(name).is_valid(v));
        let good = wrong.is_empty() && !text.contains("prt");
        assert_eq!(fits, good, "{name:?}: {text}{value:?}");
    }
}

#[test]
fn a_report_fits_its_schema_alone_and_among_others() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("root")).unwrap();
    let validator = validator(Name::Report);
    for targets in [["root"].as_slice(), &["root", "root"]] {
        let arguments =
            [&["verify", "-d", "debian-12", "-p", "nectar-base-port22", "--format", "json"], targets]
                .concat();
        let (code, out, said) = run(&arguments, dir.path());
        assert_eq!(code, 1, "{said}");
        let mut report: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(complaints(&validator, &report), Vec::<String>::new());
        report["colour"] = "red".into();
        assert!(!validator.is_valid(&report));
        assert!(
            !validator.is_valid(&serde_json::from_str(&out.replace("\"unobserved\"", "\"unseen\"")).unwrap())
        );
    }
}

#[test]
fn findings_of_lint_fit_their_schema() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a"), "#cloud-config\nssh_pwauth: true\n").unwrap();
    let archive = "#cloud-config-archive\n- |\n  #!/bin/sh\n  curl http://a | sh\n- type: text/part-handler\n  content: x\n";
    fs::write(dir.path().join("b"), archive).unwrap();
    let validator = validator(Name::Lint);
    for arguments in [["--cloud-init", "23.4"], ["--cloud-limit", "10"]] {
        let arguments = [&["lint", "a", "b", "--format", "json"][..], &arguments].concat();
        let (code, out, said) = run(&arguments, dir.path());
        assert_eq!(code, 1, "{said}");
        let found: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(complaints(&validator, &found), Vec::<String>::new());
        let inside =
            found["files"][1]["findings"].as_array().unwrap().iter().filter(|f| f["part"].is_object());
        assert_ne!(inside.count(), 0, "{out}");
        for (pointer, wrong) in [("/files/0/findings/0/severity", "grave"), ("/files/0/parts/0/kind", "text")]
        {
            let mut broken = found.clone();
            *broken.pointer_mut(pointer).unwrap() = wrong.into();
            assert!(!validator.is_valid(&broken), "{pointer}");
        }
    }
}

#[test]
fn a_triage_fits_its_schema() {
    let dir = TempDir::new().unwrap();
    let rows = "1,CVE-1,7.5,High,vm,tcp,22,SSH Weak Algorithms Supported,Mend it,Linux on Debian 11\n2,,,Unknown,vm,tcp,0,B,,\n";
    let scan = format!("Plugin ID,CVE,CVSS v3.0 Base Score,Risk,Host,Protocol,Port,Name,Solution,OS\n{rows}");
    fs::write(dir.path().join("scan"), scan).unwrap();
    let (code, out, said) = run(&["triage", "scan", "--format", "json"], dir.path());
    assert_eq!(code, 1, "{said}");
    let mut found: Value = serde_json::from_str(&out).unwrap();
    let validator = validator(Name::Triage);
    assert_eq!(complaints(&validator, &found), Vec::<String>::new());
    found["hosts"][0]["findings"][0]["rating"] = "grave".into();
    assert!(!validator.is_valid(&found));
}

#[test]
fn schemas_explain_and_know_ones_own_checks() {
    let dir = TempDir::new().unwrap();
    let (code, out, _) = run(&["schema", "profile"], dir.path());
    let schema: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 0);
    assert!(schema["properties"]["waivers"]["description"].is_string());
    let port = &schema["$defs"]["Parameters"]["properties"]["ssh_port"];
    assert_eq!(port["maximum"], 65535);
    assert!(port["description"].is_string());
    assert!(!out.contains("[`"), "links of rustdoc are no help");
    fs::create_dir_all(dir.path().join("mine/profiles/checks")).unwrap();
    let own = "id: own-check\ntitle: Own\nseverity: low\nreferences: []\nrationale: r\nremediation: r\nsettings: []\n";
    fs::write(dir.path().join("mine/profiles/checks/own-check.yaml"), own).unwrap();
    assert!(run(&["--assets", "mine", "schema", "profile"], dir.path()).1.contains("own-check"));
    let (code, out, _) = run(&["schema"], dir.path());
    assert!(code == 0 && out.contains("distro"), "{out}");
}
