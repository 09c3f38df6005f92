//! The bundle: everything that a plan puts on a machine, as an ordered, byte-reproducible set.
//!
//! Owns what an item is and in which order items take effect. Knows no output format
//! (user-data, plain files, manifest) and no setting kind.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A file that the bundle writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleFile {
    /// Absolute path on the machine.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// Owner's name.
    pub owner: String,
    /// Group's name.
    pub group: String,
    /// Content.
    pub content: String,
    /// Ids of the checks that it serves.
    pub checks: Vec<String>,
}

impl BundleFile {
    /// A root-owned configuration file that everybody may read.
    pub fn config(path: impl Into<String>, content: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            mode: 0o644,
            owner: "root".into(),
            group: "root".into(),
            content: content.into(),
            checks: Vec::new(),
        }
    }

    /// The same with other permission bits.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// SHA-256 of the content, in hex.
    pub fn sha256(&self) -> String {
        crate::hash::bytes(self.content.as_bytes())
    }
}

/// When a command runs. The order of the variants is the order of the phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Changes what is stored on disk: at image build and on a running machine.
    Configure,
    /// Refuses a configuration that the program itself would refuse; runs before anything is
    /// activated, so that a broken file can't lock anybody out.
    Validate,
    /// Makes a running machine follow its new configuration. Never at image build.
    Activate,
}

/// A program to run, as an argument vector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// When.
    pub phase: Phase,
    /// Program and arguments; never a shell line.
    pub argv: Vec<String>,
    /// Why, in a few words: shown as progress.
    pub purpose: String,
    /// Ids of the checks that it serves.
    pub checks: Vec<String>,
    /// Files to take away again where a `Validate` command fails.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub guards: Vec<String>,
}

/// What a unit's enablement shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UnitState {
    /// Starts at boot.
    Enabled,
    /// Does not start at boot by itself.
    Disabled,
    /// Can't be started.
    Masked,
}

impl UnitState {
    /// systemctl's verb that brings it about.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Enabled => "enable",
            Self::Disabled => "disable",
            Self::Masked => "mask",
        }
    }

    /// systemctl's word for the state.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Disabled => "disabled",
            Self::Masked => "masked",
        }
    }
}

/// The type that SELinux gives a port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortLabel {
    /// Type, such as `ssh_port_t`.
    pub label: String,
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Port.
    pub port: u16,
}

/// Everything that a plan puts on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bundle {
    /// Packages to install, with the checks they serve.
    pub packages: BTreeMap<String, Vec<String>>,
    /// Packages to remove, with the checks they serve.
    pub absent: BTreeMap<String, Vec<String>>,
    /// Files, by path.
    pub files: BTreeMap<String, BundleFile>,
    /// Files to delete, with the checks they serve.
    pub removals: BTreeMap<String, Vec<String>>,
    /// Units, with the state wanted and the checks they serve.
    pub units: BTreeMap<String, (UnitState, Vec<String>)>,
    /// Lines of `/etc/fstab` by mount point, with the checks they serve.
    pub mounts: BTreeMap<String, (String, Vec<String>)>,
    /// What SELinux is told of ports, with the checks they serve; nothing where it is off.
    #[serde(default)]
    pub port_labels: BTreeMap<String, (PortLabel, Vec<String>)>,
    /// Commands, by phase and then in the order given.
    pub commands: Vec<Command>,
    /// Top-level keys of cloud-config that the plan sets, with the checks they serve.
    pub cloud_config: BTreeMap<String, (serde_json::Value, Vec<String>)>,
}

/// Two settings that want different things of one item.
#[derive(Debug, thiserror::Error)]
#[error("checks {first} and {second} want different things of {item}")]
pub struct Conflict {
    item: String,
    first: String,
    second: String,
}

impl Bundle {
    /// Installs a package.
    pub fn install(&mut self, name: &str, check: &str) {
        note(self.packages.entry(name.to_owned()).or_default(), check);
    }

    /// Removes a package.
    pub fn remove_package(&mut self, name: &str, check: &str) {
        note(self.absent.entry(name.to_owned()).or_default(), check);
    }

    /// Writes a file; the same file may serve several checks.
    ///
    /// # Errors
    /// Another check wants other content, owner or mode.
    pub fn write(&mut self, file: BundleFile, checks: &[&str]) -> Result<(), Conflict> {
        let kept = self.files.entry(file.path.clone()).or_insert_with(|| file.clone());
        let same =
            BundleFile { checks: Vec::new(), ..kept.clone() } == BundleFile { checks: Vec::new(), ..file };
        if !same {
            return Err(conflict(&kept.path, &kept.checks, checks));
        }
        checks.iter().for_each(|c| note(&mut kept.checks, c));
        Ok(())
    }

