//! What is made for other people's programs, against the schemas that those programs have: user-data for every
//! release's cloud-init, and build matrices. `tests/schemas/README.md` says where they are from.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ironseed::assets::Assets;
use ironseed::render;
use tempfile::TempDir;

use crate::image::skipped;
use crate::plans;
use crate::program::{run, text};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas")
}

/// Whether Python has the library; says what is skipped where it has not.
fn can_judge(what: &str) -> bool {
    let has = Command::new("python3").args(["-c", "import jsonschema, yaml"]).output().unwrap();
    if !has.status.success() {
        skipped(what, "python3-jsonschema is not installed");
    }
    has.status.success()
}

/// What the library says of pairs of a schema and a file, in their order.
fn judged(pairs: &[(PathBuf, PathBuf)], work: &Path) -> Vec<String> {
    let lines = pairs.iter().map(|(schema, file)| format!("{}\t{}\n", schema.display(), file.display()));
    fs::write(work.join("pairs"), lines.collect::<String>()).unwrap();
    let stdin = fs::File::open(work.join("pairs")).unwrap();
    let said = Command::new("python3").arg(folder().join("validate.py")).stdin(stdin).output().unwrap();
    assert!(said.status.success(), "{}", text(&said.stderr));
    text(&said.stdout).lines().map(str::to_owned).collect()
}

/// The schemas that a release's user-data has to meet: its own cloud-init's where there is one, else all.
fn of_cloud_init(version: &str) -> Vec<PathBuf> {
    let ours = folder().join("cloud-init");
    let name = format!("{version}.json");
    let given = std::env::var_os("IRONSEED_SCHEMAS").map(PathBuf::from);
    let own =
        given.into_iter().chain([ours.clone()]).map(|folder| folder.join(&name)).find(|path| path.exists());
    match own {
        Some(own) => vec![own],
        None => fs::read_dir(ours).unwrap().map(|entry| entry.unwrap().path()).collect(),
    }
}

#[test]
fn every_releases_user_data_fits_its_cloud_init() {
    if !can_judge("every release's user-data against its cloud-init's schema") {
        return;
    }
    let (dir, assets) = (TempDir::new().unwrap(), Assets::embedded());
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPi29tQcMJoPpxrwWbJZO1wMAVtJuVZoQxNB4+SLGNqI me@home";
    let mut pairs = Vec::new();
    for plan in plans::all_and_old() {
        let bundle = render::bundle(&plan, &assets).unwrap();
        let text = render::user_data::render(&plan, &bundle, &[key.to_owned()], &assets).unwrap();
        let path = dir.path().join(format!("{}-{}.yaml", plan.profile, plan.distro.id));
        fs::write(&path, text).unwrap();
        let schemas = of_cloud_init(&plan.distro.versions.cloud_init);
        pairs.extend(schemas.into_iter().map(|schema| (schema, path.clone())));
    }
    for (pair, said) in pairs.iter().zip(judged(&pairs, dir.path())) {
        assert_eq!(said, "ok", "{pair:?}");
    }
    // The control: every schema refuses what is wrong, a newer one unknown keys as well.
    fs::write(dir.path().join("bad"), "#cloud-config\npackages: {a: b}\n").unwrap();
    fs::write(dir.path().join("odd"), "#cloud-config\nno_such_key: 1\n").unwrap();
    let used: BTreeSet<&PathBuf> = pairs.iter().map(|(schema, _)| schema).collect();
    assert!(used.len() > 1, "{used:?}");
    let bad: Vec<_> = used.into_iter().map(|schema| (schema.clone(), dir.path().join("bad"))).collect();
    assert!(judged(&bad, dir.path()).iter().all(|said| said.contains("packages")), "{bad:?}");
    let odd = [(folder().join("cloud-init/25.1.4.json"), dir.path().join("odd"))];
    assert!(judged(&odd, dir.path())[0].contains("no_such_key"));
}

#[test]
fn matrices_fit_their_services() {
    if !can_judge("build matrices against the schemas of GitHub and GitLab") {
        return;
    }
    let dir = TempDir::new().unwrap();
    for service in ["github", "gitlab"] {
        let (code, out, err) = run(&["matrix", "--format", service], dir.path());
        assert_eq!(code, 0, "{err}");
        // As JSON, for a reader of YAML 1.1 takes GitHub's key `on` for a truth value.
        let matrix: serde_json::Value = serde_saphyr::from_str(&out).unwrap();
        let mut broken = matrix.clone();
        match service {
            "github" => broken["jobs"]["image"]["steps"][0] = serde_json::json!({"name": "nothing to do"}),
            _ => broken["stages"] = serde_json::json!("images and more"),
        }
        let [good, bad] = ["good", "bad"].map(|name| dir.path().join(name));
        fs::write(&good, matrix.to_string()).unwrap();
        fs::write(&bad, broken.to_string()).unwrap();
        let schema = folder().join(format!("ci/{service}.json"));
        let said = judged(&[(schema.clone(), good), (schema, bad)], dir.path());
        assert_eq!(said[0], "ok", "{service}");
        assert_ne!(said[1], "ok", "{service}: the control");
    }
}
