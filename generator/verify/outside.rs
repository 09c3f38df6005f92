//! What somebody outside a booted machine gets to see: who may log in how, which ports answer.
//!
//! Every answer is the machine's own. "Refused" and "could not ask" are kept apart: only the first
//! speaks for the machine. Must not know what a profile wants.

use std::io;

use serde::{Deserialize, Serialize};

use crate::target::Output;
use crate::vm::{Scan, ScanError, Vm};

/// The answer to one way of logging in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "answer", content = "said")]
pub enum Probe {
    /// The server lets it in, or offers it; with its words.
    Accepted(String),
    /// The server refuses it; with its words.
    Refused(String),
    /// The server was not reached, or did not get to an answer: with the reason.
    Unknown(String),
}

/// What was seen from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outside {
    /// Login of the default user with the authorised key.
    pub key_login: Probe,
    /// Login of the default user with a password.
    pub password: Probe,
    /// Login of the default user by questions and answers, as PAM asks them.
    pub keyboard_interactive: Probe,
    /// Login of root, with the same key or in any other way.
    pub root_login: Probe,
    /// TCP ports that accept a connection over IPv4 or IPv6, in order.
    pub open_ports: Vec<u16>,
    /// How many ports were tried, in each family.
    pub probed_ports: u32,
    /// Whether the machine has IPv6, and was tried over it.
    pub ipv6: bool,
}

/// Why nothing was seen.
#[derive(Debug, thiserror::Error)]
pub enum OutsideError {
    /// ssh could not be started.
    #[error("running ssh: {0}")]
    Ssh(#[from] io::Error),
    /// The ports could not be tried.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// Looks at a machine from outside.
///
/// Do this last: a server or its guard may lock the prober out for what it tried.
///
/// # Errors
/// Programs or the machine's network fail; a refusal is no error.
pub fn probe(vm: &Vm) -> Result<Outside, OutsideError> {
    let key_login = authenticated(&vm.ssh_as(&vm.options().user, &["-v"], &["true"], b"")?);
    let Scan { mut ipv4, ipv6, probed } = vm.scan()?;
    let has_ipv6 = ipv6.is_some();
    ipv4.extend(ipv6.unwrap_or_default());
    ipv4.sort_unstable();
    ipv4.dedup();
    // Method `none` makes the server say which methods it goes on with, for this very user.
    let none = ["-v", "-o", "PreferredAuthentications=none"];
    let user = vm.ssh_as(&vm.options().user, &none, &["true"], b"")?;
    let root = vm.ssh_as("root", &["-v", "-o", "PreferredAuthentications=publickey"], &["true"], b"")?;
    Ok(Outside {
        key_login,
        password: offered(&user, "password"),
        keyboard_interactive: offered(&user, "keyboard-interactive"),
        root_login: authenticated(&root),
        open_ports: ipv4,
        probed_ports: probed,
        ipv6: has_ipv6,
    })
}

/// Whether the server let somebody in, whatever happened then: a forced command that says "log in as
/// another user" is a login too.
fn authenticated(output: &Output) -> Probe {
    let line = |part: &str| {
        output.stderr.lines().find(|line| line.contains(part)).map(|line| line.trim().to_owned())
    };
    if let Some(said) = line("Authenticated to ") {
        return Probe::Accepted(said);
    }
    match line("Permission denied") {
        Some(said) => Probe::Refused(said),
        None => Probe::Unknown(last_line(output)),
    }
}

/// Whether the server offers a method. No login at all is also none that needs no password.
fn offered(output: &Output, method: &str) -> Probe {
    const OFFER: &str = "Authentications that can continue: ";
    if let Some(Probe::Accepted(said)) =
        Some(authenticated(output)).filter(|probe| matches!(probe, Probe::Accepted(_)))
    {
        return Probe::Accepted(format!("without any proof: {said}"));
    }
    match output.stderr.lines().find_map(|line| Some(line.split_once(OFFER)?.1.trim())) {
        Some(methods) if methods.split(',').any(|offered| offered == method) => {
            Probe::Accepted(format!("{OFFER}{methods}"))
        }
        Some(methods) => Probe::Refused(format!("{OFFER}{methods}")),
        None => Probe::Unknown(last_line(output)),
    }
}

fn last_line(output: &Output) -> String {
    output.stderr.lines().last().unwrap_or("ssh said nothing").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(stderr: &str) -> Output {
        Output { status: 255, stdout: String::new(), stderr: stderr.to_owned() }
    }

    #[test]
    fn an_offer_a_refusal_and_no_answer_are_three_things() {
        let offer = said(
            "debug1: Authentications that can continue: publickey,password\nu@h: Permission denied (publickey,password).",
        );
        assert!(matches!(offered(&offer, "password"), Probe::Accepted(_)));
        assert!(matches!(offered(&offer, "keyboard-interactive"), Probe::Refused(_)));
        assert!(matches!(authenticated(&offer), Probe::Refused(_)));
        let broken = said("kex_exchange_identification: read: Connection reset by peer");
        assert!(matches!(offered(&broken, "password"), Probe::Unknown(_)));
        assert!(matches!(authenticated(&broken), Probe::Unknown(_)));
        let forced = said(
            "Authenticated to 127.0.0.1 ([127.0.0.1]:1) using \"publickey\".\nPlease login as the user \"debian\"",
        );
        assert!(matches!(authenticated(&forced), Probe::Accepted(_)));
        assert!(matches!(offered(&forced, "password"), Probe::Accepted(_)));
    }
}
