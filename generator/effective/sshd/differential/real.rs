//! The real sshd, asked with `sshd -T`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::effective::sshd::{OpenSshVersion, Patches};
use crate::effective::testing::{MemoryTree, program, skip};

/// A real sshd and a directory that it can read.
pub(super) struct Real {
    root: Option<PathBuf>,
    directory: tempfile::TempDir,
    pub(super) version: OpenSshVersion,
}

/// Keyword to its lines.
pub(super) type Dump = BTreeMap<String, Vec<String>>;

pub(super) enum Refusal {
    Said(String),
    /// 10.0 dies of some configurations that its own rules allow (`Subsystem` in `Match`).
    Crashed,
}

impl Real {
    /// `None`, with a message, where no sshd is installed.
    pub(super) fn find() -> Option<Self> {
        let root = std::env::var_os("IRONSEED_SSHD_ROOT").map(PathBuf::from);
        match &root {
            None => program("sshd").map(drop)?,
            Some(root) if !root.join("usr/sbin/sshd").exists() => {
                skip(format_args!("no sshd in {}", root.display()));
                return None;
            }
            Some(_) => {}
        }
        let parent = root.as_deref().unwrap_or(Path::new("/")).join("tmp");
        let directory = tempfile::tempdir_in(parent).unwrap();
        let mut real = Self { root, directory, version: OpenSshVersion::new(0, 0) };
        let said = real.run(&["/usr/sbin/sshd", "-V"]);
        real.version = String::from_utf8_lossy(&said.stderr).trim().parse().unwrap();
        let key = real.key();
        let made = real.run(&["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", &key]);
        assert!(made.status.success(), "{made:?}");
        let knows = |line: &str| real.dump(&MemoryTree::of(&[("main", line)]), &[], "").is_ok();
        let patches = Patches {
            debian_banner: knows("DebianBanner no"),
            gssapi_key_exchange: knows("GSSAPIKeyExchange no"),
            sntrup761_alias: knows("KexAlgorithms sntrup761x25519-sha512"),
        };
        real.version = real.version.with(patches);
        Some(real)
    }

    /// The configuration that the release ships; `None`, with a message, where there is none.
    pub(super) fn shipped(&self) -> Option<String> {
        let root = self.root.as_deref().unwrap_or(Path::new("/"));
        let path = root.join("usr/share/openssh/sshd_config");
        let text = std::fs::read_to_string(&path).ok();
        if text.is_none() {
            skip(format_args!("{} does not exist", path.display()));
        }
        text
    }

    /// The directory of the configuration as sshd sees it.
    pub(super) fn place(&self) -> String {
        format!("{}/case", self.inside())
    }

    /// A host key, without which sshd says nothing.
    pub(super) fn key(&self) -> String {
        format!("{}/key", self.inside())
    }

    fn inside(&self) -> String {
        let path = self.directory.path();
        let path = self.root.as_ref().map_or(path, |r| path.strip_prefix(r).unwrap());
        format!("/{}", path.display().to_string().trim_start_matches('/'))
    }

    fn run(&self, argv: &[&str]) -> Output {
        let mut command = match &self.root {
            Some(root) => {
                let mut chroot = Command::new("chroot");
                chroot.arg(root).args(argv);
                chroot
            }
            None => {
                let mut command = Command::new(argv[0]);
                command.args(&argv[1..]);
                command
            }
        };
        command.current_dir("/").env("LC_ALL", "C").output().unwrap()
    }

    /// What sshd says of these files, with further arguments; `main` is the main one.
    pub(super) fn dump(
        &self,
        files: &MemoryTree,
        arguments: &[String],
        login: &str,
    ) -> Result<Dump, Refusal> {
        let case = self.directory.path().join("case");
        std::fs::create_dir(&case).unwrap();
        self.filled(files, "").write_to(&case);
        let main = format!("{}/main", self.place());
        let mut argv = vec!["/usr/sbin/sshd", "-T", "-f", &main];
        argv.extend(arguments.iter().map(String::as_str));
        if !login.is_empty() {
            argv.splice(2..2, ["-C", login]);
        }
        let said = self.run(&argv);
        std::fs::remove_dir_all(case).unwrap();
        if !said.status.success() {
            let text = String::from_utf8_lossy(&said.stderr).into_owned();
            return Err(if said.status.code().is_some() { Refusal::Said(text) } else { Refusal::Crashed });
        }
        let mut lines = Dump::new();
        for line in String::from_utf8_lossy(&said.stdout).lines() {
            let (keyword, value) = line.split_once(' ').unwrap_or((line, ""));
            lines.entry(keyword.to_owned()).or_default().push(value.to_owned());
        }
        Ok(lines)
    }

    /// The files below `at`, with `@` replaced by their directory. The main file also names a host
    /// key, without which sshd says nothing.
    pub(super) fn filled(&self, files: &MemoryTree, at: &str) -> MemoryTree {
        let mut filled = MemoryTree::new();
        for path in files.paths() {
            let path = String::from_utf8(path).unwrap();
            let text = String::from_utf8_lossy(files.bytes(&path).unwrap()).replace('@', &self.place());
            let key = if path == "main" { format!("HostKey {}/key\n", self.inside()) } else { String::new() };
            filled.write(format!("{at}/{path}"), key + &text);
        }
        filled
    }
}
