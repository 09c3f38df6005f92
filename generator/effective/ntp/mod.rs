//! The time daemons of a target: who can reach them, and whether they list their clients to strangers
//! (monlist and its successors, which amplify an attack).

mod chrony;
mod ntpd;
mod openntpd;

use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// A time daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeServer {
    /// The program and who can reach it.
    pub server: Server,
    /// Whether others may ask for the list of its clients, and the line that decides it.
    pub monlist_possible: Sourced<bool>,
}

/// systemd-timesyncd: a client that opens no port for others.
const TIMESYNCD: &str = "/usr/lib/systemd/systemd-timesyncd";

/// Reads every time daemon; empty where none is installed.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Vec<TimeServer>> {
    let mut servers = Vec::new();
    if root.exists(TIMESYNCD)? {
        servers.push(TimeServer {
            server: Server::new("systemd-timesyncd", Reach::None, Location::file(TIMESYNCD)),
            monlist_possible: Sourced::new(false, Location::file(TIMESYNCD)),
        });
    }
    servers.extend(chrony::read(root)?);
    servers.extend(ntpd::read(root)?);
    Ok(servers)
}

#[cfg(test)]
mod tests;
