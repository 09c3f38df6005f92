//! PAM's stacks: which modules a service runs, in order, with everything included.
//!
//! Owns the language of `/etc/pam.d` (Linux-PAM). Must not know what any module does, nor
//! whether its file is installed.

use crate::location::{Location, Sourced};
use crate::target::{Result, Root, TargetError};

/// Nesting of includes at which Linux-PAM gives up.
const MAX_DEPTH: usize = 16;
/// Lines of one service's stack; far beyond any real one.
const MAX_LINES: usize = 10_000;

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facility {
    /// Who somebody is.
    Auth,
    /// Whether the account may be used now.
    Account,
    /// Changing a password.
    Password,
    /// What surrounds a session.
    Session,
}

/// One module in a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What the line is for.
    pub facility: Facility,
    /// `required`, `sufficient`, … in lower case, or `[value=action …]` as written.
    pub control: String,
    /// The module as written: `pam_unix.so` or a path.
    pub module: String,
    /// Its arguments; brackets around one are taken off.
    pub args: Vec<String>,
    /// A missing module is not logged (`-auth`).
    pub optional: bool,
    /// How many `substack`s surround it: what ends a substack ends no outer stack.
    pub substack: usize,
    /// The line.
    pub at: Location,
}

/// A service's stacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// The modules in order, all facilities.
    pub rules: Vec<Rule>,
    /// Lines that PAM can't use; it then fails the service.
    pub problems: Vec<Sourced<String>>,
}

impl Service {
    /// The stack of one facility.
    pub fn stack(&self, facility: Facility) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |r| r.facility == facility)
    }

    /// Rules that run a module of this name (`pam_unix.so`), whatever its directory.
    pub fn uses(&self, facility: Facility, module: &str) -> impl Iterator<Item = &Rule> {
        self.stack(facility).filter(move |r| r.module.rsplit('/').next() == Some(module))
    }
}

/// Reads `/etc/pam.d/NAME`, else `/usr/lib/pam.d/NAME`; `None` where neither exists (PAM then
/// takes the service `other`).
///
/// # Errors
/// A target that can't be read, or a stack beyond the bounds.
pub fn read(root: &Root<'_>, name: &str) -> Result<Option<Service>> {
    let mut reader = Reader { root, service: Service::default(), lines: 0 };
    let Some((path, text)) = find(root, name)? else { return Ok(None) };
    reader.file(&path, &text, None, 0, 0)?;
    Ok(Some(reader.service))
}

fn find(root: &Root<'_>, name: &str) -> Result<Option<(String, String)>> {
    let paths = if name.starts_with('/') {
        vec![name.to_owned()]
    } else {
        vec![format!("/etc/pam.d/{name}"), format!("/usr/lib/pam.d/{name}")]
    };
    for path in paths {
        if let Some(text) = root.read_text(&path)? {
            return Ok(Some((path, text)));
        }
    }
    Ok(None)
}

struct Reader<'a> {
    root: &'a Root<'a>,
    service: Service,
    lines: usize,
}

impl Reader<'_> {
    /// Reads a file; `only` restricts it to one facility, as an `include` line does.
    fn file(
        &mut self,
        path: &str,
        text: &str,
        only: Option<Facility>,
        substack: usize,
        depth: usize,
    ) -> Result<()> {
        for (number, line) in logical_lines(text) {
            self.lines += 1;
            if self.lines > MAX_LINES {
                return Err(TargetError::Corrupt(format!(
                    "{path}: PAM's stack has more than {MAX_LINES} lines"
                )));
            }
            let at = Location::line(path, number);
            let words = words(&line);
            match words.as_slice() {
                [] => {}
                [at_include, name, ..] if at_include == "@include" => {
                    self.include(name, only, substack, depth, &at)?;
                }
                [facility, control, rest @ ..] => {
                    self.rule(facility, control, rest, only, (substack, depth), at)?;
                }
                [_] => self.problem("a line of one word", &at),
            }
        }
        Ok(())
    }

    fn rule(
        &mut self,
        facility: &str,
        control: &str,
        rest: &[String],
        only: Option<Facility>,
        (substack, depth): (usize, usize),
        at: Location,
    ) -> Result<()> {
        let (name, optional) = match facility.strip_prefix('-') {
            Some(name) => (name, true),
            None => (facility, false),
        };
        let facility = match name.to_ascii_lowercase().as_str() {
            "auth" => Facility::Auth,
            "account" => Facility::Account,
            "password" => Facility::Password,
            "session" => Facility::Session,
            _ => {
                self.problem(&format!("unknown type “{name}”"), &at);
                return Ok(());
            }
        };
        if only.is_some_and(|only| only != facility) {
            return Ok(());
        }
        let Some((module, args)) = rest.split_first() else {
            self.problem("no module", &at);
            return Ok(());
        };
        let bracketed = control.starts_with('[') && control.ends_with(']');
        let control = if bracketed { control.to_owned() } else { control.to_ascii_lowercase() };
        match control.as_str() {
            "include" => return self.include(module, Some(facility), substack, depth, &at),
            "substack" => return self.include(module, Some(facility), substack + 1, depth, &at),
            "required" | "requisite" | "sufficient" | "optional" => {}
            _ if bracketed => {}
            _ => {
                self.problem(&format!("unknown control “{control}”"), &at);
                return Ok(());
            }
        }
        let (module, args) = (module.clone(), args.to_vec());
        self.service.rules.push(Rule { facility, control, module, args, optional, substack, at });
        Ok(())
    }

    fn include(
        &mut self,
        name: &str,
        only: Option<Facility>,
        substack: usize,
        depth: usize,
        at: &Location,
    ) -> Result<()> {
        if depth >= MAX_DEPTH {
            self.problem("too many nested includes", at);
            return Ok(());
        }
        match find(self.root, name)? {
            Some((path, text)) => self.file(&path, &text, only, substack, depth + 1),
            None => {
                self.problem(&format!("the included “{name}” does not exist"), at);
                Ok(())
            }
        }
    }

    fn problem(&mut self, text: &str, at: &Location) {
        self.service.problems.push(Sourced::new(text.to_owned(), at.clone()));
    }
}

