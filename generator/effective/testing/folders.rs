//! A program that looks for its configuration in this machine's `/etc`, `/run`, `/usr/local/lib` and `/usr/lib`, run on
//! the same folders of a made tree.

use std::path::Path;
use std::process::Command;

use super::{Dialogue, MemoryTree, skip};

/// Each line names a tree; the answer is what `answer()` returns, which the caller's code defines.
const SCRIPT: &str = r#"
import os, shutil, subprocess, sys
def mount(*arguments): subprocess.run(("mount",) + arguments, check=True)
mount("-t", "tmpfs", "none", "/run")
mount("-t", "tmpfs", "none", "/usr/local")
folders = [top + "/" + sys.argv[1] for top in ("/etc", "/run", "/usr/local/lib", "/usr/lib")]
for folder in folders:
    os.makedirs(folder, exist_ok=True)
    mount("-t", "tmpfs", "none", folder)
exec(sys.argv[2])
for line in sys.stdin:
    tree = line.rstrip("\n")
    for folder in folders:
        for entry in os.scandir(folder):
            shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
        if os.path.isdir(tree + folder):
            shutil.copytree(tree + folder, folder, symlinks=True, dirs_exist_ok=True)
    print(answer(), flush=True)
"#;

/// The program in a namespace of its own, where a tree's folders take the machine's place.
pub struct Folders(Dialogue);

impl Folders {
    /// `name` is the folder's name in each of the four, such as `sysctl.d`; `python` defines `answer()`, which runs the
    /// program and returns one line, with `arguments` in `sys.argv[3:]`. `None`, said as a skipped test, where the
    /// program or namespaces are missing.
    pub fn start(program: &str, name: &str, python: &str, arguments: &[&str]) -> Option<Self> {
        let namespaces = Command::new("unshare").args(["-rm", "true"]).output();
        let exists = |top: &str| Path::new(top).join(name).is_dir();
        if !Path::new(program).exists() || !exists("/etc") || !exists("/usr/lib") {
            skip(format_args!("{program} or its folders are missing"));
            return None;
        }
        if !namespaces.is_ok_and(|out| out.status.success()) {
            skip("there are no namespaces");
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(["-rm", "python3", "-c", SCRIPT, name, python]).args(arguments);
        Some(Self(Dialogue::start(&mut command)))
    }

    /// The answer to a tree.
    pub fn ask(&mut self, tree: &MemoryTree) -> String {
        let disk = tree.on_disk();
        self.0.ask(&disk.path().to_string_lossy())
    }
}
