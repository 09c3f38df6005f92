//! Plan × plan: what one profile wants and another does not, and which way that goes.
//!
//! Owns the comparison and its forms. What is stricter is each setting kind's own business
//! ([`crate::settings::order`]). It compares what is wanted: no text of a profile, no place, no name of a file.

pub mod change;
pub mod compare;
pub mod form;
mod git;
mod overview;
mod parts;
mod settings;
pub mod subject;
mod text;
pub mod workshop;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;
use rayon::prelude::*;

use self::change::{Change, Comparison, FORMAT, FileChange, Pair, Part, Wanted, What, Word};
use self::compare::{Lines, Planned};
use self::overview::Overview;
use self::subject::{Form, Sides, Subject};
use self::text::Files;
use crate::diagnostic::ConfigError;
use crate::plan::Plan;
use crate::render::Bundle;
use crate::settings::order::Direction;

/// What to compare, apart from the sides.
pub struct Wish {
    /// Distributions by id or path; every supported one where none is named.
    pub distros: Vec<String>,
    /// Whether rendered files are compared line by line.
    pub files: bool,
    /// The day on which a release is supported or not.
    pub today: Date,
}

/// Compares the sides of each pair.
///
/// # Errors
/// A profile that can't be resolved, or sides that are about other distributions than those asked for.
pub fn compare(sides: &[Sides], wish: &Wish) -> Result<Comparison, ConfigError> {
    let pairs = sides.iter().map(|(old, new)| match (old, new) {
        (Some(old), Some(new)) => pair(old, new, wish),
        (Some(gone), None) => Ok(lonely(gone, Word::Removed)),
        (None, Some(come)) => Ok(lonely(come, Word::Added)),
        (None, None) => Err(ConfigError::plain("nothing to compare")),
    });
    let pairs = pairs.collect::<Result<_, ConfigError>>()?;
    Ok(Comparison { version: FORMAT, ironseed: env!("CARGO_PKG_VERSION").to_owned(), pairs })
}

/// A profile that is there on one side only.
fn lonely(subject: &Subject, word: Word) -> Pair {
    let wanted = Wanted {
        wanted: Some(subject.label.clone()),
        at: subject.side().file.map(crate::location::Location::file),
    };
    let (direction, [old_wanted, new_wanted], [old, new]) = match word {
        Word::Removed => (Direction::Looser, [wanted, Wanted::default()], [Some(subject.side()), None]),
        _ => (Direction::Tighter, [Wanted::default(), wanted], [None, Some(subject.side())]),
    };
    let change = Change {
        old: old_wanted,
        new: new_wanted,
        ..Change::new(What::Profile, subject.name().to_owned(), word, BTreeSet::from([direction]))
    };
    Pair { old, new, distros: Vec::new(), changes: vec![change], parts: Vec::new(), files: Vec::new() }
}

/// A distribution of both sides.
struct Combination {
    label: String,
    old: String,
    new: String,
}

fn combinations(old: &Subject, new: &Subject, wish: &Wish) -> Result<Vec<Combination>, ConfigError> {
    let same = |id: &str| Combination { label: id.to_owned(), old: id.to_owned(), new: id.to_owned() };
    for subject in [old, new] {
        let Some(own) = subject.distro() else { continue };
        if let Some(other) = wish.distros.iter().find(|id| *id != own) {
            let label = &subject.label;
            return Err(ConfigError::plain(format!(
                "{label} is about {own} alone, so -d {other} can't be compared"
            )));
        }
    }
    Ok(match (old.distro(), new.distro()) {
        (Some(old), Some(new)) if old != new => {
            vec![Combination { label: format!("{old} → {new}"), old: old.to_owned(), new: new.to_owned() }]
        }
        (Some(own), _) | (_, Some(own)) => vec![same(own)],
        (None, None) if !wish.distros.is_empty() => wish.distros.iter().map(|id| same(id)).collect(),
        (None, None) => {
            let here = old.workshop.supported(wish.today)?;
            let there = match Arc::ptr_eq(&old.workshop, &new.workshop) {
                true => here.clone(),
                false => new.workshop.supported(wish.today)?,
            };
            here.iter().filter(|id| there.contains(id)).map(|id| same(id)).collect()
        }
    })
}

/// What was found for one distribution.
struct Found {
    changes: Vec<Change>,
    parts: Vec<Part>,
    files: Vec<FileChange>,
}

