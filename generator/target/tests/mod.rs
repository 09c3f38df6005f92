//! The same files as a directory, an archive and disk images; and everything that may be wrong
//! with them. The kernel's own view of a directory is what all readers are held against.

mod archives;
mod assembled;
mod damaged;
mod fixtures;
mod hostile;
mod kernel;
mod links;
mod same;
