//! dnf-automatic and dnf5's plugin of the same name: what a run would do.

use super::main_conf::excludes;
use super::{Ini, Problem, boolean};
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

/// Which dnf runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// `dnf-automatic`, in Python.
    Dnf4,
    /// `dnf5 automatic`.
    Dnf5,
}

/// What the unit that starts a run says on the command line, over what files say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Invocation {
    /// `--installupdates` or `--no-installupdates`.
    pub install: Option<bool>,
    /// `--downloadupdates` or `--no-downloadupdates`.
    pub download: Option<bool>,
}

impl Invocation {
    /// Takes the words of an `ExecStart=`; the last one of two that disagree counts.
    pub fn of(arguments: &[&str]) -> Self {
        let mut found = Self::default();
        for argument in arguments {
            match *argument {
                "--installupdates" => found.install = Some(true),
                "--no-installupdates" => found.install = Some(false),
                "--downloadupdates" => found.download = Some(true),
                "--no-downloadupdates" => found.download = Some(false),
                _ => {}
            }
        }
        found
    }
}

/// Which updates are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeType {
    /// All.
    Default,
    /// Those of the repositories' security advisories.
    Security,
    /// All, and downgrades to what the repositories have (dnf5).
    DistroSync,
}

/// What a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Automatic {
    /// Which updates.
    pub upgrade_type: Sourced<UpgradeType>,
    /// Whether they are downloaded.
    pub download: Sourced<bool>,
    /// Whether they are installed.
    pub apply: Sourced<bool>,
    /// When the machine restarts afterwards: `never`, `when-changed` or `when-needed`. Before dnf
    /// 4.15 nothing reads it.
    pub reboot: Sourced<String>,
    /// What restarts the machine.
    pub reboot_command: Sourced<String>,
    /// Packages that the file's own section `base` excludes, beside those of `dnf.conf`.
    pub excludes: Option<Sourced<Vec<String>>>,
    /// Values that are no good; what was set before them stays.
    pub ignored: Vec<Problem>,
}

/// What restarts the machine where no file says otherwise.
const REBOOT_COMMAND: &str = "shutdown -r +5 'Rebooting after applying package updates'";

const ETC: &str = "/etc/dnf/automatic.conf";

/// dnf5's files: a later one wins.
const DNF5: [&str; 3] =
    ["/usr/share/dnf5/dnf5-plugins/automatic.conf", "/etc/dnf/dnf5-plugins/automatic.conf", ETC];

impl Automatic {
    /// What holds where no file says otherwise.
    fn defaults(generation: Generation) -> Self {
        let at = || Location::file(ETC);
        Self {
            upgrade_type: Sourced::new(UpgradeType::Default, at()),
            download: Sourced::new(generation == Generation::Dnf5, at()),
            apply: Sourced::new(false, at()),
            reboot: Sourced::new("never".to_owned(), at()),
            reboot_command: Sourced::new(REBOOT_COMMAND.to_owned(), at()),
            excludes: None,
            ignored: Vec::new(),
        }
    }

    fn overlay(&mut self, ini: &Ini, generation: Generation) {
        let upgrade = |text: &str| match (text, generation) {
            ("default", _) => Some(UpgradeType::Default),
            ("security", _) => Some(UpgradeType::Security),
            ("distro-sync", Generation::Dnf5) => Some(UpgradeType::DistroSync),
            _ => None,
        };
        let reboot =
            |text: &str| matches!(text, "never" | "when-changed" | "when-needed").then(|| text.to_owned());
        let ignored = &mut self.ignored;
        take(ini, "upgrade_type", upgrade, &mut self.upgrade_type, ignored);
        take(ini, "download_updates", boolean, &mut self.download, ignored);
        take(ini, "apply_updates", boolean, &mut self.apply, ignored);
        take(ini, "reboot", reboot, &mut self.reboot, ignored);
        take(ini, "reboot_command", |t| Some(t.to_owned()), &mut self.reboot_command, ignored);
        self.excludes = excludes(ini, "base").or(self.excludes.take());
    }
}

/// Sets an option where the file has a good value for it.
fn take<T>(
    ini: &Ini,
    name: &str,
    read: impl Fn(&str) -> Option<T>,
    into: &mut Sourced<T>,
    ignored: &mut Vec<Problem>,
) {
    let Some(found) = ini.get("commands", name) else { return };
    match read(&found.value) {
        Some(value) => *into = Sourced::new(value, found.at.clone()),
        None => ignored.push(Problem::new(format!("{name} = {}", found.value), found.at.clone())),
    }
}

/// Reads what a run would do; without any file, its own defaults. The inner `Err` says why it ends
/// at once.
///
/// # Errors
/// A target that can't be read.
pub fn automatic(
    root: &Root<'_>,
    generation: Generation,
    invocation: Invocation,
) -> Result<std::result::Result<Automatic, Problem>> {
    let mut found = Automatic::defaults(generation);
    let paths = if generation == Generation::Dnf5 { &DNF5[..] } else { &DNF5[2..] };
    for path in paths {
        match root.read_text(path)?.map(|text| Ini::parse(path, &text)) {
            Some(Ok(ini)) => found.overlay(&ini, generation),
            Some(Err(problem)) => return Ok(Err(problem)),
            None => {}
        }
    }
    for (option, given) in
        [(&mut found.download, invocation.download), (&mut found.apply, invocation.install)]
    {
        option.value = given.unwrap_or(option.value);
    }
    // Who installs, downloads.
    if found.apply.value {
        found.download = found.apply.clone();
    }
    Ok(Ok(found))
}
