//! The forms of reports, each held against what reads it: schemas, OpenSCAP, and a real browser.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ironseed::observation::Outcome;
use ironseed::report::{Collection, Failure, Form, Report};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::program::{have, real, run};
use crate::sarif;

/// Text that would act wherever it is not escaped.
const HOSTILE: &str = "</title></style></script><script>window.hacked=1</script><img src=x onerror=hacked=1> \
                       \"'`|{{7*7}}{% raw %} %0A::error::x\n::error::y ]]>&amp; @all [a](javascript:b) \u{1b}[31m\u{202e}\u{0}\u{fffe}ü";

/// Reports of rendered trees, one for each distribution; and a hostile one, in which every text is.
fn reports(folder: &Path) -> Vec<Report> {
    let mut reports = Vec::new();
    for distro in ["debian-12", "ubuntu-24.04", "rocky-9"] {
        let (code, _, said) =
            run(&["render", "-d", distro, "-p", "nectar-base-port22", "-o", distro], folder);
        assert_eq!(code, 0, "{said}");
        let (tree, file) = (format!("{distro}/files"), format!("{distro}.json"));
        let verify = ["verify", &tree, "-d", distro, "-p", "nectar-base-port22", "--report", &file];
        assert_eq!(run(&verify, folder).0, 1);
        let text = fs::read_to_string(folder.join(file)).unwrap();
        reports.extend(ironseed::report::read(&text).unwrap());
    }
    reports
}

/// A report in which a target has its say in every text.
fn hostile(report: &Report) -> Report {
    let mut value = serde_json::to_value(report).unwrap();
    poison(&mut value, "");
    let mut report: Report = serde_json::from_value(value).unwrap();
    for (number, check) in report.checks.iter_mut().enumerate() {
        check.id = format!("{}{number}", check.id);
    }
    report.sealed()
}

/// Puts the hostile text into every text but those that have only certain words.
fn poison(value: &mut Value, key: &str) {
    match value {
        Value::String(text)
            if !["severity", "outcome", "plane", "planes", "date", "expires"].contains(&key) =>
        {
            text.push_str(HOSTILE);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| poison(item, key)),
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| poison(value, key)),
        _ => {}
    }
}

fn written(folder: &Path, name: &str, form: Form, reports: &[Report]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, form.write(reports).unwrap()).unwrap();
    path
}

/// What a schema says of a document; `xmllint` and the schemas are there, or the test says what is skipped.
fn validates(schema: &Path, document: &Path) {
    let arguments = ["--noout", "--nonet", "--schema", schema.to_str().unwrap(), document.to_str().unwrap()];
    real("xmllint", &arguments, Path::new("/"));
}

/// Sets of reports that differ in kind: one, several distributions, before and after, and hostile ones.
fn sets() -> &'static [(&'static str, Vec<Report>)] {
    static SETS: OnceLock<Vec<(&str, Vec<Report>)>> = OnceLock::new();
    SETS.get_or_init(|| {
        let dir = TempDir::new().unwrap();
        let reports = reports(dir.path());
        let hostile = vec![hostile(&reports[0]), hostile(&reports[1])];
        let mut after = reports[0].clone();
        after.checks.iter_mut().for_each(|c| c.outcome = Outcome::Pass);
        let pair = vec![reports[0].clone(), after.sealed()];
        vec![("one", reports[..1].to_vec()), ("several", reports), ("pair", pair), ("hostile", hostile)]
    })
}

#[test]
fn junit_fits_its_schema_and_counts_right() {
    let dir = TempDir::new().unwrap();
    if !have(&["xmllint"], "JUnit against its schema") {
        return;
    }
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/schemas/junit-10.xsd");
    for (name, reports) in sets() {
        let path = written(dir.path(), name, Form::Junit, reports);
        validates(&schema, &path);
        let text = fs::read_to_string(path).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        let suites: Vec<_> = document.root_element().children().filter(|n| n.is_element()).collect();
        assert_eq!(suites.len(), reports.len());
        for (suite, report) in suites.iter().zip(reports) {
            let shut = report.checks.iter().filter(|c| !c.outcome.is_acceptable()).count();
            let cases = |tag: &str| suite.descendants().filter(|n| n.has_tag_name(tag)).count();
            assert_eq!(cases("testcase"), report.checks.len());
            assert_eq!(cases("failure") + cases("error"), shut, "{name}");
            for tag in ["failure", "error"] {
                let stated = suite.attribute(format!("{tag}s").as_str()).unwrap();
                assert_eq!(stated, cases(tag).to_string(), "{name}");
            }
        }
    }
}