/// Lines with comments off and continued ones (`\` at the end) joined, with the first's number.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut pending: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default().trim_end();
        let (number, mut joined) = pending.take().unwrap_or((index + 1, String::new()));
        match code.strip_suffix('\\') {
            Some(start) => {
                joined.push_str(start);
                joined.push(' ');
                pending = Some((number, joined));
            }
            None => {
                joined.push_str(code);
                lines.push((number, joined));
            }
        }
    }
    lines.extend(pending);
    lines
}

/// Splits at blanks; `[…]` is one word. The control keeps its brackets, arguments lose them.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('[') {
            Some(inner) => {
                let (word, after) = bracket(inner);
                (if words.len() == 1 { format!("[{word}]") } else { word }, after)
            }
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (rest[..end].to_owned(), &rest[end..])
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// A bracket's content up to its `]` (`\]` stands for one), and what follows.
fn bracket(text: &str) -> (String, &str) {
    let mut word = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            ']' => return (word, &text[at + 1..]),
            '\\' if chars.next_if(|(_, next)| *next == ']').is_some() => word.push(']'),
            _ => word.push(c),
        }
    }
    (word, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    fn service(files: &[(&str, &str)]) -> Service {
        let tree = MemoryTree::of(files);
        read(&tree.root(), "sshd").unwrap().unwrap()
    }

    fn names(service: &Service, facility: Facility) -> Vec<&str> {
        service.stack(facility).map(|r| r.module.as_str()).collect()
    }

    #[test]
    fn includes_stand_where_they_are_named() {
        let service = service(&[
            (
                "/etc/pam.d/sshd",
                "@include common-auth\naccount required pam_nologin.so\nauth include extra\nauth substack sub\n",
            ),
            (
                "/etc/pam.d/common-auth",
                "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n",
            ),
            ("/etc/pam.d/extra", "auth Optional pam_cap.so\nsession required pam_x.so\n"),
            ("/usr/lib/pam.d/sub", "auth required pam_permit.so\n"),
        ]);
        assert_eq!(
            names(&service, Facility::Auth),
            ["pam_unix.so", "pam_deny.so", "pam_cap.so", "pam_permit.so"]
        );
        assert!(names(&service, Facility::Session).is_empty(), "include takes one facility");
        let unix = service.uses(Facility::Auth, "pam_unix.so").next().unwrap();
        assert_eq!(
            (unix.control.as_str(), unix.args.as_slice()),
            ("[success=1 default=ignore]", &["nullok".to_owned()][..])
        );
        assert_eq!(unix.at, Location::line("/etc/pam.d/common-auth", 1));
        assert_eq!(service.rules.last().unwrap().substack, 1);
        assert!(service.problems.is_empty());
    }

    #[test]
    fn continued_lines_comments_and_brackets() {
        let service = service(&[(
            "/etc/pam.d/sshd",
            "-session \\\n optional\tpam_systemd.so # x\r\npassword required /lib/pam_x.so [a b\\]c] d\n\n# no\n",
        )]);
        assert!(service.rules[0].optional);
        assert_eq!(service.rules[0].at.line, Some(1));
        assert_eq!(service.rules[1].args, ["a b]c", "d"]);
        assert_eq!(service.uses(Facility::Password, "pam_x.so").count(), 1);
    }

    #[test]
    fn what_pam_can_not_use_is_a_problem() {
        for bad in [
            "auth",
            "auth required",
            "frob required pam_x.so",
            "auth perhaps pam_x.so",
            "auth include none",
            "@include sshd",
            "auth [a=b pam_x.so",
        ] {
            assert!(!service(&[("/etc/pam.d/sshd", bad)]).problems.is_empty(), "{bad}");
        }
        assert!(service(&[("/etc/pam.d/sshd", "auth required pam_x.so")]).problems.is_empty());
    }

    #[test]
    fn no_file_is_no_service() {
        let tree = MemoryTree::new();
        assert!(read(&tree.root(), "sshd").unwrap().is_none());
    }
}
