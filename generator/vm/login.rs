//! Logins over SSH, as a user of the machine would make them.

use std::io::{self, Write};
use std::net::Ipv4Addr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use super::{KEY, Vm};
use crate::build::tools;
use crate::target::{Exec, Output};

impl Vm {
    /// Runs a program in the machine as the default user; `stdin` is what it reads.
    ///
    /// # Errors
    /// ssh can't be started. A refused login is no error: ssh's status is then 255.
    pub fn ssh(&self, argv: &[&str], stdin: &[u8]) -> io::Result<Output> {
        self.ssh_as(&self.options.user, &["-o", "PreferredAuthentications=publickey"], argv, stdin)
    }

    /// Runs ssh with more options, as any user. No password is ever asked for.
    ///
    /// # Errors
    /// As [`Vm::ssh`].
    pub fn ssh_as(&self, user: &str, options: &[&str], argv: &[&str], stdin: &[u8]) -> io::Result<Output> {
        let key = self.folder.path().join(KEY);
        let known_hosts = self.folder.path().join("known_hosts");
        let mut command = Command::new("timeout");
        command
            .args([
                "--kill-after=5",
                "600",
                tools::SSH.name,
                "-F",
                "/dev/null",
                "-T",
                "-p",
                &self.host_port.to_string(),
            ])
            .arg("-i")
            .arg(key)
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", known_hosts.display()))
            .args(["-o", "GlobalKnownHostsFile=/dev/null", "-o", "StrictHostKeyChecking=accept-new"])
            .args(["-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-o", "BatchMode=yes"])
            .args(["-o", "ConnectTimeout=30", "-o", "ServerAliveInterval=15"])
            .args(options)
            .arg(format!("{user}@{}", Ipv4Addr::LOCALHOST))
            .arg("--")
            .args(argv.iter().map(|word| quote(word)))
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let input = child.stdin.take();
        let output = std::thread::scope(|scope| {
            scope.spawn(|| {
                // A program that does not read to the end is no failure.
                input.map(|mut pipe| pipe.write_all(stdin));
            });
            child.wait_with_output()
        })?;
        Ok(Output {
            status: output.status.code().or(output.status.signal().map(|_| -1)).unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

/// Programs run as root, through the default user's sudo.
impl Exec for Vm {
    fn run(&self, argv: &[&str]) -> io::Result<Output> {
        self.ssh(&[&["sudo", "-n", "--"], argv].concat(), b"")
    }
}

/// A word that the login shell on the other side takes as it is.
fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}
