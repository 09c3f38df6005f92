//! `announcements`: somebody reads the security announcements. A human duty: the image states
//! it, and the report says attested, never observed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::order::{Aspect, Direction};
use super::{Kind, Wanted};
use crate::diagnostic::ConfigError;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::render::bundle::BundleFile;
use crate::render::{Bundle, Context};
use crate::verify::Look;

/// Where the machine states the duty.
const PATH: &str = "/usr/share/ironseed/security-announcements.md";

/// A list of announcements and who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Announcements {
    /// The list; empty for the distribution's own.
    pub list: String,
    /// Who reads it.
    pub contact: String,
}

#[derive(Serialize)]
struct Statement {
    list: String,
    contact: String,
}

impl Announcements {
    fn list<'a>(&'a self, distribution: &'a str) -> &'a str {
        if self.list.is_empty() { distribution } else { &self.list }
    }
}

impl Kind for Announcements {
    const SUMMARY: &'static str = "who reads which security announcements: stated, never observed";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        let list = self.list("the distribution's announcements");
        let contact = if self.contact.is_empty() { "somebody named in the profile" } else { &self.contact };
        format!("{contact} reads {list}")
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        vec![Aspect::plain("list", &self.list), Aspect::plain("contact", &self.contact)]
    }

    fn presence(&self) -> Direction {
        Direction::Unordered
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        for wanted in all {
            let statement = Statement {
                list: wanted.setting.list(&context.plan.distro.announcements).to_owned(),
                contact: wanted.setting.contact.clone(),
            };
            let text = context.templates.render("announcements.md", statement)?;
            bundle.write(BundleFile::config(PATH, text), &[wanted.check])?;
        }
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        if self.contact.is_empty() {
            let reason = "the profile names nobody: set announcements_contact";
            return vec![Observation::fail(plane, "no contact", self.wanted(), reason)];
        }
        let text = match look.root.read_text(PATH) {
            Ok(text) => text,
            Err(error) => return vec![Observation::error(plane, self.wanted(), error.to_string())],
        };
        let list = self.list(&look.plan.distro.announcements);
        let states = |text: &String| text.contains(list) && text.contains(&self.contact);
        let at = Location::file(PATH);
        vec![match text {
            Some(text) if states(&text) => {
                let reason =
                    "a human duty: the image names list and contact; that they read it can't be observed";
                Observation::attested(plane, format!("{} reads {list}", self.contact), self.wanted(), reason)
                    .at(at)
            }
            Some(_) => {
                let reason = "the file names another list or contact than the profile";
                Observation::fail(plane, "another list or contact", self.wanted(), reason).at(at)
            }
            None => {
                let reason = "the image does not say who reads the announcements";
                Observation::fail(plane, "no such file", self.wanted(), reason).at(at)
            }
        }]
    }
}
