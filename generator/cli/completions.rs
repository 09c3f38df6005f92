//! `ironseed completions` and `ironseed man`: what a shell and `man` want to know of the command line.

use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use super::{Cli, Ended, Outcome, print};

/// Prints the completions of a shell
///
/// bash: `ironseed completions bash > /etc/bash_completion.d/ironseed`
#[derive(Args)]
pub struct Completions {
    /// Whose completions
    shell: Shell,
}

/// Prints the man page, or writes one of each verb into a directory
#[derive(Args)]
pub struct Man {
    /// Directory for `ironseed.1`, `ironseed-verify.1`, …
    directory: Option<PathBuf>,
}

impl Completions {
    pub fn run(self) -> Outcome {
        let mut out = Vec::new();
        clap_complete::generate(self.shell, &mut command(), "ironseed", &mut out);
        print(&String::from_utf8_lossy(&out))?;
        Ok(Ended::Fine)
    }
}

impl Man {
    pub fn run(self) -> Outcome {
        match self.directory {
            Some(directory) => {
                let name = || directory.display().to_string();
                std::fs::create_dir_all(&directory).with_context(name)?;
                clap_mangen::generate_to(command(), &directory).with_context(name)?;
            }
            None => {
                let mut out = Vec::new();
                clap_mangen::Man::new(command()).render(&mut out)?;
                print(&String::from_utf8_lossy(&out))?;
            }
        }
        Ok(Ended::Fine)
    }
}

/// The command line, without the verbs that are for ironseed itself.
fn command() -> Command {
    let whole = Cli::command();
    let about = whole.get_about().cloned().unwrap_or_default();
    Command::new("ironseed")
        .version(env!("CARGO_PKG_VERSION"))
        .about(about)
        .args(whole.get_arguments().cloned())
        .subcommands(whole.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned())
        .subcommand_required(true)
        .disable_help_subcommand(true)
}