    /// Deletes a file.
    pub fn delete(&mut self, path: &str, check: &str) {
        note(self.removals.entry(path.to_owned()).or_default(), check);
    }

    /// Sets a unit's enablement.
    ///
    /// # Errors
    /// Another check wants another state.
    pub fn unit(&mut self, name: &str, state: UnitState, check: &str) -> Result<(), Conflict> {
        let (kept, checks) = self.units.entry(name.to_owned()).or_insert((state, Vec::new()));
        if *kept != state {
            return Err(conflict(name, checks, &[check]));
        }
        note(checks, check);
        Ok(())
    }

    /// Mounts a filesystem at boot: `line` is its whole line of `/etc/fstab`.
    ///
    /// # Errors
    /// Another check wants another line.
    pub fn mount(&mut self, point: &str, line: &str, check: &str) -> Result<(), Conflict> {
        let (kept, checks) = self.mounts.entry(point.to_owned()).or_insert((line.to_owned(), Vec::new()));
        if kept != line {
            return Err(conflict(point, checks, &[check]));
        }
        note(checks, check);
        Ok(())
    }

    /// Gives a port a type of SELinux's.
    ///
    /// # Errors
    /// Another check wants another type.
    pub fn label_port(&mut self, wanted: PortLabel, checks: &[&str]) -> Result<(), Conflict> {
        let key = format!("{}/{}", wanted.port, wanted.protocol);
        let (kept, served) =
            self.port_labels.entry(key.clone()).or_insert_with(|| (wanted.clone(), Vec::new()));
        if *kept != wanted {
            return Err(conflict(&key, served, checks));
        }
        checks.iter().for_each(|c| note(served, c));
        Ok(())
    }

    /// Runs a command; the same command is kept once.
    pub fn run(&mut self, phase: Phase, argv: &[&str], purpose: &str, checks: &[&str]) {
        self.command(phase, argv, purpose, checks, None);
    }

    /// Lets a program judge its configuration before anything is activated; where it refuses, the
    /// file that it `guards` is taken away again.
    pub fn validate(&mut self, argv: &[&str], purpose: &str, guards: Option<&str>, checks: &[&str]) {
        self.command(Phase::Validate, argv, purpose, checks, guards);
    }

    fn command(&mut self, phase: Phase, argv: &[&str], purpose: &str, checks: &[&str], guards: Option<&str>) {
        let argv: Vec<String> = argv.iter().map(|a| (*a).to_owned()).collect();
        let at = self.commands.iter().position(|c| c.phase == phase && c.argv == argv);
        let at = at.unwrap_or_else(|| {
            self.commands.push(Command {
                phase,
                argv,
                purpose: purpose.to_owned(),
                checks: Vec::new(),
                guards: Vec::new(),
            });
            self.commands.len() - 1
        });
        guards.iter().for_each(|g| note(&mut self.commands[at].guards, g));
        checks.iter().for_each(|c| note(&mut self.commands[at].checks, c));
    }

    /// Sets a top-level key of cloud-config.
    ///
    /// # Errors
    /// Another check wants another value.
    pub fn cloud(&mut self, key: &str, value: serde_json::Value, check: &str) -> Result<(), Conflict> {
        let (kept, checks) = self.cloud_config.entry(key.to_owned()).or_insert((value.clone(), Vec::new()));
        if *kept != value {
            return Err(conflict(key, checks, &[check]));
        }
        note(checks, check);
        Ok(())
    }

    /// Commands of a phase, in order.
    pub fn phase(&self, phase: Phase) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(move |c| c.phase == phase)
    }

    /// Ids of all checks that something in the bundle serves.
    pub fn served_checks(&self) -> std::collections::BTreeSet<&str> {
        let lists = (self.packages.values())
            .chain(self.absent.values())
            .chain(self.files.values().map(|f| &f.checks))
            .chain(self.removals.values())
            .chain(self.units.values().map(|(_, c)| c))
            .chain(self.mounts.values().map(|(_, c)| c))
            .chain(self.port_labels.values().map(|(_, c)| c))
            .chain(self.commands.iter().map(|c| &c.checks))
            .chain(self.cloud_config.values().map(|(_, c)| c));
        lists.flatten().map(String::as_str).collect()
    }
}

fn note(checks: &mut Vec<String>, check: &str) {
    if !checks.iter().any(|c| c == check) {
        checks.push(check.to_owned());
    }
}

fn conflict(item: &str, first: &[String], second: &[&str]) -> Conflict {
    Conflict { item: item.to_owned(), first: first.join(", "), second: second.join(", ") }
}

impl From<Conflict> for crate::diagnostic::ConfigError {
    fn from(conflict: Conflict) -> Self {
        Self::plain(conflict.to_string())
    }
}
