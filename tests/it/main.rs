//! Integration tests, in one binary: a file for each subject.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails by that")]

mod cli;
mod e2e;
mod fuzz;
mod gallery;
mod hostile;
mod image;
mod laws;
mod lifecycle;
mod mutations;
mod names;
mod pages;
mod plans;
mod program;
mod programs;
mod publish;
mod rpm_tree;
mod schemas;
mod sensitivity;
mod stock;
mod tree;
mod trees;
mod user_data;
