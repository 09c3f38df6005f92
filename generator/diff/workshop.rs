//! What profiles are resolved with: the catalogue, the parameters and the distributions of some assets, each read once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::civil::Date;

use crate::assets::Assets;
use crate::check::Catalogue;
use crate::diagnostic::ConfigError;
use crate::distro::{self, Distro};
use crate::parameter::{self, Declarations};
use crate::plan::Plan;
use crate::profile::{self, Profile, Vocabulary};
use crate::render::{self, Bundle, Templates};

/// Everything that a plan is made with but the profile.
pub struct Workshop {
    /// The files behind it.
    pub assets: Assets,
    catalogue: Catalogue,
    declarations: Declarations,
    templates: Templates,
    distros: Mutex<BTreeMap<String, Distro>>,
}

impl Workshop {
    /// Reads everything but the distributions.
    ///
    /// # Errors
    /// A broken file.
    pub fn open(assets: &Assets) -> Result<Self, ConfigError> {
        let (catalogue, rest) = rayon::join(
            || Catalogue::load(assets),
            || Ok::<_, ConfigError>((parameter::load(assets)?, Templates::load(assets)?)),
        );
        let (declarations, templates) = rest?;
        let distros = Mutex::new(BTreeMap::new());
        Ok(Self { assets: assets.clone(), catalogue: catalogue?, declarations, templates, distros })
    }

    /// Loads a profile whose own files, and those that it extends by path, are where `assets` has them.
    ///
    /// # Errors
    /// See [`profile::load`].
    pub fn profile(&self, name: &str, assets: &Assets) -> Result<Profile, ConfigError> {
        let Self { catalogue, declarations, .. } = self;
        profile::load(name, &Vocabulary { assets, catalogue, declarations })
    }

    /// A distribution by id or path, read once.
    ///
    /// # Errors
    /// See [`distro::load`].
    pub fn distro(&self, id: &str) -> Result<Distro, ConfigError> {
        let known = || self.distros.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(distro) = known().get(id) {
            return Ok(distro.clone());
        }
        let distro = distro::load(id, &self.assets)?;
        known().insert(id.to_owned(), distro.clone());
        Ok(distro)
    }

    /// Ids of the releases that still get security updates on a day.
    ///
    /// # Errors
    /// A broken file.
    pub fn supported(&self, today: Date) -> Result<Vec<String>, ConfigError> {
        let mut ids = Vec::new();
        for distro in distro::all(&self.assets)? {
            if !distro.lifecycle.on(today).is_past() {
                ids.push(distro.id.clone());
            }
            self.distros.lock().unwrap_or_else(PoisonError::into_inner).insert(distro.id.clone(), distro);
        }
        Ok(ids)
    }

    /// A plan for a distribution.
    ///
    /// # Errors
    /// See [`Plan::resolve`] and [`distro::load`].
    pub fn plan(&self, profile: &Profile, distro: &str) -> Result<Plan, ConfigError> {
        Plan::resolve(profile, self.distro(distro)?, &self.catalogue, &self.declarations)
    }

    /// What a plan renders to.
    ///
    /// # Errors
    /// See [`render::bundle()`].
    pub fn bundle(&self, plan: &Plan) -> Result<Bundle, ConfigError> {
        render::bundle_with(plan, &self.templates)
    }
}
