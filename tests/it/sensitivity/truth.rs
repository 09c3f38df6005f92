//! The answers of [`super::format`], held against the programs themselves.
