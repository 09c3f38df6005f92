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

/// The plans whose trees can be made here: mmdebstrap makes those of supported releases.
pub fn with_trees() -> Vec<Plan> {
    let today = jiff::civil::date(2026, 11, 23);
    let made = |plan: &Plan| {
        plan.distro.image.engine == distro::Engine::Mmdebstrap && !plan.distro.lifecycle.on(today).is_past()
    };
    all().into_iter().filter(made).collect()
}

/// Every profile for every distribution.
pub fn all() -> Vec<Plan> {
    let assets = Assets::embedded();
    let (profiles, distros) = (profile::names(&assets).unwrap(), distro::ids(&assets).unwrap());
    assert!(profiles.len() > 1 && distros.len() > 1, "{profiles:?} {distros:?}");
    profiles.iter().flat_map(|p| distros.iter().map(|d| resolve(p, d))).collect()
}
