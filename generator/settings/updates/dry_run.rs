//! The proof on a running system: unattended-upgrades itself, with the machine's own
//! configuration, on an archive made for the purpose.
//!
//! The archive holds a newer version of one installed package under the name of the release's
//! security archive, and of another under the name of its plain updates. Nothing is installed
//! (`--dry-run`), and no network is needed.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Scope, Updates};
use crate::distro::{ArchiveSuite, Distro};
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::settings::Kind;
use crate::target::Exec;
use crate::verify::Look;

/// Essential packages: installed on every system of the family.
const SECURITY_PACKAGE: &str = "base-files";
const PLAIN_PACKAGE: &str = "hostname";

/// Higher than any real version.
const VERSION: &str = "9999:9999";

/// What unattended-upgrades writes in front of the packages that it selected.
const SELECTED: &str = "pkgs that look like they should be upgraded: ";

impl Updates {
    pub(super) fn dry_run(&self, look: &Look<'_>) -> Observation {
        let plane = Plane::Running;
        let at = Location::file("unattended-upgrade --dry-run --debug");
        let selected = match look.exec().and_then(|exec| select(exec, &look.plan.distro)) {
            Ok(selected) => selected,
            Err(why) => return Observation::unobserved(plane, self.wanted(), why).at(at),
        };
        let security = selected.iter().any(|p| p == SECURITY_PACKAGE);
        let plain = selected.iter().any(|p| p == PLAIN_PACKAGE);
        let found = format!(
            "a security update is {}selected, a plain one is {}selected",
            if security { "" } else { "not " },
            if plain { "" } else { "not " }
        );
        let reason = if security {
            "updates other than security updates install themselves as well, or do not although they should"
        } else {
            "security updates of this release do not install themselves"
        };
        let good = security && plain == (self.scope == Scope::All);
        Observation::judge(plane, good, found, self.wanted(), reason).at(at)
    }
}

/// The packages that unattended-upgrades would install from the made archive.
fn select(exec: &dyn Exec, distro: &Distro) -> Result<Vec<String>, String> {
    let home = tempfile::tempdir_in("/run").map_err(|e| format!("no directory in /run: {e}"))?;
    let config = make_archive(home.path(), distro).map_err(|e| format!("the made archive: {e}"))?;
    let setting = format!("APT_CONFIG={}", config.display());
    // At a first boot apt's own timers may hold the lock for a while.
    for _ in 0..30 {
        let lists = run(exec, &["env", &setting, "apt-get", "-q", "update"])?;
        let debug = run(exec, &["env", &setting, "unattended-upgrade", "--dry-run", "--debug"])?;
        if debug.contains("Lock could not be acquired") || lists.contains("Could not get lock") {
            std::thread::sleep(Duration::from_secs(5));
            continue;
        }
        let Some((_, rest)) = debug.split_once(SELECTED) else {
            let last = debug.lines().last().unwrap_or("nothing").to_owned();
            return Err(format!("unattended-upgrade did not say what it selected; its last word: {last}"));
        };
        // One name a line, until the next entry of the log.
        let names = rest.lines().take_while(|l| !l.contains(' ')).map(str::to_owned);
        return Ok(names.filter(|n| !n.is_empty()).collect());
    }
    Err("another package manager held the lock for too long".into())
}

fn run(exec: &dyn Exec, argv: &[&str]) -> Result<String, String> {
    let output = exec.run(argv).map_err(|e| format!("`{}` can't be run: {e}", argv.join(" ")))?;
    Ok(output.stdout + &output.stderr)
}

/// Writes the archive and an apt configuration that reads it alone, and returns the latter's path.
fn make_archive(home: &Path, distro: &Distro) -> std::io::Result<std::path::PathBuf> {
    let archive = home.join("archive");
    let mut sources = String::new();
    for suite in &distro.archive.suites {
        let package = match suite.role.as_str() {
            "security" => SECURITY_PACKAGE,
            "updates" => PLAIN_PACKAGE,
            _ => continue,
        };
        write_suite(&archive, suite, package, &distro.architecture)?;
        let role = &suite.role;
        sources.push_str(&format!("deb [trusted=yes] file:{} {role} main\n", archive.display()));
    }
    fs::write(home.join("sources.list"), sources)?;
    for folder in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(home.join(folder))?;
    }
    let config = format!(
        "Dir::Etc::sourcelist \"{home}/sources.list\";\nDir::Etc::sourceparts \"/dev/null\";\n\
         Dir::State::lists \"{home}/lists\";\nDir::Cache \"{home}/cache\";\nAPT::Sandbox::User \"root\";\n",
        home = home.display()
    );
    let path = home.join("apt.conf");
    fs::write(&path, config)?;
    Ok(path)
}

fn write_suite(
    archive: &Path,
    suite: &ArchiveSuite,
    package: &str,
    architecture: &str,
) -> std::io::Result<()> {
    let folder = archive.join("dists").join(&suite.role);
    let index = format!("main/binary-{architecture}/Packages");
    let packages = format!(
        "Package: {package}\nVersion: {VERSION}\nArchitecture: {architecture}\nMaintainer: ironseed\n\
         Filename: pool/{package}.deb\nSize: 1\nSHA256: {}\nDescription: made to see what is selected\n",
        crate::hash::bytes(b"-")
    );
    let path = folder.join(&index);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, &packages)?;
    let ArchiveSuite { origin, label, suite, codename, .. } = suite;
    let release = format!(
        "Origin: {origin}\nLabel: {label}\nSuite: {suite}\nCodename: {codename}\n\
         Date: Thu, 01 Jan 2026 00:00:00 UTC\nArchitectures: {architecture}\nComponents: main\n\
         SHA256:\n {} {} {index}\n",
        crate::hash::bytes(packages.as_bytes()),
        packages.len()
    );
    fs::write(folder.join("Release"), release)
}
