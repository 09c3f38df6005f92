//! From scans to what is told: time that is left, order, the gate.

use super::document::Triage;
use super::*;
use crate::assets::Assets;
use crate::observation::Outcome;
use crate::release;
use crate::yaml::Source;

/// A scan of one host with three findings, made at a time.
fn nessus(at: &str) -> String {
    let seconds = at.parse::<Timestamp>().unwrap().as_second();
    let item = |id: u32, port: u16, severity: u8, score: &str, title: &str| {
        format!(
            "<ReportItem port=\"{port}\" protocol=\"tcp\" severity=\"{severity}\" pluginID=\"{id}\" pluginName=\"{title}\" \
             pluginFamily=\"Debian Local Security Checks\"><cvss3_base_score>{score}</cvss3_base_score></ReportItem>"
        )
    };
    format!(
        "<NessusClientData_v2><Report><ReportHost name=\"vm\"><HostProperties>\
         <tag name=\"HOST_END_TIMESTAMP\">{seconds}</tag>\
         <tag name=\"operating-system\">Linux Kernel 5.10 on Debian 11.7</tag></HostProperties>{}{}{}\
         </ReportHost></Report></NessusClientData_v2>",
        item(1, 0, 4, "10", "worst"),
        item(2, 0, 3, "7.5", "bad"),
        item(3, 22, 2, "5", "middling &lt;b&gt; | `x`"),
    )
}

/// Judges scans and hands the result to `look`.
fn with<T>(
    scans: &[String],
    zone: &str,
    now: &str,
    image: Option<&Image>,
    look: impl FnOnce(&Triage<'_>, &Policy) -> T,
) -> T {
    let assets = Assets::embedded();
    let text =
        assets.get(policy::BUILT_IN).unwrap().unwrap().text.replace("zone: UTC", &format!("zone: {zone}"));
    let policy = Policy::parse(Source { name: "policy".into(), text }).unwrap();
    let (prevention, releases) =
        (prevention::Prevention::load(&assets).unwrap(), release::all(&assets).unwrap());
    let now = now.parse().unwrap();
    let read = scans.iter().map(|s| scan::read(s.as_bytes(), "scan", &policy.zone).unwrap()).collect();
    let mut ledger = Ledger::default();
    let run = take(&mut ledger, read, &policy, now);
    let judge = Judge { policy: &policy, prevention: &prevention, releases: &releases, image, now };
    look(&judge.triage(&ledger, run), &policy)
}

#[test]
fn time_runs_from_the_first_sight_across_a_leap_day_and_a_change_of_clocks() {
    let first = nessus("2024-02-27T11:00:00Z");
    let cases = [
        // In Auckland, 48 hours and 30 days end at midnight: the first behind the leap day. To the second.
        ("Pacific/Auckland", "2024-02-29T10:59:59Z", [(0, 0, false), (28, 672, false)]),
        ("Pacific/Auckland", "2024-02-29T11:00:00Z", [(0, 0, false), (28, 672, false)]),
        ("Pacific/Auckland", "2024-02-29T11:00:01Z", [(-1, -1, true), (27, 671, false)]),
        ("UTC", "2024-03-28T11:00:00Z", [(-28, -672, true), (0, 0, false)]),
        ("UTC", "2024-03-28T11:00:01Z", [(-29, -673, true), (-1, -1, true)]),
        // Clocks went forward in New York on 2024-03-10: thirty days of the calendar are an hour shorter.
        ("America/New_York", "2024-03-28T10:00:00Z", [(-28, -671, true), (0, 0, false)]),
        ("America/New_York", "2024-03-28T10:00:01Z", [(-28, -672, true), (-1, -1, true)]),
    ];
    for (zone, now, wanted) in cases {
        let found = with(std::slice::from_ref(&first), zone, now, None, |triage, _| {
            let all = triage.hosts[0].findings.iter().take(2);
            all.map(|f| (f.days_left.unwrap(), f.hours_left.unwrap(), f.overdue)).collect::<Vec<_>>()
        });
        assert_eq!(found, wanted, "{zone} {now}");
    }
    // A second sight changes nothing of the first.
    let again = [nessus("2024-02-29T00:00:00Z"), first];
    with(&again, "UTC", "2024-02-29T12:00:00Z", None, |triage, _| {
        assert_eq!(triage.hosts[0].findings[0].first_seen.to_string(), "2024-02-27T11:00:00Z");
        assert!(triage.hosts[0].findings[0].overdue);
    });
}

#[test]
fn the_worst_comes_first_with_its_reasons_and_its_remedy() {
    let outcomes = [("automatic-updates".to_owned(), Outcome::Fail)].into_iter().collect();
    let image = Image { release: "debian-12".into(), outcomes };
    with(&[nessus("2026-11-20T00:00:00Z")], "UTC", "2026-11-23T00:00:00Z", Some(&image), |triage, policy| {
        assert_eq!(triage.summary.open, 3);
        assert_eq!(triage.summary.hosts_that_may_be_locked, 1);
        assert_eq!(triage.refusals.len(), 2, "{:?}", triage.refusals);
        assert!(triage.refusals[0].contains("past the time limit: vm: 1 worst"), "{:?}", triage.refusals);
        assert!(triage.refusals[1].contains("rated High: vm: 2 bad"), "{:?}", triage.refusals);
        let host = &triage.hosts[0];
        // The scan's own system wins over the image's.
        assert_eq!(host.release.as_ref().unwrap().id, "debian-11");
        assert!(host.steps[0].contains("snapshot"));
        assert!(host.steps[1].contains("leave Debian 11") && host.steps[1].contains("apt full-upgrade"));
        assert_eq!(
            host.findings[0].prevented_by,
            ["automatic-updates", "no-pending-updates", "release-supported"]
        );
        assert_eq!(triage.prevention[0].image, Some(Outcome::Fail));

        let mut text = Vec::new();
        human(triage, &policy.zone, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        for words in [
            "1 host: refused",
            "overdue by 24 hours; the machine may be locked",
            "27 days left",
            "[in the image: fail]",
            "1. take a snapshot",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let text = markdown(triage, &policy.zone);
        assert!(text.contains("❌") && text.contains("| Critical | 1 | 1 |"), "{text}");
        assert!(!text.contains("<b>") && !text.contains("`x`"), "{text}");
    });
}

#[test]
fn an_empty_host_opens_the_gate_and_a_scan_from_the_future_counts_from_now() {
    let empty =
        "<NessusClientData_v2><Report><ReportHost name=\"vm\"/></Report></NessusClientData_v2>".to_owned();
    with(&[empty], "UTC", "2026-11-23T00:00:00Z", None, |triage, policy| {
        assert!(triage.refusals.is_empty());
        assert!(markdown(triage, &policy.zone).contains("✅"));
    });
    with(&[nessus("2026-12-24T00:00:00Z")], "UTC", "2026-11-23T00:00:00Z", None, |triage, _| {
        assert_eq!(triage.hosts[0].findings[0].first_seen, triage.now);
        assert!(triage.notes[0].contains("later than now"), "{:?}", triage.notes);
    });
}

#[test]
fn a_very_long_triage_still_fits_a_comment() {
    let scans: Vec<String> = (0..400)
        .map(|n| nessus("2026-11-20T00:00:00Z").replace("name=\"vm\"", &format!("name=\"vm-{n}\"")))
        .collect();
    with(&scans, "UTC", "2026-11-23T00:00:00Z", None, |triage, policy| {
        let text = markdown(triage, &policy.zone);
        assert!(text.len() < 60_000, "{}", text.len());
        assert!(text.contains("more findings are too long"), "{}", &text[text.len() - 300..]);
    });
}
