//! Mutants of everything that is no line of a rendered file.

use ironseed::render::Bundle;

use super::base::Base;
use super::mutant::Mutant;

/// Every mutant of every setting, by its kind.
pub fn mutants(_base: &Base, _bundle: &Bundle) -> Vec<Mutant> {
    Vec::new()
}