#[test]
fn xccdf_fits_its_schema_and_openscap_reads_it() {
    let dir = TempDir::new().unwrap();
    let schema = Path::new("/usr/share/openscap/schemas/xccdf/1.2/xccdf_1.2.xsd");
    if !have(&["xmllint", "oscap"], "XCCDF against its schema") {
        return;
    }
    for (name, reports) in sets() {
        let path = written(dir.path(), name, Form::Xccdf, reports);
        validates(schema, &path);
        let file = path.to_str().unwrap();
        real("oscap", &["xccdf", "validate", file], dir.path());
        let info = real("oscap", &["info", file], dir.path());
        let info = String::from_utf8_lossy(&info.stdout).into_owned();
        assert_eq!(info.matches("Result ID:").count(), reports.len(), "{info}");
        let page = real("oscap", &["xccdf", "generate", "report", file], dir.path());
        assert!(String::from_utf8_lossy(&page.stdout).contains("rule-result-fail"), "{name}");
    }
}

#[test]
fn sarif_fits_the_standards_schema_and_finds_what_keeps_a_gate_shut() {
    for (name, reports) in sets() {
        let log = sarif::fitting(&Form::Sarif.write(reports).unwrap());
        let results = log["runs"][0]["results"].as_array().unwrap();
        let checks = || reports.iter().flat_map(|r| &r.checks);
        let shut = checks().filter(|c| !c.outcome.is_acceptable()).count();
        let waived = checks().filter(|c| c.outcome == Outcome::Waived).count();
        let suppressed = results.iter().filter(|r| r.get("suppressions").is_some()).count();
        assert_eq!((results.len(), suppressed), (shut + waived, waived), "{name}");
        for result in results {
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["artifactLocation"]["uri"].as_str().unwrap().starts_with("profiles/"), "{place}");
            assert!(place["region"]["startLine"].as_u64().unwrap() > 0);
        }
        let mut prints: Vec<&Value> = results.iter().map(|r| &r["partialFingerprints"]["check/v1"]).collect();
        prints.sort_by_key(|p| p.as_str());
        prints.dedup();
        assert_eq!(prints.len(), results.len(), "{name}");
    }
}

#[test]
fn annotations_are_one_command_a_line_whatever_a_target_says() {
    let command = regex::Regex::new(
        r"^::(error|warning|notice) (file=[^:,]+(,line=\d+)?(,col=\d+)?,)?title=[^:,]+::[^\r\n]*$",
    )
    .unwrap();
    for (name, reports) in sets() {
        let text = Form::Github.write(reports).unwrap();
        let shut = reports.iter().flat_map(|r| &r.checks).filter(|c| !c.outcome.is_acceptable()).count();
        assert!(text.lines().count() >= shut + reports.len(), "{name}");
        for line in text.lines() {
            assert!(command.is_match(line), "{name}: {line}");
            let escapes = line.matches('%').count();
            let known =
                ["%25", "%0A", "%0D", "%3A", "%2C"].iter().map(|e| line.matches(e).count()).sum::<usize>();
            assert_eq!(escapes, known, "{name}: {line}");
        }
    }
}

#[test]
fn markdown_stays_short_and_holds_nothing_that_acts() {
    for (name, reports) in sets() {
        let text = Form::Markdown.write(reports).unwrap();
        assert!(text.len() < 65_536, "{name}: {}", text.len());
        for line in text.lines() {
            // Evidence is one code span to its end; nothing else acts.
            let acting = ["<script", "<img", "@all", "](", "\u{1b}", "\u{202e}"];
            let Some(span) = line.strip_prefix("- ") else {
                assert!(!acting.iter().any(|a| line.contains(a)), "{name}: {line}");
                continue;
            };
            let fence = span.len() - span.trim_start_matches('`').len();
            let runs = span.split(|c| c != '`').filter(|run| run.len() == fence).count();
            assert!(fence > 0 && runs == 2 && span.ends_with(&"`".repeat(fence)), "{name}: {line}");
        }
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }
}

