//! `triage` as the command line shows it: the gate, the ledger between runs and under kills, and scans before `publish`.

mod oscap;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::run;

/// A scan in Nessus' CSV form, one line for each finding: id, score, port.
fn csv(findings: &[(u32, &str, u16)]) -> String {
    let row = |(id, score, port): &(u32, &str, u16)| {
        format!("{id},CVE-2026-{id},{score},,vm,tcp,{port},\"Title of {id}\",Update it.,\n")
    };
    let rows: String = findings.iter().map(row).collect();
    // Without a severity nothing is taken for a rating by hand.
    format!(
        "Plugin ID,CVE,CVSS v3.0 Base Score,Risk,Host,Protocol,Port,Name,Solution,CVSS v2.0 Base Score\n{rows}"
    )
}

fn triage(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    run(&[&["triage"], arguments].concat(), folder)
}

fn json(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let (code, out, said) = triage(folder, &[arguments, &["--format", "json"]].concat());
    (code, serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}{said}")))
}

#[test]
fn the_exit_code_is_the_gates_verdict() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("high"), csv(&[(1, "7.5", 22), (2, "5", 0)])).unwrap();
    fs::write(dir.path().join("medium"), csv(&[(2, "6.9", 0)])).unwrap();
    fs::write(dir.path().join("unrated"), csv(&[(3, "", 0)])).unwrap();
    fs::write(dir.path().join("broken"), csv(&[(3, "11", 0)])).unwrap();
    let when = ["--seen", "2026-11-20T00:00:00+13:00", "--now", "2026-11-23T00:00:00+13:00"];
    for (scan, code, words) in [
        ("high", 1, "1 open finding is rated High: vm: 1 (tcp/22) Title of 1"),
        ("medium", 0, "nothing is open that the policy refuses"),
        ("unrated", 1, "rated Unrated"),
    ] {
        let (found, out, said) = triage(dir.path(), &[&[scan][..], &when].concat());
        assert_eq!(found, code, "{out}{said}");
        assert!(out.contains(words), "{out}");
    }
    let (code, out, _) =
        triage(dir.path(), &[&["high", "medium", "--format", "markdown"][..], &when].concat());
    assert_eq!(code, 1);
    assert!(out.contains("| High | 1 | 0 |"), "{out}");
    for (arguments, words) in [
        (&["broken"][..], "broken:2: `11` is no CVSS score"),
        (&["missing"], "missing"),
        (&[], "required"),
        (&["high", "--gone", "vm"], "--ledger"),
        (&["high", "--now", "yesterday"], "yesterday"),
        (&["high", "--image", "medium"], "no report"),
    ] {
        let (code, _, said) = triage(dir.path(), arguments);
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn ones_own_policy_decides() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("scan"), csv(&[(1, "7.5", 22), (2, "5", 0)])).unwrap();
    let policy = |recasts: &str| {
        let text = format!(
            "zone: Pacific/Auckland\nbands: {{low: 0, medium: 4, high: 7, critical: 10}}\nlimits: {{medium: 90 days}}\n\
             refuse: {{ratings: [critical, high], overdue: true}}\nreopens_within: 30 days\nrecasts: [{recasts}]\n"
        );
        fs::write(dir.path().join("policy.yaml"), text).unwrap();
    };
    let with = |now: &str| {
        let arguments = [
            "scan",
            "--policy",
            "policy.yaml",
            "--seen",
            "2026-01-01T00:00:00Z",
            "--now",
            now,
            "--format",
            "json",
        ];
        let (code, out, said) = triage(dir.path(), &arguments);
        (code, format!("{out}{said}"))
    };
    policy("");
    assert_eq!(with("2026-01-02T00:00:00Z").0, 1);
    policy("{id: CVE-2026-1, rating: low, owner: sec, reason: shielded, expires: \"2026-06-30\"}");
    let (code, said) = with("2026-01-02T00:00:00Z");
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("recast by sec until 2026-06-30: shielded; otherwise High: CVSS 3 score 7.5"),
        "{said}"
    );
    // Overdue, whatever the rating.
    let (code, said) = with("2026-05-01T00:00:00Z");
    assert_eq!(code, 1);
    assert!(said.contains("1 open finding is past the time limit"), "{said}");
    let (code, said) = with("2026-07-01T00:00:00Z");
    assert_eq!(code, 1);
    assert!(said.contains("the recast of CVE-2026-1 expired on 2026-06-30 (owner: sec)"), "{said}");
    policy("{id: CVE-2026-1, rating: grave, owner: sec, reason: r, expires: \"2026-06-30\"}");
    let (code, said) = with("2026-01-02T00:00:00Z");
    assert_eq!(code, 2);
    assert!(said.contains("policy.yaml:6:"), "{said}");
}