fn pair(old: &Subject, new: &Subject, wish: &Wish) -> Result<Pair, ConfigError> {
    let combinations = combinations(old, new, wish)?;
    let lines = [old.lines(), new.lines()];
    let found = combinations
        .par_iter()
        .map(|c| one([(old, &c.old, &lines[0]), (new, &c.new, &lines[1])], wish.files))
        .collect::<Result<Vec<Found>, ConfigError>>()?;
    let distros: Vec<String> = combinations.into_iter().map(|c| c.label).collect();
    let (mut changes, mut parts, mut files) = (Groups::default(), Groups::default(), Groups::default());
    for (found, distro) in found.into_iter().zip(&distros) {
        found.changes.into_iter().for_each(|change| changes.add(change, distro));
        found.parts.into_iter().for_each(|part| parts.add(part, distro));
        found.files.into_iter().for_each(|file| files.add(file, distro));
    }
    let changes = changes.finish(|change, distros| Change { distros, ..change });
    let parts = parts.finish(|part, distros| Part { distros, ..part });
    let files = files.finish(|file, distros| FileChange { distros, ..file });
    Ok(Pair { old: Some(old.side()), new: Some(new.side()), distros, changes, parts, files })
}

/// The same finding for several distributions, once.
struct Groups<T>(BTreeMap<T, Vec<String>>);

impl<T> Default for Groups<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Ord> Groups<T> {
    fn add(&mut self, found: T, distro: &str) {
        self.0.entry(found).or_default().push(distro.to_owned());
    }

    fn finish(self, place: impl Fn(T, Vec<String>) -> T) -> Vec<T> {
        self.0.into_iter().map(|(found, distros)| place(found, distros)).collect()
    }
}

/// A side for one distribution.
enum View<'a> {
    Plan(Box<Cow<'a, Plan>>, Bundle),
    Report(Overview),
}

/// `named`: the profile's name in the rendering, the same on both sides: it stands in every file, and is no difference.
fn view<'a>(subject: &'a Subject, distro: &str, named: &str) -> Result<View<'a>, ConfigError> {
    let mut plan = match &subject.form {
        Form::Profile(profile) => Cow::Owned(subject.workshop.plan(profile, distro)?),
        Form::Plan { plan, .. } | Form::PlannedReport(_, plan) => Cow::Borrowed(plan.as_ref()),
        Form::Report(report) => return Ok(View::Report(Overview::of_report(report))),
    };
    if plan.profile != named {
        plan.to_mut().profile = named.to_owned();
    }
    let bundle = subject.workshop.bundle(&plan)?;
    Ok(View::Plan(Box::new(plan), bundle))
}

/// What differs for one distribution.
fn one(sides: [(&Subject, &str, &Lines); 2], wants_files: bool) -> Result<Found, ConfigError> {
    let [(old, old_distro, old_lines), (new, new_distro, new_lines)] = sides;
    let named = new.name();
    let mut found = match (view(old, old_distro, named)?, view(new, new_distro, named)?) {
        (View::Plan(before, was), View::Plan(after, is)) => {
            let changes = compare::plans(
                Planned { plan: &before, lines: old_lines },
                Planned { plan: &after, lines: new_lines },
            );
            let changed: BTreeSet<String> = changes.iter().filter_map(|c| c.check.clone()).collect();
            let parts = parts::changes((&before, &was), (&after, &is), &changed);
            let files = match wants_files {
                true => text::changes(&files(old, &before, &was)?, &files(new, &after, &is)?),
                false => Vec::new(),
            };
            let file = |(path, diff)| FileChange { path, diff, distros: Vec::new() };
            Found { changes, parts, files: files.into_iter().map(file).collect() }
        }
        (before, after) => {
            let [before, after] = [(old, before, old_lines), (new, after, new_lines)].map(overview);
            Found { changes: compare::overviews(&before, &after), parts: Vec::new(), files: Vec::new() }
        }
    };
    if let (Form::PlannedReport(before, _), Form::PlannedReport(after, _)) = (&old.form, &new.form) {
        let outcomes = compare::overviews(&Overview::of_report(before), &Overview::of_report(after));
        found.changes.extend(outcomes.into_iter().filter(|c| c.what == What::Outcome));
    }
    Ok(found)
}

/// A side as far as a report could know it.
fn overview((subject, view, lines): (&Subject, View<'_>, &Lines)) -> Overview {
    let mut overview = match (&subject.form, view) {
        (Form::PlannedReport(report, _), _) => Overview::of_report(report),
        (_, View::Plan(plan, _)) => Overview::of_plan(&plan, lines),
        (_, View::Report(overview)) => overview,
    };
    overview.know_what_reports_know();
    overview
}

/// The rendered files of a side: those of a rendered directory as they stand there.
fn files(subject: &Subject, plan: &Plan, bundle: &Bundle) -> Result<Files, ConfigError> {
    match &subject.form {
        Form::Plan { rendered: Some(directory), .. } => text::found(directory),
        _ => text::rendered(plan, bundle, &subject.workshop.assets),
    }
}
