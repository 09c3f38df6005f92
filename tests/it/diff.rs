//! `diff`: its laws over every profile and distribution and over made profiles, and the command with plans, renderings, reports
//! and revisions.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use ironseed::assets::Assets;
use ironseed::check::Catalogue;
use ironseed::diff::change::{Change, Comparison, Wanted, What, Word};
use ironseed::diff::compare::{self, Lines, Planned};
use ironseed::distro::{self, Distro};
use ironseed::parameter::{self, Declarations, Type};
use ironseed::plan::Plan;
use ironseed::profile::{self, Vocabulary};
use ironseed::settings::order::Difference;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::plans;
use crate::program::{have, ironseed, real, run, text};
use crate::sarif;

fn changes(old: &Plan, new: &Plan) -> Vec<Change> {
    let lines = Lines::default();
    let mut changes =
        compare::plans(Planned { plan: old, lines: &lines }, Planned { plan: new, lines: &lines });
    changes.sort();
    changes
}

/// What the way back has to be.
fn mirrored(changes: Vec<Change>) -> Vec<Change> {
    let back = |d: Difference| Difference {
        aspect: d.aspect,
        old: d.new,
        new: d.old,
        lost: d.gained,
        gained: d.lost,
        directions: d.directions.iter().map(|d| d.mirrored()).collect(),
    };
    let word = |word: Word| match word {
        Word::Added => Word::Removed,
        Word::Removed => Word::Added,
        Word::Loosened => Word::Tightened,
        Word::Tightened => Word::Loosened,
        Word::Changed => Word::Changed,
    };
    let mut all: Vec<Change> = changes
        .into_iter()
        .map(|c| Change {
            change: word(c.change),
            directions: c.directions.iter().map(|d| d.mirrored()).collect(),
            old: c.new,
            new: c.old,
            differences: c.differences.into_iter().map(back).collect(),
            // A check that is on both sides has the title of the new one.
            ..c
        })
        .collect();
    all.sort();
    all
}

/// Without the titles of checks that are on both sides.
fn untitled(mut changes: Vec<Change>) -> Vec<Change> {
    changes.iter_mut().filter(|c| c.change == Word::Changed).for_each(|c| c.subject.clear());
    changes.sort();
    changes
}

fn assert_mirrored(old: &Plan, new: &Plan) {
    let there = changes(old, new);
    let names = format!("{} {} → {} {}", old.profile, old.distro.id, new.profile, new.distro.id);
    assert_eq!(untitled(mirrored(there)), untitled(changes(new, old)), "{names}");
}

#[test]
fn a_plan_does_not_differ_from_itself_and_the_way_back_is_the_mirror() {
    let plans = plans::renderable();
    for plan in &plans {
        assert_eq!(changes(plan, plan), [], "{} for {}", plan.profile, plan.distro.id);
    }
    for old in &plans {
        // Every pair of profiles, and the neighbouring distribution.
        for new in plans.iter().filter(|new| new.distro.id == old.distro.id) {
            assert_mirrored(old, new);
            let digests_differ = old.profile != new.profile;
            assert_eq!(!changes(old, new).is_empty(), digests_differ);
        }
    }
    plans.windows(2).for_each(|pair| assert_mirrored(&pair[0], &pair[1]));
}

static KIT: LazyLock<Kit> = LazyLock::new(Kit::new);

/// What profiles are made of, read once.
struct Kit {
    assets: Assets,
    catalogue: Catalogue,
    declarations: Declarations,
    distros: Vec<Distro>,
}

impl Kit {
    fn new() -> Self {
        let assets = Assets::embedded();
        let (catalogue, declarations) =
            (Catalogue::load(&assets).unwrap(), parameter::load(&assets).unwrap());
        let distros = distro::all(&assets).unwrap();
        Self { assets, catalogue, declarations, distros }
    }

