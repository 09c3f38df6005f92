//! Whether a unit that starts still does what it is there for: what its package made it do, or the
//! profile.
//!
//! Every file of the unit is held against its package's digest. One that no package and no setting
//! knows may say what it likes, except what decides over commands, over when they run, and over
//! whether they run at all.

use std::collections::BTreeSet;

use crate::effective::packages::Shipped;
use crate::effective::systemd::{Facts, Unit, Units};
use crate::location::{Location, Sourced};
use crate::verify::{Look, Nature};

/// Where a running machine keeps what it makes.
const STATE: [&str; 1] = ["/var"];

/// What became of a unit's task.
pub enum Task {
    /// It is done, as far as files tell; and what they don't tell, in words.
    Done(Vec<String>),
    /// It is not, because of this.
    Undone(Sourced<String>),
}

/// Follows a unit that starts at boot, and what it starts in turn.
///
/// # Errors
/// A file that can't be read, in words.
pub fn judge(look: &Look<'_>, systemd: &Units<'_>, name: &str) -> Result<Task, String> {
    let words = |error: crate::target::TargetError| error.to_string();
    let mut notes = Vec::new();
    let mut seen = BTreeSet::new();
    let mut next = Some(Sourced::new(name.to_owned(), Location::file(name)));
    while let Some(Sourced { value: name, at }) = next.take().filter(|unit| seen.insert(unit.value.clone())) {
        let Some(unit) = systemd.unit(&name).map_err(words)? else {
            return Ok(Task::Undone(Sourced::new(format!("it starts {name}, which can't be loaded"), at)));
        };
        if unit.name != name
            && let Some(package) = shipping(look, &name)
        {
            let why = format!("{package} ships {name}, and by this link it is {} instead", unit.name);
            let at = systemd.place(&name).map_or(at, Location::file);
            return Ok(Task::Undone(Sourced::new(why, at)));
        }
        match judge_one(look, systemd, &unit)? {
            Task::Done(more) => notes.extend(more),
            undone @ Task::Undone(_) => return Ok(undone),
        }
        next = systemd.activates(&name).map_err(words)?.map(|started| {
            let file = Location::file(&unit.fragment);
            let said = ["Timer", "Path"].iter().find_map(|section| unit.last(section, "Unit"));
            Sourced::new(started, said.map_or(file, |line| line.at.clone()))
        });
    }
    Ok(Task::Done(notes))
}

fn judge_one(look: &Look<'_>, systemd: &Units<'_>, unit: &Unit) -> Result<Task, String> {
    let mut notes = Vec::new();
    let origin = Origin::of(look, systemd, unit)?;
    if let Some(undone) = origin.undone(look, unit, &mut notes) {
        return Ok(Task::Undone(undone));
    }
    let boots = look.kernels().ok().and_then(|kernels| kernels.boots.as_ref().ok());
    let facts = Facts {
        changing: if look.nature == Nature::Instance { &STATE } else { &[] },
        kernel_arguments: boots.map(|boot| boot.arguments.as_slice()),
    };
    let conditions = systemd.conditions(unit, &facts).map_err(|e| e.to_string())?;
    if let Some(failed) = conditions.failed.into_iter().next() {
        let why = format!("`{}` does not hold, so systemd passes {} over", failed.value, unit.name);
        return Ok(Task::Undone(Sourced::new(why, failed.at)));
    }
    let alien = conditions.unknown.iter().filter(|line| origin.foreign.contains(&line.at.file));
    notes.extend(alien.map(|line| format!("only a boot can tell whether `{}` holds", line.value)));
    Ok(Task::Done(notes))
}

/// The package that ships a unit of that name.
fn shipping<'l>(look: &'l Look<'_>, name: &str) -> Option<&'l str> {
    look.packaged_units().ok()?.owner(format!("usr/lib/systemd/system/{name}").as_bytes())
}

/// Where a unit's files come from.
struct Origin {
    /// Files that no package and no setting knows as they are.
    foreign: BTreeSet<String>,
    /// A package's own file that is not as shipped, and the package.
    changed: Option<Sourced<String>>,
    /// The unit without the foreign files.
    intended: Option<Unit>,
}

impl Origin {
    fn of(look: &Look<'_>, systemd: &Units<'_>, unit: &Unit) -> Result<Self, String> {
        let Ok(packaged) = look.packaged_units() else {
            // No package is known, so none has a say.
            return Ok(Self { foreign: BTreeSet::new(), changed: None, intended: Some(unit.clone()) });
        };
        let distro = &look.plan.distro;
        let wanted: BTreeSet<String> = look.plan.settings().flat_map(|(_, s)| s.writes(distro)).collect();
        let mut origin = Self { foreign: BTreeSet::new(), changed: None, intended: Some(unit.clone()) };
        // Behind a file that is put aside another one may come to light.
        while let Some(version) = &origin.intended {
            let mut found = BTreeSet::new();
            for file in version.files().filter(|file| !wanted.contains(*file)) {
                match packaged.shipped(look.root, file).map_err(|e| e.to_string())? {
                    Shipped::Unchanged => continue,
                    Shipped::Changed { package, conffile: false } => {
                        origin.changed = Some(Sourced::new(package.to_owned(), Location::file(file)));
                    }
                    Shipped::Changed { .. } | Shipped::Unknown => {}
                }
                found.insert(file.clone());
            }
            if found.is_empty() {
                break;
            }
            origin.foreign.extend(found);
            let rest = systemd.without(&origin.foreign);
            origin.intended = rest.unit(&unit.name).map_err(|e| e.to_string())?;
        }
        Ok(origin)
    }

    /// What decides otherwise than it is meant to; a note where nothing tells what is meant.
    fn undone(&self, look: &Look<'_>, unit: &Unit, notes: &mut Vec<String>) -> Option<Sourced<String>> {
        if let Some(changed) = &self.changed {
            let why = format!("it is not as the package {} ships it", changed.value);
            return Some(Sourced::new(why, changed.at.clone()));
        }
        let Some(intended) = &self.intended else {
            if let Some(package) = shipping(look, &unit.name) {
                let why = format!("it stands for the unit that {package} ships, which is not there");
                return Some(Sourced::new(why, Location::file(&unit.fragment)));
            }
            notes.push(format!("no package ships {}", unit.fragment));
            return None;
        };
        let difference = unit.differences(intended).into_iter().next()?;
        let why = format!(
            "{} has `{}` by this, where {} means it to have `{}`",
            unit.name, difference.says.value, intended.fragment, difference.other
        );
        Some(Sourced::new(why, difference.says.at))
    }
}
