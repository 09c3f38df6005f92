//! Which files make up a service, and what their lines put into its stacks
//! (`_pam_init_handlers`, `_pam_parse_conf_file`).

use super::control::Actions;
use super::lines::{Words, lines};
use super::{Action, Facility, PamVersion, Rule, Service, Step};
use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, TargetError};

/// Nesting of includes (before 1.6: of substacks) at which the library gives up.
const MAX_DEPTH: usize = 16;
/// Lines of one service's stack; far beyond any real one.
const MAX_LINES: usize = 2_000;

/// Where services are looked for, in this order.
const DIRECTORIES: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];
/// All services in one file, read where there is none of the directories.
const SINGLE: &str = "/etc/pam.conf";
/// The service that stands in for what another lacks.
const OTHER: &str = "other";

/// What decides over a service: its own stacks, and those of `other`. `None` where a service has
/// no file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stacks {
    /// The service's own.
    pub service: Option<Service>,
    /// Those of the service `other`.
    pub other: Option<Service>,
}

/// Reads all that decides over a service; `None` where nothing does, and then the library
/// refuses everybody.
///
/// # Errors
/// A target that can't be read, or a stack beyond the bounds.
pub fn stacks(root: &Root<'_>, name: &str, version: PamVersion) -> Result<Option<Stacks>> {
    let mut directory = false;
    for path in DIRECTORIES {
        directory |= root.resolve(path)?.is_some_and(|link| link.meta.kind == FileKind::Directory);
    }
    let part = |name: &str| match directory {
        true => read(root, name, version),
        false => single(root, name, version),
    };
    let stacks = Stacks { service: part(&name.to_ascii_lowercase())?, other: part(OTHER)? };
    Ok((stacks.service.is_some() || stacks.other.is_some()).then_some(stacks))
}

/// Reads one service's file, without what `other` adds; `None` where there is none.
///
/// # Errors
/// See [`stacks`].
pub fn read(root: &Root<'_>, name: &str, version: PamVersion) -> Result<Option<Service>> {
    let Some((path, text)) = find(root, name, &DIRECTORIES)? else { return Ok(None) };
    let mut loader = Loader::new(root, version);
    let refused = loader.file(&path, &text, None, Place::default())?;
    loader.service.abort = loader.service.abort.or(refused.err());
    Ok(Some(loader.service))
}

/// A service's lines in `/etc/pam.conf`.
fn single(root: &Root<'_>, name: &str, version: PamVersion) -> Result<Option<Service>> {
    let Some(text) = root.read_text(SINGLE)? else { return Ok(None) };
    let mut loader = Loader::new(root, version);
    loader.only_service = Some(name.to_owned());
    let refused = loader.file(SINGLE, &text, None, Place::default())?;
    loader.service.abort = loader.service.abort.or(refused.err());
    Ok(Some(loader.service))
}

