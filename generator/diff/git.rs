//! A revision of a git repository, as a place where files are read.
//!
//! git is run without a shell. What the user typed reaches it once, to be made a commit's number; everything else
//! is asked by number. Only commands that run no hook, filter or pager of the repository are used.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::process::Command;

use crate::assets::Files;
use crate::diagnostic::ConfigError;
use crate::yaml::{MAX_YAML_BYTES, Source};

/// Longest name of a revision, in bytes.
const MAX_NAME: usize = 1024;

/// Lines that profiles have at their left margin, as basic regular expressions.
const PROFILE_LINES: [&str; 2] = ["^name:", "^title:"];

/// A checkout.
#[derive(Clone, Debug)]
pub struct Repository {
    /// Its top folder.
    top: PathBuf,
}

/// A commit and the files in it. Paths are relative to the repository's top folder.
#[derive(Clone, Debug)]
pub struct Revision {
    repository: Repository,
    /// As the user named it.
    name: String,
    commit: String,
    entries: BTreeMap<String, Entry>,
}

/// A file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    is_file: bool,
    object: String,
    size: usize,
}

impl Repository {
    /// The checkout that a folder is in.
    ///
    /// # Errors
    /// There is none, or no git.
    pub fn around(folder: &Path) -> Result<Self, ConfigError> {
        let top = git(folder, &["rev-parse", "--show-toplevel"])?;
        let top =
            String::from_utf8(top).map_err(|_| ConfigError::plain("the repository's path is no UTF-8"))?;
        Ok(Self { top: PathBuf::from(top.trim_end_matches('\n')) })
    }

    /// A path of this machine as a path below the repository's top folder; `None` where it is outside.
    pub fn inside(&self, path: &Path) -> Option<PathBuf> {
        let absolute = std::path::absolute(path).ok()?;
        let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_owned());
        let (top, absolute) = (real(&self.top), real(&absolute));
        absolute.strip_prefix(top).map(Path::to_owned).ok()
    }

    /// The commit that a name stands for.
    ///
    /// # Errors
    /// A name that git could take for an option or that is no text of one line, and one that stands for no commit.
    pub fn revision(&self, name: &str) -> Result<Revision, ConfigError> {
        let commit = self.commit(name)?;
        let listing = git(&self.top, &["ls-tree", "-r", "-z", "-l", "--full-tree", &commit])?;
        let entries = listing.split(|byte| *byte == 0).filter_map(entry).collect();
        Ok(Revision { repository: self.clone(), name: name.to_owned(), commit, entries })
    }

    /// The commit where two lines of work parted.
    ///
    /// # Errors
    /// See [`Repository::revision`]; and two that have nothing in common.
    pub fn fork(&self, old: &str, new: &str) -> Result<Revision, ConfigError> {
        let base = git(&self.top, &["merge-base", &self.commit(old)?, &self.commit(new)?])?;
        let mut revision = self.revision(&number(&base)?)?;
        revision.name = format!("{old}...");
        Ok(revision)
    }

    fn commit(&self, name: &str) -> Result<String, ConfigError> {
        if name.is_empty()
            || name.starts_with('-')
            || name.len() > MAX_NAME
            || name.contains(char::is_control)
        {
            return Err(ConfigError::plain(format!("{name:?} is no name of a revision")));
        }
        let wanted = format!("{name}^{{commit}}");
        let found = git(&self.top, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])
            .map_err(|_| ConfigError::plain(format!("git knows no revision `{name}` here")))?;
        number(&found)
    }
}

impl Revision {
    /// As the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Profiles: YAML files that look like one. Whether they are is seen when they are read.
    ///
    /// # Errors
    /// git fails.
    pub fn profiles(&self) -> Result<Vec<String>, ConfigError> {
        let mut arguments =
            vec!["grep", "-z", "-l", "-I", "--no-recurse-submodules", "--full-name", "--all-match"];
        arguments.extend(PROFILE_LINES.iter().flat_map(|line| ["-e", line]));
        arguments.extend([self.commit.as_str(), "--", "*.yaml", "*.yml"]);
        let output = run(&self.repository.top, &arguments)?;
        // 1 says that there are none.
        if !matches!(output.status.code(), Some(0 | 1)) {
            return Err(failed(&arguments, &output.stderr));
        }
        let prefix = format!("{}:", self.commit);
        let names = output.stdout.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
        let mut found: Vec<String> =
            names.filter_map(|name| name.strip_prefix(&prefix)).map(str::to_owned).collect();
        found.retain(|path| self.entries.get(path).is_some_and(|entry| entry.is_file));
        found.sort();
        Ok(found)
    }

    fn find(&self, path: &Path) -> Option<(String, &Entry)> {
        let path = normal(path)?;
        let entry = self.entries.get(&path)?;
        Some((path, entry))
    }
}