    fn plan(&self, path: &Path, distro: usize) -> Plan {
        let Self { assets, catalogue, declarations, distros } = self;
        let vocabulary = Vocabulary { assets, catalogue, declarations };
        let profile = profile::load(path.to_str().unwrap(), &vocabulary).unwrap();
        Plan::resolve(&profile, distros[distro % distros.len()].clone(), catalogue, declarations).unwrap()
    }
}

/// A made profile.
#[derive(Clone, Debug)]
struct Made {
    base: String,
    parameters: BTreeMap<String, Value>,
    checks: Vec<String>,
    waivers: BTreeMap<String, (String, u8)>,
}

impl Made {
    /// The profile's file: `flipped` in another order, with other line breaks and a comment.
    fn yaml(&self, flipped: bool) -> String {
        let mut parameters: Vec<String> = self
            .parameters
            .iter()
            .map(|(name, value)| match value {
                Value::Array(items) if flipped => {
                    let items: String = items.iter().rev().fold(String::new(), |mut out, item| {
                        let _ = write!(out, "\n    - {item}");
                        out
                    });
                    if items.is_empty() { format!("  {name}: []\n") } else { format!("  {name}:{items}\n") }
                }
                value => format!("  {name}: {value}\n"),
            })
            .collect();
        let mut checks: Vec<String> = self.checks.iter().map(|c| format!("  - {c}\n")).collect();
        let mut waivers: Vec<String> = self
            .waivers
            .iter()
            .map(|(check, (owner, month))| {
                let expires = format!("\"2027-{:02}-01\"", month % 12 + 1);
                format!("  - {{check: {check}, owner: {owner}, reason: because, expires: {expires}}}\n")
            })
            .collect();
        if flipped {
            [&mut parameters, &mut checks, &mut waivers].into_iter().for_each(|part| part.reverse());
        }
        let list = |name: &str, items: &[String], empty: &str| match items {
            [] => format!("{name}: {empty}\n"),
            items => format!("{name}:\n{}", items.concat()),
        };
        let mut parts = vec![
            "name: made\ntitle: Made\n".to_owned(),
            format!("extends: [{}]\n", self.base),
            list("parameters", &parameters, "{}"),
            list("checks", &checks, "[]"),
            list("waivers", &waivers, "[]"),
        ];
        if flipped {
            parts.reverse();
            parts.insert(1, "# Another order.\n\n".to_owned());
        }
        parts.concat()
    }

    fn plan(&self, distro: usize) -> Plan {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("made.yaml");
        fs::write(&path, self.yaml(false)).unwrap();
        KIT.plan(&path, distro)
    }
}

/// A value of a parameter's type.
fn value(kind: &Type) -> BoxedStrategy<Value> {
    let names = || select(vec!["alpha", "beta.service", "gamma*", "%delta"]);
    match kind {
        Type::Port => (1_u16..=65535).prop_map(|n| json!(n)).boxed(),
        Type::Integer { min, max } => (*min..=*max).prop_map(|n| json!(n)).boxed(),
        Type::Boolean => any::<bool>().prop_map(|b| json!(b)).boxed(),
        Type::Text => names().prop_map(|n| json!(n)).boxed(),
        Type::Time => (0..24, 0..60).prop_map(|(h, m)| json!(format!("{h:02}:{m:02}"))).boxed(),
        Type::OneOf(words) => select(words.clone()).prop_map(|w| json!(w)).boxed(),
        Type::List => prop::collection::hash_set(names(), 0..4).prop_map(|n| json!(n)).boxed(),
        Type::Services => {
            let service =
                |(port, name): (u16, &str)| json!({"name": name, "port": port, "unit": "x.service"});
            prop::collection::btree_map(1_u16..100, names(), 0..3)
                .prop_map(move |services| json!(services.into_iter().map(service).collect::<Vec<_>>()))
                .boxed()
        }
    }
}

