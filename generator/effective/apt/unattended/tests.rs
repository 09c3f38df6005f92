use std::process::Command;

use super::*;
use crate::effective::apt::release::Archive;
use crate::effective::fixture::{Dice, Fixture, cases};
use crate::location::Location;

const PART: &str = "etc/apt/apt.conf.d/50unattended-upgrades";

fn conf(text: &str) -> AptConf {
    AptConf::read(Fixture::of(&[(PART, text)]).root()).unwrap()
}

/// The archives a machine of Debian 12 knows, with the fields of their real `Release` files.
fn bookworm() -> Vec<Archive> {
    let archive = |label: &str, suite: &str, codename: &str| Archive {
        origin: "Debian".into(),
        label: label.into(),
        suite: suite.into(),
        codename: codename.into(),
        component: "main".into(),
        site: "mirror.example".into(),
    };
    vec![
        archive("Debian", "oldstable", "bookworm"),
        archive("Debian", "oldstable-updates", "bookworm-updates"),
        archive("Debian-Security", "oldstable-security", "bookworm-security"),
    ]
}

fn allowed(patterns: &[&str]) -> Vec<String> {
    let lines: String = patterns.iter().map(|p| format!("  \"{p}\";\n")).collect();
    let conf = conf(&format!("Unattended-Upgrade::Origins-Pattern {{\n{lines}}};\n"));
    let rules = OriginRules::read(&conf, "Debian", "bookworm").unwrap();
    let archives = bookworm();
    let allowed = archives.iter().filter(|a| rules.judge(a).unwrap() != Verdict::Refused);
    allowed.map(|a| a.codename.clone()).collect()
}

/// The security archive's code name is not the release's: the pattern of old matches nothing.
#[test]
fn the_pattern_of_old_releases_matches_no_security_archive() {
    let old = "origin=Debian,codename=${distro_codename},label=Debian-Security";
    let new = "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
    assert_eq!(allowed(&[new]), ["bookworm-security"]);
    assert_eq!(allowed(&[old]), [""; 0]);
    assert_eq!(allowed(&[old, new]), ["bookworm-security"]);
}

#[test]
fn the_verdict_names_the_line() {
    let conf = conf(
        "Unattended-Upgrade::Origins-Pattern:: \"site=other\";\n\
         Unattended-Upgrade::Allowed-Origins { \"${distro_id}:oldstable-security\"; };\n",
    );
    let rules = OriginRules::read(&conf, "Debian", "bookworm").unwrap();
    let security = &bookworm()[2];
    let Verdict::AllowedBy(line) = rules.judge(security).unwrap() else { panic!() };
    assert_eq!(line.at, Location::line(format!("/{PART}"), 2));
    let bad = super::super::conf::AptConf::read(
        Fixture::of(&[(PART, "Unattended-Upgrade::Origins-Pattern:: \"${distro_nme}\";")]).root(),
    );
    let error = OriginRules::read(&bad.unwrap(), "Debian", "bookworm").unwrap_err();
    assert_eq!(error.rule.at.line, Some(1));
}

#[test]
fn the_policy_is_read_with_its_lines() {
    let good = "APT::Periodic::Update-Package-Lists \"1\";\nAPT::Periodic::Unattended-Upgrade \"1\";\n\
                Unattended-Upgrade::Automatic-Reboot \"true\";\n";
    let policy = UpdatePolicy::read(&conf(good));
    assert!(policy.installs_upgrades());
    assert_eq!(policy.reboot.unwrap().at.line, Some(3));
    for more in [
        "APT::Periodic::Unattended-Upgrade \"0\";",
        "apt::periodic::enable 0;",
        "APT::Periodic::Unattended-Upgrade \"\";",
        "APT::Periodic::Unattended-Upgrade \"soon\";",
        "Broken",
    ] {
        assert!(!UpdatePolicy::read(&conf(&format!("{good}{more}\n"))).installs_upgrades(), "{more}");
    }
    assert!(!UpdatePolicy::read(&conf("")).installs_upgrades());
    assert!(UpdatePolicy::read(&conf(&format!("{good}APT::Periodic::Enable \"yes\";"))).installs_upgrades());
}

