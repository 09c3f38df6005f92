//! Integration tests, in one binary: a file for each subject.

mod image;
mod mutations;
mod plans;
mod stock;
mod tree;