fn made() -> impl Strategy<Value = Made> {
    let checks: Vec<String> = KIT.catalogue.ids().map(str::to_owned).collect();
    let declarations: Vec<(String, Type)> =
        KIT.declarations.iter().map(|(name, d)| (name.clone(), d.kind.clone())).collect();
    let profiles = profile::names(&KIT.assets).unwrap();
    let parameters = subsequence(declarations, 0..=6).prop_flat_map(|chosen| {
        let each = chosen.into_iter().map(|(name, kind)| value(&kind).prop_map(move |v| (name.clone(), v)));
        each.collect::<Vec<_>>().prop_map(|all| all.into_iter().collect::<BTreeMap<_, _>>())
    });
    let waivers = prop::collection::btree_map(
        select(checks.clone()),
        (select(vec!["ann".to_owned(), "bob".to_owned()]), 0_u8..12),
        0..3,
    );
    (select(profiles), parameters, subsequence(checks, 0..=8), waivers)
        .prop_map(|(base, parameters, checks, waivers)| Made { base, parameters, checks, waivers })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn made_profiles_mirror_each_other(old in made(), new in made(), distro in 0_usize..64) {
        let (old, new) = (old.plan(distro), new.plan(distro));
        assert_mirrored(&old, &new);
        prop_assert_eq!(changes(&old, &old), []);
    }

    #[test]
    fn another_file_another_order_and_another_layer_change_nothing(made in made(), distro in 0_usize..64) {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("moved")).unwrap();
        let [one, other, layer] =
            ["one.yaml", "moved/other.yaml", "layer.yaml"].map(|name| folder.path().join(name));
        fs::write(&one, made.yaml(false)).unwrap();
        fs::write(&other, made.yaml(true)).unwrap();
        fs::write(&layer, "name: made\ntitle: Made\nextends: [moved/other.yaml]\n").unwrap();
        let [one, other, layer] = [one, other, layer].map(|path| KIT.plan(&path, distro));
        prop_assert_eq!(changes(&one, &other), []);
        prop_assert_eq!(changes(&one, &layer), []);
    }
}

/// Runs `diff` for one distribution and reads its JSON form.
fn compared(arguments: &[&str], folder: &Path) -> Comparison {
    let all = [&["diff"], arguments, &["-d", "debian-12", "--format", "json"]].concat();
    let (code, out, err) = run(&all, folder);
    assert_eq!(code, 0, "{arguments:?}: {err}");
    serde_json::from_str(&out).unwrap()
}

fn only_pair(comparison: &Comparison) -> &ironseed::diff::change::Pair {
    assert_eq!(comparison.pairs.len(), 1);
    &comparison.pairs[0]
}

const LAB: &str = "name: lab\ntitle: Lab\nextends: [nectar-base]\n";

