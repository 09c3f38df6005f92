//! authorized_keys: each key with its options, as sshd(8) describes the file.

use crate::location::Location;
use crate::target::{Result, Root};

/// One key that lets its owner in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizedKey {
    /// Options in front of the key as written (`no-pty`, `from="…"`).
    pub options: Vec<String>,
    /// Type of key: `ssh-ed25519`, `ssh-rsa`, …
    pub kind: String,
    /// The key in base64.
    pub key: String,
    /// What follows it.
    pub comment: String,
    /// The line.
    pub at: Location,
}

impl AuthorizedKey {
    /// The command that runs instead of a shell, whatever the client asks for.
    pub fn forced_command(&self) -> Option<String> {
        self.value("command")
    }

    /// The value of an option without its quotes; names are compared in any case.
    pub fn value(&self, option: &str) -> Option<String> {
        self.options.iter().find_map(|o| {
            let (name, value) = o.split_once('=')?;
            let inner = value.strip_prefix('"')?.strip_suffix('"')?;
            name.eq_ignore_ascii_case(option).then(|| inner.replace("\\\"", "\""))
        })
    }
}

/// Reads a file of keys; `None` where it does not exist. Lines that hold no key are left out,
/// as sshd does.
///
/// # Errors
/// A target that can't be read.
pub fn read_keys(root: &Root<'_>, path: &str) -> Result<Option<Vec<AuthorizedKey>>> {
    let Some(text) = root.read_text(path)? else { return Ok(None) };
    let lines = text.split('\n').enumerate();
    Ok(Some(lines.filter_map(|(i, line)| key(line, Location::line(path, i + 1))).collect()))
}

fn key(line: &str, at: Location) -> Option<AuthorizedKey> {
    let line = line.split('\0').next().unwrap_or_default().trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let plain = bare(line);
    let (options, rest) = match plain {
        Some(_) => (Vec::new(), line),
        None => options(line),
    };
    let (kind, key, comment) = bare(rest.trim_start())?;
    Some(AuthorizedKey { options, kind, key, comment, at })
}

/// Type, key and comment of a line without options.
fn bare(text: &str) -> Option<(String, String, String)> {
    let (kind, rest) = text.split_once([' ', '\t'])?;
    let known = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"].iter().any(|p| kind.starts_with(p));
    let rest = rest.trim_start();
    let (key, comment) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    let good = known && !key.is_empty() && !kind.contains(['=', '"', ',']);
    good.then(|| (kind.to_owned(), key.to_owned(), comment.trim().to_owned()))
}

/// Splits options at commas outside quotes; they end at the first blank outside quotes.
fn options(line: &str) -> (Vec<String>, &str) {
    let mut options = vec![String::new()];
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in line.char_indices() {
        match c {
            ' ' | '\t' if !quoted => return (options, &line[at..]),
            ',' if !quoted => {
                options.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(option) = options.last_mut() {
            option.push(c);
        }
    }
    (options, "")
}
