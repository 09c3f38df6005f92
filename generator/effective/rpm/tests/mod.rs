//! The reader against rpm, on databases that SQLite and Berkeley DB wrote.

mod blob;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::json;

use self::blob::Line;
use super::*;
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, program};

const WRITER: &str = include_str!("writer.py");
/// What is asked of each package: a line of its own, and one for each file.
const QUERY: &str = "P|%{NAME}|%{EPOCH}|%{VERSION}|%{RELEASE}|%{ARCH}|%{MODULARITYLABEL}\\n\
    [F|%{=NAME}|%{FILENAMES}|%{FILEDIGESTS}|%{FILEFLAGS:octal}|%{FILESTATES}\\n]";

/// A line of options, and one for each package.
fn generate(dice: &mut Dice, form: &str) -> String {
    let page = dice.pick(&["512", "1024", "4096", "65536"]).to_owned();
    let vacuum = dice.pick(&["NONE", "FULL", "INCREMENTAL"]).to_owned();
    let (log, unfinished) = (dice.once_in(2), dice.once_in(3));
    let mut text = format!("{form} {page} {vacuum} {log} {unfinished}\n");
    let most = dice.pick(&[2, 8, 40]).to_owned();
    for number in 0..dice.range(0..=most) {
        let name = format!("{}{number}", dice.pick(&["a", "kernel-core", "Ünicode", "x"]));
        let epoch = dice.pick(&["-", "0", "1", "4294967295"]).to_owned();
        let version = dice.pick(&["1", "1.2.3~rc1", "2^git5", "20240101"]).to_owned();
        let release = dice.pick(&["1", "70.el9", "1.fc43"]).to_owned();
        let architecture = dice.pick(&["x86_64", "noarch", "-"]).to_owned();
        let module = dice.pick(&["-", "-", "nodejs:18:8090020240101:rhel9"]).to_owned();
        let algorithm = dice.pick(&[32, 64]).to_owned();
        let most = dice.pick(&[0, 3, 30, 400]).to_owned();
        let files: Vec<String> = (0..dice.range(0..=most))
            .map(|file| {
                let folder = dice.pick(&["/usr/bin/", "/", "/usr/lib/systemd/system/", "/etc/"]);
                let hex: String = (0..algorithm).map(|_| dice.pick(&['0', '9', 'a', 'f'])).collect();
                let digest = if dice.once_in(4) { "-".to_owned() } else { hex };
                let (flags, state) =
                    (dice.pick(&["0", "1", "17", "64"]), dice.pick(&["0", "0", "0", "1", "2", "4"]));
                format!("{folder}{name}-{file},{digest},{flags},{state}")
            })
            .collect();
        text += &format!("{name}|{epoch}|{version}|{release}|{architecture}|{module}|{}\n", files.join(" "));
    }
    text
}

/// Has a database written; `false` where the case has lost its options.
fn write(writer: &mut Dialogue, case: &str, folder: &Path) -> bool {
    let mut lines = case.lines();
    let options: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let [form, page, vacuum, log, unfinished] = options[..] else { return false };
    let headers: Vec<String> = lines.map(|line| crate::hash::hex(&Line::parse(line).header())).collect();
    let page: u32 = page.parse().unwrap();
    let job = json!({
        "folder": folder, "form": form, "page": page, "vacuum": vacuum,
        "log": log == "true", "unfinished": unfinished == "true", "headers": headers,
    });
    writer.ask(&job.to_string()) == "done"
}

fn start() -> Option<Dialogue> {
    program("rpm")?;
    program("db5.3_load")?;
    Some(Dialogue::start(Command::new("python3").args(["-c", WRITER])))
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "(none)" } else { text }
}

fn tree(folder: &Path) -> MemoryTree {
    MemoryTree::load(folder, "/var/lib/rpm")
}

/// What our reader says of a folder, in rpm's words.
fn ours(tree: &MemoryTree) -> BTreeSet<String> {
    let database = Database::read(tree.root()).unwrap().unwrap();
    let mut said: BTreeSet<String> = database
        .installed()
        .map(|p| {
            let epoch = p.version.epoch.map(|epoch| epoch.to_string());
            let fields = [
                p.name.as_str(),
                epoch.as_deref().unwrap_or("(none)"),
                &p.version.version,
                &p.version.release,
                or_none(&p.architecture),
                p.module.as_deref().unwrap_or("(none)"),
            ];
            format!("P|{}", fields.join("|"))
        })
        .collect();
    let files = Files::read_some(tree.root(), |_| true).unwrap();
    for path in files.paths() {
        let owner = files.owner(path).unwrap();
        let digest = match owner.digest {
            Some(Digest::Md5(md5)) => crate::hash::hex(&md5),
            Some(Digest::Sha256(sha256)) => crate::hash::hex(&sha256),
            None => String::new(),
        };
        let path = display(path);
        said.insert(format!(
            "F|{}|{path}|{digest}|{}",
            owner.package,
            if owner.config { "config" } else { "" }
        ));
    }
    said
}