#[test]
fn values_go_the_way_they_should_with_both_lines() {
    let dir = TempDir::new().unwrap();
    let service = "[{name: web, port: 443, unit: nginx.service}]";
    let cases = [
        ("ssh_max_auth_tries: 4", "ssh_max_auth_tries: 6", "ssh-hardening", Some(Word::Loosened)),
        ("services: []", &format!("services: {service}"), "host-firewall", Some(Word::Loosened)),
        (
            "allowed_accounts: [ann, bob]",
            "allowed_accounts: [bob]",
            "unneeded-accounts",
            Some(Word::Tightened),
        ),
        ("update_scope: security", "update_scope: all", "automatic-updates", Some(Word::Tightened)),
        ("update_reboot: true", "update_reboot: false", "update-reboot-policy", Some(Word::Loosened)),
        ("ban_time: 3600", "ban_time: 7200", "ssh-ban-tool", Some(Word::Tightened)),
        ("ban_max_retry: 5", "ban_max_retry: 6", "ssh-ban-tool", Some(Word::Loosened)),
        (
            "update_reboot_time: \"03:30\"",
            "update_reboot_time: \"04:30\"",
            "update-reboot-policy",
            Some(Word::Changed),
        ),
        ("log_host: a.example", "log_host: b.example", "secure-logging", Some(Word::Changed)),
        ("allowed_units: [b, a]", "allowed_units: [a, b]", "unneeded-services", None),
    ];
    for (old, new, check, word) in cases {
        let base = LAB.replace("nectar-base", "strict");
        fs::write(dir.path().join("old.yaml"), format!("{base}parameters:\n  {old}\n")).unwrap();
        fs::write(dir.path().join("new.yaml"), format!("# A line more.\n{base}parameters:\n  {new}\n"))
            .unwrap();
        let comparison = compared(&["./old.yaml", "./new.yaml"], dir.path());
        let settings: Vec<&Change> =
            only_pair(&comparison).changes.iter().filter(|c| c.what == What::Setting).collect();
        let Some(word) = word else {
            assert!(comparison.is_empty(), "{new}: {comparison:?}");
            continue;
        };
        let found: Vec<&&Change> = settings.iter().filter(|c| c.check.as_deref() == Some(check)).collect();
        assert!(!found.is_empty(), "{new}: {settings:?}");
        for change in found {
            assert_eq!(change.change, word, "{new}: {change:?}");
            let line = |w: &Wanted| w.at.as_ref().map(|at| (at.file.clone(), at.line.unwrap()));
            assert_eq!(line(&change.old), Some(("./old.yaml".to_owned(), 5)), "{new}");
            assert_eq!(line(&change.new), Some(("./new.yaml".to_owned(), 6)), "{new}");
            assert_eq!(change.distros, ["debian-12"]);
        }
    }
}

#[test]
fn waivers_and_dropped_checks_are_told_with_their_lines() {
    let dir = TempDir::new().unwrap();
    let waiver = |until: &str| {
        format!("{LAB}waivers:\n  - {{check: ssh-port, owner: ann, reason: later, expires: \"{until}\"}}\n")
    };
    fs::write(dir.path().join("none.yaml"), LAB).unwrap();
    fs::write(dir.path().join("short.yaml"), waiver("2027-01-01")).unwrap();
    fs::write(dir.path().join("long.yaml"), waiver("2027-02-01")).unwrap();
    fs::write(dir.path().join("drop.yaml"), format!("{LAB}drop: [ssh-ban-tool]\n")).unwrap();
    let change = |old: &str, new: &str| {
        let comparison = compared(&[old, new], dir.path());
        only_pair(&comparison).changes[0].clone()
    };
    let added = change("./none.yaml", "./short.yaml");
    assert_eq!((added.what, added.change, added.loosens()), (What::Waiver, Word::Added, true));
    assert_eq!(change("./short.yaml", "./long.yaml").change, Word::Loosened);
    assert_eq!(change("./long.yaml", "./short.yaml").change, Word::Tightened);
    let removed = change("./long.yaml", "./none.yaml");
    assert_eq!((removed.change, removed.loosens()), (Word::Removed, false));

    let dropped = change("./none.yaml", "./drop.yaml");
    assert_eq!((dropped.what, dropped.change, dropped.loosens()), (What::Check, Word::Removed, true));
    let at = dropped.new.at.unwrap();
    assert_eq!((at.file.as_str(), at.line), ("./drop.yaml", Some(4)));
    assert_eq!(dropped.old.at.unwrap().file, "profiles/nectar-base.yaml");
}

