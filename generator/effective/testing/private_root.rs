//! A Python program in a root of its own, for libraries that read fixed paths.

use std::process::Command;

use super::{Dialogue, program, skip};

/// Makes the root: links to the machine's, but for the paths that are the program's own. The
/// program calls `bring(tree)` to put a tree's files there.
const PRELUDE: &str = r#"
import os, shutil, sys
own = sys.argv[1:]
parents = {"/"}
for path in own:
    while (path := os.path.dirname(path)) != "/": parents.add(path)
for parent in sorted(parents):
    os.makedirs("/mnt" + parent, exist_ok=True)
    for name in os.listdir(parent):
        path = os.path.join(parent, name)
        if path not in parents and path not in own and not os.path.lexists("/mnt" + path):
            os.symlink("/host" + path, "/mnt" + path)
os.chroot("/mnt")
os.chdir("/")
def bring(tree):
    for path in own:
        if os.path.isdir(path) and not os.path.islink(path): shutil.rmtree(path)
        elif os.path.lexists(path): os.remove(path)
        if os.path.isdir(tree + path): shutil.copytree(tree + path, path, symlinks=True)
        elif os.path.lexists(tree + path): shutil.copy2(tree + path, path, follow_symlinks=False)
"#;

/// Starts a program of Debian's Python where `own` paths are those of the cases. `None`, and said
/// to be skipped, where the kernel gives no mount namespace or Python lacks one of `modules`.
pub fn python_in_own_root(own: &[&str], modules: &str, script: &str) -> Option<Dialogue> {
    const ROOT: &str = "mount -t tmpfs none /mnt && mkdir /mnt/host && mount --rbind / /mnt/host";
    program("unshare")?;
    let start = |text: &str| {
        let mut command = Command::new("unshare");
        let shell = format!("{ROOT} && exec /usr/bin/python3 -c \"$0\" \"$@\"");
        command.args(["-rm", "sh", "-c", &shell, text]).args(own);
        command
    };
    let tried = start(&format!("import {modules}\n{PRELUDE}")).output();
    if !tried.as_ref().is_ok_and(|out| out.status.success()) {
        let said = tried.map(|out| String::from_utf8_lossy(&out.stderr).into_owned());
        skip(format_args!("no Python in a root of its own: {said:?}"));
        return None;
    }
    Some(Dialogue::start(&mut start(&format!("import {modules}\n{PRELUDE}{script}"))))
}
