//! The generated pages of `docs/`: what the catalogue and the parameters say, for people to read.
//!
//! The tests hold the pages against the data; `UPDATE_DOCS=1 cargo test docs_are_current` writes
//! them anew.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::Value;

use crate::assets::Assets;
use crate::check::Catalogue;
use crate::lint::rules;
use crate::observation::Plane;
use crate::plan::{Plan, PlannedCheck};
use crate::profile::{self, Vocabulary};
use crate::settings::{KINDS, ORDERS};
use crate::{distro, parameter, release, schema};

/// Where a page says that it is not to be edited.
const GENERATED: &str = "<!-- Generated from the data: change that, then run `UPDATE_DOCS=1 cargo test docs_are_current`. -->\n\n";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn plan(profile: &str, distro: &str) -> Plan {
    let assets = Assets::embedded();
    let catalogue = Catalogue::load(&assets).unwrap();
    let declarations = parameter::load(&assets).unwrap();
    let vocabulary = Vocabulary { assets: &assets, catalogue: &catalogue, declarations: &declarations };
    let profile = profile::load(profile, &vocabulary).unwrap();
    Plan::resolve(&profile, distro::load(distro, &assets).unwrap(), &catalogue, &declarations).unwrap()
}

/// The profile whose values a check's table shows, if it has the check.
const USUAL: &str = "nectar-base";

/// Every built-in profile, the usual one first, resolved for the usual release.
fn plans() -> Vec<Plan> {
    let assets = Assets::embedded();
    let distro = distro::usual(&assets).unwrap().id;
    let mut names = profile::names(&assets).unwrap();
    names.sort_by_key(|name| name != USUAL);
    names.iter().map(|name| plan(name, &distro)).collect()
}

fn checks_page() -> String {
    let plans = plans();
    let mut page = format!("# Checks\n\n{GENERATED}");
    page.push_str(
        "What every check wants, with the values of the named profile. *Configured* is read from files, \
         *running* is asked of a booted system or tried from outside.\n\n\
         | check | severity | references | profiles |\n|---|---|---|---|\n",
    );
    let catalogue = Catalogue::load(&Assets::embedded()).unwrap();
    for check in catalogue.iter() {
        let info = &check.info;
        let has = |p: &&Plan| p.checks.iter().any(|c| c.info.id == info.id);
        let chosen_by: Vec<&str> = plans.iter().filter(has).map(|p| p.profile.as_str()).collect();
        let (id, severity) = (&info.id, format!("{:?}", info.severity).to_lowercase());
        let references = info.references.join(", ");
        writeln!(page, "| [{id}](#{id}) | {severity} | {references} | {} |", chosen_by.join(", ")).unwrap();
    }
    for check in catalogue.iter() {
        let info = &check.info;
        write!(page, "\n## {}\n\n**{}**\n\n{}\n\n", info.id, info.title, info.rationale).unwrap();
        writeln!(page, "To mend it: {}\n", info.remediation).unwrap();
        let planned = plans.iter().find_map(|p| Some((p, p.checks.iter().find(|c| c.info.id == info.id)?)));
        match planned {
            Some((plan, planned)) => settings_table(&mut page, plan, planned),
            None => page.push_str("No built-in profile chooses it.\n"),
        }
    }
    page
}

fn settings_table(page: &mut String, plan: &Plan, check: &PlannedCheck) {
    writeln!(page, "| setting | wanted ({}) | configured | running |\n|---|---|---|---|", plan.profile)
        .unwrap();
    for planned in &check.settings {
        let seen = |plane| if planned.setting.planes().contains(&plane) { "yes" } else { "" };
        let wanted = match &planned.not_applicable {
            Some(why) => format!("not applicable: {why}"),
            None => planned.setting.wanted(),
        };
        let row = [planned.setting.kind(), &cell(&wanted), seen(Plane::Configured), seen(Plane::Running)];
        writeln!(page, "| {} |", row.join(" | ")).unwrap();
    }
}

fn parameters_page() -> String {
    let mut page = format!("# Parameters\n\n{GENERATED}");
    page.push_str(
        "What a profile may choose.\n\n| parameter | decides | takes | default |\n|---|---|---|---|\n",
    );
    for (name, declaration) in parameter::load(&Assets::embedded()).unwrap() {
        let default = match &declaration.default {
            Value::String(text) if text.is_empty() => "(empty)".to_owned(),
            Value::String(text) => format!("`\"{text}\"`"),
            other => format!("`{other}`"),
        };
        let (decides, takes) = (cell(&declaration.description), cell(&declaration.kind.to_string()));
        writeln!(page, "| `{name}` | {decides} | {takes} | {default} |").unwrap();
    }
    page.push_str("\n## Setting kinds\n\nThe vocabulary that checks are written in.\n\n| kind | what it is | what is tighter |\n|---|---|---|\n");
    for ((name, summary), (_, order)) in KINDS.iter().zip(ORDERS) {
        let order = order.unwrap_or("being there; it has no other order");
        writeln!(page, "| `{name}` | {} | {} |", cell(summary), cell(order)).unwrap();
    }
    page
}