#[test]
fn the_exit_code_follows_what_is_to_fail() {
    let dir = TempDir::new().unwrap();
    let base = "nectar-base";
    let code = |arguments: &[&str]| run(&[&["diff", "-d", "debian-12"], arguments].concat(), dir.path()).0;
    assert_eq!(code(&[base, "strict"]), 0);
    assert_eq!(code(&["strict", base, "--fail-on", "loosened"]), 1);
    // strict lets its own units start: looser in one thing.
    assert_eq!(code(&[base, "strict", "--fail-on", "loosened"]), 1);
    fs::write(dir.path().join("tighter.yaml"), format!("{LAB}parameters: {{ban_time: 7200}}\n")).unwrap();
    fs::write(dir.path().join("other.yaml"), format!("{LAB}parameters: {{log_host: a.example}}\n")).unwrap();
    for (profile, how, wanted) in [
        ("./tighter.yaml", "loosened", 0),
        ("./tighter.yaml", "changed", 0),
        ("./tighter.yaml", "any", 1),
        ("./other.yaml", "loosened", 0),
        ("./other.yaml", "changed", 1),
        (base, "any", 0),
    ] {
        assert_eq!(code(&[base, profile, "--fail-on", how]), wanted, "{profile} {how}");
    }
    assert_eq!(code(&["nothing-such", base]), 2);
    assert_eq!(code(&["nothing.json", base]), 2);
    assert_eq!(code(&[base]), 2);
}

#[test]
fn plans_renderings_and_reports_are_sides_too() {
    let dir = TempDir::new().unwrap();
    let made = |arguments: &[&str], file: &str| {
        let (code, out, err) = run(arguments, dir.path());
        assert!(code < 2, "{arguments:?}: {err}");
        fs::write(dir.path().join(file), out).unwrap();
    };
    let choice = |profile: &'static str| ["-p", profile, "-d", "debian-12"];
    for profile in ["nectar-base", "strict"] {
        made(
            &[&["plan"], &choice(profile)[..], &["--format", "json"]].concat(),
            &format!("{profile}-plan.json"),
        );
        made(&[&["render"], &choice(profile)[..], &["-o", profile]].concat(), "rendered.txt");
        fs::create_dir_all(dir.path().join("tree/etc")).unwrap();
        let report = format!("{profile}-report.json");
        made(&[&["verify", "tree"], &choice(profile)[..], &["--format", "json"]].concat(), &report);
    }
    let wanted = compared(&["nectar-base", "strict"], dir.path());
    let words = |c: &Comparison| -> Vec<(What, Option<String>, String, Word)> {
        let told = only_pair(c).changes.iter().filter(|c| c.what != What::Outcome);
        told.map(|c| (c.what, c.check.clone(), c.subject.clone(), c.change)).collect()
    };
    let old = ["nectar-base", "nectar-base-plan.json", "./nectar-base/", "nectar-base-report.json"];
    let new = ["strict", "strict-plan.json", "./strict/", "strict-report.json"];
    for old in old {
        for new in new {
            assert_eq!(words(&compared(&[old, new], dir.path())), words(&wanted), "{old} {new}");
        }
    }
    for (old, new) in old.iter().zip(old.iter().skip(1)) {
        assert!(compared(&[old, new], dir.path()).is_empty(), "{old} {new}");
    }
    // A report of a profile that nobody here knows says what it found, and no more.
    let own = LAB.replace("name: lab", "name: own");
    fs::write(dir.path().join("own.yaml"), format!("{own}checks: [core-dumps]\n")).unwrap();
    made(&["verify", "tree", "-p", "./own.yaml", "-d", "debian-12", "--format", "json"], "own.json");
    let found = compared(&["nectar-base-report.json", "own.json"], dir.path());
    assert_eq!(words(&found).len(), 1, "{found:?}");
    assert_eq!(words(&found)[0].1.as_deref(), Some("core-dumps"));
    // A plan is about one distribution.
    let (code, _, err) = run(&["diff", "strict-plan.json", "strict", "-d", "debian-13"], dir.path());
    assert_eq!(code, 2);
    assert!(err.contains("debian-12 alone"), "{err}");
}

