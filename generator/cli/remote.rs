//! How machines behind SSH are named and reached, for the verbs that look at them.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;

use crate::remote::{self, Access, Address};

/// Machines behind SSH
#[derive(Args)]
pub struct RemoteArgs {
    /// Look at the machines of this file as well, one `user@host:port` to a line
    #[arg(long, value_name = "FILE", help_heading = "Machines behind SSH")]
    hosts: Option<PathBuf>,
    /// Look at so many machines at a time
    #[arg(long, value_name = "N", default_value_t = 8, help_heading = "Machines behind SSH")]
    jobs: usize,
    /// Give a machine up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 600, help_heading = "Machines behind SSH")]
    timeout: u64,
    /// Log in with this key, as `ssh -i`; repeatable
    #[arg(long, value_name = "FILE", help_heading = "Machines behind SSH")]
    identity: Vec<PathBuf>,
    /// An option for ssh, as `ssh -o` takes it; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Machines behind SSH")]
    ssh_option: Vec<String>,
}

impl RemoteArgs {
    /// The machines of `--hosts`.
    pub fn hosts(&self) -> anyhow::Result<Vec<Address>> {
        self.hosts.as_deref().map_or(Ok(Vec::new()), remote::hosts)
    }

    /// Looks at each machine, several at a time, and says on stderr how far that is.
    pub fn each<T: Send>(
        &self,
        machines: &[Address],
        look: impl Fn(&Access, &Address) -> anyhow::Result<T> + Sync,
    ) -> Vec<anyhow::Result<T>> {
        let limit = Duration::from_secs(self.timeout.max(1));
        let access = Access {
            arguments: remote::ssh_arguments(&self.identity, &self.ssh_option),
            connecting: limit.min(Duration::from_secs(30)),
            limit,
        };
        let done = AtomicUsize::new(0);
        let say = |machine: &Address, result: &anyhow::Result<T>| {
            let count = done.fetch_add(1, Ordering::SeqCst) + 1;
            let word = if result.is_ok() { "looked at" } else { "FAILED" };
            anstream::eprintln!("[{count}/{}] {word} {machine}", machines.len());
        };
        remote::each(machines, self.jobs, |machine| look(&access, machine), say)
    }
}
