//! What a stack concludes from its modules' answers (`pam_dispatch.c`).

use super::{Action, Code, Facility, Rule, Service, Stacks, Step};
use crate::location::Sourced;

/// What a stack concludes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conclusion<'a> {
    /// An answer.
    Answers {
        /// The answer.
        code: Code,
        /// The line whose answer it is; `None` where no line's answer counted.
        by: Option<&'a Rule>,
        /// The modules that were asked, in order.
        asked: Vec<&'a Rule>,
    },
    /// The service's files can't be used: nobody gets anything ([`Code::ABORT`]).
    Aborts(&'a Sourced<String>),
    /// The files do not tell, and why.
    Unknown(&'a Sourced<String>),
}

impl Conclusion<'_> {
    /// The answer, where there is one.
    pub fn code(&self) -> Option<Code> {
        match self {
            Self::Answers { code, .. } => Some(*code),
            Self::Aborts(_) => Some(Code::ABORT),
            Self::Unknown(_) => None,
        }
    }
}

impl Stacks {
    /// What the service answers when each module answers as `ask` says. A facility of which the
    /// service has no line is taken from the service `other`.
    pub fn conclude(&self, facility: Facility, ask: impl Fn(&Rule) -> Code) -> Conclusion<'_> {
        let parts = [self.service.as_ref(), self.other.as_ref()];
        let parts: Vec<&Service> = parts.into_iter().flatten().collect();
        if let Some(reason) = parts.iter().find_map(|part| part.unknown.as_ref()) {
            return Conclusion::Unknown(reason);
        }
        if let Some(reason) = parts.iter().find_map(|part| part.abort.as_ref()) {
            return Conclusion::Aborts(reason);
        }
        let stacks = parts.iter().map(|part| part.steps(facility).collect::<Vec<_>>());
        run(&stacks.into_iter().find(|steps| !steps.is_empty()).unwrap_or_default(), ask)
    }
}

/// What is held of the modules that were asked so far.
#[derive(Clone, Copy)]
struct State<'a> {
    impression: Impression,
    status: Code,
    by: Option<&'a Rule>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Impression {
    None,
    Good,
    Bad,
}

impl<'a> State<'a> {
    /// An answer that counts, unless one before it is not [`Code::SUCCESS`].
    fn good(&mut self, code: Code, by: &'a Rule) {
        let open = match self.impression {
            Impression::None => true,
            Impression::Good => self.status == Code::SUCCESS,
            Impression::Bad => false,
        };
        if open {
            *self = Self { impression: Impression::Good, status: code, by: Some(by) };
        }
    }

    /// A failure. The first one counts.
    fn bad(&mut self, code: Code, by: &'a Rule) {
        if self.impression != Impression::Bad {
            let status = if code == Code::IGNORE { Code::PERM_DENIED } else { code };
            *self = Self { impression: Impression::Bad, status, by: Some(by) };
        }
    }
}

fn run<'a>(steps: &[&'a Rule], ask: impl Fn(&Rule) -> Code) -> Conclusion<'a> {
    let mut state = State { impression: Impression::None, status: Code::PERM_DENIED, by: None };
    // The state at the start of the stack, and of each substack that surrounds the step.
    let mut starts = vec![state];
    let mut asked = Vec::new();
    let mut at = 0;
    while let Some(rule) = steps.get(at).copied() {
        starts.truncate(rule.substack + 1);
        while starts.len() <= rule.substack {
            starts.push(state);
        }
        let code = match rule.step {
            Step::Substack => {
                at += 1;
                continue;
            }
            Step::Fails => Code::PERM_DENIED,
            Step::Module => {
                asked.push(rule);
                ask(rule)
            }
        };
        if code == Code::INCOMPLETE {
            return Conclusion::Answers { code, by: Some(rule), asked };
        }
        let mut action = rule.action(code);
        match action {
            Action::Ignore | Action::Jump(_) => {}
            Action::Ok => state.good(code, rule),
            Action::Done => {
                state.good(code, rule);
                // After a failure nothing is done early.
                if state.impression != Impression::Good {
                    action = Action::Ok;
                }
            }
            Action::Bad | Action::Die => state.bad(code, rule),
            Action::Reset => state = starts[rule.substack],
        }
        let next = next(steps, at, action);
        if next.too_far {
            state = State { impression: Impression::Bad, status: Code::PERM_DENIED, by: Some(rule) };
        }
        at = next.at;
    }
    if state.status == Code::SUCCESS && state.impression != Impression::Good {
        state.status = Code::PERM_DENIED;
    }
    Conclusion::Answers { code: state.status, by: state.by, asked }
}

/// Where a stack goes on.
pub(super) struct Next {
    pub at: usize,
    /// A jump had more lines to pass over than there are.
    too_far: bool,
}

/// The step after one that ended in an action: an end of a substack ends no outer stack.
pub(super) fn next(steps: &[&Rule], at: usize, action: Action) -> Next {
    let level = steps[at].substack;
    let inside = |index: usize| steps.get(index).is_some_and(|step| step.substack >= level);
    let mut at = at + 1;
    let mut lines = match action {
        Action::Jump(lines) => lines,
        Action::Done | Action::Die => usize::MAX,
        _ => 0,
    };
    while lines > 0 && inside(at) {
        at += 1;
        // A substack counts as one, with all that is in it.
        while steps.get(at).is_some_and(|step| step.substack > level) {
            at += 1;
        }
        lines -= 1;
    }
    Next { at, too_far: lines > 0 && matches!(action, Action::Jump(_)) }
}
