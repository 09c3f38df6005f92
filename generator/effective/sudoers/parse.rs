//! One logical line of sudoers to statements. Expands no alias.

use super::Change;
use super::cursor::Cursor;

/// Which kind of list, and of alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum List {
    Users,
    RunAs,
    Hosts,
    Commands,
}

/// A member of a list as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub text: String,
    pub negated: bool,
}

/// Commands that share whom they run as and their tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commands {
    pub runas: Option<(Vec<Member>, Vec<Member>)>,
    pub nopasswd: bool,
    /// Other tags and options, to tell groups apart.
    pub others: Vec<String>,
    pub commands: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Statement {
    Alias { list: List, name: String, members: Vec<Member> },
    Defaults { scope: Option<(List, Vec<Member>)>, options: Vec<(String, Change)> },
    Grant { who: Vec<Member>, hosts: Vec<Member>, commands: Vec<Commands> },
}

const ALIASES: &[(&str, List)] = &[
    ("User_Alias", List::Users),
    ("Runas_Alias", List::RunAs),
    ("Host_Alias", List::Hosts),
    ("Cmnd_Alias", List::Commands),
    ("Cmd_Alias", List::Commands),
];

const TAGS: &[&str] = &[
    "EXEC",
    "NOEXEC",
    "FOLLOW",
    "NOFOLLOW",
    "LOG_INPUT",
    "NOLOG_INPUT",
    "LOG_OUTPUT",
    "NOLOG_OUTPUT",
    "MAIL",
    "NOMAIL",
    "INTERCEPT",
    "NOINTERCEPT",
    "PASSWD",
    "NOPASSWD",
    "SETENV",
    "NOSETENV",
];

const OPTIONS: &[&str] = &[
    "ROLE",
    "TYPE",
    "PRIVS",
    "LIMITPRIVS",
    "APPARMOR_PROFILE",
    "CWD",
    "CHROOT",
    "TIMEOUT",
    "NOTBEFORE",
    "NOTAFTER",
];

/// Reads one line; nothing for a blank or a comment. The error is a sentence for people.
pub(super) fn parse(line: &str) -> Result<Vec<Statement>, String> {
    let mut cursor = Cursor::new(line);
    if !cursor.more() {
        return Ok(Vec::new());
    }
    let mut ahead = cursor.clone();
    for (keyword, list) in ALIASES {
        if ahead.take_text(keyword) && matches!(ahead.peek_here(), Some(' ' | '\t')) {
            return aliases(&mut ahead, *list);
        }
        ahead = cursor.clone();
    }
    let after_keyword = |c: Option<char>| c.is_none_or(|c| matches!(c, ' ' | '\t' | ':' | '@' | '>' | '!'));
    if ahead.take_text("Defaults") && after_keyword(ahead.peek_here()) {
        return defaults(&mut ahead).map(|d| vec![d]);
    }
    grants(&mut cursor)
}

fn aliases(cursor: &mut Cursor<'_>, list: List) -> Result<Vec<Statement>, String> {
    let mut found = Vec::new();
    loop {
        let name = cursor.word().ok_or("an alias without a name")?;
        let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        if name == "ALL" || !name.starts_with(|c: char| c.is_ascii_uppercase()) || !name.chars().all(upper) {
            return Err(format!("“{name}” is no name for an alias"));
        }
        if !cursor.take('=') {
            return Err("an alias without “=”".to_owned());
        }
        let members = members(cursor, list)?;
        found.push(Statement::Alias { list, name, members });
        if !cursor.take(':') {
            break;
        }
    }
    end(cursor).map(|()| found)
}

fn end(cursor: &mut Cursor<'_>) -> Result<(), String> {
    if cursor.more() { Err(format!("syntax error before “{}”", cursor.rest())) } else { Ok(()) }
}

fn members(cursor: &mut Cursor<'_>, list: List) -> Result<Vec<Member>, String> {
    let mut found = Vec::new();
    loop {
        found.push(if list == List::Commands { command(cursor)? } else { member(cursor)? });
        if !cursor.take(',') {
            return Ok(found);
        }
    }
}

fn member(cursor: &mut Cursor<'_>) -> Result<Member, String> {
    let negated = cursor.negations() % 2 == 1;
    let text = cursor.word().ok_or_else(|| format!("a name is missing before “{}”", cursor.rest()))?;
    Ok(Member { text, negated })
}

fn command(cursor: &mut Cursor<'_>) -> Result<Member, String> {
    let negated = cursor.negations() % 2 == 1;
    let digest = digest(cursor);
    let text = cursor.command().ok_or("a command is missing")?;
    let (program, args) = text.split_once(' ').unwrap_or((&text, ""));
    let alias = program.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let known = program.starts_with(['/', '^']) || matches!(program, "sudoedit" | "list");
    let alias = alias && args.is_empty();
    if !known && !alias {
        return Err(format!("“{text}” is no command: an absolute path is wanted"));
    }
    Ok(Member { text: format!("{digest}{text}"), negated })
}

/// `sha256:…` in front of a command, with the blank after it.
fn digest(cursor: &mut Cursor<'_>) -> String {
    for kind in ["sha224", "sha256", "sha384", "sha512"] {
        let mut ahead = cursor.clone();
        if ahead.more() && ahead.take_text(kind) && ahead.take(':') {
            let hash = ahead.value().unwrap_or_default();
            *cursor = ahead;
            return format!("{kind}:{hash} ");
        }
    }
    String::new()
}

