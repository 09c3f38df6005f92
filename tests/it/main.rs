//! Integration tests, in one binary: a file for each subject.

// Marked as tests, so that helpers may unwrap as tests do.
#[cfg(test)]
mod cli;
#[cfg(test)]
mod e2e;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod image;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod mutations;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod program;
#[cfg(test)]
mod publish;
#[cfg(test)]
mod stock;
#[cfg(test)]
mod tree;
#[cfg(test)]
mod user_data;