/// Every release: its dates, and which programs it is rendered for.
fn distributions_page() -> String {
    let assets = Assets::embedded();
    let mut page = format!("# Distributions\n\n{GENERATED}");
    page.push_str(
        "Dates are the last days with security updates. `ironseed lifecycle` tells how a release stands today; \
         `ironseed lifecycle refresh` updates the dates in `images/`. For a release past its end of life nothing is made but \
         with `--allow-eol` and a waiver of `release-supported` in the profile.\n\n\
         | id | release | released | security until | others say | rendered |\n|---|---|---|---|---|---|\n",
    );
    for known in release::all(&assets).unwrap() {
        let lifecycle = &known.lifecycle;
        let others: Vec<String> =
            lifecycle.others.iter().map(|o| format!("{} ({})", o.end_of_life, o.source)).collect();
        let rendered = match distro::load(&known.id, &assets) {
            Ok(distro) => {
                let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
                let backends = &distro.backends;
                let words = [
                    serde_json::to_value(backends.packages),
                    serde_json::to_value(backends.updates),
                    serde_json::to_value(backends.firewall),
                ];
                words.map(|w| word(w.unwrap())).join(", ")
            }
            Err(_) => "no: dates only".to_owned(),
        };
        let row = [
            known.id.clone(),
            cell(&known.title),
            lifecycle.released.to_string(),
            format!("{} ({})", lifecycle.end_of_life, lifecycle.source),
            others.join(", "),
            rendered,
        ];
        writeln!(page, "| {} |", row.join(" | ")).unwrap();
    }
    page
}

/// The schemas of everything that has one, and their files.
fn schemas() -> Vec<(String, String)> {
    let written = |name: &schema::Name| {
        let schema = schema::of(*name, &Assets::embedded()).unwrap();
        let file = name.to_possible_value().unwrap().get_name().to_owned();
        (format!("docs/schema/{file}.json"), serde_json::to_string_pretty(&schema).unwrap() + "\n")
    };
    schema::Name::value_variants().iter().map(written).collect()
}

/// Every rule of `lint` with its example, which the tests execute.
fn lint_page() -> String {
    let mut page = format!("# Rules of `ironseed lint`\n\n{GENERATED}");
    page.push_str(
        "How lint works: [lint.md](lint.md).\n\n| rule | severity | what | `--fix` |\n|---|---|---|---|\n",
    );
    let severity = |rule: &crate::lint::Rule| format!("{:?}", rule.severity).to_lowercase();
    for rule in rules::ALL {
        let mends = if rule.example.fixed { "yes" } else { "" };
        writeln!(page, "| [{id}](#{id}) | {} | {} | {mends} |", severity(rule), rule.title, id = rule.id)
            .unwrap();
    }
    for rule in rules::ALL {
        let example = &rule.example;
        write!(page, "\n## {}\n\n**{}** ({})\n\n{}\n\n", rule.id, rule.title, severity(rule), rule.rationale)
            .unwrap();
        writeln!(page, "To mend it: {}\n", rule.remedy).unwrap();
        let given = match example.arguments {
            [] => String::new(),
            arguments => format!(", with `{}`", arguments.join(" ")),
        };
        let line = example.line;
        write!(
            page,
            "Bad, in line {line}{given}:\n\n```yaml\n{}```\n\nGood:\n\n```yaml\n{}```\n",
            example.bad(),
            example.good
        )
        .unwrap();
    }
    page
}

/// Text that does not end a table's cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn docs_are_current() {
    let pages = [
        ("docs/checks.md", checks_page()),
        ("docs/parameters.md", parameters_page()),
        ("docs/distributions.md", distributions_page()),
        ("docs/lint-rules.md", lint_page()),
    ];
    let pages = pages.map(|(path, page)| (path.to_owned(), page));
    for (path, wanted) in pages.into_iter().chain(schemas()) {
        let file = repository().join(&path);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&file, &wanted).unwrap();
        }
        let found = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(found == wanted, "{path} is out of date: run `UPDATE_DOCS=1 cargo test docs_are_current`");
    }
}

/// The README shows this profile, and it must work on every release.
#[test]
fn the_example_profile_resolves_and_is_what_the_readme_shows() {
    let path = repository().join("docs/examples/lab.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    assert!(readme.contains(&format!("```yaml\n{text}```\n")), "README.md shows another profile");
    let own = path.to_str().unwrap();
    for distro in distro::ids(&Assets::embedded()).unwrap() {
        let plan = plan(own, &distro);
        assert_eq!(plan.parameter("ssh_port"), 22222);
        assert!(!plan.checks.is_empty());
        let bundle = crate::render::bundle(&plan, &Assets::embedded()).unwrap();
        let drop_in = bundle.files.get("/etc/ssh/sshd_config.d/00-ironseed-port.conf");
        let port = drop_in.unwrap_or_else(|| &bundle.files["/etc/ssh/sshd_config"]);
        assert!(port.content.contains("Port 22222"), "{}", port.content);
    }
}

/// Every link between the documents leads to a file.
#[test]
fn links_lead_somewhere() {
    let link = regex::Regex::new(r"\]\(([^)#:]+)(#[^)]*)?\)").unwrap();
    let mut pages: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"].map(|n| repository().join(n)).to_vec();
    let folder = std::fs::read_dir(repository().join("docs")).unwrap();
    pages.extend(folder.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "md")));
    for page in pages {
        let text = std::fs::read_to_string(&page).unwrap();
        for found in link.captures_iter(&text) {
            let target = page.parent().unwrap().join(&found[1]);
            assert!(target.exists(), "{}: {} leads nowhere", page.display(), &found[1]);
        }
    }
}
