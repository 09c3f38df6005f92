//! `yum-cron` of releases before dnf: what its daily and hourly runs would do.
//!
//! Follows its source (`yum-cron/yum-cron.py` of yum 3.4.3, read with Python 2's `ConfigParser`). That the service is on,
//! without which the cron jobs do nothing, is systemd's to say.

use std::collections::BTreeMap;

use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// The daily job's file.
pub const DAILY: &str = "/etc/yum/yum-cron.conf";
/// The hourly job's file.
pub const HOURLY: &str = "/etc/yum/yum-cron-hourly.conf";

/// The sections that options are taken from, the last one first: every option counts in each of them.
const SECTIONS: [&str; 4] = ["groups", "email", "emitters", "commands"];

/// Which updates are taken (`update_cmd`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updates {
    /// All; also for a word that yum-cron does not know.
    All,
    /// Of each package the version that fixes a bug.
    Minimal,
    /// Those with a security advisory.
    Security,
    /// Of each package the version that a security advisory names.
    MinimalSecurity,
    /// Security advisories of some severities; some releases take all updates instead.
    Severities,
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YumCron {
    /// Which updates.
    pub updates: Sourced<Updates>,
    /// Whether they are downloaded.
    pub download: Sourced<bool>,
    /// Whether they are installed: only what is downloaded is, whatever `apply_updates` says.
    pub apply: Sourced<bool>,
}

/// Why a run ends at once: the file or a value is no good.
pub type Problem = Sourced<String>;

/// Reads what the job with this file would do; `None` without a file, and the job ends.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: Root<'_>, file: &str) -> Result<Option<std::result::Result<YumCron, Problem>>> {
    Ok(root.read_text(file)?.map(|text| YumCron::of(file, &text)))
}

impl YumCron {
    fn of(file: &str, text: &str) -> std::result::Result<Self, Problem> {
        let options = Options::parse(file, text)?;
        let none = || Location::file(file);
        let updates = match options.get("update_cmd")? {
            None => Sourced::new(Updates::All, none()),
            Some(found) => Sourced::new(
                match found.value.as_str() {
                    "minimal" => Updates::Minimal,
                    "security" | "default-security" => Updates::Security,
                    "minimal-security" => Updates::MinimalSecurity,
                    other if other.contains("security-severity:") => Updates::Severities,
                    _ => Updates::All,
                },
                found.at,
            ),
        };
        let switch = |name: &str| -> std::result::Result<Sourced<bool>, Problem> {
            let Some(found) = options.get(name)? else { return Ok(Sourced::new(false, none())) };
            match found.value.to_ascii_lowercase().as_str() {
                "1" | "yes" | "true" => Ok(Sourced::new(true, found.at)),
                "0" | "no" | "false" => Ok(Sourced::new(false, found.at)),
                _ => Err(Problem::new(format!("{name} = {}", found.value), found.at)),
            }
        };
        let (download, asked) = (switch("download_updates")?, switch("apply_updates")?);
        let apply = if asked.value && !download.value { download.clone() } else { asked };
        Ok(Self { updates, download, apply })
    }
}

/// Options by section and name, names in lower case; the last line of a name counts.
#[derive(Default)]
struct Options(BTreeMap<String, BTreeMap<String, Sourced<String>>>);

