//! What an image carries for which plan.

use super::*;
use crate::assets::Assets;
use crate::check::Catalogue;
use crate::profile::{self, Vocabulary};
use crate::{distro, parameter};

/// nectar-base, with these lines more.
fn plan(more: &str) -> Plan {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.yaml");
    std::fs::write(&path, format!("name: own\ntitle: Own\nextends: [nectar-base]\n{more}")).unwrap();
    let assets = Assets::embedded();
    let (catalogue, declarations) = (Catalogue::load(&assets).unwrap(), parameter::load(&assets).unwrap());
    let vocabulary = Vocabulary { assets: &assets, catalogue: &catalogue, declarations: &declarations };
    let profile = profile::load(path.to_str().unwrap(), &vocabulary).unwrap();
    Plan::resolve(&profile, distro::usual(&assets).unwrap(), &catalogue, &declarations).unwrap()
}

fn content<'a>(carried: &'a Carried, path: &str) -> Option<&'a [u8]> {
    carried.files.iter().find(|file| file.path == path).map(|file| file.content.as_slice())
}

#[test]
fn every_image_has_label_plan_and_verifier_and_asked_for_a_test() {
    let usual = plan("");
    let carried = by(&usual, Some(b"program".to_vec())).unwrap();
    let label = Label::parse(content(&carried, LABEL).unwrap()).unwrap();
    assert_eq!((label.plan.digest, label.plan.profile.as_str()), (usual.digest(), "own"));
    assert_eq!(label.verifier.unwrap().sha256, crate::hash::bytes(b"program"));
    assert_eq!(Plan::from_file(content(&carried, PLAN).unwrap()).unwrap(), usual);
    assert_eq!(content(&carried, VERIFIER), Some(&b"program"[..]));
    assert_eq!(content(&carried, PRESET), Some(format!("disable {TIMER}\n").as_bytes()));
    assert_eq!(content(&carried, TEST), None);
    assert_eq!(carried.enabled, Vec::<String>::new());

    let asking = by(&plan("checks: [self-verification]\n"), Some(Vec::new())).unwrap();
    assert_eq!(content(&asking, TEST), Some(TEST_CONTENT.as_bytes()));
    assert_eq!((asking.commands.len(), asking.enabled.len()), (1, 0));

    let daily = plan("checks: [self-verification]\nparameters: {verify_daily: true}\n");
    let daily = by(&daily, Some(Vec::new())).unwrap();
    assert_eq!(content(&daily, PRESET), Some(format!("enable {TIMER}\n").as_bytes()));
    assert_eq!(daily.enabled, [TIMER]);
}

#[test]
fn without_a_verifier_there_is_a_label_and_nothing_that_would_need_one() {
    let carried = by(&plan(""), None).unwrap();
    let paths: Vec<&str> = carried.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!((paths, carried.commands.len()), (vec![PLAN, LABEL], 0));
    assert_eq!(Label::parse(content(&carried, LABEL).unwrap()).unwrap().verifier, None);

    let refused = by(&plan("checks: [self-verification]\n"), None).unwrap_err().to_string();
    assert!(refused.contains("own wants the image to verify itself"), "{refused}");
}

#[test]
fn what_runs_the_verifier_names_the_files_that_are_there() {
    let line = format!("{VERIFIER} verify / --plan {PLAN}");
    assert!(TEST_CONTENT.lines().any(|found| found == format!("exec sudo -n {line}")));
    assert!(UNITS[0].1.lines().any(|found| found == format!("ExecStart={line}")));
}

#[test]
fn systemd_takes_the_units_and_the_shell_the_test() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let test = place("test.sh", TEST_CONTENT);
    let said = std::process::Command::new("sh").arg("-n").arg(test).output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{said:?}");
    // systemd wants the program to be there.
    let units = UNITS.map(|(name, content)| place(name, &content.replace(VERIFIER, "/bin/true")));
    let mut verify = std::process::Command::new("systemd-analyze");
    let said = verify
        .args(["verify", "--man=no"])
        .args(units)
        .env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path().display()))
        .output();
    match said {
        Ok(said) => assert!(
            said.status.success() && !String::from_utf8_lossy(&said.stderr).contains("ironseed"),
            "{said:?}"
        ),
        Err(why) => {
            assert!(std::env::var_os("CI").is_none(), "systemd-analyze: {why}");
            eprintln!("skipped: systemd's word on the units, because {why}");
        }
    }
}
