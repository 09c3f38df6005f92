//! Mutants of everything that is no line of a rendered file, made from each setting's own fields.

mod accounts;
mod boot;
mod files;
mod machine;
mod network;
mod programs;

use ironseed::target::Root;
use serde_json::Value;

use super::base::{Base, Item};
use super::edits;
use super::mutant::{Effect, Mutant, Operator};
use crate::tree::Edit;

/// Every mutant of every setting, by its kind.
pub fn mutants(base: &Base) -> Vec<Mutant> {
    base.items.iter().flat_map(|item| of(&Maker { base, item })).collect()
}

fn of(make: &Maker<'_>) -> Vec<Mutant> {
    match make.item.kind {
        "package" => machine::package(make),
        "cleartext" => machine::cleartext(make),
        "pending-updates" => machine::pending_updates(make),
        "release-supported" => machine::release(make),
        "cloud-config" => machine::cloud_config(make),
        "updates" => machine::updates(make),
        "unit" => boot::unit(make),
        "services" => boot::services(make),
        "kernel" => boot::kernel(make),
        "kernel-argument" => boot::kernel_argument(make),
        "file-mode" => files::file_mode(make),
        "file-scan" => files::file_scan(make),
        "log-files" => files::log_files(make),
        "hygiene" => files::hygiene(make),
        "moduli" => files::moduli(make),
        "secrets" => files::secrets(make),
        "file" => programs::file(make),
        "key-value" => programs::key_value(make),
        "group" => accounts::group(make),
        "accounts" => accounts::accounts(make),
        "privileges" => accounts::privileges(make),
        "pam-profile" | "pam-rule" => accounts::pam(make),
        "firewall" | "ports" => network::firewall(make),
        "server-scope" => network::server_scope(make),
        "log-transport" => network::log_transport(make),
        // Lines of files, all of them.
        "sshd" | "sshd-main" | "ssh-port" | "host-key" | "update-reboot" | "ban" | "journald"
        | "announcements" | "sysctl" | "kernel-module" | "sudo-default" | "audit-rules" | "mount" => {
            Vec::new()
        }
        other => panic!("nothing breaks settings of kind `{other}`: say how"),
    }
}

/// Makes mutants for one setting.
struct Maker<'b> {
    base: &'b Base,
    item: &'b Item,
}

impl Maker<'_> {
    /// A change that means what is said, beside what its edits mean to everybody.
    fn mutant(&self, operator: Operator, name: &str, edits: Vec<Edit>, meaning: Vec<Effect>) -> Mutant {
        let mut effects = edits::effects(&edits, self.base);
        effects.extend(meaning);
        let name = format!("{}: {name}", self.item.kind);
        Mutant { subject: self.item.id.clone(), operator, name, edits, effects }
    }

    /// One that wins against this very setting.
    fn wins(&self, operator: Operator, name: &str, edits: Vec<Edit>) -> Mutant {
        self.mutant(operator, name, edits, vec![self.this()])
    }

    /// One that means nothing.
    fn loses(&self, operator: Operator, name: &str, edits: Vec<Edit>) -> Mutant {
        self.mutant(operator, name, edits, Vec::new())
    }

    /// This setting is not met.
    fn this(&self) -> Effect {
        Effect::Setting(self.item.check, self.item.setting)
    }

    fn field(&self, name: &str) -> &str {
        self.item.fields[name].as_str().unwrap_or_default()
    }

    fn json(&self, name: &str) -> &Value {
        &self.item.fields[name]
    }

    fn root(&self) -> Root<'_> {
        Root::new(&self.base.tree)
    }

    fn text(&self, path: &str) -> String {
        self.root().read_text(path).unwrap().unwrap_or_else(|| panic!("the tree has no {path}"))
    }

    /// A file with another text, all else as it is.
    fn put(&self, path: &str, text: &str) -> Edit {
        edits::rewritten(self.base, path, text)
    }

    fn append(&self, path: &str, text: &str) -> Edit {
        edits::edited(self.base, path, |old| format!("{old}{text}"))
    }

    fn replace(&self, path: &str, from: &str, to: &str) -> Edit {
        edits::edited(self.base, path, |old| {
            assert!(old.contains(from), "{path} does not say {from:?}");
            old.replace(from, to)
        })
    }
}

/// A file with its permission bits.
fn file(path: &str, mode: u32, text: &str) -> Edit {
    Edit::File { path: path.into(), content: text.into(), mode, owner: (0, 0) }
}

fn link(path: &str, text: &str) -> Edit {
    Edit::Link { path: path.into(), text: text.into() }
}

fn remove(path: &str) -> Edit {
    Edit::Remove { path: path.into() }
}
