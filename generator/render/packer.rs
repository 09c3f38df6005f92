//! A Packer HCL2 template that applies the bundle to an official cloud image: for pipelines that
//! build with Packer. ironseed's own build needs none of it.

use serde::Serialize;

use super::template::Templates;
use crate::assets::Assets;
use crate::diagnostic::ConfigError;
use crate::distro::PackageBackend;
use crate::plan::Plan;

#[derive(Serialize)]
struct Context {
    profile: String,
    distro: String,
    digest: String,
    os_name: String,
    os_version: String,
    os_arch: String,
    default_user: String,
    clean: &'static str,
}

/// The template, to be run from the directory that `ironseed render` wrote.
///
/// # Errors
/// A template that fails.
pub fn template(plan: &Plan, assets: &Assets) -> Result<String, ConfigError> {
    let context = Context {
        profile: plan.profile.clone(),
        distro: plan.distro.title.clone(),
        digest: plan.digest(),
        os_name: plan.distro.openstack.os_distro.clone(),
        os_version: plan.distro.openstack.os_version.clone(),
        os_arch: plan.distro.architecture.clone(),
        default_user: plan.distro.default_user.clone(),
        clean: match plan.distro.backends.packages {
            PackageBackend::Apt => "apt-get clean",
            PackageBackend::Dnf => "dnf -q clean all",
            PackageBackend::Yum => "yum -q clean all",
        },
    };
    Templates::load(assets)?.render("image/packer.pkr.hcl", context)
}
