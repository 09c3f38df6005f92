//! A throw-away machine for the kinds' tests: what a plan renders, in a directory that can be
//! changed and looked at.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::Setting;
use crate::assets::Assets;
use crate::check::{CheckInfo, Severity};
use crate::distro::Distro;
use crate::location::Location;
use crate::observation::{Observation, Outcome, Plane};
use crate::plan::{Plan, PlannedCheck, PlannedSetting};
use crate::render::bundle::{Bundle, Phase};
use crate::target::{DirTree, Root};
use crate::verify::{Look, Nature};

/// A directory with the rendered files of some settings, as they would be on a machine.
pub(crate) struct Machine {
    plan: Plan,
    bundle: Bundle,
    directory: tempfile::TempDir,
}

impl Machine {
    /// Renders the settings and writes their files. Commands wait for [`Machine::configure`].
    pub(crate) fn of(settings: &[Setting]) -> Self {
        Self::made(plan(settings, crate::distro::usual(&Assets::embedded()).unwrap()))
    }

    /// The same for a built-in release.
    pub(crate) fn of_release(id: &str, settings: &[Setting]) -> Self {
        Self::made(plan(settings, crate::distro::load(id, &Assets::embedded()).unwrap()))
    }

    fn made(plan: Plan) -> Self {
        let bundle = crate::render::bundle(&plan, &Assets::embedded()).unwrap();
        let machine = Self { plan, bundle, directory: tempfile::tempdir().unwrap() };
        std::fs::create_dir(machine.at("/etc")).unwrap();
        for file in machine.bundle.files.values() {
            machine.put(&file.path, &file.content);
            machine.chmod(&file.path, file.mode);
        }
        machine
    }

    /// Puts in place what an image of the plan carries, with a verifier of these bytes.
    pub(crate) fn carry(&self, verifier: &[u8]) {
        for file in crate::carried::by(&self.plan, Some(verifier.to_vec())).unwrap().files {
            self.put(&file.path, std::str::from_utf8(&file.content).unwrap());
            self.chmod(&file.path, file.mode);
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.directory.path().join(path.trim_start_matches('/'))
    }

    /// Writes a file, mode 0644 where it is new.
    pub(crate) fn put(&self, path: &str, content: &str) {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        std::fs::write(self.at(path), content).unwrap();
    }

    /// Makes a symbolic link.
    pub(crate) fn link(&self, path: &str, text: &str) {
        std::fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(text, self.at(path)).unwrap();
    }

    /// Reads a file.
    pub(crate) fn get(&self, path: &str) -> String {
        std::fs::read_to_string(self.at(path)).unwrap()
    }

    /// Sets permission bits.
    pub(crate) fn chmod(&self, path: &str, mode: u32) {
        std::fs::set_permissions(self.at(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Permission bits.
    pub(crate) fn mode(&self, path: &str) -> u32 {
        std::fs::metadata(self.at(path)).unwrap().permissions().mode() & 0o7777
    }

    /// Deletes a file.
    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.at(path)).unwrap();
    }

    /// Runs the rendered `Configure` commands, with absolute paths moved below the directory.
    pub(crate) fn configure(&self) {
        for command in self.bundle.phase(Phase::Configure) {
            let moved = |word: &String| match word.strip_prefix("/etc") {
                Some(rest) => self.at("/etc").display().to_string() + rest,
                None => word.clone(),
            };
            let argv: Vec<String> = command.argv.iter().map(moved).collect();
            let status = std::process::Command::new(&argv[0]).args(&argv[1..]).status().unwrap();
            assert!(status.success(), "{argv:?}");
        }
    }

    /// What is seen of the settings in the files, in order.
    pub(crate) fn configured(&self) -> Vec<Outcome> {
        self.seen().into_iter().map(|seen| seen.outcome).collect()
    }

    /// The places that are named for it.
    pub(crate) fn places(&self) -> Vec<String> {
        let place = |seen: Observation| seen.location.map_or_else(String::new, |at| at.to_string());
        self.seen().into_iter().map(place).collect()
    }

    /// What is seen of the settings in the files, with places and reasons.
    pub(crate) fn seen(&self) -> Vec<Observation> {
        let tree = DirTree::open(self.directory.path()).unwrap();
        let look = Look::new(Root::new(&tree), &self.plan, Nature::Image, jiff::civil::date(2026, 11, 23));
        crate::verify::observe(&look, Plane::Configured).into_iter().map(|seen| seen.observation).collect()
    }
}

/// A plan of one check with these settings.
fn plan(settings: &[Setting], distro: Distro) -> Plan {
    let place = || Location::line("test", 1);
    let planned = |setting: &Setting| PlannedSetting {
        origins: std::collections::BTreeMap::new(),
        setting: setting.clone(),
        origin: place(),
        catalogue: place(),
        not_applicable: None,
    };
    let info = CheckInfo {
        id: "check".into(),
        title: String::new(),
        severity: Severity::Low,
        references: Vec::new(),
        rationale: String::new(),
        remediation: String::new(),
    };
    Plan {
        version: crate::plan::FORMAT,
        profile: "test".into(),
        title: String::new(),
        distro,
        parameters: Default::default(),
        checks: vec![PlannedCheck {
            info,
            origin: place(),
            settings: settings.iter().map(planned).collect(),
        }],
        waivers: Vec::new(),
        required_planes: Default::default(),
    }
}
