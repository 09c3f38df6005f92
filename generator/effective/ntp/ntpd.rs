//! The daemons called `ntpd` that read `ntp.conf`: NTPsec, and the reference implementation.
//!
//! What NTPsec 1.2.2 does is what is followed. The reference implementation has the same language and the same rules,
//! but for what [`Dialect`] says.

mod access;
mod commands;
mod interfaces;

use self::access::Access;
use self::commands::Commands;
use super::{TimeServer, openntpd};
use crate::effective::reach::{Reach, Server};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const BINARY: &str = "/usr/sbin/ntpd";

/// In what the two differ. Whose daemon it is shows in where its configuration is.
struct Dialect {
    program: &'static str,
    file: &'static str,
    /// Files whose names end in `.conf` are read there after the file.
    folder: Option<&'static str>,
    /// The flags of `restrict default` before any command.
    default_flags: &'static [&'static str],
    /// What `enable` and `disable` know.
    options: &'static [&'static str],
}

const NTPSEC: Dialect = Dialect {
    program: "ntpsec",
    file: "/etc/ntpsec/ntp.conf",
    folder: Some("/etc/ntpsec/ntp.d"),
    default_flags: &["noquery", "limited"],
    options: &["calibrate", "kernel", "monitor", "ntp", "stats"],
};
const NTP: Dialect = Dialect {
    program: "ntp",
    file: "/etc/ntp.conf",
    folder: None,
    default_flags: &[],
    options: &["auth", "bclient", "calibrate", "kernel", "mode7", "monitor", "ntp", "stats"],
};

pub fn read(root: Root<'_>) -> Result<Option<TimeServer>> {
    if !root.exists(BINARY)? {
        return Ok(None);
    }
    for dialect in [&NTPSEC, &NTP] {
        if root.exists(dialect.file)? {
            return Ok(Some(server(root, dialect)?));
        }
    }
    if let Some(server) = openntpd::read(root)? {
        return Ok(Some(server));
    }
    let at = Location::file(BINARY);
    let why = "no configuration of ntpd is where it's looked for".to_owned();
    let server = Server::new("ntpd", Reach::Unknown(why), at.clone());
    Ok(Some(TimeServer { server, monlist_possible: Sourced::new(true, at) }))
}

fn server(root: Root<'_>, dialect: &Dialect) -> Result<TimeServer> {
    let file = Location::file(dialect.file);
    Ok(match access(root, dialect)? {
        Ok(access) => TimeServer {
            server: Server { program: dialect.program, reach: access.reach(&file) },
            monlist_possible: access.monlist(&file),
        },
        Err(at) => TimeServer {
            server: Server::refused(dialect.program, at.clone()),
            monlist_possible: Sourced::new(false, at),
        },
    })
}

/// All that the files say of access; or the place at which ntpd gives up.
fn access(root: Root<'_>, dialect: &Dialect) -> Result<std::result::Result<Access, Location>> {
    let mut access = Access::new(dialect, &Location::file(dialect.file));
    let mut commands = Commands::of(root, dialect.file, dialect.folder)?;
    while let Some((words, at)) = commands.next()? {
        access.apply(dialect, &words, &at);
    }
    Ok(commands.refused().map_or(Ok(access), Err))
}

#[cfg(test)]
mod tests;