#[test]
fn a_ledger_keeps_first_days_between_runs() {
    let dir = TempDir::new().unwrap();
    let scan = |findings: &[(u32, &str, u16)]| fs::write(dir.path().join("scan"), csv(findings)).unwrap();
    let on = |day: &str| {
        let now = format!("2026-{day}T00:00:00Z");
        json(dir.path(), &["scan", "--ledger", "ledger.json", "--seen", &now, "--now", &now])
    };
    scan(&[(1, "7.5", 22), (2, "10", 0)]);
    let (code, first) = on("01-01");
    assert_eq!((code, &first["summary"]["changes"]["new"]), (1, &2.into()));
    assert_eq!(first["hosts"][0]["findings"][0]["hours_left"], 48);
    scan(&[(1, "7.5", 22)]);
    let (_, second) = on("01-20");
    assert_eq!(second["summary"]["changes"]["closed"], 1);
    let finding = &second["hosts"][0]["findings"][0];
    assert_eq!((&finding["first_seen"], &finding["days_left"]), (&"2026-01-01T00:00:00Z".into(), &11.into()));
    scan(&[(1, "7.5", 22), (2, "10", 0)]);
    let (_, third) = on("02-10");
    assert_eq!(third["summary"]["changes"]["reopened"], 1);
    assert_eq!(third["summary"]["overdue"], 2);
    assert_eq!(third["hosts"][0]["may_be_locked"], true);

    // A host that no scan looks at stays as it is, and shuts the gate; the ledger can be asked alone.
    let (code, alone) = json(dir.path(), &["--ledger", "ledger.json", "--now", "2026-02-11T00:00:00Z"]);
    assert_eq!((code, &alone["summary"]["not_looked_at"]), (1, &2.into()));
    let (code, gone) =
        json(dir.path(), &["--ledger", "ledger.json", "--gone", "vm", "--now", "2026-02-12T00:00:00Z"]);
    assert_eq!((code, &gone["summary"]["changes"]["closed"]), (0, &2.into()));
    let (code, _, said) = triage(dir.path(), &["--ledger", "ledger.json", "--gone", "other"]);
    assert_eq!(code, 2);
    assert!(said.contains("knows no host `other`"), "{said}");
}

/// Ids in a ledger, each with its first day.
fn kept(path: &Path) -> BTreeSet<(String, String)> {
    let Ok(text) = fs::read_to_string(path) else { return BTreeSet::new() };
    let ledger: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("half a ledger: {e}"));
    let entries = ledger["hosts"].as_array().unwrap().iter().flat_map(|h| h["entries"].as_array().unwrap());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    entries.map(|e| (text(&e["finding"]["id"]), text(&e["first_seen"]))).collect()
}

#[test]
fn a_kill_at_any_moment_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let ledger = dir.path().join("ledger.json");
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut whole_run = Duration::ZERO;
    let mut kills = 0;
    for round in 0..25_u32 {
        // Each round knows what the one before it knew, and more.
        let findings: Vec<(u32, &str, u16)> = (0..400 + round * 20).map(|id| (id, "7.5", 0)).collect();
        fs::write(dir.path().join("scan"), csv(&findings)).unwrap();
        let before = kept(&ledger);
        let day = format!("2026-01-{:02}T00:00:00Z", round + 1);
        let start = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_ironseed"))
            .args(["triage", "scan", "--ledger", "ledger.json", "--seen", &day, "--now", &day])
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if round == 0 {
            assert_eq!(child.wait().unwrap().code(), Some(1));
            whole_run = start.elapsed();
        } else {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            std::thread::sleep(Duration::from_micros(state % u64::try_from(whole_run.as_micros()).unwrap()));
            child.kill().unwrap();
            kills += u32::from(child.wait().unwrap().code().is_none());
        }
        let after = kept(&ledger);
        assert!(before.is_subset(&after), "round {round}: {} then {}", before.len(), after.len());
        assert!(after.len() == before.len() || after.len() == findings.len(), "round {round}");
    }
    assert!(kills >= 5, "only {kills} runs were hit");
    // Nothing of the killed runs is in the way.
    let (code, _, said) =
        triage(dir.path(), &["scan", "--ledger", "ledger.json", "--seen", "2026-03-01T00:00:00Z"]);
    assert_eq!(code, 1, "{said}");
    assert!(!dir.path().join("ledger.json.new").exists());
}

#[test]
fn programs_at_the_same_time_wait_for_each_other() {
    let dir = TempDir::new().unwrap();
    let children: Vec<_> = (0..6)
        .map(|number| {
            let name = format!("scan-{number}");
            fs::write(
                dir.path().join(&name),
                csv(&[(number, "7.5", 0)]).replace(",vm,", &format!(",vm-{number},")),
            )
            .unwrap();
            Command::new(env!("CARGO_BIN_EXE_ironseed"))
                .args(["triage", &name, "--ledger", "ledger.json"])
                .current_dir(dir.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(1));
    }
    assert_eq!(kept(&dir.path().join("ledger.json")).len(), 6);
}

#[test]
fn stdin_is_a_scan_too_and_a_made_scan_of_each_format_is_read() {
    let dir = TempDir::new().unwrap();
    let maker = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scans.py");
    for format in ["nessus", "csv", "trivy", "grype", "oval"] {
        let made = Command::new("python3").arg(&maker).args([format, "300"]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        fs::write(dir.path().join("scan"), made.stdout).unwrap();
        let (code, found) = json(dir.path(), &["scan", "--now", "2026-11-23T00:00:00Z"]);
        // Two of the Nessus forms' scores are 0, which is information.
        let informational = if ["nessus", "csv"].contains(&format) { 3 } else { 0 };
        assert_eq!((code, &found["summary"]["open"]), (1, &(300 - informational).into()), "{format}");
        assert_eq!(
            found["hosts"][0]["release"]["id"].as_str(),
            (format != "csv").then_some("debian-12"),
            "{format}"
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_ironseed"))
            .args(["triage", "-"])
            .stdin(fs::File::open(dir.path().join("scan")).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(1), "{format}");
    }
}
