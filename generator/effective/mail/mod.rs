//! The mail transfer agents of a target, and whether they take mail from the network.
//!
//! A program counts as installed where its binary is. How mail is routed is not read.

mod exim;
mod postfix;

use crate::effective::reach::{Reach, Server};
use crate::location::Location;
use crate::target::{Result, Root};

/// Servers whose configuration is not read here: program and binary.
const UNREAD: [(&str, &str); 5] = [
    ("sendmail", "/usr/lib/sm.bin/sendmail"),
    ("opensmtpd", "/usr/sbin/smtpd"),
    ("citadel", "/usr/sbin/citserver"),
    ("courier", "/usr/sbin/courier"),
    ("qmail", "/var/qmail/bin/qmail-smtpd"),
];

/// Programs that only send: program and binary.
const SEND_ONLY: [(&str, &str); 4] = [
    ("nullmailer", "/usr/sbin/nullmailer-send"),
    ("msmtp", "/usr/bin/msmtp"),
    ("ssmtp", "/usr/sbin/ssmtp"),
    ("dma", "/usr/sbin/dma"),
];

/// Reads every mail program; empty where none is installed.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Vec<Server>> {
    let mut servers = Vec::new();
    servers.extend(postfix::read(root)?);
    servers.extend(exim::read(root)?);
    for (program, binary) in UNREAD {
        if root.exists(binary)? {
            let why = format!("the configuration of {program} is not read");
            servers.push(Server::new(program, Reach::Unknown(why), Location::file(binary)));
        }
    }
    for (program, binary) in SEND_ONLY {
        if root.exists(binary)? {
            servers.push(Server::new(program, Reach::None, Location::file(binary)));
        }
    }
    let sendmail = "/usr/sbin/sendmail";
    if servers.is_empty() && root.exists(sendmail)? {
        let why = "a program that is not known here provides it".to_owned();
        servers.push(Server::new("sendmail", Reach::Unknown(why), Location::file(sendmail)));
    }
    Ok(servers)
}

#[cfg(test)]
mod tests;
