//! `/etc/default/grub` and `/etc/default/grub.d/*.cfg`: what the next `grub-mkconfig` puts on the
//! kernels' command lines.
//!
//! The files are shell scripts that are sourced one after the other. Assignments are read as a shell
//! reads them; where more than that stands in a file, the result is an explicit unknown.

use crate::effective::shell::{self, Variables};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root, display};

const FILE: &str = "/etc/default/grub";
const FOLDER: &str = "/etc/default/grub.d";

/// The variables that the files set.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    values: Variables,
}

/// Reads the files; `None` where there are none, and the inner error where a file can't be told without a shell.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Option<std::result::Result<Defaults, String>>> {
    let mut names: Vec<Vec<u8>> = root.read_dir(FOLDER)?.into_iter().map(|entry| entry.name).collect();
    names.retain(|name| name.ends_with(b".cfg") && !name.starts_with(b"."));
    names.sort();
    let in_folder = names.into_iter().map(|name| [FOLDER.as_bytes(), b"/", &name].concat());
    let mut found = false;
    let mut defaults = Defaults::default();
    for path in std::iter::once(FILE.as_bytes().to_vec()).chain(in_folder) {
        let Some(text) = root.read_text(&path)? else { continue };
        found = true;
        // grub-mkconfig's own variables and the caller's environment are not known here.
        let unset_is_empty = |name: &str| name.starts_with("GRUB_");
        if let Err(line) = shell::source(&display(&path), &text, unset_is_empty, &mut defaults.values) {
            return Ok(Some(Err(format!("{}:{line}: more than an assignment", display(&path)))));
        }
    }
    Ok(found.then_some(Ok(defaults)))
}

impl Defaults {
    /// A variable's value with its line; `None` where no line sets it, an inner `None` where a command makes its value.
    pub fn get(&self, name: &str) -> Option<&Sourced<Option<String>>> {
        self.values.get(name)
    }

    /// The words that the default entry's kernel gets, besides those for its root file system, each with
    /// the line of the variable that holds it; or the line whose value can't be told.
    pub fn command_line(&self) -> std::result::Result<Vec<Sourced<String>>, Location> {
        let mut words = Vec::new();
        for name in ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"] {
            let Some(value) = self.get(name) else { continue };
            let text = value.value.as_deref().ok_or_else(|| value.at.clone())?;
            words.extend(text.split_ascii_whitespace().map(|w| Sourced::new(w.to_owned(), value.at.clone())));
        }
        Ok(words)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};

    const NAMES: [&str; 3] = ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT", "GRUB_DEFAULT"];
    /// As `grub-mkconfig` sources the files.
    const SCRIPT: &str = r#"
        if test -f "$1/etc/default/grub"; then . "$1/etc/default/grub"; fi
        for x in "$1"/etc/default/grub.d/*.cfg; do if [ -e "${x}" ]; then . "${x}"; fi; done
        for x in "$GRUB_CMDLINE_LINUX" "$GRUB_CMDLINE_LINUX_DEFAULT" "$GRUB_DEFAULT"; do printf '%s\037' "$x"; done"#;

    #[test]
    fn agrees_with_a_shell() {
        let tally = Differential::cases(300).run(generate, |tree| {
            let Some(Ok(ours)) = read(tree.root()).unwrap() else { return Verdict::Unanswered };
            let text = |name| -> Option<String> {
                ours.get(name).map_or(Some(String::new()), |value| value.value.clone())
            };
            let ours = NAMES.map(text);
            let disk = tree.on_disk();
            let mut shell = Command::new("sh");
            let out = shell.args(["-c", SCRIPT, "sh"]).arg(disk.path()).env_clear().output().unwrap();
            if !out.status.success() {
                return Verdict::differ(format!("{ours:?}"), String::from_utf8_lossy(&out.stderr));
            }
            let theirs = String::from_utf8_lossy(&out.stdout).into_owned();
            let known = ours.iter().zip(theirs.split('\x1f'));
            let wrong =
                known.filter(|(ours, theirs)| ours.as_deref().is_some_and(|ours| ours != *theirs)).count();
            if wrong == 0 { Verdict::Agree } else { Verdict::differ(format!("{ours:?}"), theirs) }
        });
        assert!(tally.unanswered < tally.agreed, "too few are understood: {tally}");
    }

    fn generate(dice: &mut Dice) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for path in dice.subset(&[
            "/etc/default/grub",
            "grub.d/a.cfg",
            "grub.d/50_b.cfg",
            "grub.d/.c.cfg",
            "grub.d/d",
        ]) {
            let mut text = String::new();
            for _ in 0..dice.range(1..=5) {
                let name = dice.pick(&NAMES);
                let word = dice.pick(&[
                    "x",
                    "'a b'",
                    "\"quiet splash\"",
                    "\"$GRUB_CMDLINE_LINUX y\"",
                    "${GRUB_DEFAULT}z",
                    "",
                    "\"a\\\"b\\$c\\q\"",
                    "a\\ b",
                    "\"a\nb\"",
                    "'$x'",
                    "`echo q`",
                    "\"a\\\nb\"",
                    "$GRUB_NONE",
                    "\"$\"",
                    "a#b",
                    "\"${GRUB_DEFAULT}\"'c'",
                    "$GRUB_CMDLINE_LINUX",
                    "\"$(echo w)\"",
                    "a=b",
                    "$OTHER",
                    "1>0",
                    "é",
                    "\"a`echo b`\"",
                    "a\\",
                ]);
                let end = dice.pick(&[
                    "\n",
                    "\n",
                    "\n",
                    "\n\n",
                    " # c 'x\n",
                    ";\n",
                    " ; ",
                    "\r\n",
                    " GRUB_DEFAULT=w\n",
                    "\t\n",
                ]);
                let line = dice.pick(&[
                    "N=W",
                    "N=W",
                    "N=W",
                    "  N=W",
                    "export N=W",
                    "# N=W",
                    "export N",
                    "N=W\nexport N",
                ]);
                text += &(line.replace('N', name).replace('W', word) + end);
                if dice.once_in(60) {
                    text += dice.pick(&["if true; then\n", "N =x\n", "echo x\n", ";\n", "fi\n", "set -e\n"]);
                }
            }
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/etc/default/{path}") };
            tree.write(path, text);
        }
        tree
    }

    #[test]
    fn the_next_command_line_names_its_lines() {
        let tree = MemoryTree::of(&[
            (FILE, "GRUB_DISTRIBUTOR=`lsb_release -i -s`\nGRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\n"),
            (
                "/etc/default/grub.d/10_cloud.cfg",
                "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX console=ttyS0\"\n",
            ),
        ]);
        let words = |tree: &MemoryTree| -> Vec<String> {
            let defaults = read(tree.root()).unwrap().unwrap().unwrap();
            let words = defaults.command_line().unwrap();
            words.iter().map(|word| format!("{} {}", word.value, word.at)).collect()
        };
        assert_eq!(
            words(&tree),
            ["console=ttyS0 /etc/default/grub.d/10_cloud.cfg:1", "quiet /etc/default/grub:2"]
        );
        let tree = MemoryTree::of(&[(FILE, "if true; then GRUB_DEFAULT=1; fi\n")]);
        let why = read(tree.root()).unwrap().unwrap().unwrap_err();
        assert_eq!(why, "/etc/default/grub:1: more than an assignment");
        assert!(read(MemoryTree::new().root()).unwrap().is_none());
    }
}
