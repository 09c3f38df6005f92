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

/// The plans whose trees can be made here: mmdebstrap makes them.
pub fn with_trees() -> Vec<Plan> {
    all().into_iter().filter(|plan| plan.distro.image.engine == distro::Engine::Mmdebstrap).collect()
}

/// Every profile for every release that still gets security updates.
pub fn all() -> Vec<Plan> {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    renderable().into_iter().filter(|plan| !plan.distro.lifecycle.on(today).is_past()).collect()
}

/// Every profile for every release that can be rendered, those past their end of life among them.
pub fn renderable() -> Vec<Plan> {
    let assets = Assets::embedded();
    let (profiles, distros) = (profile::names(&assets).unwrap(), distro::ids(&assets).unwrap());
    assert!(profiles.len() > 1 && distros.len() > 1, "{profiles:?} {distros:?}");
    profiles.iter().flat_map(|p| distros.iter().map(|d| resolve(p, d))).collect()
}
