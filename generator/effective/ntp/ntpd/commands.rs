//! The language of `ntp.conf` (ntp_scanner.c of NTPsec 1.2.2): one command a line, and files that include others.
//! What a command means is for [`super::access`] to say.

use crate::location::Location;
use crate::target::{FileKind, Result, Root};

/// Files that are open inside each other beyond which nothing is included.
const MAX_OPEN: usize = 5;
/// Files that are read in all.
const MAX_FILES: usize = 200;
/// Directories inside each other.
const MAX_DEPTH: usize = 20;
/// Longest word, in bytes; ntpd refuses a longer one.
const MAX_WORD: usize = 1024;

/// A word of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// As it stands: a keyword where one is expected.
    Plain(String),
    /// In quotes, at least in part: never a keyword.
    Quoted(String),
    /// One of the characters that are words of their own.
    Special,
}

impl Word {
    /// The text where it may be a keyword.
    pub fn plain(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Quoted(_) | Self::Special => None,
        }
    }

    /// The text where it is neither a number nor special.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Plain(text) => (!is_number(text)).then_some(text),
            Self::Quoted(text) => Some(text),
            Self::Special => None,
        }
    }
}

/// The commands of `ntp.conf` and of all that it includes, one after the other.
pub struct Commands<'r> {
    root: Root<'r>,
    /// The files that are open, the innermost last.
    open: Vec<Open>,
    /// Read once the others have ended, where it exists: `*.conf` in it.
    folder: Option<&'static str>,
    /// How many files were opened.
    files: usize,
    /// Where ntpd gives up, or this reader does.
    refused: Option<Location>,
}

/// A file that is open.
struct Open {
    path: String,
    lines: std::iter::Enumerate<std::vec::IntoIter<Vec<u8>>>,
}

impl<'r> Commands<'r> {
    /// The commands of a file, then those of `*.conf` in a folder.
    ///
    /// # Errors
    /// The target can't be read.
    pub fn of(root: Root<'r>, file: &str, folder: Option<&'static str>) -> Result<Self> {
        let mut commands = Self { root, open: Vec::new(), folder, files: 0, refused: None };
        commands.push(file, 0)?;
        Ok(commands)
    }

    /// Where ntpd gives up, if it does.
    pub fn refused(self) -> Option<Location> {
        self.refused
    }

    /// The next command that is not about files.
    ///
    /// # Errors
    /// The target can't be read.
    pub fn next(&mut self) -> Result<Option<(Vec<Word>, Location)>> {
        while self.refused.is_none() {
            let Some(file) = self.open.last_mut() else {
                let Some(folder) = self.folder.take() else { break };
                if self.is_directory(folder)? {
                    self.push(folder, 0)?;
                }
                continue;
            };
            let Some((index, line)) = file.lines.next() else {
                self.open.pop();
                continue;
            };
            let at = Location::line(&file.path, index + 1);
            let Some(mut words) = words(&line) else {
                self.refused = Some(at);
                break;
            };
            // The rest of such a line is a command of its own, and comes before what is included.
            while words.first().and_then(Word::plain) == Some("includefile") && words.len() > 1 {
                let rest = words.split_off(2);
                if let Some(Word::Plain(path) | Word::Quoted(path)) = words.pop() {
                    self.include(&path)?;
                }
                words = rest;
            }
            match words.first().and_then(Word::plain) {
                None => {}
                Some("end") => self.open.clear(),
                Some(_) => return Ok(Some((words, at))),
            }
        }
        Ok(None)
    }

    /// Opens a file, or all of a directory. What can't be opened is passed over.
    fn include(&mut self, path: &str) -> Result<()> {
        if self.open.len() > MAX_OPEN {
            return Ok(());
        }
        let including = self.open.last().and_then(|file| file.path.rsplit_once('/'));
        let path = match including {
            Some((folder, _)) if !path.starts_with('/') => format!("{folder}/{path}"),
            _ => path.to_owned(),
        };
        self.push(&path, 0)
    }

