//! Every profile and distribution there is, resolved as the command line resolves them.

use std::fs;
use std::path::Path;

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
    renderable().into_iter().filter(|plan| !is_past(plan)).collect()
}

/// As [`all`], and the profile that renders most for each release past its end of life: for programs that take long.
pub fn all_and_old() -> Vec<Plan> {
    renderable().into_iter().filter(|plan| !is_past(plan) || plan.profile == "strict").collect()
}

/// Whether the release gets no security updates any more.
pub fn is_past(plan: &Plan) -> bool {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    plan.distro.lifecycle.on(today).is_past()
}

/// The command line's words that choose a plan. For a release past its end of life that wants a profile with a waiver,
/// which is written to a folder.
pub fn choice(plan: &Plan, folder: &Path) -> Vec<String> {
    let mut words = ["-p", &plan.profile, "-d", &plan.distro.id].map(str::to_owned).to_vec();
    if is_past(plan) {
        let own = folder.join(format!("waived-{}.yaml", plan.profile));
        words[1] = own.to_str().unwrap().to_owned();
        words.push("--allow-eol".to_owned());
        let text = format!(
            "name: {0}\ntitle: Waived\nextends: [{0}]\nwaivers:\n  - {{check: release-supported, owner: me, \
             reason: a move is planned, expires: \"9999-12-31\"}}\n",
            plan.profile
        );
        fs::write(own, text).unwrap();
    }
    words
}

/// Every profile for every release that can be rendered, those past their end of life among them.
pub fn renderable() -> Vec<Plan> {
    let assets = Assets::embedded();
    let (profiles, distros) = (profile::names(&assets).unwrap(), distro::ids(&assets).unwrap());
    assert!(profiles.len() > 1 && distros.len() > 1, "{profiles:?} {distros:?}");
    profiles.iter().flat_map(|p| distros.iter().map(|d| resolve(p, d))).collect()
}
