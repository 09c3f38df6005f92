//! The `ironseed` command.

fn main() {}