#[test]
fn rendered_files_are_compared_on_demand() {
    let dir = TempDir::new().unwrap();
    let comparison = compared(&["nectar-base", "nectar-base-port22", "--files"], dir.path());
    let pair = only_pair(&comparison);
    let files: BTreeMap<&str, &str> = pair.files.iter().map(|f| (f.path.as_str(), f.diff.as_str())).collect();
    let port = files["files/etc/ssh/sshd_config.d/00-ironseed-port.conf"];
    assert!(port.contains("\n-Port 22022\n+Port 22\n"), "{port}");
    assert!(
        files.contains_key("files/etc/nftables.conf") && files.contains_key("security-group.yaml"),
        "{files:?}"
    );
    let parts: BTreeSet<&str> = pair.parts.iter().map(|p| p.name.as_str()).collect();
    for path in files.keys().filter_map(|path| path.strip_prefix("files")) {
        assert!(parts.contains(path), "{path}");
    }
    // The profile's name stands in every file, and is no difference.
    assert!(!parts.contains("/etc/systemd/journald.conf.d/zz-ironseed.conf"), "{parts:?}");
    let nftables = pair.parts.iter().find(|p| p.name == "/etc/nftables.conf").unwrap();
    assert_eq!(
        (nftables.user_data.as_deref(), &nftables.checks[..]),
        (Some("write_files"), &["host-firewall".to_owned()][..])
    );
}

#[test]
fn the_same_change_of_many_distributions_is_told_once() {
    let dir = TempDir::new().unwrap();
    let (code, out, err) =
        run(&["diff", "nectar-base", "nectar-base-port22", "--format", "json"], dir.path());
    assert_eq!(code, 0, "{err}");
    let comparison: Comparison = serde_json::from_str(&out).unwrap();
    let pair = only_pair(&comparison);
    assert!(pair.distros.len() > 10, "{:?}", pair.distros);
    assert!(pair.changes.iter().all(|c| c.distros == pair.distros), "{:?}", pair.changes);
    let nftables = pair.parts.iter().find(|p| p.name == "/etc/nftables.conf").unwrap();
    assert!(nftables.distros.len() < pair.distros.len());
}

#[test]
fn colours_are_for_terminals_and_forms_for_their_readers() {
    let dir = TempDir::new().unwrap();
    let arguments = ["diff", "strict", "nectar-base", "-d", "debian-12"];
    let plain = run(&arguments, dir.path()).1;
    assert!(!plain.contains('\u{1b}') && plain.contains("apparmor"), "{plain}");
    let coloured = |no_color: bool| {
        let mut command = ironseed();
        command.args(arguments).env("CLICOLOR_FORCE", "1").env_remove("NO_COLOR");
        if no_color {
            command.env_remove("CLICOLOR_FORCE").env("NO_COLOR", "1");
        }
        text(&command.output().unwrap().stdout).contains('\u{1b}')
    };
    assert!(coloured(false) && !coloured(true));

    let markdown = run(&[&arguments[..], &["--format", "markdown"]].concat(), dir.path()).1;
    assert!(markdown.starts_with("### ⚠️ ironseed: 23 changes loosen"), "{markdown}");
    assert_eq!(markdown.matches("<details>").count(), markdown.matches("</details>").count());
    assert!(markdown.contains("<details>") && markdown.len() < 60_000, "{}", markdown.len());

    let sarif = sarif::fitting(&run(&[&arguments[..], &["--format", "sarif"]].concat(), dir.path()).1);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert_eq!(
        results.iter().filter(|r| r["ruleId"] == "diff-loosened" && r["level"] == "warning").count(),
        23
    );
    let mut fingerprints = BTreeSet::new();
    for result in results {
        assert!(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].is_string());
        assert!(fingerprints.insert(result["partialFingerprints"]["change/v1"].to_string()), "{result}");
    }
}

