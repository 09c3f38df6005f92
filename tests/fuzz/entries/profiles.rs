//! YAML of people: a profile, a distribution or a check, by the first byte (`p`, `d` or `c`).

use std::hint::black_box;
use std::sync::LazyLock;

use ironseed::assets::Assets;
use ironseed::check::Catalogue;
use ironseed::distro::{self, Distro};
use ironseed::parameter::{self, Declarations};
use ironseed::plan::Plan;
use ironseed::profile::{self, Vocabulary};
use ironseed::render;
use tempfile::TempDir;

use super::{Takes, Target};

static CATALOGUE: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::load(&Assets::embedded()).expect("built in"));
static DECLARATIONS: LazyLock<Declarations> =
    LazyLock::new(|| parameter::load(&Assets::embedded()).expect("built in"));
static DISTRO: LazyLock<Distro> =
    LazyLock::new(|| distro::load("debian-12", &Assets::embedded()).expect("built in"));

/// Profiles up to what is rendered of them, distributions, and checks up to a plan.
pub const PROFILE: Target = Target {
    name: "profile",
    takes: Takes::Bytes(|input| {
        let (kind, text) = input.split_first().unwrap_or((&b'p', &[]));
        let folder = TempDir::new().expect("a temporary folder");
        match kind {
            b'd' => a_distro(&folder, text),
            b'c' => a_check(&folder, text),
            _ => a_profile(&folder, text),
        }
    }),
};

/// Writes the input where it is read from, and returns its path.
fn write(folder: &TempDir, name: &str, text: &[u8]) -> String {
    let path = folder.path().join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("room for a folder");
    std::fs::write(&path, text).expect("room for a file");
    path.display().to_string()
}

fn a_profile(folder: &TempDir, text: &[u8]) {
    let path = write(folder, "own.yaml", text);
    let assets = Assets::embedded();
    let vocabulary = Vocabulary { assets: &assets, catalogue: &CATALOGUE, declarations: &DECLARATIONS };
    match profile::load(&path, &vocabulary) {
        Ok(profile) => {
            if let Ok(plan) = Plan::resolve(&profile, DISTRO.clone(), &CATALOGUE, &DECLARATIONS) {
                let _ = black_box(render::bundle(&plan, &assets));
            }
        }
        Err(error) => drop(black_box(error.to_string())),
    }
}

fn a_distro(folder: &TempDir, text: &[u8]) {
    let path = write(folder, "own.yaml", text);
    let _ = black_box(distro::load(&path, &Assets::embedded()).map_err(|error| error.to_string()));
}

fn a_check(folder: &TempDir, text: &[u8]) {
    write(folder, "profiles/checks/own.yaml", text);
    let own = write(folder, "own.yaml", b"name: own\ntitle: t\nchecks: [own]\n");
    let Ok(assets) = Assets::overridden(folder.path()) else { return };
    match Catalogue::load(&assets) {
        Ok(catalogue) => {
            let vocabulary =
                Vocabulary { assets: &assets, catalogue: &catalogue, declarations: &DECLARATIONS };
            if let Ok(profile) = profile::load(&own, &vocabulary) {
                let plan = Plan::resolve(&profile, DISTRO.clone(), &catalogue, &DECLARATIONS);
                let _ = black_box(plan.map_err(|error| error.to_string()));
            }
        }
        Err(error) => drop(black_box(error.to_string())),
    }
}