impl Files for Revision {
    fn read(&self, path: &Path) -> Result<Source, ConfigError> {
        let shown = normal(path).unwrap_or_else(|| path.display().to_string());
        let broken = |why: &str| ConfigError::plain(format!("{}:{shown}: {why}", self.name));
        let (name, entry) =
            self.find(path).ok_or_else(|| broken("there is no such file in this revision"))?;
        if !entry.is_file {
            return Err(broken("is a symbolic link or a submodule, and neither is followed in a revision"));
        }
        if entry.size > MAX_YAML_BYTES {
            return Err(broken(&format!("{} bytes; such a file has at most {MAX_YAML_BYTES}", entry.size)));
        }
        let bytes = git(&self.repository.top, &["cat-file", "blob", &entry.object])?;
        let text = String::from_utf8(bytes).map_err(|_| broken("is no UTF-8"))?;
        Ok(Source { name, text })
    }

    fn is_file(&self, path: &Path) -> bool {
        self.find(path).is_some_and(|(_, entry)| entry.is_file)
    }

    fn list(&self, folder: &Path) -> Vec<PathBuf> {
        let Some(folder) = normal(folder) else { return Vec::new() };
        let prefix = if folder.is_empty() { folder } else { folder + "/" };
        let below = self.entries.range(prefix.clone()..).take_while(|(path, _)| path.starts_with(&prefix));
        let directly = below.filter(|(path, entry)| entry.is_file && !path[prefix.len()..].contains('/'));
        directly.map(|(path, _)| PathBuf::from(path)).collect()
    }
}

/// A path without `.` and `..`; `None` where it leaves the repository or is no UTF-8.
fn normal(path: &Path) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// A line of `git ls-tree -l`: mode, type, object and size, then the path.
fn entry(line: &[u8]) -> Option<(String, Entry)> {
    let (facts, path) = std::str::from_utf8(line).ok()?.split_once('\t')?;
    let mut words = facts.split_ascii_whitespace();
    let (mode, _, object, size) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let is_file = matches!(mode, "100644" | "100755");
    let entry = Entry { is_file, object: object.to_owned(), size: size.parse().unwrap_or_default() };
    Some((path.to_owned(), entry))
}

/// The number of an object.
fn number(answer: &[u8]) -> Result<String, ConfigError> {
    let text = String::from_utf8_lossy(answer).trim().to_owned();
    let is_number = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_number.then_some(text).ok_or_else(|| ConfigError::plain("git gave no commit's number"))
}

/// Asks git, which has to succeed.
fn git(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, ConfigError> {
    let output = run(folder, arguments)?;
    if output.status.success() { Ok(output.stdout) } else { Err(failed(arguments, &output.stderr)) }
}

fn run(folder: &Path, arguments: &[&str]) -> Result<std::process::Output, ConfigError> {
    let settled = ["--no-pager", "--no-replace-objects", "--literal-pathspecs"];
    // `grep` is told its files by patterns.
    let settled = if arguments.first() == Some(&"grep") { &settled[..2] } else { &settled[..] };
    Command::new("git")
        .args(settled)
        .args(arguments.iter().map(OsStr::new))
        .current_dir(folder)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .output()
        .map_err(|e| ConfigError::plain(format!("git can't be run, and revisions are read with it: {e}")))
}

fn failed(arguments: &[&str], stderr: &[u8]) -> ConfigError {
    let said = String::from_utf8_lossy(stderr);
    let said = crate::report::text::plain(said.lines().next().unwrap_or_default());
    ConfigError::plain(format!("git {}: {said}", arguments.first().unwrap_or(&"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        assert_eq!(normal(Path::new("a/./b/../c.yaml")).as_deref(), Some("a/c.yaml"));
        assert_eq!(normal(Path::new("./a.yaml")).as_deref(), Some("a.yaml"));
        assert_eq!(normal(Path::new("../a.yaml")), None);
        assert_eq!(normal(Path::new("a/../../b.yaml")), None);
        assert_eq!(normal(Path::new("/etc/passwd")), None);
    }

    #[test]
    fn lines_of_a_tree_are_read() {
        let line = b"100644 blob 0123456789012345678901234567890123456789      17\tprofiles/a b.yaml";
        let (path, found) = entry(line).unwrap();
        assert_eq!((path.as_str(), found.is_file, found.size), ("profiles/a b.yaml", true, 17));
        let link = entry(b"120000 blob 0123456789012345678901234567890123456789 3\tlink").unwrap();
        assert!(!link.1.is_file);
        assert_eq!(entry(b""), None);
        assert_eq!(entry(b"\xff\t\xff"), None);
    }

    #[test]
    fn hostile_names_never_reach_git() {
        let nowhere = Repository { top: PathBuf::from("/nonexistent") };
        for name in ["", "--output=x", "-h", "a\nb", "a\0b", &"x".repeat(2000)] {
            let error = nowhere.revision(name).unwrap_err().to_string();
            assert!(error.contains("is no name of a revision"), "{error}");
        }
    }
}