/// A checkout with a profile that extends another one by path.
fn checkout() -> TempDir {
    let dir = TempDir::new().unwrap();
    git(&dir, &["init", "-q", "-b", "main"]);
    fs::create_dir(dir.path().join("profiles")).unwrap();
    fs::write(dir.path().join("profiles/base.yaml"), "name: site\ntitle: Site\nextends: [nectar-base]\n")
        .unwrap();
    fs::write(dir.path().join("profiles/lab.yaml"), "name: lab\ntitle: Lab\nextends: [./base.yaml]\n")
        .unwrap();
    fs::write(dir.path().join("other.yaml"), "some: thing\nname: no profile\n").unwrap();
    commit(&dir, "first");
    git(&dir, &["checkout", "-q", "-b", "work"]);
    dir
}

fn git(dir: &TempDir, arguments: &[&str]) {
    let settled = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
    real("git", &[&settled[..], arguments].concat(), dir.path());
}

fn commit(dir: &TempDir, message: &str) {
    git(dir, &["add", "-A"]);
    git(dir, &["commit", "-q", "-m", message]);
}

#[test]
fn a_range_compares_every_profile_with_what_it_extends_in_its_own_revision() {
    if !have(&["git"], "diff of revisions") {
        return;
    }
    let dir = checkout();
    let site = "name: site\ntitle: Site\nextends: [nectar-base]\nparameters: {ban_time: 60}\n";
    fs::write(dir.path().join("profiles/base.yaml"), site).unwrap();
    commit(&dir, "shorter bans");
    // A rename, a new profile, and a file of the working tree that no revision has.
    git(&dir, &["mv", "profiles/lab.yaml", "profiles/laboratory.yaml"]);
    fs::write(dir.path().join("profiles/new.yaml"), "name: new\ntitle: New\nextends: [strict]\n").unwrap();
    commit(&dir, "rename");
    fs::write(dir.path().join("profiles/base.yaml"), "broken").unwrap();

    let comparison = compared(&["main..work"], dir.path());
    let pairs: BTreeMap<&str, _> = comparison
        .pairs
        .iter()
        .map(|p| (p.new.as_ref().or(p.old.as_ref()).unwrap().profile.as_str(), p))
        .collect();
    assert_eq!(pairs.keys().copied().collect::<Vec<_>>(), ["lab", "new", "site"]);
    for name in ["lab", "site"] {
        let loosened: Vec<&Change> = pairs[name].changes.iter().filter(|c| c.loosens()).collect();
        assert_eq!(loosened.len(), 1, "{name}: {loosened:?}");
        let at = loosened[0].new.at.as_ref().unwrap();
        assert_eq!((at.file.as_str(), at.line), ("profiles/base.yaml", Some(4)));
    }
    assert_eq!(pairs["lab"].new.as_ref().unwrap().label, "work:profiles/laboratory.yaml");
    assert_eq!((pairs["new"].changes[0].what, pairs["new"].changes[0].change), (What::Profile, Word::Added));

    // From a folder inside, against the working tree, and from where the two parted.
    let inside = dir.path().join("profiles");
    let one = compared(&["main:profiles/lab.yaml", "work:./laboratory.yaml"], &inside);
    assert_eq!(only_pair(&one).changes.iter().filter(|c| c.loosens()).count(), 1);
    fs::write(dir.path().join("profiles/base.yaml"), "name: site\ntitle: Site\nextends: [nectar-base]\n")
        .unwrap();
    assert!(compared(&["main:profiles/base.yaml", "profiles/base.yaml"], dir.path()).is_empty());
    git(&dir, &["checkout", "-q", "-f", "main"]);
    fs::write(dir.path().join("profiles/base.yaml"), site.replace("60", "61")).unwrap();
    commit(&dir, "main goes on");
    let parted = compared(&["main...work"], dir.path());
    assert!(parted.pairs.iter().any(|p| p.changes.iter().any(Change::loosens)));
    assert!(compared(&["main..main"], dir.path()).is_empty());
    let (code, ..) = run(&["diff", "main..work", "--fail-on", "loosened", "-d", "debian-12"], dir.path());
    assert_eq!(code, 1);
}

