//! PAM's stacks: which modules a service runs, and what the stack concludes from their answers.
//!
//! Owns the language of `/etc/pam.d` and `/etc/pam.conf` as Linux-PAM's library reads it
//! (`libpam/pam_handlers.c`, `pam_misc.c`, `pam_dispatch.c`) and its rules for combining answers.
//! Must not know what any module does, nor whether its file is installed: a module's answer is a
//! parameter. Credentials and the end of a session, which follow a frozen run of the stack, are
//! not judged.
//!
//! What Debian's patches change is in [`Patches`]; what releases change, in [`PamVersion`].
//! A file that includes itself is [`Conclusion::Unknown`] before 1.6: the library then recurses
//! until it has no file descriptor left.

mod control;
mod lines;
mod load;
mod run;
mod version;

pub use control::{Action, Code};
pub use load::{Stacks, read, stacks};
pub use run::Conclusion;
pub use version::{PamVersion, Patches};

use crate::location::{Location, Sourced};
use control::Actions;

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

/// What stands in a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A module that is asked.
    Module,
    /// A line that the library can't use: it fails instead of asking anybody.
    Fails,
    /// The head of a substack. It counts as one for a jump, with all that is in it.
    Substack,
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
    /// A missing module is not logged (`-auth`); it fails all the same.
    pub optional: bool,
    /// How many `substack`s surround it: what ends a substack ends no outer stack.
    pub substack: usize,
    /// The line.
    pub at: Location,
    actions: Actions,
    step: Step,
}

impl Rule {
    /// What is done when the module answers this.
    pub fn action(&self, code: Code) -> Action {
        self.actions.of(code)
    }
}

/// A service's stacks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Lines that PAM can't use: it fails there, or refuses the service.
    pub problems: Vec<Sourced<String>>,
    rules: Vec<Rule>,
    /// What makes the library refuse the service altogether.
    abort: Option<Sourced<String>>,
    /// What makes its answer a matter of chance.
    unknown: Option<Sourced<String>>,
}

impl Service {
    /// The modules of one facility, in order.
    pub fn stack(&self, facility: Facility) -> impl Iterator<Item = &Rule> {
        self.steps(facility).filter(|rule| rule.step == Step::Module)
    }

    /// Rules that run a module of this name (`pam_unix.so`), whatever its directory.
    pub fn uses(&self, facility: Facility, module: &str) -> impl Iterator<Item = &Rule> {
        self.stack(facility).filter(move |r| r.module.rsplit('/').next() == Some(module))
    }

    /// The modules that are not asked any more once a rule's module has answered this.
    pub fn skipped<'a>(&'a self, rule: &Rule, code: Code) -> Vec<&'a Rule> {
        let steps: Vec<&Rule> = self.steps(rule.facility).collect();
        let Some(at) = steps.iter().position(|step| *step == rule) else { return Vec::new() };
        let next = run::next(&steps, at, rule.action(code));
        let between = steps[at + 1..next.at].iter().copied();
        between.filter(|step| step.step == Step::Module).collect()
    }

    fn steps(&self, facility: Facility) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.facility == facility)
    }
}

#[cfg(test)]
mod differential;
#[cfg(test)]
mod tests;
