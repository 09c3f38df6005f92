//! Integration tests, in one binary: a file for each subject.

mod stock;