#[test]
fn intervals() {
    for (text, interval) in [
        ("0", Interval::Off),
        ("1", Interval::Every(86_400)),
        ("12h", Interval::Every(43_200)),
        ("always", Interval::Always),
        ("x", Interval::Invalid("x".into())),
        ("é", Interval::Invalid("é".into())),
        ("99999999999999999999d", Interval::Invalid("99999999999999999999d".into())),
    ] {
        assert_eq!(Interval::parse(text), interval);
    }
}

#[test]
fn hostile_patterns_are_bounded() {
    let text = "a".repeat(20_000);
    assert!(!glob::matches(&text, &("*a".repeat(10) + "b")));
    glob::matches(&text, &"[".repeat(50_000));
    glob::matches(&text, &("[".repeat(50_000) + "]"));
}

/// The program's own functions, loaded without running it. Says for each configuration the
/// indices of the allowed archives, or `error`.
const PROGRAM: &str = r#"
import importlib.machinery, importlib.util, json, sys, types, logging
logging.disable(logging.CRITICAL)
for name in ("apt_inst", "distro_info"):
    sys.modules.setdefault(name, types.ModuleType(name))
import subprocess
subprocess.check_output = lambda *a, **k: "unknown"
loader = importlib.machinery.SourceFileLoader("uu", sys.argv[1])
uu = importlib.util.module_from_spec(importlib.util.spec_from_loader("uu", loader))
loader.exec_module(uu)
import apt_pkg
for case in json.load(sys.stdin):
    uu.get_distro_id = lambda: case["id"]
    uu.get_distro_codename = lambda: case["codename"]
    try:
        apt_pkg.config.clear("Unattended-Upgrade")
        open(sys.argv[2], "w").write(case["conf"])
        apt_pkg.read_config_file(apt_pkg.config, sys.argv[2])
        allowed = uu.get_allowed_origins()
    except Exception:
        print(json.dumps("error"))
        continue
    verdicts = []
    for fields in case["archives"]:
        try:
            verdicts.append(uu.is_allowed_origin(types.SimpleNamespace(**fields), allowed))
        except Exception:
            verdicts.append("error")
    print(json.dumps(verdicts))
"#;

#[derive(serde::Serialize)]
struct Case {
    id: &'static str,
    codename: &'static str,
    conf: String,
    archives: Vec<serde_json::Value>,
}

/// Where the real program is: installed, or unpacked where `IRONSEED_UNATTENDED_UPGRADE` says.
fn program() -> Option<String> {
    let own = std::env::var("IRONSEED_UNATTENDED_UPGRADE").ok();
    own.into_iter()
        .chain(["/usr/bin/unattended-upgrade".to_owned()])
        .find(|path| std::path::Path::new(path).is_file())
}