#[test]
fn several_reports_come_back_whole_and_changed_ones_are_refused() {
    let dir = TempDir::new().unwrap();
    let reports = reports(dir.path());
    let path = written(dir.path(), "all.json", Form::Json, &reports);
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(ironseed::report::read(&text).unwrap(), reports);
    assert_eq!(
        serde_json::from_str::<Collection>(&text).unwrap(),
        Collection::new(reports.clone(), Vec::new())
    );
    // A file of several and a file of one are shown together.
    let (code, out, _) = run(&["report", "all.json", "debian-12.json", "--format", "json"], dir.path());
    assert_eq!((code, ironseed::report::read(&out).unwrap().len()), (0, 4));
    // What could not be looked at is not lost on the way.
    let failure = Failure { target: "ssh://vm".into(), reason: "ssh://vm: nothing listens".into() };
    let partial = Collection::new(reports.clone(), vec![failure]);
    fs::write(dir.path().join("partial.json"), serde_json::to_string(&partial).unwrap()).unwrap();
    let (code, out, said) = run(&["report", "partial.json", "--format", "json"], dir.path());
    assert_eq!((code, serde_json::from_str::<Collection>(&out).unwrap()), (0, partial));
    assert!(said.contains("not looked at: ssh://vm: nothing listens"), "{said}");
    for (name, wrong, reason) in [
        ("changed", text.replacen("\"fail\"", "\"pass\"", 1), "changed since it was made"),
        ("newer", text.replacen("\"version\": 1", "\"version\": 2", 1), "version 2"),
        ("other", "{\"version\": 1}".to_owned(), "no report"),
        ("none", "{\"version\": 1, \"reports\": []}".to_owned(), "no report in it"),
    ] {
        fs::write(dir.path().join(name), wrong).unwrap();
        let (code, out, said) = run(&["report", name], dir.path());
        assert_eq!((code, out.as_str()), (2, ""), "{name}: {said}");
        assert!(said.contains(reason), "{name}: {said}");
    }
}

#[test]
fn two_targets_of_one_distribution_are_before_and_after() {
    let dir = TempDir::new().unwrap();
    fs::create_dir(dir.path().join("stock")).unwrap();
    assert_eq!(run(&["render", "-d", "debian-12", "-o", "out"], dir.path()).0, 0);
    let both = ["verify", "stock", "out/files", "-d", "debian-12", "--report", "both.json"];
    let (code, out, said) = run(&both, dir.path());
    assert_eq!(code, 1, "{said}");
    assert!(out.contains("before: stock") && out.contains("after:  out/files"), "{out}");
    assert!(out.contains("better  ") && out.contains(" → pass"), "{out}");
    let (_, out, _) = run(&["report", "both.json", "--format", "markdown"], dir.path());
    assert!(out.contains("| check | turned | before | after |"), "{out}");
}

/// The page's own account of itself: what acts in it, and what is out of its bounds.
const ACCOUNT: &str = "({
    hacked: window.hacked === undefined ? null : window.hacked,
    scripts: document.scripts.length,
    images: document.images.length,
    title: document.title,
    frames: document.querySelectorAll('iframe, object, embed, link, base, form').length,
    handlers: [...document.querySelectorAll('*')].filter((e) =>
        [...e.attributes].some((a) => a.name.startsWith('on') || a.name === 'style')).length,
    wide: document.documentElement.scrollWidth - innerWidth,
    shown: [...document.querySelectorAll('details.check')].filter((e) => e.offsetHeight > 0).length,
    faint: [...document.querySelectorAll('body *')].filter((e) => {
        const text = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
        return text && e.checkVisibility() && contrast(e) < 4.5;
    }).map((e) => `${e.tagName} ${e.className}: ${contrast(e).toFixed(2)}`),
})";

