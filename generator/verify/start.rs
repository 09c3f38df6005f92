//! What a boot starts a daemon with: the unit that starts it is a fact of the release, its arguments are systemd's to say.
//!
//! Owns the way from the release's facts to a daemon's arguments. What an argument means is the daemon's reader's business.

use crate::effective::systemd::{Command, State};
use crate::location::Sourced;
use crate::target::{TargetError, display};

use super::Look;

/// The socket unit that listens in sshd's place; `None` where the release has none, or no boot starts it.
///
/// # Errors
/// In words: what can't be read.
pub fn ssh_socket<'p>(look: &Look<'p>) -> Result<Option<&'p str>, String> {
    let Some(socket) = look.plan.distro.units.get("ssh-socket") else { return Ok(None) };
    let state = look.systemd()?.state(socket).map_err(words)?;
    Ok((state.value == State::Enabled).then_some(socket.as_str()))
}

/// sshd's arguments, each with the line that gives it. A tree without a unit of sshd's says nothing of them.
///
/// # Errors
/// In words: what can't be read, and a unit that does not itself run the release's sshd.
pub fn sshd_arguments(look: &Look<'_>) -> Result<Vec<Sourced<String>>, String> {
    let (units, distro) = (look.systemd()?, &look.plan.distro);
    let by_socket = match ssh_socket(look)? {
        Some(socket) => units.activates(socket).map_err(words)?,
        None => None,
    };
    let own = distro.units.get("ssh").cloned();
    let Some(unit) = by_socket.or(own) else { return Ok(Vec::new()) };
    let commands = match units.commands(&unit).map_err(words)? {
        None => return Ok(Vec::new()),
        Some(Err(problem)) => {
            return Err(format!("{unit} does not start sshd: {}: {}", problem.at, problem.value));
        }
        Some(Ok(commands)) => commands,
    };
    let sshd = distro.path("ssh-server").map_err(|e| e.to_string())?;
    let program = real(look, sshd)?;
    for Command { program: found, arguments } in &commands {
        if real(look, &found.value)? == program {
            return Ok(arguments.clone());
        }
    }
    let Some(Command { program, .. }) = commands.first() else {
        return Err(format!("{unit} runs nothing"));
    };
    let runs = &program.value;
    Err(format!("{unit} runs {runs} and not {sshd} ({}): what sshd is started with is not known", program.at))
}

/// A program's path behind links.
fn real(look: &Look<'_>, program: &str) -> Result<String, String> {
    let found = look.root.resolve(program).map_err(words)?;
    Ok(found.map_or_else(|| display(program.as_bytes()), |found| display(&found.path)))
}

fn words(error: TargetError) -> String {
    error.to_string()
}
