//! Putting files into a machine that runs: what its image carries besides what user-data made.

use super::seal::sudo;
use super::{Order, StockError};
use crate::vm::Vm;

/// SELinux labels are by the path, and not by the way that a file came there.
const RELABEL: &str = "! command -v restorecon >/dev/null || restorecon \"$@\"";

/// Puts the order's files in place, runs its commands, and starts its units.
///
/// # Errors
/// The machine refuses, or a command fails: in its words.
pub fn carry(vm: &Vm, order: &Order<'_>) -> Result<(), StockError> {
    for file in &order.carried.files {
        let mode = format!("{:04o}", file.mode);
        let install =
            ["install", "-D", "-m", &mode, "-o", &file.owner, "-g", &file.group, "/dev/stdin", &file.path];
        sudo(vm, &install, &file.content)?;
    }
    let paths: Vec<String> = order.carried.paths().collect();
    let relabel = ["sh", "-c", RELABEL, "sh"].into_iter().chain(paths.iter().map(String::as_str));
    sudo(vm, &relabel.collect::<Vec<_>>(), b"")?;
    for command in &order.carried.commands {
        sudo(vm, &command.iter().map(String::as_str).collect::<Vec<_>>(), b"")?;
    }
    // The machine is judged as it would be after another boot.
    for unit in &order.carried.enabled {
        sudo(vm, &["systemctl", "enable", "--now", "--quiet", unit], b"")?;
    }
    Ok(())
}
