//! JUnit XML: a suite for each report, a case for each check. It has no standard; this keeps to what both common
//! schemas (Jenkins' and Ant's) allow.
//!
//! What keeps the gate shut is a failure or an error here, and what was not seen is an error: a skipped case would look
//! like a pass.

use super::xml::Element;
use super::{CheckReport, Report, evidence};
use crate::observation::Outcome;

/// The reports as one document.
pub fn junit(reports: &[Report]) -> String {
    Element::new("testsuites").children(reports.iter().enumerate().map(|(id, r)| suite(id, r))).document()
}

fn suite(id: usize, report: &Report) -> Element {
    let count = |outcomes: &[Outcome]| outcomes.iter().map(|o| report.count(*o)).sum::<usize>().to_string();
    let (plan, target) = (&report.plan, &report.target);
    let property = |name: &str, value: &str| Element::new("property").with("name", name).with("value", value);
    let planes = report.planes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let properties = Element::new("properties")
        .child(property("ironseed", &report.ironseed))
        .child(property("profile", &plan.profile))
        .child(property("distro", &plan.distro))
        .child(property("plan", &plan.digest))
        .child(property("target", &target.name))
        .child(property("kind", &target.kind))
        .child(property("sha256", target.sha256.as_deref().unwrap_or_default()))
        .child(property("planes", &planes));
    Element::new("testsuite")
        .with("name", format!("{} for {}: {}", plan.profile, plan.distro, target.name))
        .with("package", "ironseed")
        .with("id", id.to_string())
        .with("hostname", "localhost")
        .with("timestamp", format!("{}T00:00:00", report.date))
        .with("tests", report.checks.len().to_string())
        .with("failures", count(&[Outcome::Fail]))
        .with("errors", count(&[Outcome::Error, Outcome::Unobserved]))
        .with("skipped", count(&[Outcome::NotApplicable, Outcome::Waived]))
        .with("time", "0")
        .child(properties)
        .children(report.checks.iter().map(|check| case(report, check)))
        .child(Element::new("system-out").text(report.summary()))
        .child(Element::new("system-err"))
}

fn case(report: &Report, check: &CheckReport) -> Element {
    let case = Element::new("testcase")
        .with("name", format!("{}: {}", check.id, check.title))
        .with("classname", format!("ironseed.{}.{}", report.plan.profile, report.plan.distro))
        .with("time", "0");
    let word = check.outcome.word();
    let ended = |how| Element::new(how).with("message", evidence::gist(check));
    let told = |how| ended(how).with("type", word).text(evidence::story(check).join("\n"));
    match check.outcome {
        Outcome::Pass | Outcome::Attested => case,
        Outcome::NotApplicable => case.child(ended("skipped")),
        Outcome::Waived => {
            let waiver = evidence::waiver(check).unwrap_or_else(|| evidence::gist(check));
            case.child(Element::new("skipped").with("message", waiver))
        }
        Outcome::Unobserved | Outcome::Error => case.child(told("error")),
        Outcome::Fail => case.child(told("failure")),
    }
}
