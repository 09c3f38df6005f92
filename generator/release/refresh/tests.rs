use std::path::Path;

use super::*;

const FILE: &str = "extends: known/debian
id: x-12
title: X 12 # a comment
known_only: true
os_release: {id: x, version_id: \"12\"}
codename: worm
lifecycle:
  # Why these.
  released: \"2023-06-10\"
  end_of_support: \"2026-07-11\" # said in June
  end_of_life: \"2028-06-30\"
  source: distro-info-data
  tracked_as: x/12
";

const CSV: &str = "version,codename,series,created,release,eol,eol-lts\n12,Worm,worm,2021-08-14,2023-06-10,2026-07-12,2028-06-30\n";

fn folder(file: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("images")).unwrap();
    std::fs::write(dir.path().join("images/x-12.yaml"), file).unwrap();
    dir
}

fn refreshed(file: &str, claims: &[Claim]) -> Result<Vec<Refreshed>, ConfigError> {
    let dir = folder(file);
    refresh(dir.path(), &Assets::overridden(dir.path()).unwrap(), claims)
}

#[test]
fn a_new_date_changes_its_line_alone() {
    let claims = distro_info(Path::new("x.csv"), CSV).unwrap();
    let [file] = &refreshed(FILE, &claims).unwrap()[..] else { panic!("one file") };
    assert_eq!(file.text, FILE.replace("2026-07-11", "2026-07-12"));
    let before = Some("  end_of_support: \"2026-07-11\" # said in June".to_owned());
    let after = "  end_of_support: \"2026-07-12\" # said in June".to_owned();
    assert_eq!(file.changes, [LineChange { number: 10, before, after }]);
    // Once more changes nothing.
    assert!(refreshed(&file.text, &claims).unwrap().is_empty());
}

#[test]
fn another_tracker_is_noted_beside_the_source() {
    for json in [
        r#"[{"cycle": "12", "releaseDate": "2020-01-01", "eol": "2026-07-11", "extendedSupport": "2028-07-01"}]"#,
        r#"{"result": {"releases": [{"name": "12", "eolFrom": "2026-07-11", "eoesFrom": "2028-07-01"}]}}"#,
    ] {
        let claims = endoflife(Path::new("x.json"), json).unwrap();
        let [file] = &refreshed(FILE, &claims).unwrap()[..] else { panic!("one file") };
        let noted = "  source: distro-info-data\n  others:\n    - {source: endoflife.date, end_of_life: \"2028-07-01\"}\n";
        assert_eq!(file.text, FILE.replace("  source: distro-info-data\n", noted));
        let later = endoflife(Path::new("x.json"), &json.replace("2028-07-01", "2028-07-02")).unwrap();
        let [file] = &refreshed(&file.text, &later).unwrap()[..] else { panic!("one file") };
        assert_eq!(file.text, FILE.replace("  source: distro-info-data\n", &noted.replace("07-01", "07-02")));
    }
}

#[test]
fn an_end_without_a_date_and_other_products_change_nothing() {
    let json = r#"[{"cycle": "12", "eol": false}, {"cycle": "13", "eol": "2030-01-01"}]"#;
    assert!(refreshed(FILE, &endoflife(Path::new("x.json"), json).unwrap()).unwrap().is_empty());
    let other = endoflife(Path::new("y.json"), &json.replace("false", "\"2030-01-01\"")).unwrap();
    assert!(refreshed(FILE, &other).unwrap().is_empty());
}

#[test]
fn a_layout_without_a_place_for_the_date_is_an_error() {
    let flow = FILE.split("lifecycle:").next().unwrap().to_owned()
        + "lifecycle: {released: \"2023-06-10\", end_of_support: \"2026-07-11\", end_of_life: \"2028-06-30\", source: distro-info-data}\n";
    let claims = distro_info(Path::new("x.csv"), CSV).unwrap();
    assert!(refreshed(&flow, &claims).unwrap_err().to_string().contains("lines of their own"));
}

#[test]
fn broken_trackers_are_named() {
    assert!(distro_info(Path::new("x.csv"), "a,b\n").is_err());
    assert!(
        distro_info(Path::new("x.csv"), &CSV.replace("2026-07-12", "soon"))
            .unwrap_err()
            .to_string()
            .contains("x.csv:2")
    );
    for json in ["", "{}", "[{}]", "[1]"] {
        assert!(endoflife(Path::new("x.json"), json).is_err(), "{json}");
    }
}

/// What the package distro-info-data says is what the release files say, or what they state beside it.
#[test]
fn our_dates_agree_with_debians_package() {
    let mut claims = Vec::new();
    for path in ["/usr/share/distro-info/debian.csv", "/usr/share/distro-info/ubuntu.csv"] {
        let Ok(text) = std::fs::read_to_string(path) else {
            assert!(std::env::var_os("CI").is_none(), "distro-info-data is not installed");
            return;
        };
        claims.extend(distro_info(Path::new(path), &text).unwrap());
    }
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let differing = refresh(repository, &Assets::overridden(repository).unwrap(), &claims).unwrap();
    assert!(differing.is_empty(), "{differing:#?}");
    let known = super::super::all(&Assets::embedded()).unwrap();
    assert!(known.iter().filter(|r| claims.iter().any(|c| c.is_about(r))).count() >= 9);
}