impl Options {
    fn parse(file: &str, text: &str) -> std::result::Result<Self, Problem> {
        let mut options = Self::default();
        let mut section: Option<String> = None;
        let mut open: Option<String> = None;
        for (index, line) in text.split('\n').enumerate() {
            let problem = |what: &str| Problem::new(what.to_owned(), Location::line(file, index + 1));
            let remark = line.split_whitespace().next().is_some_and(|word| word.eq_ignore_ascii_case("rem"));
            if line.trim().is_empty()
                || line.starts_with(['#', ';'])
                || (remark && line.starts_with(['r', 'R']))
            {
                continue;
            }
            let values = section.as_ref().and_then(|name| options.0.get_mut(name));
            if line.starts_with(char::is_whitespace)
                && let (Some(values), Some(name)) = (values, &open)
            {
                if let Some(value) = values.get_mut(name) {
                    value.value += &format!("\n{}", line.trim());
                }
                continue;
            }
            let header = line.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name);
            if let Some(name) = header.filter(|name| !name.is_empty()) {
                options.0.entry(name.to_owned()).or_default();
                section = Some(name.to_owned());
                open = None;
                continue;
            }
            let name_of_section = section.as_ref().ok_or_else(|| problem("text before the first section"))?;
            let (name, value) =
                line.split_once(['=', ':']).ok_or_else(|| problem("a line that is no option"))?;
            if name.is_empty() || name.starts_with(char::is_whitespace) {
                return Err(problem("a line that is no option"));
            }
            // Only the first semicolon may begin a comment, and only behind a blank.
            let value = value.trim_start();
            let comment = value.find(';').filter(|at| value[..*at].ends_with(char::is_whitespace));
            let value = value[..comment.unwrap_or(value.len())].trim();
            let value = if value == "\"\"" { "" } else { value };
            let name = name.trim_end().to_lowercase();
            let at = Location::line(file, index + 1);
            let values = options.0.entry(name_of_section.clone()).or_default();
            values.insert(name.clone(), Sourced::new(value.to_owned(), at));
            open = Some(name);
        }
        Ok(options)
    }

    /// The value that counts. One with a `%` would have other options put in, which is not read.
    fn get(&self, name: &str) -> std::result::Result<Option<Sourced<String>>, Problem> {
        let defaults = self.0.get("DEFAULT");
        let in_section = |section: &&str| {
            let values = self.0.get(*section)?;
            values.get(name).or_else(|| defaults?.get(name))
        };
        match SECTIONS.iter().find_map(in_section) {
            Some(found) if found.value.contains('%') => {
                Err(Problem::new(format!("{name} holds a %, which is not read here"), found.at.clone()))
            }
            found => Ok(found.cloned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    fn of(text: &str) -> std::result::Result<YumCron, Problem> {
        let tree = MemoryTree::of(&[(DAILY, text)]);
        read(tree.root(), DAILY).unwrap().unwrap()
    }

    #[test]
    fn only_what_is_downloaded_is_installed() {
        let both =
            of("[commands]\nupdate_cmd = security\ndownload_updates = yes\napply_updates = yes\n").unwrap();
        assert_eq!(both.updates, Sourced::new(Updates::Security, Location::line(DAILY, 2)));
        assert_eq!(both.apply, Sourced::new(true, Location::line(DAILY, 4)));
        let kept = of("[commands]\ndownload_updates = no\napply_updates = yes\n").unwrap();
        assert_eq!(kept.apply, Sourced::new(false, Location::line(DAILY, 2)));
        let shipped =
            of("[commands]\nupdate_cmd = default\ndownload_updates = yes\napply_updates = no\n").unwrap();
        assert!(shipped.download.value && !shipped.apply.value);
    }

    #[test]
    fn later_sections_and_lines_win_as_python_reads_them() {
        let apply = |text: &str| {
            of(&format!("[commands]\ndownload_updates=1\n{text}")).map(|run| run.apply.value).ok()
        };
        for (text, wanted) in [
            ("apply_updates: Yes ; note\n", Some(true)),
            ("Apply_Updates = true\napply_updates = no\n", Some(false)),
            ("apply_updates = no\n[email]\napply_updates = yes\n", Some(true)),
            ("[DEFAULT]\napply_updates = yes\n", Some(true)),
            ("apply_updates = no\n  yes\n", None),
            ("apply_updates = on\n", None),
            ("apply_updates = %(x)s\n", None),
            ("apply_updates\n", None),
            ("rem apply_updates = yes\n;apply_updates=yes\n#apply_updates=yes\n", Some(false)),
        ] {
            assert_eq!(apply(text), wanted, "{text}");
        }
        assert!(read(MemoryTree::new().root(), HOURLY).unwrap().is_none());
        assert_eq!(of("apply_updates = yes\n").unwrap_err().at, Location::line(DAILY, 1));
        for noise in ["[", "[]", "=", "[a]\n=", "[a]\n b", "\0"] {
            drop(of(noise));
        }
    }
}
