//! Every profile and distribution there is, resolved as the command line resolves them.

use ironseed::assets::Assets;
use ironseed::check::Catalogue;
use ironseed::plan::Plan;
use ironseed::profile::Vocabulary;
use ironseed::{distro, parameter, profile};

/// One plan.
pub fn resolve(profile: &str, distro: &str) -> Plan {
    let assets = Assets::embedded();
    let (catalogue, declarations) = (Catalogue::load(&assets).unwrap(), parameter::load(&assets).unwrap());
    let vocabulary = Vocabulary { assets: &assets, catalogue: &catalogue, declarations: &declarations };
    let profile = profile::load(profile, &vocabulary).unwrap();
    let distro = distro::load(distro, &assets).unwrap();
    Plan::resolve(&profile, distro, &catalogue, &declarations).unwrap()
}

/// Names of the built-in profiles and of the distributions.
pub fn names() -> (Vec<String>, Vec<String>) {
    let assets = Assets::embedded();
    let names = |folder: &str, other: &[&str]| -> Vec<String> {
        let files = assets.list(folder).unwrap().into_iter();
        let stem = |path: String| {
            Some(path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".yaml")?.to_owned())
        };
        files.filter_map(|f| stem(f.name)).filter(|n| !other.contains(&n.as_str())).collect()
    };
    (names("profiles", &["parameters"]), names("images", &[]))
}

/// Every profile for every distribution.
pub fn all() -> Vec<Plan> {
    let (profiles, distros) = names();
    assert!(profiles.len() > 1 && distros.len() > 1, "{profiles:?} {distros:?}");
    profiles.iter().flat_map(|p| distros.iter().map(|d| resolve(p, d))).collect()
}
