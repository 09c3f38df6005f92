//! `pam-profile`: a block of modules in the stacks that all services share, as a profile of
//! `pam-auth-update(8)`: packages that bring profiles of their own leave it in place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Line, observe};
use crate::diagnostic::ConfigError;
use crate::distro::{Distro, PamBackend};
use crate::effective::pam::Facility;
use crate::observation::{Observation, Plane};
use crate::render::bundle::{BundleFile, Phase};
use crate::render::{Bundle, Context};
use crate::settings::order::Aspect;
use crate::settings::{Kind, Wanted, checks_of};
use crate::verify::Look;

/// A block of modules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PamProfile {
    /// Slug, part of the file's name.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Profiles of higher priority come first.
    pub priority: u16,
    /// Profile of a package that this one stands in for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
    /// Who somebody is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Block>,
    /// Whether the account may be used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Block>,
    /// Changing a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<Block>,
    /// What surrounds a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Block>,
}

/// Lines and their place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// Whether one success is enough, or every block is run.
    pub place: Place,
    /// The lines.
    pub lines: Vec<Line>,
}

/// Where a block stands in its stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Place {
    /// Among those of which one success is enough.
    Primary,
    /// Among those that all run afterwards.
    Additional,
}

#[derive(Serialize)]
struct Template {
    profile: String,
    title: String,
    priority: u16,
    replaces: Option<String>,
    blocks: Vec<TemplateBlock>,
}

#[derive(Serialize)]
struct TemplateBlock {
    facility: &'static str,
    place: Place,
    lines: Vec<String>,
}

impl PamProfile {
    fn blocks(&self) -> impl Iterator<Item = (Facility, &Block)> {
        [
            (Facility::Auth, &self.auth),
            (Facility::Account, &self.account),
            (Facility::Password, &self.password),
            (Facility::Session, &self.session),
        ]
        .into_iter()
        .filter_map(|(facility, block)| Some((facility, block.as_ref()?)))
    }

    fn file_name(&self) -> String {
        format!("ironseed-{}", self.name)
    }
}

/// The name that `pam-auth-update` takes for a facility.
fn title(facility: Facility) -> &'static str {
    match facility {
        Facility::Auth => "Auth",
        Facility::Account => "Account",
        Facility::Password => "Password",
        Facility::Session => "Session",
    }
}

/// The stack of a facility that the services include.
fn shared(facility: Facility) -> &'static str {
    match facility {
        Facility::Auth => "common-auth",
        Facility::Account => "common-account",
        Facility::Password => "common-password",
        Facility::Session => "common-session",
    }
}

impl Kind for PamProfile {
    const SUMMARY: &'static str = "a block of modules in the PAM stacks that all services share";
    const ORDER: Option<&'static str> = None;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn not_applicable(&self, distro: &Distro) -> Option<String> {
        (distro.backends.pam != PamBackend::PamAuthUpdate)
            .then(|| format!("{} makes its stacks with {}", distro.title, distro.backends.pam.program()))
    }

    fn wanted(&self) -> String {
        format!("PAM runs: {}", self.title)
    }

    fn subject(&self) -> String {
        self.name.clone()
    }

    fn aspects(&self) -> Vec<Aspect> {
        let blocks = [
            ("auth", &self.auth),
            ("account", &self.account),
            ("password", &self.password),
            ("session", &self.session),
        ];
        let shown = |block: &Block| {
            let lines: Vec<String> = block.lines.iter().map(Line::to_string).collect();
            format!("{:?}: {}", block.place, lines.join("; "))
        };
        let blocks = blocks.into_iter().filter_map(|(name, b)| Some(Aspect::plain(name, shown(b.as_ref()?))));
        let own = [
            Aspect::plain("title", &self.title),
            Aspect::plain("priority", self.priority),
            Aspect::plain("replaces", self.replaces.as_deref().unwrap_or_default()),
        ];
        blocks.chain(own).collect()
    }

    fn render(
        all: &[Wanted<'_, Self>],
        context: &Context<'_>,
        bundle: &mut Bundle,
    ) -> Result<(), ConfigError> {
        let mut enable = vec!["pam-auth-update".to_owned(), "--enable".to_owned()];
        let checks = checks_of(all);
        for wanted in all {
            let setting = wanted.setting;
            let block = |(facility, block): (Facility, &Block)| TemplateBlock {
                facility: title(facility),
                place: block.place,
                lines: block.lines.iter().map(Line::to_string).collect(),
            };
            let values = Template {
                profile: context.plan.profile.clone(),
                title: setting.title.clone(),
                priority: setting.priority,
                replaces: setting.replaces.clone(),
                blocks: setting.blocks().map(block).collect(),
            };
            let content = context.templates.render("pam-profile", values)?;
            let path = format!("/usr/share/pam-configs/{}", setting.file_name());
            bundle.write(BundleFile::config(path, content), &[wanted.check])?;
            if let Some(replaced) = &setting.replaces {
                let purpose = format!("take PAM's profile {replaced} out");
                bundle.run(Phase::Configure, &["pam-auth-update", "--disable", replaced], &purpose, &checks);
            }
            enable.push(setting.file_name());
        }
        let argv: Vec<&str> = enable.iter().map(String::as_str).collect();
        bundle.run(Phase::Configure, &argv, "put the PAM profiles in", &checks);
        Ok(())
    }

    fn observe(&self, look: &Look<'_>, _: Plane) -> Vec<Observation> {
        self.blocks()
            .map(|(facility, block)| observe(look, shared(facility), facility, &block.lines, None))
            .collect()
    }
}