#[test]
fn an_override_directory_is_read_in_the_revision_too() {
    if !have(&["git"], "diff of revisions") {
        return;
    }
    let dir = checkout();
    let folder = dir.path().join("assets/profiles/checks");
    fs::create_dir_all(&folder).unwrap();
    let check = |tries: u32| {
        format!(
            "id: own\ntitle: Own\nseverity: low\nreferences: []\nrationale: why\nremediation: how\nsettings:\n  \
             - sshd: {{keyword: MaxAuthTries, at_most: {tries}}}\n"
        )
    };
    fs::write(folder.join("own.yaml"), check(3)).unwrap();
    fs::write(dir.path().join("profiles/lab.yaml"), "name: lab\ntitle: Lab\nchecks: [own]\n").unwrap();
    commit(&dir, "own check");
    fs::write(folder.join("own.yaml"), check(5)).unwrap();
    commit(&dir, "five");
    let comparison = compared(&["HEAD~1..HEAD", "--assets", "assets"], dir.path());
    let lab = comparison.pairs.iter().find(|p| p.new.as_ref().unwrap().profile == "lab").unwrap();
    assert_eq!(lab.changes[0].change, Word::Loosened, "{:?}", lab.changes);
    assert_eq!(lab.changes.len(), 1);
}

#[test]
fn a_hostile_repository_runs_nothing_and_leads_nowhere() {
    if !have(&["git"], "diff of revisions") {
        return;
    }
    let dir = checkout();
    let mark = dir.path().join("ran");
    let program = dir.path().join("program.sh");
    fs::write(&program, format!("#!/bin/sh\ntouch {}\ncat\n", mark.display())).unwrap();
    real("chmod", &["0755", "program.sh"], dir.path());
    for key in
        ["core.fsmonitor", "core.pager", "core.editor", "diff.external", "diff.x.textconv", "filter.x.smudge"]
    {
        git(&dir, &["config", key, program.to_str().unwrap()]);
    }
    fs::write(dir.path().join(".git/info/attributes"), "*.yaml diff=x filter=x\n").unwrap();
    fs::write(dir.path().join("secret.yaml"), LAB).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("profiles/link.yaml")).unwrap();
    fs::write(dir.path().join("profiles/out.yaml"), "name: out\ntitle: Out\nextends: [../../secret.yaml]\n")
        .unwrap();
    git(&dir, &["-c", "core.fsmonitor=", "-c", "filter.x.smudge=", "add", "profiles"]);
    git(&dir, &["-c", "core.fsmonitor=", "commit", "-q", "-m", "hostile"]);
    let _ = fs::remove_file(&mark);
    assert!(compared(&["main:profiles/lab.yaml", "HEAD:profiles/lab.yaml"], dir.path()).is_empty());
    for (argument, why) in [
        ("HEAD:profiles/link.yaml", "neither is followed"),
        ("HEAD:profiles/out.yaml", "no such file in this revision"),
        ("HEAD:../../etc/passwd", "no such file in this revision"),
        ("HEAD:/etc/passwd", "no such file in this revision"),
        ("HEAD:secret.yaml", "no such file in this revision"),
        ("--output=x:profiles/lab.yaml", "no name of a revision"),
        ("-x:profiles/lab.yaml", "no name of a revision"),
        ("nowhere:profiles/lab.yaml", "git knows no revision"),
        ("$(touch ran):profiles/lab.yaml", "git knows no revision"),
        ("; touch ran:profiles/lab.yaml", "git knows no revision"),
        ("HEAD --output=ran:profiles/lab.yaml", "git knows no revision"),
    ] {
        let (code, _, err) = run(&["diff", "-d", "debian-12", "--", "strict", argument], dir.path());
        assert!(code == 2 && err.contains(why), "{argument}: {code} {err}");
    }
    let (code, _, err) = run(&["diff", "main..HEAD"], dir.path());
    assert!(code == 2 && err.contains("no such file in this revision"), "{err}");
    assert!(!mark.exists(), "the repository's own programs ran");
}
