//! `cloud-config`: a top-level key of cloud-init's own configuration.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::order::{Aspect, Direction, options};
use super::{Kind, Wanted, checks_of};
use crate::diagnostic::ConfigError;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// Where the rendered keys stand; sorts after every file that packages ship.
const PATH: &str = "/etc/cloud/cloud.cfg.d/99-ironseed.cfg";

/// A key of cloud-init's configuration and its value, in user-data and in the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CloudConfig {
    /// Top-level key.
    pub key: String,
    /// Its value.
    pub value: Value,
}

impl Kind for CloudConfig {
    const SUMMARY: &'static str = "a top-level key of cloud-init's configuration";
    const ORDER: Option<&'static str> =
        Some("a key that decides over logins or updates has its own scale; any other value is a change");

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        format!("{}: {}", self.key, self.value)
    }

    fn subject(&self) -> String {
        self.key.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let value = self.value.as_str().map_or_else(|| self.value.to_string(), str::to_owned);
        vec![Aspect::on("value", options::cloud_config(&self.key), &value)]
    }

    fn presence(&self) -> Direction {
        match options::cloud_config(&self.key) {
            Some(_) => Direction::Tighter,
            None => Direction::Unordered,
        }
    }

    fn render(all: &[Wanted<'_, Self>], _: &Context<'_>, bundle: &mut Bundle) -> Result<(), ConfigError> {
        let mut keys = serde_json::Map::new();
        for wanted in all {
            let CloudConfig { key, value } = wanted.setting;
            bundle.cloud(key, value.clone(), wanted.check)?;
            keys.insert(key.clone(), value.clone());
        }
        let content = format!("# Written by ironseed.\n{}", crate::yaml::write(&keys)?);
        bundle.write(BundleFile::config(PATH, content), &checks_of(all))?;
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        let config = match look.cloud_config() {
            Ok(config) => config,
            Err(why) => return vec![Observation::unobserved(plane, self.wanted(), why)],
        };
        if let Some(doubt) = &config.undecided {
            let why = format!("{}: {}", doubt.at, doubt.value);
            return vec![Observation::unobserved(plane, self.wanted(), why)];
        }
        let Some(found) = config.get(&self.key) else {
            let reason = "no file of cloud-init's configuration sets the key, so its default counts";
            return vec![Observation::fail(plane, "not set", self.wanted(), reason)];
        };
        let shown = format!("{}: {}", self.key, found.value);
        let reason = format!("{} decides and says otherwise", found.at);
        vec![
            Observation::judge(plane, found.value == self.value, shown, self.wanted(), reason)
                .at(found.at.clone()),
        ]
    }
}