    fn push(&mut self, path: &str, depth: usize) -> Result<()> {
        if self.is_directory(path)? {
            let mut names: Vec<Vec<u8>> = self.root.read_dir(path)?.into_iter().map(|e| e.name).collect();
            names.retain(|name| name.ends_with(b".conf"));
            names.sort_unstable();
            // The last one that is opened is read first: so the names run backwards.
            for name in names.iter().filter(|_| depth < MAX_DEPTH) {
                self.push(&format!("{path}/{}", String::from_utf8_lossy(name)), depth + 1)?;
            }
            return Ok(());
        }
        let Some(bytes) = self.root.read(path)? else { return Ok(()) };
        self.files += 1;
        if self.files > MAX_FILES {
            self.refused.get_or_insert_with(|| Location::file(path));
            return Ok(());
        }
        let lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        self.open.push(Open { path: path.to_owned(), lines: lines.into_iter().enumerate() });
        Ok(())
    }

    fn is_directory(&self, path: &str) -> Result<bool> {
        Ok(self.root.resolve(path)?.is_some_and(|link| link.meta.kind == FileKind::Directory))
    }
}

/// The words of a line; `None` where one is too long.
fn words(line: &[u8]) -> Option<Vec<Word>> {
    let mut words = Vec::new();
    // Bytes that are no ASCII are passed over.
    let mut rest = line.iter().copied().filter(u8::is_ascii).map(char::from).peekable();
    loop {
        while rest.next_if(|c| is_blank(*c)).is_some() {}
        // The word after it is a file's name, whatever characters are in it.
        let of_words = words.last() != Some(&Word::Plain("includefile".to_owned()));
        let special = |c: &char| of_words && "{}(),;|=".contains(*c);
        if rest.next_if(special).is_some() {
            words.push(Word::Special);
            continue;
        }
        let mut word = String::new();
        while let Some(c) = rest.next_if(|c| !is_blank(*c) && !matches!(c, '"' | '#') && !special(c)) {
            word.push(c);
        }
        let quoted = rest.next_if_eq(&'"').is_some();
        if quoted {
            // A quote that is left open ends with the line.
            word.extend(rest.by_ref().take_while(|c| *c != '"'));
        }
        if word.len() > MAX_WORD {
            return None;
        }
        match (word.is_empty(), quoted) {
            (false, true) => words.push(Word::Quoted(word)),
            (false, false) => words.push(Word::Plain(word)),
            (true, _) => {}
        }
        if rest.peek().is_none_or(|c| *c == '#') {
            return Some(words);
        }
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{b}' | '\u{c}' | '\r' | '\n')
}

/// Whether the scanner takes a word for a number, which is no text.
fn is_number(word: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(word.strip_prefix('-').unwrap_or(word)) {
        return true;
    }
    if let Some(hex) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word).trim_end_matches(['g', 'G']);
    let (number, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, ""));
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    whole.len() + part.len() > 0 && [whole, part, exponent].into_iter().all(digits)
}

#[test]
fn lines_have_words() {
    let shown = |line: &str| -> Vec<String> {
        let shown = |word: &Word| match word {
            Word::Plain(text) => text.clone(),
            Word::Quoted(text) => format!("'{text}'"),
            Word::Special => "!".to_owned(),
        };
        words(line.as_bytes()).unwrap().iter().map(shown).collect()
    };
    assert_eq!(shown(" restrict\tdefault # c"), ["restrict", "default"]);
    assert_eq!(shown("a\"b # c\"d e#f"), ["'ab # c'", "d", "e"]);
    assert_eq!(shown("a=b \"open"), ["a", "!", "b", "'open'"]);
    assert_eq!(shown("includefile a=b c=d"), ["includefile", "a=b", "c", "!", "d"]);
    assert_eq!(shown("\u{e9}a\u{e9}b"), ["ab"]);
    assert_eq!(words("x".repeat(2000).as_bytes()), None);
    for number in ["10", "-1", "0x1f", "1.5", ".5", "-1.5e-3", "10.0"] {
        assert!(is_number(number), "{number}");
    }
    for text in ["127.0.0.1", "::1", "eth0", "-", ".", "e5", "a"] {
        assert_eq!(is_number(text), text == "-", "{text}");
    }
}