#[test]
fn agrees_with_the_program_on_generated_rules() {
    let Some(program) = program() else {
        assert!(std::env::var_os("CI").is_none(), "the package unattended-upgrades is missing");
        eprintln!("skipped: the package unattended-upgrades is missing");
        return;
    };
    let cases: Vec<(Case, Vec<Archive>)> = (0..cases(2000)).map(|s| case(&mut Dice::new(s))).collect();
    let input: Vec<&Case> = cases.iter().map(|(case, _)| case).collect();
    let fixture = Fixture::of(&[("in", &serde_json::to_string(&input).unwrap())]);
    let output = Command::new("/usr/bin/python3")
        .args(["-c", PROGRAM, &program])
        .arg(fixture.path().join("conf"))
        .stdin(std::fs::File::open(fixture.path().join("in")).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answers = String::from_utf8(output.stdout).unwrap();
    let mut seen = [0; 3];
    assert_eq!(answers.lines().count(), cases.len());
    for ((case, archives), answer) in cases.iter().zip(answers.lines()) {
        let ours = verdicts(case, archives);
        for (n, word) in ["true", "false", "error"].iter().enumerate() {
            seen[n] += usize::from(answer.contains(word));
        }
        let shown = serde_json::to_string(case).unwrap();
        assert_eq!(ours, serde_json::from_str::<serde_json::Value>(answer).unwrap(), "{shown}");
    }
    assert!(seen.iter().all(|n| *n > cases.len() / 20), "one-sided cases: {seen:?}");
}

fn verdicts(case: &Case, archives: &[Archive]) -> serde_json::Value {
    let conf = conf(&case.conf);
    assert_eq!(conf.broken(), []);
    let Ok(rules) = OriginRules::read(&conf, case.id, case.codename) else { return "error".into() };
    let verdict = |archive| match rules.judge(archive) {
        Ok(Verdict::Refused) => serde_json::Value::Bool(false),
        Ok(_) => true.into(),
        Err(_) => "error".into(),
    };
    archives.iter().map(verdict).collect()
}

fn case(dice: &mut Dice) -> (Case, Vec<Archive>) {
    let words = ["Debian", "Ubuntu", "a,b", "bookworm", "bookworm-security", "main", "", "now", "x:y", "[z"];
    let archives: Vec<Archive> = (0..3)
        .map(|_| Archive {
            origin: dice.pick(&words).into(),
            label: dice.pick(&words).into(),
            suite: dice.pick(&words).into(),
            codename: dice.pick(&words).into(),
            component: dice.pick(&words).into(),
            site: dice.pick(&words).into(),
        })
        .collect();
    let legacy: String = (0..dice.below(2))
        .map(|_| {
            let text = dice.pick(&[
                "${distro_id}:${distro_codename}",
                "Debian:bookworm-security",
                "Debian bookworm",
                "Debian:*",
                "a,b:bookworm",
                "x\\:y:*",
                "*:*",
                "a:b:c",
                "one",
                "${distro_id}:main",
                "$$:x",
                ",,a b,,",
                ":",
            ]);
            format!("\"{text}\";")
        })
        .collect();
    let patterns: String = (0..dice.below(4)).map(|_| format!("\"{}\";\n", pattern(dice))).collect();
    let conf = format!(
        "Unattended-Upgrade {{ Allowed-Origins {{ {legacy} }}; Origins-Pattern {{ {patterns} }}; }};\n"
    );
    let shown = archives.iter().map(|a| {
        serde_json::json!({
            "origin": a.origin, "label": a.label, "archive": a.suite, "codename": a.codename,
            "component": a.component, "site": a.site,
        })
    });
    let archives_shown = shown.collect();
    (Case { id: "Debian", codename: "bookworm", conf, archives: archives_shown }, archives)
}

fn pattern(dice: &mut Dice) -> String {
    if dice.once_in(25) {
        return dice
            .pick(&["", " ", "o", "o=a=b", "q=1", "o=$", "o=${x}", "o=Debian,", "$distro_id=x"])
            .into();
    }
    let tokens: Vec<String> = (0..1 + dice.below(2))
        .map(|_| {
            let key = dice.pick(&[
                "o",
                "origin",
                "l",
                "label",
                "a",
                "suite",
                "archive",
                "c",
                "component",
                "site",
                "n",
                "codename",
                " o ",
                "n",
            ]);
            let value = dice.pick(&[
                "${distro_id}",
                "$distro_codename",
                "${distro_codename}-security",
                "*",
                "*",
                "De?ian",
                "[A-Z]*",
                "[!a-m]*",
                "a%2Cb",
                "a\\,b",
                "main",
                "",
                "[[]z",
                "[z",
                "*b*",
                "[]x]*",
                "[a-c-e]*",
                "[z-a]",
                "[!]-]*",
                " main ",
                "D*n",
                "[!z-a]*",
            ]);
            format!("{key}={value}")
        })
        .collect();
    tokens.join(",")
}