fn find(root: &Root<'_>, name: &str, directories: &[&str]) -> Result<Option<(String, String)>> {
    let paths = match name.starts_with('/') {
        true => vec![name.to_owned()],
        false => directories.iter().map(|directory| format!("{directory}/{name}")).collect(),
    };
    for path in paths {
        if let Some(text) = root.read_text(&path)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

/// How deep a file stands in others.
#[derive(Clone, Copy, Default)]
struct Place {
    includes: usize,
    substacks: usize,
}

/// What makes the library refuse the file that it reads.
type Refused = std::result::Result<(), Sourced<String>>;

struct Loader<'a> {
    root: &'a Root<'a>,
    version: PamVersion,
    /// In a file with lines for all services: the one whose lines count.
    only_service: Option<String>,
    service: Service,
    lines: usize,
    /// A module without a name was put half into the stack.
    torn: bool,
}

impl<'a> Loader<'a> {
    fn new(root: &'a Root<'a>, version: PamVersion) -> Self {
        Self { root, version, only_service: None, service: Service::default(), lines: 0, torn: false }
    }

    /// Reads a file; `only` restricts it to one facility, as an `include` line does.
    fn file(&mut self, path: &str, text: &str, only: Option<Facility>, place: Place) -> Result<Refused> {
        let own = self.only_service.take();
        let (lines, broken) = lines(text, self.version);
        for line in lines {
            self.lines += 1;
            if self.lines > MAX_LINES {
                return Err(TargetError::Corrupt(format!(
                    "{path}: PAM's stack has more than {MAX_LINES} lines"
                )));
            }
            let at = Location::line(path, line.number);
            let mut words = Words::of(&line.text);
            if let Some(own) = &own
                && !words.next().is_some_and(|service| service.eq_ignore_ascii_case(own))
            {
                continue;
            }
            let refused = self.line(words, only, place, &at)?;
            if refused.is_err() || self.service.unknown.is_some() {
                return Ok(refused);
            }
        }
        Ok(match broken {
            Some((number, what)) => Err(self.problem(what, &Location::line(path, number))),
            None => Ok(()),
        })
    }

    fn line(
        &mut self,
        mut words: Words<'_>,
        only: Option<Facility>,
        place: Place,
        at: &Location,
    ) -> Result<Refused> {
        let first = words.next();
        let word = first.as_deref().unwrap_or_default();
        let (word, optional) = match word.strip_prefix('-') {
            Some(word) => (word, true),
            None => (word, false),
        };
        if self.version.patches.at_include && word.eq_ignore_ascii_case("@include") {
            return self.at_include(words.next(), only, place, at);
        }
        let mut step = Step::Module;
        let facility = match word.to_ascii_lowercase().as_str() {
            "auth" => Facility::Auth,
            "account" => Facility::Account,
            "password" => Facility::Password,
            "session" => Facility::Session,
            _ => {
                self.problem(&format!("unknown type “{word}”"), at);
                step = Step::Fails;
                only.unwrap_or(Facility::Auth)
            }
        };
        if only.is_some_and(|only| only != facility) {
            return Ok(Ok(()));
        }
        let control = words.next();
        let module = words.next();
        let mut rule = Rule {
            facility,
            control: String::new(),
            module: String::new(),
            args: Vec::new(),
            optional,
            substack: place.substacks,
            at: at.clone(),
            actions: Actions::all(Action::Bad),
            step,
        };
        let Some(control) = control else {
            self.problem("no control", at);
            rule.step = Step::Fails;
            return Ok(self.push(rule, false));
        };
        rule.control = match control.to_ascii_lowercase() {
            known if matches!(known.as_str(), "required" | "requisite" | "sufficient" | "optional") => known,
            keyword if keyword == "include" || keyword == "substack" => {
                rule.control = keyword;
                return self.include(rule, module, place);
            }
            _ => format!("[{control}]"),
        };
        match Actions::of_word(&control) {
            Ok(actions) => rule.actions = actions,
            Err(what) => drop(self.problem(&format!("control “{control}”: {what}"), at)),
        }
        let named = module.is_some();
        match module {
            Some(module) => (rule.module, rule.args) = (module, words.collect()),
            None => {
                self.problem("no module", at);
                rule.step = Step::Fails;
            }
        }
        Ok(self.push(rule, named))
    }

    /// `TYPE include NAME` or `TYPE substack NAME`: lines of that type. What can't be read fails
    /// where it stands.
    fn include(&mut self, mut rule: Rule, name: Option<String>, place: Place) -> Result<Refused> {
        let at = rule.at.clone();
        let Some(name) = name else { return Ok(self.no_name(&at)) };
        let mut inner = Place { includes: place.includes + 1, ..place };
        if rule.control == "substack" {
            let mut head = rule.clone();
            (head.step, head.module) = (Step::Substack, name.clone());
            if let Err(refused) = self.push(head, true) {
                return Ok(Err(refused));
            }
            inner.substacks += 1;
        }
        if let Err(what) = self.load(&name, Some(rule.facility), inner, &at)? {
            self.problem(&format!("the included “{name}” {what}"), &at);
            rule.step = Step::Fails;
            return Ok(self.push(rule, false));
        }
        Ok(Ok(()))
    }

    /// `@include NAME`: all lines, of every type.
    fn at_include(
        &mut self,
        name: Option<String>,
        only: Option<Facility>,
        place: Place,
        at: &Location,
    ) -> Result<Refused> {
        let Some(name) = name else { return Ok(self.no_name(at)) };
        let inner = Place { includes: place.includes + 1, ..place };
        let Err(what) = self.load(&name, only, inner, at)? else { return Ok(Ok(())) };
        let problem = self.problem(&format!("the included “{name}” {what}"), at);
        match only {
            None => Ok(Err(problem)),
            // The library then fails there as it finds its memory.
            Some(_) => {
                self.service.unknown.get_or_insert(problem);
                Ok(Ok(()))
            }
        }
    }

    /// Reads what a line includes; the inner error says why the library can't.
    fn load(
        &mut self,
        name: &str,
        only: Option<Facility>,
        place: Place,
        at: &Location,
    ) -> Result<std::result::Result<(), String>> {
        if place.substacks >= MAX_DEPTH || (self.version.has_long_lines() && place.includes >= MAX_DEPTH) {
            return Ok(Err("is nested too deep".to_owned()));
        }
        if place.includes > MAX_DEPTH {
            let problem = self.problem("the includes have no end, or nearly none", at);
            self.service.unknown.get_or_insert(problem);
            return Ok(Ok(()));
        }
        let directories = if self.version.patches.at_include { &DIRECTORIES[..1] } else { &DIRECTORIES };
        let Some((path, text)) = find(self.root, name, directories)? else {
            return Ok(Err("does not exist".to_owned()));
        };
        let refused = self.file(&path, &text, only, place)?;
        if let (Err(problem), true) = (&refused, self.torn) {
            // The library goes on with a stack whose end is not marked.
            self.service.unknown.get_or_insert_with(|| problem.clone());
        }
        Ok(refused.map_err(|inner| format!("can't be read: {}", inner.value)))
    }

    /// The library crashes, and the program that asked it with it: there is no way on from there.
    fn no_name(&mut self, at: &Location) -> Refused {
        let problem = self.problem("an include without a name", at);
        Err(self.service.abort.get_or_insert(problem).clone())
    }

    /// Puts a step into the stack. One whose line names a module (or a file) must give it a name
    /// for the log: what stands before the last dot of the last part.
    fn push(&mut self, rule: Rule, named: bool) -> Refused {
        let file = rule.module.rsplit('/').next().unwrap_or_default();
        let name = file.rsplit_once('.').map_or(file, |(name, _)| name);
        if named && (name.is_empty() || name == "?") {
            self.torn = true;
            return Err(self.problem("a module without a name", &rule.at));
        }
        self.service.rules.push(rule);
        Ok(())
    }

    fn problem(&mut self, text: &str, at: &Location) -> Sourced<String> {
        let problem = Sourced::new(text.to_owned(), at.clone());
        self.service.problems.push(problem.clone());
        problem
    }
}
