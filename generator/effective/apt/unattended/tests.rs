use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::effective::apt::release::Archive;
use crate::effective::testing::{self, Case, Dialogue, Dice, Differential, MemoryTree};
use crate::location::Location;

const PART: &str = "etc/apt/apt.conf.d/50unattended-upgrades";

fn conf(text: &str) -> AptConf {
    AptConf::read(MemoryTree::of(&[(PART, text)]).root()).unwrap()
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
        MemoryTree::of(&[(PART, "Unattended-Upgrade::Origins-Pattern:: \"${distro_nme}\";")]).root(),
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

/// The program's own functions, loaded without running it. Says for each case, a line of JSON,
/// what it thinks of the archives, or `error`.
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
for line in sys.stdin:
    case = json.loads(line)
    uu.get_distro_id = lambda: case["id"]
    uu.get_distro_codename = lambda: case["codename"]
    try:
        apt_pkg.config.clear("Unattended-Upgrade")
        open(sys.argv[2], "w").write(case["conf"])
        apt_pkg.read_config_file(apt_pkg.config, sys.argv[2])
        allowed = uu.get_allowed_origins()
    except Exception:
        print(json.dumps("error"), flush=True)
        continue
    verdicts = []
    for fields in case["archives"]:
        try:
            verdicts.append(uu.is_allowed_origin(types.SimpleNamespace(**fields), allowed))
        except Exception:
            verdicts.append("error")
    print(json.dumps(verdicts), flush=True)
"#;

#[derive(Clone)]
struct Question {
    conf: String,
    archives: Vec<Archive>,
}

const ID: &str = "Debian";
const CODENAME: &str = "bookworm";

impl Question {
    /// The line that the program reads.
    fn json(&self) -> String {
        let shown = |a: &Archive| {
            serde_json::json!({
                "origin": a.origin, "label": a.label, "archive": a.suite, "codename": a.codename,
                "component": a.component, "site": a.site,
            })
        };
        let archives: Vec<_> = self.archives.iter().map(shown).collect();
        serde_json::json!({ "id": ID, "codename": CODENAME, "conf": self.conf, "archives": archives })
            .to_string()
    }
}

impl Case for Question {
    fn smaller(&self) -> Vec<Self> {
        self.conf.smaller().into_iter().map(|conf| Self { conf, ..self.clone() }).collect()
    }

    fn shown(&self) -> String {
        format!("{}\n{:#?}", self.conf, self.archives)
    }
}

/// Where the real program is: installed, or unpacked where `IRONSEED_UNATTENDED_UPGRADE` says.
fn program() -> Option<PathBuf> {
    match std::env::var_os("IRONSEED_UNATTENDED_UPGRADE") {
        Some(own) => Some(own.into()),
        None => testing::program("unattended-upgrade"),
    }
}

#[test]
fn agrees_with_the_program_on_generated_rules() {
    let Some(program) = program() else { return };
    let scratch = MemoryTree::new().on_disk();
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", PROGRAM]).arg(program).arg(scratch.path().join("conf"));
    let mut real = Dialogue::start(&mut python);
    let mut seen = [0; 3];
    let judge = |case: &Question| {
        let answer = real.ask(&case.json());
        for (n, word) in ["true", "false", "error"].iter().enumerate() {
            seen[n] += u64::from(answer.contains(word));
        }
        testing::Verdict::same(&verdicts(case), &serde_json::from_str(&answer).unwrap())
    };
    let tally = Differential::cases(2000).run(case, judge);
    assert!(seen.iter().all(|n| *n > tally.agreed / 20), "one-sided cases: {seen:?}");
}

fn verdicts(case: &Question) -> serde_json::Value {
    let conf = conf(&case.conf);
    assert_eq!(conf.broken(), []);
    let Ok(rules) = OriginRules::read(&conf, ID, CODENAME) else { return "error".into() };
    let verdict = |archive| match rules.judge(archive) {
        Ok(Verdict::Refused) => serde_json::Value::Bool(false),
        Ok(_) => true.into(),
        Err(_) => "error".into(),
    };
    case.archives.iter().map(verdict).collect()
}

fn case(dice: &mut Dice) -> Question {
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
            format!("\"{text}\";\n")
        })
        .collect();
    let patterns: String = (0..dice.below(4)).map(|_| format!("\"{}\";\n", pattern(dice))).collect();
    let conf = format!(
        "Unattended-Upgrade {{ Allowed-Origins {{\n{legacy} }};\nOrigins-Pattern {{\n{patterns} }};\n}};\n"
    );
    Question { conf, archives }
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
