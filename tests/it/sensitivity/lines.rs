//! Mutants of lines: every line that a plan's rendering put somewhere, and every file of it.

use std::collections::BTreeSet;

use ironseed::render::Bundle;
use ironseed::target::Root;

use super::base::Base;
use super::edits::{self, edited, rewritten};
use super::format::{Answer, Format, Place, Shadow};
use super::mutant::{Effect, Mutant, Operator};
use super::order::{ADDS_UP, Line, SSHD_MAIN, decider, lines_for, still};
use super::wrong::wrong;
use crate::tree::Edit;

/// Every mutant of every line and file that the bundle or a command of it wrote.
pub fn mutants(base: &Base, bundle: &Bundle) -> Vec<Mutant> {
    let mut paths: BTreeSet<&str> = bundle.files.keys().map(String::as_str).collect();
    paths.extend(
        base.items.iter().filter(|i| i.kind == "key-value").filter_map(|i| i.fields["file"].as_str()),
    );
    if base.items.iter().any(|i| i.kind == "mount") {
        paths.insert("/etc/fstab");
    }
    let mut all = Vec::new();
    for path in paths {
        let subject = subject(base, bundle, path);
        let file = File { base, path, subject };
        all.extend(file.whole());
        all.extend(file.lines());
    }
    all
}

/// The check that a file is there for.
fn subject(base: &Base, bundle: &Bundle, path: &str) -> String {
    let served = bundle.files.get(path).and_then(|f| f.checks.first()).cloned();
    let by_key = || base.items.iter().find(|i| i.fields["file"] == path).map(|i| i.id.clone());
    let by_mount = || base.items.iter().find(|i| i.kind == "mount").map(|i| i.id.clone());
    served.or_else(by_key).or_else(by_mount).unwrap()
}

/// One file and the check it is there for.
struct File<'b> {
    base: &'b Base,
    path: &'b str,
    subject: String,
}

