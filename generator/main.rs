//! The `ironseed` command: reads the arguments, runs one verb, turns its end into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ironseed::cli::main()
}
