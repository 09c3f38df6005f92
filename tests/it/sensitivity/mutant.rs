//! A mutant: a change of a tree, and what the programs make of it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::base::{Base, Item};
use super::format::{Format, fits};
use crate::tree::Edit;

/// What is done to a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operator {
    Delete,
    Alter,
    Comment,
    ShadowWins,
    ShadowLoses,
    Owner,
    Mode,
    Dangling,
    Masked,
    Second,
    MatchWins,
    MatchLoses,
    Crlf,
    Trailing,
    Case,
    Bom,
    Tabs,
    Indent,
}

impl Operator {
    /// All of them, with the words of the page.
    pub const ALL: [(Self, &'static str, &'static str); 18] = [
        (Self::Delete, "delete", "the file, package or enablement goes"),
        (Self::Alter, "alter", "another value in the place of the wanted one"),
        (Self::Comment, "comment", "the line becomes a comment"),
        (Self::ShadowWins, "shadow +", "the wanted value stays, and something that wins says otherwise"),
        (Self::ShadowLoses, "shadow -", "something says otherwise and loses"),
        (Self::Owner, "owner", "the file belongs to an account, or to nobody"),
        (Self::Mode, "mode", "everybody may write the file"),
        (Self::Dangling, "dangling", "a symbolic link to nothing in the file's place"),
        (Self::Masked, "masked", "the unit, or the file, is a link to /dev/null"),
        (Self::Second, "second", "one more of a kind of which there may be none, or one"),
        (Self::MatchWins, "Match +", "a Match block of sshd weakens some login"),
        (Self::MatchLoses, "Match -", "a Match block of sshd weakens nobody"),
        (Self::Crlf, "CRLF", "lines end in CR LF"),
        (Self::Trailing, "trailing", "blanks at the line's end"),
        (Self::Case, "case", "capital and small letters swapped in the key"),
        (Self::Bom, "BOM", "a byte order mark at the file's start"),
        (Self::Tabs, "tabs", "tabs in the place of blanks"),
        (Self::Indent, "indent", "two blanks before the line"),
    ];
}

/// What a change means for the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A key of a program's configuration has not its wanted value any more.
    Key(&'static str, String),
    /// A program refuses all of its configuration.
    Refused(&'static str),
    /// A program finds something in its configuration that it can't use.
    Problem(&'static str),
    /// A file's bytes are others, or it is no regular file.
    Content(String),
    /// There is no such file.
    Gone(String),
    /// A file has these permission bits.
    Mode(String, u32),
    /// A directory has.
    FolderMode(String, u32),
    /// A file belongs to this user and group.
    Owner(String, u32),
    /// The unit does not start at boot any more.
    NotStarted(String),
    /// The unit starts, and does something else, or nothing.
    Undone(String),
    /// The unit runs other commands.
    Commands(String),
    /// No login shell reads the folder any more.
    Unread(&'static str),
    /// The package is not installed any more.
    Uninstalled(String),
    /// This very setting, of that number in the check of that number, is not met.
    Setting(usize, usize),
    /// Another module decides, or one is missing, in this file's stack of that facility.
    PamStack(String, String),
    /// The settings of a kind are not met, whose field has this value; every one without a field.
    Kind(&'static str, Option<(&'static str, Value)>),
}

/// A change, from which setting it comes, and what it means.
pub struct Mutant {
    /// The check that it was made for.
    pub subject: String,
    pub operator: Operator,
    /// What is done, for messages.
    pub name: String,
    pub edits: Vec<Edit>,
    /// Nothing, where it loses.
    pub effects: Vec<Effect>,
}

impl Mutant {
    /// The checks of a plan that the change breaks.
    pub fn breaks<'b>(&self, base: &'b Base) -> BTreeSet<&'b str> {
        let broken = |item: &&Item| self.effects.iter().any(|effect| effect.breaks(item, base));
        base.items.iter().filter(broken).map(|item| item.id.as_str()).collect()
    }
}