/// How far a text stands out from what is behind it, as WCAG computes it: 4.5 is enough.
const CONTRAST: &str = "contrast = (element) => {
    const rgb = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const light = (colour) => {
        const [r, g, b] = rgb(colour).slice(0, 3).map((c) => {
            c /= 255;
            return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    let behind = element;
    while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const colours = [getComputedStyle(element).color, getComputedStyle(behind ?? document.body).backgroundColor];
    const [dark, bright] = colours.map(light).sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
}, 1";

#[test]
fn a_browser_shows_the_page_and_nothing_in_it_acts() {
    let Some(mut browser) = Browser::start("the HTML report in Chromium") else { return };
    let dir = TempDir::new().unwrap();
    for (name, reports) in sets() {
        let path = written(dir.path(), &format!("{name}.html"), Form::Html, reports);
        let checks = ironseed::report::rows(reports).len();
        for (size, scheme) in
            [((1400, 1000), "light"), ((1400, 1000), "dark"), ((390, 844), "light"), ((390, 844), "dark")]
        {
            if scheme == "dark" && name != &"several" && name != &"pair" {
                continue;
            }
            browser.become_like(size, scheme, "screen");
            let told = browser.open(&path);
            // One thing is asked for, the page itself, and nothing is complained of.
            assert_eq!(told.len(), 1, "{name}: {told:#?}");
            assert_eq!(told[0]["method"], "Network.requestWillBeSent");
            browser.value(CONTRAST);
            let account = browser.value(ACCOUNT);
            for (what, wanted) in [
                ("hacked", json!(null)),
                ("scripts", json!(1)),
                ("images", json!(0)),
                ("frames", json!(0)),
                ("handlers", json!(0)),
                ("wide", json!(0)),
                ("shown", json!(checks)),
                ("faint", json!([])),
            ] {
                assert_eq!(account[what], wanted, "{name} {scheme} {size:?} {what}");
            }
            assert!(account["title"].as_str().unwrap().starts_with("ironseed: "), "{account}");
            browser.keep(&format!("{name}-{scheme}-{}", size.0));
        }
    }
    // A page in which something does act is told apart from these.
    let page = dir.path().join("acts.html");
    let text = Form::Html.write(&sets()[0].1).unwrap();
    fs::write(
        &page,
        text.replacen("<main>", "<main><img src=\"x.png\"><script>window.hacked = 1</script>", 1),
    )
    .unwrap();
    let told = browser.open(&page);
    let complaints = told.iter().filter(|t| t["method"] == "Log.entryAdded").count();
    assert!(complaints >= 2, "{told:#?}");
    assert_eq!(browser.value("window.hacked === undefined"), json!(true));
}

#[test]
fn the_page_is_searched_filtered_turned_and_printed() {
    let Some(mut browser) = Browser::start("the HTML report's tools in Chromium") else { return };
    let dir = TempDir::new().unwrap();
    let several = &sets()[1].1;
    let page = written(dir.path(), "several.html", Form::Html, several);
    browser.become_like((1400, 1000), "light", "screen");
    browser.open(&page);
    let shown = "document.querySelectorAll('details.check:not([hidden])').length";
    let all = browser.value(shown).as_u64().unwrap();
    // What is searched for is looked for in the evidence, too.
    let search =
        |text: &str| format!("search.value = '{text}', search.dispatchEvent(new Event('input')), {shown}");
    assert_eq!(browser.value(&search("Jail.d")), json!(1));
    assert_eq!(browser.value(&search("nowhere-to-be-found")), json!(0));
    assert_eq!(browser.value("document.querySelector('.empty').hidden"), json!(false));
    assert_eq!(browser.value(&search("")), json!(all));
    let failing = ironseed::report::rows(several)
        .iter()
        .filter(|r| r.outcomes().flatten().any(|o| o.word() == "fail"))
        .count();
    let press = format!("document.querySelector('[data-outcome=fail]').click(), {shown}");
    assert_eq!(browser.value(&press), json!(failing));
    assert_eq!(browser.value(&press), json!(all));
    let high = several[0].checks.iter().filter(|c| c.severity == ironseed::check::Severity::High).count();
    assert_eq!(
        browser
            .value(&format!("severity.value = 'high', severity.dispatchEvent(new Event('change')), {shown}")),
        json!(high)
    );
    assert_eq!(
        browser.value(&format!("severity.value = '', severity.dispatchEvent(new Event('change')), {shown}")),
        json!(all)
    );
    let open = "document.querySelectorAll('details[open]').length";
    assert_eq!(browser.value(&format!("unfold.click(), {open}")), json!(all));
    assert_eq!(browser.value(&format!("unfold.click(), {open}")), json!(0));
    assert_eq!(
        browser.value(&format!(
            "location.hash = 'check-ssh-port', new Promise((r) => setTimeout(() => r({open}), 200))"
        )),
        json!(1)
    );
    browser.keep("tools-evidence");
    // The button goes from what the system wants to light to dark.
    let colour = "getComputedStyle(document.body).backgroundColor";
    let light = browser.value(colour);
    assert_eq!(browser.value(&format!("theme.click(), {colour}")), light);
    assert_ne!(browser.value(&format!("theme.click(), {colour}")), light);
    browser.keep("tools-dark");
    // On paper, everything is unfolded, and no tool is there.
    browser.open(&page);
    browser.become_like((800, 1100), "light", "print");
    let on_paper = "[...document.querySelectorAll('.evidence')].every((e) => e.checkVisibility()) \
                    && !document.querySelector('.tools').checkVisibility()";
    assert_eq!(browser.value(on_paper), json!(true));
    browser.keep("tools-paper");
    assert!(browser.printed().len() > 20_000);
}
