//! Integration tests, in one binary: a file for each subject.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails by that")]

mod attest;
mod browser;
mod carried;
mod cli;
mod completions;
mod crypto_policy;
mod diff;
mod e2e;
mod evidence;
mod foreign_schemas;
mod fuzz;
mod gallery;
mod glance;
mod hostile;
mod image;
mod integrations;
mod laws;
mod lifecycle;
mod lint;
mod mutations;
mod names;
mod pages;
mod passing;
mod plans;
mod program;
mod programs;
mod proxy;
mod publish;
mod reports;
mod rpm_tree;
mod sarif;
mod sbom;
mod schemas;
mod sensitivity;
mod ssh;
mod stock;
mod stock_refused;
mod tree;
mod trees;
mod triage;
mod user_data;