impl File<'_> {
    fn mutant(&self, operator: Operator, what: &str, edits: Vec<Edit>, meaning: Vec<Effect>) -> Mutant {
        let name = format!("{}: {what}", self.path);
        let mut effects = edits::effects(&edits, self.base);
        effects.extend(meaning);
        Mutant { subject: self.subject.clone(), operator, name, edits, effects }
    }

    fn text(&self) -> String {
        Root::new(&self.base.tree).read_text(self.path).unwrap().unwrap_or_default()
    }

    /// What is lost with the whole file.
    fn all_lost(&self, format: Option<&'static Format>) -> Vec<Effect> {
        let Some(format) = format else { return Vec::new() };
        let text = self.text();
        let keys: BTreeSet<String> = text.lines().filter_map(|l| format.key(l)).collect();
        if keys.is_empty() {
            return vec![Effect::Refused(format.name)];
        }
        let others = |key: &String| {
            let mut lines = lines_for(self.base, format, self.path, key);
            let decides = decider(format, key, &lines).is_some_and(|l| l.path == self.path);
            let wanted = decider(format, key, &lines).map(|l| l.text.clone());
            lines.retain(|l| l.path != self.path);
            decides && !still(format, key, &wanted.unwrap_or_default(), &lines)
        };
        let mut effects: Vec<Effect> =
            keys.iter().filter(|k| others(k)).map(|k| Effect::Key(format.name, k.clone())).collect();
        // A list: the package's own stands behind it.
        if format.name == "apt" && text.contains("Origins-Pattern {") {
            effects.push(Effect::Key("apt", "unattended-upgrade::origins-pattern".into()));
        }
        if self.path == SSHD_MAIN {
            effects.extend(keys.into_iter().map(|k| Effect::Key("sshd-main", k)));
        }
        effects
    }

    fn meaning(
        &self,
        answer: Answer,
        format: Option<&'static Format>,
        lost: impl Fn() -> Vec<Effect>,
    ) -> Option<Vec<Effect>> {
        Some(match answer {
            Answer::Same => Vec::new(),
            Answer::Lost => lost(),
            Answer::Mixed => vec![Effect::Refused(format?.name)],
            Answer::Problem => [lost(), vec![Effect::Problem(format?.name)]].concat(),
            Answer::FileLost => self.all_lost(format),
            Answer::FileProblem => [self.all_lost(format), vec![Effect::Problem(format?.name)]].concat(),
            Answer::Broken => vec![Effect::Refused(format?.name)],
            Answer::Unknown => return None,
        })
    }

    /// Mutants of the file as a whole.
    fn whole(&self) -> Vec<Mutant> {
        let format = Format::of(self.path);
        let text = self.text();
        let meta = edits::meta(self.base, self.path);
        let mut all = Vec::new();
        let mut add = |operator, what: &str, edits: Vec<Edit>, meaning: Option<Vec<Effect>>| {
            all.extend(meaning.map(|meaning| self.mutant(operator, what, edits, meaning)));
        };
        let lost = || Some(self.all_lost(format));
        let path = || self.path.to_owned();
        add(Operator::Delete, "gone", vec![Edit::Remove { path: path() }], lost());
        let dangling = format.map_or(Answer::FileLost, |f| f.dangling);
        let dangling = if self.path == SSHD_MAIN { Answer::FileLost } else { dangling };
        let nowhere = vec![Edit::Link { path: path(), text: "/nonexistent/file".into() }];
        add(Operator::Dangling, "a link to nothing", nowhere, self.meaning(dangling, format, Vec::new));
        let null = vec![Edit::Link { path: path(), text: "/dev/null".into() }];
        // The main file without its Include, or no list of rules: more than a file is lost.
        let masked = if dangling == Answer::Unknown || self.path == SSHD_MAIN { None } else { lost() };
        add(Operator::Masked, "a link to /dev/null", null, masked);
        for (owner, who) in [((super::NOBODY, super::NOBODY), "nobody's"), (super::SOMEBODY, "an account's")]
        {
            let edit = Edit::File { path: path(), content: text.clone().into(), mode: meta.mode, owner };
            let answer = format.map_or(Answer::Same, |f| f.owner);
            add(Operator::Owner, who, vec![edit], self.meaning(answer, format, Vec::new));
        }
        let open = Edit::File {
            path: path(),
            content: text.clone().into(),
            mode: meta.mode | 0o022,
            owner: (meta.uid, meta.gid),
        };
        let answer = format.map_or(Answer::Same, |f| f.mode);
        add(Operator::Mode, "writable for everybody", vec![open], self.meaning(answer, format, Vec::new));
        let crlf = rewritten(self.base, self.path, &text.replace('\n', "\r\n"));
        let crlf_effects = match format {
            None => Some(Vec::new()),
            Some(f) if f.crlf != Answer::Same => self.meaning(f.crlf, format, || self.all_lost(format)),
            Some(f) => Some(self.lost_keys(f, Operator::Crlf)),
        };
        add(Operator::Crlf, "CR LF", vec![crlf], crlf_effects);
        let marked = rewritten(self.base, self.path, &format!("\u{feff}{text}"));
        let bom = match (format, format.and_then(|f| f.key(text.lines().next()?))) {
            (None, _) => Some(Vec::new()),
            (Some(f), Some(key)) => self.meaning(f.bom_key, format, || self.lost(f, &key, 0)),
            (Some(f), None) => self.meaning(f.bom, format, || self.all_lost(format)),
        };
        add(Operator::Bom, "a byte order mark", vec![marked], bom);
        all
    }

    /// The keys of the file that an operator costs.
    fn lost_keys(&self, format: &'static Format, operator: Operator) -> Vec<Effect> {
        let text = self.text();
        let keys = text.lines().enumerate().filter_map(|(i, l)| Some((i, format.key(l)?)));
        keys.filter(|(_, k)| format.answer(operator, k) == Answer::Lost)
            .flat_map(|(i, k)| self.lost(format, &k, i))
            .collect()
    }

    /// What it means that a line of this file has no effect.
    fn lost(&self, format: &'static Format, key: &str, index: usize) -> Vec<Effect> {
        let mut lines = lines_for(self.base, format, self.path, key);
        let here = |l: &Line| l.path == self.path && l.index == index;
        let mut effects = Vec::new();
        let decides =
            decider(format, key, &lines).is_some_and(here) || format.name == "sshd" && ADDS_UP.contains(&key);
        let wanted = lines.iter().find(|l| here(l)).map(|l| l.text.clone()).unwrap_or_default();
        lines.retain(|l| !here(l));
        if decides && !still(format, key, &wanted, &lines) {
            effects.push(Effect::Key(format.name, key.to_owned()));
        }
        if self.path == SSHD_MAIN {
            effects.push(Effect::Key("sshd-main", key.to_owned()));
        }
        effects
    }

    /// Mutants of single lines.
    fn lines(&self) -> Vec<Mutant> {
        let Some(format) = Format::of(self.path) else { return self.text_lines() };
        let text = self.text();
        let mut all = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, line) in text.lines().enumerate() {
            let Some(key) = format.key(line) else { continue };
            if !self.is_wanted(format, &key) || !seen.insert(key.clone()) {
                continue;
            }
            all.extend(self.line(format, &text, index, line, &key));
        }
        all
    }

    /// Files of packages hold many lines that no setting is about.
    fn is_wanted(&self, format: &'static Format, key: &str) -> bool {
        let effect = Effect::Key(format.name, key.to_owned());
        self.base.items.iter().any(|item| effect.breaks(item, self.base))
    }

    fn line(&self, format: &'static Format, text: &str, index: usize, line: &str, key: &str) -> Vec<Mutant> {
        let mut all = Vec::new();
        let changed = |new: &str| vec![rewritten(self.base, self.path, &edits::with_line(text, index, new))];
        let lost = || self.lost(format, key, index);
        let mut add = |operator, edits, meaning| {
            all.push(self.mutant(operator, &format!("line {}, `{line}`", index + 1), edits, meaning));
        };
        // What is left of a list has no key, and YAML takes no such file.
        let headless = format.name == "cloud-init" && line.trim_end().ends_with(':');
        let commented = if headless { self.all_lost(Some(format)) } else { lost() };
        add(Operator::Comment, changed(&format!("{} {line}", format.comment)), commented);
        let bad = wrong(format.name, line);
        let decides = decider(format, key, &lines_for(self.base, format, self.path, key))
            .is_some_and(|l| l.path == self.path);
        let mut meaning = Vec::new();
        if decides || format.name == "sshd" && ADDS_UP.contains(&key) {
            meaning.push(Effect::Key(format.name, key.to_owned()));
        }
        if self.path == SSHD_MAIN {
            meaning.push(Effect::Key("sshd-main", key.to_owned()));
        }
        if let Some(bad) = &bad {
            add(Operator::Alter, changed(bad), meaning);
        }
        let blanks = line.trim_start();
        for (operator, new) in [
            (Operator::Trailing, format!("{line}  ")),
            (Operator::Case, edits::swapped(line, key)),
            (Operator::Tabs, line.replace(' ', "\t")),
            (Operator::Indent, format!("  {blanks}")),
        ] {
            // The first line of a section goes on with nothing.
            let first = operator == Operator::Indent
                && text.lines().nth(index.wrapping_sub(1)).is_some_and(|l| l.starts_with('['));
            let answer = if first { Answer::Same } else { format.answer(operator, key) };
            if new != line
                && let Some(meaning) = self.meaning(answer, Some(format), lost)
            {
                add(operator, changed(&new), meaning);
            }
        }
        // A line that decides nothing has nothing to lose, and a module is kept out by each line.
        if let Some(bad) = bad.filter(|_| decides && !key.starts_with("blacklist")) {
            for shadow in format.shadows {
                all.extend(self.shadow(format, shadow, key, &bad));
            }
        }
        all
    }

    fn shadow(&self, format: &'static Format, shadow: &Shadow, key: &str, bad: &str) -> Option<Mutant> {
        let name = self.path.rsplit('/').next()?;
        let folder = &self.path[..self.path.len() - name.len() - 1];
        let fill = |template: &str| {
            template
                .replace("{path}", self.path)
                .replace("{name}", name)
                .replace("{folder}", folder)
                .replace("{line}", bad)
                .replace("{unit}", &edits::mount_unit(key))
                .replace("{key}", key)
        };
        let (path, text) = (fill(shadow.path), fill(shadow.text));
        let edit = edited(self.base, &path, |old| match shadow.place {
            Place::File => text.clone(),
            Place::Top => text.clone() + old,
            Place::End => format!("{old}{text}"),
        });
        // A word more is no word less: sshd denies the one and the other.
        let adds_up = format.name == "sshd" && key == "denyusers";
        // systemd mounts it before it reads any unit; systemd-remount-fs(8) brings fstab's options.
        let early = format.name == "fstab" && key == "/dev/shm";
        let mut meaning = Vec::new();
        if shadow.wins && !adds_up && !early && format.wins(key) == format.wins {
            meaning.push(if shadow.text.starts_with("-a task") {
                Effect::Refused(format.name)
            } else {
                Effect::Key(format.name, key.to_owned())
            });
        }
        // Ports and addresses add up wherever they stand.
        let counts_anyway = format.name == "sshd"
            && ADDS_UP.contains(&key)
            && matches!(path.as_str(), p if Format::of(p).is_some_and(|f| f.name == "sshd"));
        if counts_anyway && !adds_up && meaning.is_empty() {
            meaning.push(Effect::Key(format.name, key.to_owned()));
        }
        if path == SSHD_MAIN {
            meaning.push(Effect::Key("sshd-main", key.to_owned()));
        }
        let operator = if meaning.is_empty() { Operator::ShadowLoses } else { Operator::ShadowWins };
        Some(self.mutant(operator, &format!("{} ({path}) says `{bad}`", shadow.name), vec![edit], meaning))
    }

    /// A file of which nothing is known but its text.
    fn text_lines(&self) -> Vec<Mutant> {
        let text = self.text();
        let Some((index, line)) =
            text.lines().enumerate().find(|(_, l)| !l.starts_with('#') && !l.is_empty())
        else {
            return Vec::new();
        };
        let changed = |new: &str| vec![rewritten(self.base, self.path, &edits::with_line(&text, index, new))];
        let what = format!("line {}, `{line}`", index + 1);
        [
            (Operator::Comment, format!("# {line}")),
            (Operator::Alter, format!("{line} x")),
            (Operator::Trailing, format!("{line}  ")),
            (Operator::Tabs, line.replace(' ', "\t")),
            (Operator::Indent, format!("  {line}")),
        ]
        .into_iter()
        .filter(|(_, new)| new != line)
        .map(|(operator, new)| self.mutant(operator, &what, changed(&new), Vec::new()))
        .collect()
    }
}
