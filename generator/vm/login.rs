//! Logins over SSH, as a user of the machine would make them.

use std::io;
use std::net::Ipv4Addr;
use std::process::Command;
use std::time::Duration;

use super::Vm;
use crate::build::tools;
use crate::remote::quote;
use crate::target::{Exec, Output, run_within};

/// How long one command may take.
const LIMIT: Duration = Duration::from_secs(600);

impl Vm {
    /// Runs a program in the machine as the default user; `stdin` is what it reads.
    ///
    /// # Errors
    /// ssh can't be started, or takes too long. A refused login is no error: ssh's status is then 255.
    pub fn ssh(&self, argv: &[&str], stdin: &[u8]) -> io::Result<Output> {
        self.ssh_as(&self.options.user, &["-o", "PreferredAuthentications=publickey"], argv, stdin)
    }

    /// Runs ssh with more options, as any user. No password is ever asked for.
    ///
    /// # Errors
    /// As [`Vm::ssh`].
    pub fn ssh_as(&self, user: &str, options: &[&str], argv: &[&str], stdin: &[u8]) -> io::Result<Output> {
        let (key, port) = self.door();
        let known_hosts = self.folder.path().join("known_hosts");
        let mut command = Command::new(tools::SSH.name);
        command
            .args(["-F", "/dev/null", "-T", "-p", &port.to_string()])
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
            .env_remove("SSH_AUTH_SOCK");
        run_within(command, stdin, LIMIT)
    }
}

/// Programs run as root, through the default user's sudo.
impl Exec for Vm {
    fn run(&self, argv: &[&str]) -> io::Result<Output> {
        self.ssh(&[&["sudo", "-n", "--"], argv].concat(), b"")
    }
}