/// What rpm says of it. It changes the folder.
fn theirs(folder: &Path, form: &str) -> BTreeSet<String> {
    let backend = if form == "berkeley" { "_db_backend bdb_ro" } else { "_db_backend sqlite" };
    let out = Command::new("rpm")
        .args(["-qa", "--nosignature", "--nodigest", "--define", backend, "--dbpath"])
        .arg(folder)
        .args(["--qf", QUERY])
        .output()
        .unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    let line = |line: &str| -> Option<String> {
        let fields: Vec<&str> = line.split('|').collect();
        match fields[..] {
            ["F", _, "(none)", ..] => None,
            ["F", name, path, digest, flags, "0"] => {
                let flags = u32::from_str_radix(flags.trim_start_matches('0'), 8).unwrap_or(0);
                let config = if flags & 1 == 1 { "config" } else { "" };
                Some(format!("F|{name}|{path}|{digest}|{config}"))
            }
            ["F", ..] => None,
            _ => Some(line.to_owned()),
        }
    };
    // The old form's indexes are not needed, and missed.
    let complaints = String::from_utf8_lossy(&out.stderr);
    let complaint = complaints.lines().find(|line| !line.starts_with("warning: could not open"));
    assert_eq!(complaint, None);
    said.lines().filter_map(line).collect()
}

fn agrees(form: &str, cases: u64) {
    let Some(mut writer) = start() else { return };
    let tally = Differential::cases(cases).run(
        |dice| generate(dice, form),
        |case: &String| {
            let folder = tempfile::TempDir::new().unwrap();
            if !write(&mut writer, case, folder.path()) {
                return Verdict::Unanswered;
            }
            let ours = ours(&tree(folder.path()));
            Verdict::same(&ours, &theirs(folder.path(), form))
        },
    );
    assert_eq!(tally.refused, 0);
}

#[test]
fn agrees_with_rpm_on_sqlite() {
    agrees("sqlite", 12);
}

#[test]
fn agrees_with_rpm_on_berkeley_db() {
    agrees("berkeley", 12);
}

/// Nothing of Debian's reads ndb, so what was written is held against the case itself, and against what is read of the
/// same packages in SQLite.
#[test]
fn reads_ndb_as_sqlite() {
    let Some(mut writer) = start() else { return };
    Differential::cases(5).run(
        |dice| generate(dice, "sqlite"),
        |case: &String| {
            let [sqlite, ndb] = [(); 2].map(|()| tempfile::TempDir::new().unwrap());
            if !write(&mut writer, case, sqlite.path()) {
                return Verdict::Unanswered;
            }
            assert!(write(&mut writer, &case.replacen("sqlite", "ndb", 1), ndb.path()));
            Verdict::same(&ours(&tree(ndb.path())), &ours(&tree(sqlite.path())))
        },
    );
}

/// Whatever is wrong with a database is an error or another answer, and never a panic or a long wait.
#[test]
fn damage_ends_well() {
    let Some(mut writer) = start() else { return };
    let mut dice = Dice::new(7);
    for (form, file) in [
        ("sqlite", "rpmdb.sqlite"),
        ("sqlite", "rpmdb.sqlite-wal"),
        ("berkeley", "Packages"),
        ("ndb", "Packages.db"),
    ] {
        let folder = tempfile::TempDir::new().unwrap();
        let files: String = (0..60).map(|n| format!("/usr/bin/{n},{},0,0 ", "0".repeat(64))).collect();
        let packages: String = (0..12).map(|n| format!("p{n}|-|1|1|noarch|-|{files}\n")).collect();
        assert!(write(&mut writer, &format!("{form} 512 NONE true false\n{packages}"), folder.path()));
        let whole = tree(folder.path());
        let path = format!("/var/lib/rpm/{file}");
        let bytes = whole.bytes(&path).unwrap().to_vec();
        let mut refused = 0;
        for _ in 0..100 {
            let mut damaged = bytes.clone();
            if dice.once_in(10) {
                damaged.truncate(dice.range(0..=bytes.len()));
            }
            for _ in 0..dice.range(1..=6) {
                let end = if dice.once_in(2) { damaged.len().min(1200) } else { damaged.len() };
                if let Some(byte) = damaged.get_mut(dice.range(0..=end)) {
                    *byte = dice.pick(&[0, 1, 0x7f, 0xff, 5, 13]);
                }
            }
            let mut tree = whole.clone();
            tree.write(&path, damaged);
            refused += u32::from(Database::read(tree.root()).is_err());
            Files::read_some(tree.root(), |_| true).ok();
        }
        println!("{file}: {refused} of 100 refused");
    }
}

#[test]
fn versions_and_places() {
    let evr =
        |epoch, version: &str, release: &str| Evr { epoch, version: version.into(), release: release.into() };
    assert!(evr(Some(1), "1", "1").compare(&evr(None, "9", "9")).is_gt());
    assert!(evr(Some(0), "1.2~rc1", "1").compare(&evr(None, "1.2", "1")).is_lt());
    assert!(evr(None, "1.2", "10.el9").compare(&evr(Some(0), "1.2", "9.el9")).is_gt());
    assert_eq!(evr(Some(1), "2", "3.el9").to_string(), "1:2-3.el9");
    assert!(Database::read(MemoryTree::new().root()).unwrap().is_none());
    let mut two =
        MemoryTree::of(&[("/var/lib/rpm/rpmdb.sqlite", ""), ("/usr/lib/sysimage/rpm/rpmdb.sqlite", "")]);
    assert!(Database::read(two.root()).unwrap_err().to_string().contains("several"));
    two.remove("/var/lib/rpm").link("/var/lib/rpm", "../../usr/lib/sysimage/rpm");
    assert!(Database::read(two.root()).unwrap_err().to_string().contains("SQLite"));
}
