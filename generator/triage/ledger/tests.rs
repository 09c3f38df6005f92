use super::*;
use crate::assets::Assets;
use crate::triage::finding::Place;
use crate::triage::rating::{Score, Scores};

fn policy() -> Policy {
    Policy::load(None, &Assets::embedded()).unwrap()
}

fn at(text: &str) -> Timestamp {
    format!("{text}T10:00:00Z").parse().unwrap()
}

fn look(day: &str) -> Look {
    Look { scanner: Scanner::Nessus, policy: None, credentialed: None, at: at(day) }
}

fn finding(id: &str, port: u16) -> Finding {
    let scores = Scores { v3: Score::parse("7.5").unwrap(), ..Scores::default() };
    let place = Place::Port { number: port, protocol: "tcp".into() };
    Finding { id: id.into(), place, scores, ..Finding::default() }
}

fn host(findings: &[(&str, u16)]) -> Host {
    let findings = findings.iter().map(|(id, port)| finding(id, *port)).collect();
    Host { name: "vm".into(), findings, ..Host::default() }
}

/// What the ledger has open, with the day from which time runs.
fn open(ledger: &Ledger) -> Vec<String> {
    let entries = &ledger.hosts["vm"].entries;
    let open = entries.iter().filter(|e| e.closed.is_none());
    let mut open: Vec<String> = open
        .map(|e| format!("{} {} since {}", e.finding.id, e.finding.place, &e.since.to_string()[..10]))
        .collect();
    open.sort();
    open
}

#[test]
fn findings_open_close_and_come_back() {
    let (policy, mut ledger) = (policy(), Ledger::default());
    let changes = ledger.take(&look("2026-01-01"), host(&[("a", 22), ("b", 22)]), &policy);
    assert_eq!(changes, Changes { new: 2, ..Changes::default() });
    // The same plugin on another port is another finding.
    let changes = ledger.take(&look("2026-01-08"), host(&[("a", 22), ("a", 80)]), &policy);
    assert_eq!(changes, Changes { new: 1, closed: 1, ..Changes::default() });
    assert_eq!(open(&ledger), ["a tcp/22 since 2026-01-01", "a tcp/80 since 2026-01-08"]);
    // Back soon, the time goes on; back late, it begins anew. The first day is never forgotten.
    let changes = ledger.take(&look("2026-02-01"), host(&[("b", 22)]), &policy);
    assert_eq!(changes, Changes { reopened: 1, closed: 2, ..Changes::default() });
    assert_eq!(open(&ledger), ["b tcp/22 since 2026-01-01"]);
    let changes = ledger.take(&look("2026-03-20"), host(&[("a", 22), ("b", 22)]), &policy);
    assert_eq!(changes, Changes { reopened: 1, ..Changes::default() });
    assert_eq!(open(&ledger), ["a tcp/22 since 2026-03-20", "b tcp/22 since 2026-01-01"]);
    let a = ledger.hosts["vm"].entries.iter().find(|e| e.finding.id == "a").unwrap();
    assert_eq!((a.first_seen, a.reopened), (at("2026-01-01"), 1));
    // The same scan once more changes nothing.
    let before = ledger.hosts.clone();
    let changes = ledger.take(&look("2026-03-20"), host(&[("a", 22), ("b", 22)]), &policy);
    assert_eq!(changes, Changes::default());
    assert_eq!(ledger.hosts, before);
    assert_eq!(ledger.forget("vm", at("2026-04-01")).unwrap().closed, 2);
    assert_eq!(ledger.forget("other", at("2026-04-01")), None);
}

#[test]
fn a_late_scan_moves_first_days_back_and_reopens_nothing() {
    let (policy, mut ledger) = (policy(), Ledger::default());
    ledger.take(&look("2026-02-01"), host(&[("a", 22)]), &policy);
    let changes = ledger.take(&look("2026-01-01"), host(&[("a", 22), ("b", 22)]), &policy);
    assert_eq!(changes, Changes::default());
    assert_eq!(open(&ledger), ["a tcp/22 since 2026-01-01"]);
    assert_eq!(ledger.hosts["vm"].entries[1].closed, Some(at("2026-02-01")));
}

#[test]
fn only_a_look_that_would_have_seen_it_closes_a_finding() {
    let (policy, mut ledger) = (policy(), Ledger::default());
    let of = |day: &str, scanner, own: Option<&str>, credentialed| Look {
        scanner,
        policy: own.map(str::to_owned),
        credentialed,
        at: at(day),
    };
    let first = of("2026-01-01", Scanner::Nessus, Some("full"), Some(true));
    ledger.take(&first, host(&[("a", 22)]), &policy);
    for other in [
        of("2026-01-02", Scanner::Trivy, None, None),
        of("2026-01-03", Scanner::Nessus, Some("web"), Some(true)),
        of("2026-01-04", Scanner::Nessus, Some("full"), Some(false)),
    ] {
        let kept = usize::from(other.scanner == Scanner::Nessus);
        let changes = ledger.take(&other, host(&[]), &policy);
        assert_eq!(changes, Changes { kept, ..Changes::default() }, "{other:?}");
    }
    let undecided = Host { undecided: vec!["a".into()], ..host(&[]) };
    assert_eq!(ledger.take(&of("2026-01-05", Scanner::Nessus, None, None), undecided, &policy).kept, 1);
    let elsewhere = Host { name: "other".into(), ..host(&[]) };
    ledger.take(&of("2026-01-06", Scanner::Nessus, None, None), elsewhere, &policy);
    assert_eq!(open(&ledger).len(), 1);
    let changes =
        ledger.take(&of("2026-01-07", Scanner::Nessus, Some("full"), Some(true)), host(&[]), &policy);
    assert_eq!(changes.closed, 1);
}

#[test]
fn a_file_holds_everything_and_wrong_ones_are_refused() {
    let (policy, folder) = (policy(), tempfile::TempDir::new().unwrap());
    let path = folder.path().join("ledger.json");
    let mut ledger = Ledger::default();
    ledger.take(&look("2026-01-01"), host(&[("a", 22), ("b", 0)]), &policy);
    ledger.take(&look("2026-01-02"), host(&[("a", 22)]), &policy);
    let store = Store::lock(&path, || panic!("nobody has it")).unwrap();
    assert!(store.read().unwrap().hosts.is_empty());
    store.write(&ledger).unwrap();
    assert_eq!(store.read().unwrap().hosts, ledger.hosts);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    let text = std::fs::read_to_string(&path).unwrap();
    for (wrong, words) in [
        (text.replace("\"ledger\":1", "\"ledger\":2"), "version 2"),
        (text[..text.len() / 2].to_owned(), "EOF"),
        (text.replace("first_seen", "first"), "unknown field"),
        (String::new(), "EOF"),
    ] {
        std::fs::write(&path, wrong).unwrap();
        let error = store.read().unwrap_err().to_string();
        assert!(error.contains(words) && error.contains("ledger.json"), "{error}");
    }
}

#[test]
fn a_second_program_waits() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("ledger.json");
    let first = Store::lock(&path, || {}).unwrap();
    let (said, waits) = std::sync::mpsc::channel();
    let second = std::thread::spawn({
        let path = path.clone();
        move || Store::lock(&path, || said.send(()).unwrap()).map(|_| ())
    });
    waits.recv().unwrap();
    assert!(!second.is_finished());
    drop(first);
    second.join().unwrap().unwrap();
}
