//! XCCDF 1.2: a benchmark of the reports' checks with a test result for each report, as `oscap` writes them.
//!
//! | outcome | result |
//! |---|---|
//! | pass, fail, error | the same |
//! | not-applicable | `notapplicable` |
//! | attested | `informational`: nobody measured it |
//! | waived | `informational`, with the waiver as its first message |
//! | unobserved | `unknown`: `notchecked` would not count against the target |
//!
//! A waiver is no `override`: OpenSCAP's own rules refuse a file where some results have one and others don't.

use super::xml::Element;
use super::{CheckReport, Report, evidence, rows};
use crate::check::Severity;
use crate::observation::Outcome;

const NAMESPACE: &str = "http://checklists.nist.gov/xccdf/1.2";

/// The reports as one document.
pub fn xccdf(reports: &[Report]) -> String {
    let rows = rows(reports);
    let date = reports.iter().map(|r| r.date).max().map(|d| d.to_string()).unwrap_or_default();
    let mut profiles: Vec<&str> = reports.iter().map(|r| r.plan.profile.as_str()).collect();
    profiles.sort_unstable();
    profiles.dedup();
    let profiles = profiles.into_iter().map(|name| {
        let of_it = reports.iter().filter(|r| r.plan.profile == name).flat_map(|r| &r.checks);
        let mut checks: Vec<&str> = of_it.map(|c| c.id.as_str()).collect();
        checks.sort_unstable();
        checks.dedup();
        Element::new("Profile")
            .with("id", id("profile", name))
            .child(Element::new("title").text(name))
            .children(checks.into_iter().map(|check| {
                Element::new("select").with("idref", id("rule", check)).with("selected", "true")
            }))
    });
    Element::new("Benchmark")
        .with("xmlns", NAMESPACE)
        .with("id", id("benchmark", "checks"))
        .with("resolved", "true")
        .with("xml:lang", "en")
        .child(Element::new("status").with("date", date).text("accepted"))
        .child(Element::new("title").text("ironseed's checks"))
        .child(Element::new("version").text(env!("CARGO_PKG_VERSION")))
        .child(Element::new("model").with("system", "urn:xccdf:scoring:flat-unweighted"))
        .children(profiles)
        .children(rows.iter().map(|row| rule(row.check())))
        .children(reports.iter().enumerate().map(|(number, report)| result(number, report)))
        .document()
}

fn rule(check: &CheckReport) -> Element {
    let references = check.references.iter().map(|r| Element::new("reference").text(r));
    Element::new("Rule")
        .with("id", id("rule", &check.id))
        // The results say what was selected: a rule of one profile alone is none of another's.
        .with("selected", "false")
        .with("severity", severity(check))
        .child(Element::new("title").text(&check.title))
        .children(references)
        .child(Element::new("rationale").text(&check.rationale))
        .child(ident(check))
        .child(Element::new("fixtext").text(&check.remediation))
        .child(system(check))
}

fn result(number: usize, report: &Report) -> Element {
    let (plan, target) = (&report.plan, &report.target);
    let time = format!("{}T00:00:00Z", report.date);
    let fact = |name: &str, value: &str| {
        let name = format!("urn:ironseed:{name}");
        Element::new("fact").with("name", name).with("type", "string").text(value)
    };
    let planes = report.planes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let facts = Element::new("target-facts")
        .child(fact("distro", &plan.distro))
        .child(fact("kind", &target.kind))
        .child(fact("sha256", target.sha256.as_deref().unwrap_or("none")))
        .child(fact("planes", &planes))
        .child(fact("plan", &plan.digest));
    let counting = report.checks.iter().filter(|c| counts(c.outcome)).count();
    Element::new("TestResult")
        .with("id", id("testresult", &format!("{}-{}-{}", number + 1, plan.profile, plan.distro)))
        .with("start-time", &time)
        .with("end-time", &time)
        .with("test-system", format!("ironseed {}", report.ironseed))
        .with("version", &report.ironseed)
        .child(Element::new("benchmark").with("href", "#").with("id", id("benchmark", "checks")))
        .child(Element::new("title").text(format!("{} for {}", plan.profile, plan.distro)))
        .child(Element::new("profile").with("idref", id("profile", &plan.profile)))
        .child(Element::new("target").text(&target.name))
        .child(facts)
        .children(report.checks.iter().map(|check| rule_result(check, &time)))
        .child(
            Element::new("score")
                .with("system", "urn:xccdf:scoring:flat-unweighted")
                .with("maximum", counting.to_string())
                .text(report.count(Outcome::Pass).to_string()),
        )
}

fn rule_result(check: &CheckReport, time: &str) -> Element {
    let result = Element::new("rule-result")
        .with("idref", id("rule", &check.id))
        .with("severity", severity(check))
        .with("time", time)
        .child(Element::new("result").text(word(check.outcome)));
    let level = match check.outcome {
        Outcome::Fail | Outcome::Error => "error",
        Outcome::Unobserved => "warning",
        _ => "info",
    };
    let story = evidence::story(check).into_iter();
    let message = |line: String| Element::new("message").with("severity", level).text(line);
    result.child(ident(check)).children(story.map(message)).child(system(check))
}

/// Who answers for the result. Rule and result have to say the same.
fn system(check: &CheckReport) -> Element {
    let asked = Element::new("check-content-ref").with("href", "#ironseed").with("name", &check.id);
    Element::new("check").with("system", "urn:ironseed").child(asked)
}

fn ident(check: &CheckReport) -> Element {
    Element::new("ident").with("system", "urn:ironseed:check").text(&check.id)
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Attested | Outcome::Waived => "informational",
        Outcome::NotApplicable => "notapplicable",
        Outcome::Unobserved => "unknown",
        Outcome::Error => "error",
        Outcome::Fail => "fail",
    }
}

/// Whether a check has a part in the score.
fn counts(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Pass | Outcome::Fail | Outcome::Error | Outcome::Unobserved)
}

fn severity(check: &CheckReport) -> &'static str {
    match check.severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
    }
}

/// An id as XCCDF wants it. What may not stand in one is written in hex, so that two names never share one.
fn id(kind: &str, name: &str) -> String {
    let mut out = format!("xccdf_ironseed_{kind}_");
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' => out.push(char::from(byte)),
            _ => out.push_str(&format!("_{byte:02x}")),
        }
    }
    out
}
