//! `ironseed schema`: the JSON Schemas of the files that people write and programs read.

use clap::{Args, ValueEnum};

use super::{Ended, Outcome, print, print_json};
use crate::assets::Assets;
use crate::schema::{self, Name};

/// Prints the JSON Schema of a kind of files, for editors and programs; without a name, the names there are
#[derive(Args)]
pub struct SchemaVerb {
    /// Whose schema
    name: Option<Name>,
}

impl SchemaVerb {
    pub fn run(self, assets: &Assets) -> Outcome {
        match self.name {
            Some(name) => print_json(&schema::of(name, assets)?)?,
            None => print(&names())?,
        }
        Ok(Ended::Fine)
    }
}

/// The names and what they are for.
fn names() -> String {
    let values = Name::value_variants().iter().filter_map(ValueEnum::to_possible_value);
    let help = |v: &clap::builder::PossibleValue| v.get_help().map(ToString::to_string).unwrap_or_default();
    values.map(|v| format!("{:<12}{}\n", v.get_name(), help(&v))).collect()
}