fn defaults(cursor: &mut Cursor<'_>) -> Result<Statement, String> {
    let list = match cursor.peek_here() {
        Some(':') => Some(List::Users),
        Some('@') => Some(List::Hosts),
        Some('>') => Some(List::RunAs),
        Some('!') => Some(List::Commands),
        _ => None,
    };
    let scope = match list {
        None => None,
        Some(list) => {
            cursor.take_text(match list {
                List::Users => ":",
                List::Hosts => "@",
                List::RunAs => ">",
                List::Commands => "!",
            });
            Some((list, scope_members(cursor)?))
        }
    };
    let mut options = Vec::new();
    loop {
        options.push(option(cursor)?);
        if !cursor.take(',') {
            break;
        }
    }
    end(cursor)?;
    Ok(Statement::Defaults { scope, options })
}

/// Who a `Defaults` line is for. Commands have no arguments here, so blanks end them.
fn scope_members(cursor: &mut Cursor<'_>) -> Result<Vec<Member>, String> {
    members(cursor, List::Users)
}

fn option(cursor: &mut Cursor<'_>) -> Result<(String, Change), String> {
    let off = cursor.negations() % 2 == 1;
    let name = cursor.word().ok_or("an option is missing")?;
    let (name, sign) = match name.strip_suffix(['+', '-']) {
        Some(bare) if cursor.peek() == Some('=') => (bare.to_owned(), name.chars().next_back()),
        _ => (name, None),
    };
    let sign = sign.or_else(|| {
        let sign = cursor.peek().filter(|c| matches!(c, '+' | '-'))?;
        cursor.take(sign).then_some(sign)
    });
    if !cursor.take('=') {
        return match sign {
            Some(_) => Err(format!("syntax error after “{name}”")),
            None => Ok((name, if off { Change::Off } else { Change::On })),
        };
    }
    if off {
        return Err(format!("“!{name}” can't have a value"));
    }
    let value = cursor.value().ok_or_else(|| format!("“{name}” without a value"))?;
    let change = match sign {
        Some('+') => Change::Add(value),
        Some(_) => Change::Remove(value),
        None => Change::Set(value),
    };
    Ok((name, change))
}

fn grants(cursor: &mut Cursor<'_>) -> Result<Vec<Statement>, String> {
    let who = members(cursor, List::Users)?;
    let mut found = Vec::new();
    loop {
        let hosts = members(cursor, List::Hosts)?;
        if !cursor.take('=') {
            return Err(format!("“=” is missing before “{}”", cursor.rest()));
        }
        found.push(Statement::Grant { who: who.clone(), hosts, commands: command_groups(cursor)? });
        if !cursor.take(':') {
            break;
        }
    }
    end(cursor).map(|()| found)
}

/// Whom to run as and tags hold for the commands after them, until changed.
fn command_groups(cursor: &mut Cursor<'_>) -> Result<Vec<Commands>, String> {
    let mut groups: Vec<Commands> = Vec::new();
    let mut state = Commands { runas: None, nopasswd: false, others: Vec::new(), commands: Vec::new() };
    loop {
        if cursor.take('(') {
            state.runas = Some(runas(cursor)?);
        }
        while prefix(cursor, &mut state)? {}
        let command = command(cursor)?;
        match groups.last_mut().filter(|g| same(g, &state)) {
            Some(group) => group.commands.push(command),
            None => groups.push(Commands { commands: vec![command], ..state.clone() }),
        }
        if !cursor.take(',') {
            return Ok(groups);
        }
    }
}

fn same(a: &Commands, b: &Commands) -> bool {
    a.runas == b.runas && a.nopasswd == b.nopasswd && a.others == b.others
}

fn runas(cursor: &mut Cursor<'_>) -> Result<(Vec<Member>, Vec<Member>), String> {
    let starts = |c: Option<char>| !matches!(c, None | Some(':' | ')'));
    let users = if starts(cursor.peek()) { members(cursor, List::RunAs)? } else { Vec::new() };
    let groups =
        if cursor.take(':') && starts(cursor.peek()) { members(cursor, List::RunAs)? } else { Vec::new() };
    if cursor.take(')') { Ok((users, groups)) } else { Err("“)” is missing".to_owned()) }
}

/// A tag (`NOPASSWD:`) or an option (`CWD=/x`) in front of a command; whether one stood here.
fn prefix(cursor: &mut Cursor<'_>, state: &mut Commands) -> Result<bool, String> {
    let mut ahead = cursor.clone();
    let Some(word) = ahead.word() else { return Ok(false) };
    if TAGS.contains(&word.as_str()) && ahead.take(':') {
        match word.as_str() {
            "NOPASSWD" => state.nopasswd = true,
            "PASSWD" => state.nopasswd = false,
            _ => {
                let kind = word.strip_prefix("NO").unwrap_or(&word).to_owned();
                state.others.retain(|t| t.strip_prefix("NO").unwrap_or(t) != kind);
                state.others.push(word);
                state.others.sort();
            }
        }
    } else if OPTIONS.contains(&word.as_str()) && ahead.take('=') {
        let value = ahead.value().ok_or_else(|| format!("“{word}” without a value"))?;
        state.others.retain(|o| o.split_once('=').is_none_or(|(name, _)| name != word));
        state.others.push(format!("{word}={value}"));
        state.others.sort();
    } else {
        return Ok(false);
    }
    *cursor = ahead;
    Ok(true)
}
