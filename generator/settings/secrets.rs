//! `secrets`: the image holds no key, token or password.
//!
//! Every byte of every file is scanned. What a package of the distribution ships unchanged is
//! public, and no finding.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use super::order::Aspect;
use crate::location::Location;
use crate::observation::{Observation, Plane};
use crate::verify::{Look, Nature};

/// No secret in any file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secrets {}

/// Findings listed one by one.
const MAX_LISTED: usize = 50;

impl Kind for Secrets {
    const SUMMARY: &'static str = "no key, token or password in any byte of the image";
    const ORDER: Option<&'static str> = None;
    const OBSERVES_ONLY: bool = true;

    fn planes(&self) -> &'static [Plane] {
        &[Plane::Configured]
    }

    fn wanted(&self) -> String {
        "no private key, token, password hash or authorized key".into()
    }

    fn subject(&self) -> String {
        String::new()
    }

    fn aspects(&self) -> Vec<Aspect> {
        Vec::new()
    }

    fn observe(&self, look: &Look<'_>, plane: Plane) -> Vec<Observation> {
        if look.nature == Nature::Instance {
            let reason = "this is a running instance, which has keys of its own; images are scanned";
            return vec![Observation::not_applicable(plane, self.wanted(), reason)];
        }
        let scan = match look.scan() {
            Ok(scan) => scan,
            Err(why) => return vec![Observation::error(plane, self.wanted(), why)],
        };
        let mut seen: Vec<Observation> = Vec::new();
        for unread in &scan.unread {
            seen.push(Observation::error(plane, self.wanted(), unread.value.clone()).at(unread.at.clone()));
        }
        for secret in scan.secrets.iter().take(MAX_LISTED) {
            let reason = "everybody who can start the image knows it";
            let found = secret.value.clone();
            seen.push(Observation::fail(plane, found, self.wanted(), reason).at(secret.at.clone()));
        }
        if scan.secrets.len() > MAX_LISTED {
            let found = format!("{} more", scan.secrets.len() - MAX_LISTED);
            seen.push(Observation::fail(plane, found, self.wanted(), "too many to list"));
        }
        if seen.is_empty() {
            let found = format!("{} files, {} bytes: none", scan.files, scan.bytes);
            seen.push(Observation::pass(plane, found, self.wanted()).at(Location::file("/")));
        }
        seen
    }
}
