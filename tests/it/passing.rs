//! A disk image that is made in a moment, and the report that lets it through the gate.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ironseed::observation::{Observation, Plane};
use ironseed::plan::Plan;
use ironseed::report::{Report, TargetReport};
use ironseed::target::sha256_file;
use ironseed::verify::{self, Seen};
use jiff::civil::{Date, date};
use tempfile::TempDir;

use crate::program::real;

/// The day of the reports.
pub const TODAY: Date = date(2026, 11, 23);
const PLANES: [Plane; 2] = [Plane::Configured, Plane::Running];

/// A disk with one package in its database.
fn disk() -> &'static [u8] {
    static DISK: OnceLock<Vec<u8>> = OnceLock::new();
    DISK.get_or_init(|| disk_with(&[]))
}

/// A disk with one package in its database, and these files by their paths.
pub fn disk_with(more: &[(&str, &str)]) -> Vec<u8> {
    let dir = TempDir::new().unwrap();
    let files = [
        ("/etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
        (
            "/var/lib/dpkg/status",
            "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n",
        ),
    ];
    for (path, text) in files.iter().chain(more) {
        let path = dir.path().join(format!("tree{path}"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    real("mke2fs", &["-q", "-t", "ext4", "-d", "tree", "disk", "2M"], dir.path());
    fs::read(dir.path().join("disk")).unwrap()
}

/// Such a disk, with a number in its boot sector and, where it should be longer, zeros behind it.
pub fn image(folder: &Path, name: &str, seed: u8, size: usize) -> PathBuf {
    let mut bytes = disk().to_vec();
    bytes[0] = seed;
    bytes.resize(bytes.len().max(size), 0);
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// A report in which everything passed, on both planes.
pub fn good_report(plan: &Plan, image: &Path, day: Date) -> Report {
    let mut seen = Vec::new();
    for (check, planned) in plan.checks.iter().enumerate() {
        for (setting, wanted) in planned.settings.iter().enumerate() {
            for plane in wanted.setting.planes() {
                let observation = Observation::pass(*plane, "as wanted", wanted.setting.wanted());
                seen.push(Seen { check, setting, observation });
            }
        }
    }
    let target = TargetReport {
        name: image.display().to_string(),
        kind: "qcow2".into(),
        sha256: Some(sha256_file(image).unwrap()),
        base: None,
    };
    verify::report(plan, target, &PLANES, seen, day)
}

/// Saves it as `report.json`.
pub fn write(folder: &Path, report: &Report) {
    fs::write(folder.join("report.json"), report.to_json().unwrap()).unwrap();
}
