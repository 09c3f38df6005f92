//! The second word of a line: what is done on each answer (`_pam_parse_control`).

use std::fmt;

/// How many answers there are (`_PAM_RETURN_VALUES`).
const VALUES: usize = 32;

/// The answers' names in `[value=action]`, by number; the last one stands for all not named.
const NAMES: [&str; VALUES + 1] = [
    "success",
    "open_err",
    "symbol_err",
    "service_err",
    "system_err",
    "buf_err",
    "perm_denied",
    "auth_err",
    "cred_insufficient",
    "authinfo_unavail",
    "user_unknown",
    "maxtries",
    "new_authtok_reqd",
    "acct_expired",
    "session_err",
    "cred_unavail",
    "cred_expired",
    "cred_err",
    "no_module_data",
    "conv_err",
    "authtok_err",
    "authtok_recover_err",
    "authtok_lock_busy",
    "authtok_disable_aging",
    "try_again",
    "ignore",
    "abort",
    "authtok_expired",
    "module_unknown",
    "bad_item",
    "conv_again",
    "incomplete",
    "default",
];

/// What a module or a whole stack answers: a return value of `pam(3)`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Code(usize);

impl Code {
    /// `PAM_SUCCESS`
    pub const SUCCESS: Self = Self(0);
    /// `PAM_PERM_DENIED`: what a stack answers that nobody answered for.
    pub const PERM_DENIED: Self = Self(6);
    /// `PAM_AUTH_ERR`
    pub const AUTH_ERR: Self = Self(7);
    /// `PAM_NEW_AUTHTOK_REQD`
    pub const NEW_AUTHTOK_REQD: Self = Self(12);
    /// `PAM_IGNORE`
    pub const IGNORE: Self = Self(25);
    /// `PAM_ABORT`: the service's files can't be used.
    pub const ABORT: Self = Self(26);
    /// `PAM_MODULE_UNKNOWN`: the module is not installed.
    pub const MODULE_UNKNOWN: Self = Self(28);
    /// `PAM_INCOMPLETE`: the module wants to be asked again later; the stack ends there.
    pub const INCOMPLETE: Self = Self(31);

    /// An answer by its name in `[value=action]`, such as `auth_err`.
    pub fn named(name: &str) -> Option<Self> {
        NAMES[..VALUES].iter().position(|known| *known == name).map(Self)
    }

    /// The number that `pam(3)` gives it.
    pub fn number(self) -> usize {
        self.0
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAMES[self.0])
    }
}

/// What is done on an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It counts for nothing.
    Ignore,
    /// It counts, unless something failed before.
    Ok,
    /// The same, and where nothing failed before, the stack is done.
    Done,
    /// The stack fails.
    Bad,
    /// The stack fails at once.
    Die,
    /// As if nothing had been asked yet in this (sub)stack.
    Reset,
    /// So many lines are passed over, and the answer counts for nothing.
    Jump(usize),
}

const ACTIONS: [(&str, Action); 6] = [
    ("ignore", Action::Ignore),
    ("ok", Action::Ok),
    ("done", Action::Done),
    ("bad", Action::Bad),
    ("die", Action::Die),
    ("reset", Action::Reset),
];

/// An action for each answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Actions([Action; VALUES]);

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Actions {
    /// The same action on every answer.
    pub const fn all(action: Action) -> Self {
        Self([action; VALUES])
    }

    /// What the word says: one of four names, or a list; `Err` where the list is broken. Then
    /// every answer is bad.
    pub fn of_word(word: &str) -> Result<Self, &'static str> {
        let good = |action: Action, ignore: Action, default: Action| {
            let mut actions = Self::all(default);
            actions.0[Code::SUCCESS.0] = action;
            actions.0[Code::NEW_AUTHTOK_REQD.0] = action;
            actions.0[Code::IGNORE.0] = ignore;
            Ok(actions)
        };
        match word.to_ascii_lowercase().as_str() {
            "required" => good(Action::Ok, Action::Ignore, Action::Bad),
            "requisite" => good(Action::Ok, Action::Ignore, Action::Die),
            "optional" => good(Action::Ok, Action::Ignore, Action::Ignore),
            "sufficient" => good(Action::Done, Action::Ignore, Action::Ignore),
            _ => list(word),
        }
    }

    pub fn of(&self, code: Code) -> Action {
        self.0[code.0]
    }
}

/// `value=action value=action …`. The library compares no more than each name's own length, so
/// that nothing need stand between an action and the next value.
fn list(word: &str) -> Result<Actions, &'static str> {
    let mut actions: [Option<Action>; VALUES] = [None; VALUES];
    let mut rest = word.trim_start_matches(is_space);
    while !rest.is_empty() {
        let value = NAMES.iter().position(|name| rest.starts_with(name)).ok_or("no answer's name")?;
        rest = rest[NAMES[value].len()..].trim_start_matches(is_space);
        rest = rest.strip_prefix('=').ok_or("no “=” after an answer's name")?.trim_start_matches(is_space);
        let (action, after) = action(rest)?;
        rest = after.trim_start_matches(is_space);
        match actions.get_mut(value) {
            Some(of_value) => *of_value = Some(action),
            None => actions.iter_mut().for_each(|unset| *unset = unset.or(Some(action))),
        }
    }
    Ok(Actions(actions.map(|action| action.unwrap_or(Action::Bad))))
}

fn action(text: &str) -> Result<(Action, &str), &'static str> {
    if let Some((name, action)) = ACTIONS.iter().find(|(name, _)| text.starts_with(name)) {
        return Ok((*action, &text[name.len()..]));
    }
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if end == 0 {
        return Err("neither an action nor a number of lines");
    }
    // What does not fit is past the end of any stack.
    match text[..end].parse().unwrap_or(usize::MAX) {
        0 => Err("a jump over no line"),
        lines => Ok((Action::Jump(lines), &text[end..])),
    }
}

/// C's `isspace`.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}
