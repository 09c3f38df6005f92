//! What the programs make of a changed file, as data: one row for each kind of file.
//!
//! The answers are the programs' own: `truth.rs` asks those that can be asked; the others' say
//! where they were read. Nothing here comes from ironseed's readers.

mod table;

pub use table::FORMATS;

use super::mutant::Operator;

/// What a program makes of a line, or of the file around it, after a change that a reader could
/// stumble over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It means the same.
    Same,
    /// The line has no effect any more.
    Lost,
    /// The line has no effect, and the program complains of it.
    Problem,
    /// The line has no effect, and spoils the one before it.
    Mixed,
    /// The file has none.
    FileLost,
    /// The file has none, and the program complains of it.
    FileProblem,
    /// The program refuses all of its configuration.
    Broken,
    /// Nobody could be asked: no such mutant is made.
    Unknown,
}

impl Answer {
    /// For the page.
    pub fn words(self) -> &'static str {
        match self {
            Self::Same => "the same",
            Self::Lost => "line lost",
            Self::Mixed => "line lost, another spoilt",
            Self::Problem => "line lost, and told",
            Self::FileLost => "file lost",
            Self::FileProblem => "file lost, and told",
            Self::Broken => "all refused",
            Self::Unknown => "?",
        }
    }
}

/// Which of several lines for one key counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wins {
    First,
    Last,
}

/// A kind of file.
pub struct Format {
    /// Its name; effects refer to it.
    pub name: &'static str,
    /// Patterns of paths.
    pub paths: &'static [&'static str],
    /// What starts a comment.
    pub comment: &'static str,
    /// Which line counts.
    pub wins: Wins,
    /// Lines end in CR LF.
    pub crlf: Answer,
    /// Blanks at a line's end.
    pub trailing: Answer,
    /// The key with the cases of its letters swapped.
    pub case: Answer,
    /// A byte order mark before a comment.
    pub bom: Answer,
    /// A byte order mark before a key.
    pub bom_key: Answer,
    /// Tabs where blanks part key and value.
    pub tabs: Answer,
    /// Two blanks before the key.
    pub indent: Answer,
    /// The file belongs to somebody else than root.
    pub owner: Answer,
    /// Everybody may write the file.
    pub mode: Answer,
    /// Every file is for a program of its own: none shadows another.
    pub alone: bool,
    /// A link to nothing in the file's place; one to the null device is an empty file.
    pub dangling: Answer,
    /// What the program does without any line, for keys whose value that may be; `*` where any
    /// list of the default's words will do.
    pub defaults: &'static [(&'static str, &'static str)],
    /// Where further lines stand, and whether they count. `{line}` is the line with another value.
    pub shadows: &'static [Shadow],
    /// Where the answers come from.
    pub source: &'static str,
}

/// A second place for a line.
pub struct Shadow {
    /// What it is.
    pub name: &'static str,
    /// A file to write; `{path}` is the one that the line stands in, `{name}` its last part.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
    /// Whether it stands at the end of the file, if there is one, or takes its place.
    pub place: Place,
    /// Whether it wins.
    pub wins: bool,
}

/// Where a shadow's text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file of its own, in place of one that may be there.
    File,
    /// Before everything else in the file.
    Top,
    /// After everything else in the file.
    End,
}

impl Format {
    /// The kind of a file.
    pub fn of(path: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.paths.iter().any(|pattern| fits(pattern, path)))
    }

    /// The key that a line sets; `None` for a comment, a blank line or a section's title.
    pub fn key(&self, line: &str) -> Option<String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with([';', '[', '}', '"']) || line.starts_with(self.comment) {
            return None;
        }
        let words = || line.split_whitespace();
        let before_equals = || line.split(['=', ' ', '\t']).next().unwrap_or_default().to_owned();
        Some(match self.name {
            "nft" | "announcements" => return None,
            "fstab" => words().nth(1)?.to_owned(),
            "sshd" => words().next()?.to_ascii_lowercase(),
            "modprobe" => format!("{} {}", words().next()?, words().nth(1)?.replace('-', "_")),
            "apt" if line.starts_with('#') || line.ends_with('{') => return None,
            "apt" => words().next()?.to_ascii_lowercase(),
            "sudoers" => line.strip_prefix("Defaults")?.split('=').next()?.trim().to_owned(),
            "cloud-init" => line.split(':').next()?.to_owned(),
            "login.defs" => words().next()?.to_owned(),
            "shell" | "usbguard" | "unit" if !line.contains('=') && !line.starts_with("umask") => {
                return None;
            }
            "audit" => line.to_owned(),
            _ => before_equals(),
        })
    }

    /// Which of several lines for a key counts.
    pub fn wins(&self, key: &str) -> Wins {
        // The one keyword of sshd before 10.1 whose last line counts.
        if self.name == "sshd" && key == "maxstartups" { Wins::Last } else { self.wins }
    }

    /// What the program makes of an operator on a line.
    pub fn answer(&self, operator: Operator, key: &str) -> Answer {
        match operator {
            // kmod parts words at blanks and tabs alone: the name ends in a carriage return, while
            // the command of an `install` line fails as it should, under another name.
            Operator::Crlf if self.name == "modprobe" && key.starts_with("blacklist") => Answer::Lost,
            Operator::Crlf => self.crlf,
            Operator::Trailing => self.trailing,
            Operator::Case => self.case,
            Operator::Bom => self.bom,
            Operator::Tabs => self.tabs,
            Operator::Indent => self.indent,
            Operator::Owner => self.owner,
            Operator::Mode => self.mode,
            _ => Answer::Lost,
        }
    }
}

/// Whether a path fits a pattern in which `*` stands for a part of one name.
pub fn fits(pattern: &str, path: &str) -> bool {
    let (mut patterns, mut names) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), names.next()) {
            (None, None) => return true,
            (Some(pattern), Some(name)) => match pattern.split_once('*') {
                Some((start, end)) => {
                    let long_enough = name.len() >= start.len() + end.len();
                    if !(long_enough && name.starts_with(start) && name.ends_with(end)) {
                        return false;
                    }
                }
                None if pattern == name => {}
                None => return false,
            },
            _ => return false,
        }
    }
}