impl Effect {
    /// Whether it takes away what a setting wants.
    pub fn breaks(&self, item: &Item, base: &Base) -> bool {
        let text = |field: &str| item.fields[field].as_str().unwrap_or_default();
        let path_of = |field: &str, path: &str| text(field) == path;
        match (self, item.kind) {
            (Self::Key("sshd", key), "sshd") => text("keyword").eq_ignore_ascii_case(key),
            (Self::Key("sshd", key), "ssh-port") => key == "port",
            (Self::Key("sshd", key), "host-key") => key == "hostkey",
            (Self::Refused("sshd"), "sshd" | "ssh-port" | "host-key") => true,
            (Self::Key("sshd-main", key), "sshd-main") => key != "denyusers" && wants_keyword(base, key),
            (Self::Gone(path), "sshd" | "ssh-port" | "host-key" | "sshd-main") => {
                path == "/etc/ssh/sshd_config"
            }
            (Self::Key("sysctl", key), "sysctl") => text("key") == key,
            (Self::Key("modprobe", key), "kernel-module") => {
                key.split(' ').nth(1) == Some(&text("off").replace('-', "_"))
            }
            (Self::Key("apt", key), "updates") => UPDATES.contains(&key.as_str()),
            (Self::Key("apt", key), "update-reboot") => REBOOT.contains(&key.as_str()),
            (Self::Key("apt", key), "cleartext") => UNSIGNED.contains(&key.as_str()),
            (Self::Refused("apt"), "updates" | "update-reboot") => true,
            (Self::Key("fail2ban", _) | Self::Refused("fail2ban"), "ban") => true,
            (Self::Key("journald", key), "journald") => text("key") == key,
            (Self::Key("unit", key), "host-key") => key == "ExecStartPre",
            (Self::Key("sudoers", key), "sudo-default") => text("option") == key,
            (Self::Key("cloud-init", key), "cloud-config") => text("key") == key,
            (Self::Key("audit", rule), "audit-rules") => audits(item, base, rule),
            (Self::Refused("audit"), "audit-rules") => true,
            (Self::Key("fstab", key), "mount") => text("tmpfs") == key,
            (Self::Problem("sudoers"), "privileges") => true,
            (Self::Refused("nft"), "firewall" | "ports") => true,
            (Self::Refused("announcements"), "announcements") => true,
            (Self::Uninstalled(package), "ban") => package == "python3-systemd",
            (Self::Key(format, key), "key-value") => is(text("file"), format) && text("key") == key,
            (Self::Refused(format), "key-value") => is(text("file"), format),
            (Self::Gone(path), "key-value") => path_of("file", path),
            (Self::Gone(path), "file") if path == "/etc/profile" => {
                text("path").starts_with("/etc/profile.d/")
            }
            (Self::Content(path) | Self::Gone(path), "file") => path_of("path", path),
            // journald concludes; a file that says something of a key is about what it concludes.
            (Self::Key("journald", key), "file") => {
                text("path").starts_with("/etc/systemd/journald.conf")
                    && text("content").lines().any(|line| line.split('=').next() == Some(key))
            }
            (Self::Gone(path), "file-mode") => {
                // Of several files that fit, the rest still stand.
                path_of("path", path) && item.fields["optional"] != true
            }
            (Self::Mode(path, mode), "file") => path_of("path", path) && octal(text("mode")) != *mode,
            (Self::Mode(path, mode) | Self::FolderMode(path, mode), "file-mode") => {
                fits(text("path"), path) && mode & 0o6777 & !octal(text("at_most")) != 0
            }
            (Self::FolderMode(_, mode), "file-scan") => {
                text("none") == "world-writable" && mode & 0o1002 == 0o002
            }
            (Self::Mode(_, mode), "file-scan") => {
                (text("none") == "world-writable" && mode & 0o002 != 0)
                    || (text("none") == "unlisted-set-id" && mode & 0o6000 != 0)
            }
            (Self::Owner(path, _), "file") => path_of("path", path),
            (Self::Owner(path, _), "file-mode") => fits(text("path"), path),
            (Self::Owner(_, owner), "file-scan") => text("none") == "unowned" && *owner >= 1000,
            (Self::NotStarted(unit), "unit") => {
                let role = text("role");
                base.plan.distro.units.get(role).map_or(role, String::as_str) == unit
                    && text("state") == "enabled"
            }
            (Self::Undone(unit), "unit") => {
                // A timer is there for its service.
                let stem = |name: &str| name.rsplit_once('.').map(|(stem, _)| stem.to_owned());
                let role = text("role");
                let name = base.plan.distro.units.get(role).map_or(role, String::as_str);
                text("state") == "enabled"
                    && (name == unit || name.ends_with(".timer") && stem(name) == stem(unit))
            }
            (Self::Unread(folder), "file") => text("path").starts_with(folder),
            // Nobody knows what is let in by rules that another command loads.
            (Self::Commands(unit), "ports" | "firewall") => {
                base.plan.distro.units.get("firewall") == Some(unit)
            }
            (Self::NotStarted(unit), "ports") => base.plan.distro.units.get("ssh") == Some(unit),
            (Self::Uninstalled(package), "package") => {
                base.plan.distro.package_names(text("role")).contains(package)
            }
            (Self::Setting(check, setting), _) => (*check, *setting) == (item.check, item.setting),
            (Self::PamStack(path, facility), "pam-profile") => {
                path.starts_with("/etc/pam.d/common-") && item.fields[facility.as_str()].is_object()
            }
            (Self::Kind(kind, field), here) => {
                *kind == here && field.as_ref().is_none_or(|(name, value)| item.fields[*name] == *value)
            }
            _ => false,
        }
    }
}

/// What decides over automatic updates, and over reboots after them (unattended-upgrades' README).
const UPDATES: [&str; 4] = [
    "apt::periodic::enable",
    "apt::periodic::update-package-lists",
    "apt::periodic::unattended-upgrade",
    "unattended-upgrade::origins-pattern",
];
const REBOOT: [&str; 2] =
    ["unattended-upgrade::automatic-reboot", "unattended-upgrade::automatic-reboot-time"];
/// What makes apt take packages that nobody signed (apt-secure(8), apt.conf(5)).
const UNSIGNED: [&str; 2] = ["apt::get::allowunauthenticated", "acquire::allowinsecurerepositories"];

/// Whether a file is of that format.
fn is(path: &str, format: &str) -> bool {
    Format::of(path).is_some_and(|f| f.name == format)
}

fn octal(text: &str) -> u32 {
    u32::from_str_radix(text, 8).unwrap_or(0)
}

/// Whether the plan wants anything of a keyword of sshd.
fn wants_keyword(base: &Base, keyword: &str) -> bool {
    let of = |item: &&Item| item.fields["keyword"].as_str().unwrap_or_default().to_ascii_lowercase();
    base.items.iter().filter(|item| item.kind == "sshd").any(|item| of(&item) == keyword)
}

/// Whether a setting wants an audit rule: by its own list, or because of a set-id program.
fn audits(item: &Item, base: &Base, rule: &str) -> bool {
    let own = item.fields["rules"].as_array().is_some_and(|rules| rules.iter().any(|r| r == rule));
    let programs = item.fields["set_id_programs"] == true
        && base.plan.distro.set_id_programs.iter().any(|p| rule.contains(&format!(" path={p} ")));
    own || programs
}
