//! Machines that are reached over SSH: nothing is installed there, nothing stays there.
//!
//! Owns how a machine is named, reached and asked, and what its refusals mean. Must not know what is
//! wanted of it. The `ssh` program does the connecting, with the user's own configuration: keys, agents, jump hosts and known hosts are its
//! business. No password is ever asked for.

mod address;
mod fleet;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};

pub use address::{Address, hosts};
pub use fleet::each;

use crate::effective::os_release::{self, OsRelease};
use crate::plan::Plan;
use crate::target::{self, Output};
use crate::verify::Seen;

/// What runs on the machine.
const SCRIPT: &str = include_str!("observe.sh");
/// The line that the answer comes after.
const MARK: &str = "ironseed-observed\n";
/// Where a system says what it is; the first that can be read.
const OS_RELEASE: &str = "cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release";

/// How machines are reached.
#[derive(Clone, Debug)]
pub struct Access {
    /// Arguments to `ssh` before the host (`-i FILE`, `-o NAME=VALUE`).
    pub arguments: Vec<String>,
    /// Until a connection must stand.
    pub connecting: Duration,
    /// Until a machine must have answered.
    pub limit: Duration,
}

impl Access {
    /// What a machine says it is.
    ///
    /// # Errors
    /// Why it can't be asked, in one line.
    pub fn os_release(&self, address: &Address) -> anyhow::Result<OsRelease> {
        let output = self.run(address, OS_RELEASE, b"")?;
        if output.status != 0 {
            return Err(anyhow!("{}", self.refusal(address, &output)));
        }
        Ok(os_release::parse(&output.stdout, "/etc/os-release"))
    }

    /// Everything that a copy of this program sees of a plan on a machine, in its files and running.
    ///
    /// # Errors
    /// Why it could not look, in one line.
    pub fn look(&self, address: &Address, plan: &Plan) -> anyhow::Result<Vec<Seen>> {
        let mut input = Vec::new();
        File::open("/proc/self/exe")
            .and_then(|mut file| file.read_to_end(&mut input))
            .context("reading this program")?;
        let command = format!("sh -c {} sh {}", quote(SCRIPT), input.len());
        input.extend(serde_json::to_vec(plan)?);
        let output = self.run(address, &command, &input)?;
        let answer = output.stdout.split_once(MARK).map(|(_, answer)| answer);
        match answer {
            Some(answer) if output.status == 0 => {
                serde_json::from_str(answer).with_context(|| format!("{address} answered something else"))
            }
            _ => bail!("{}", self.refusal(address, &output)),
        }
    }

    /// Runs a line of the login shell.
    fn run(&self, address: &Address, line: &str, stdin: &[u8]) -> anyhow::Result<Output> {
        let seconds = self.connecting.as_secs().max(1);
        let mut command = Command::new("ssh");
        command
            .args(["-T", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", "-o"])
            .arg(format!("ConnectTimeout={seconds}"))
            .args(&self.arguments)
            .args(address.arguments())
            .args(["--", address.host(), line]);
        target::run_within(command, stdin, self.limit).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => anyhow!("ssh can't be run; install openssh-client"),
            io::ErrorKind::TimedOut => {
                anyhow!("{address} did not answer in {} seconds (--timeout)", self.limit.as_secs())
            }
            _ => anyhow!("{address}: running ssh: {error}"),
        })
    }

    /// What a machine's refusal means, and what to do.
    fn refusal(&self, address: &Address, output: &Output) -> String {
        let said = output.stderr.trim();
        let last = said.lines().last().unwrap_or_default();
        match output.status {
            71 => format!(
                "{address}: its user is not root and has no sudo without a password; most of the checks need it"
            ),
            72 => format!(
                "{address}: there is no place to run a program in: /var/tmp, the home, /dev/shm and /tmp are read-only or noexec"
            ),
            73 => format!("{address}: the copy of this program did not arrive whole; is the disk full?"),
            255 => format!("{address}: {}", connection(said, last)),
            _ if said.contains("Exec format error") => {
                format!("{address}: this program is built for another processor")
            }
            126 | 127 => format!("{address}: {}", foreign(last)),
            _ if said.contains("GLIBC_") || said.contains("unable to execute") => {
                format!("{address}: {}", foreign(last))
            }
            status => format!("{address}: ended with status {status}: {last}"),
        }
    }
}

/// The copy needs libraries that the machine hasn't.
fn foreign(last: &str) -> String {
    format!(
        "the copy of this program does not run there; `make release` builds one that needs no libraries ({last})"
    )
}

/// What ssh's own words mean.
fn connection(said: &str, last: &str) -> String {
    let hints = [
        ("Permission denied", "the login was refused: is it the right user, and is the key there?"),
        ("Connection refused", "nothing listens on that port"),
        ("timed out", "no answer: is the port open in the firewall and in the security group?"),
        ("No route to host", "there is no way to it"),
        ("Could not resolve", "the name is not known"),
        (
            "HOST IDENTIFICATION HAS CHANGED",
            "its host key is not the one that is known; do not trust it until you know why",
        ),
        (
            "Host key verification failed",
            "its host key is not known: log in once by hand, or add it to known_hosts",
        ),
    ];
    match hints.iter().find(|(word, _)| said.contains(word)) {
        Some((_, hint)) => format!("{hint} ({last})"),
        None if last.is_empty() => "the connection ended without a word".to_owned(),
        None => last.to_owned(),
    }
}

/// A word that the login shell on the other side takes as it is.
pub fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// The `-i` of each key file and the `-o` of each option.
pub fn ssh_arguments(identities: &[PathBuf], options: &[String]) -> Vec<String> {
    let keys = identities.iter().flat_map(|path| ["-i".to_owned(), path.display().to_string()]);
    keys.chain(options.iter().flat_map(|option| ["-o".to_owned(), option.clone()])).collect()
}
