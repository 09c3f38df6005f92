//! nftables' configuration text, as `nft -f` reads it from an empty kernel: includes, variables,
//! blocks and single commands.

mod blocks;

use std::collections::HashMap;
use std::sync::Arc;

use super::compile::compile;
use super::model::{RuleSet, Unknown};
use super::names::Names;
use super::nft_cursor::Cursor;
use super::nft_lex::{Token, lex};
use super::nft_raw::RawRules;
use super::nft_values::elements;
use crate::effective::files::{glob, is_pattern};
use crate::location::Location;
use crate::target::{Result, Root};

/// Depth of includes that nft allows.
const MAX_INCLUDES: usize = 16;

/// Tokens handled before a file counts as hostile (variables can multiply).
const MAX_TOKENS: usize = 8_000_000;

/// Where nft looks for includes that are no path.
const INCLUDE_DIRECTORY: &str = "/etc";

/// Reads the rule set that `nft -f path` would load into an empty kernel; `None` where there is
/// no such file.
///
/// # Errors
/// A file that can't be read.
pub fn nftables_file(root: Root<'_>, path: &str) -> Result<Option<RuleSet>> {
    let Some(text) = root.read_text(path)? else { return Ok(None) };
    let mut parser = Parser {
        root,
        input: Vec::new(),
        handled: 0,
        includes: 0,
        scopes: vec![HashMap::new()],
        raw: RawRules::default(),
    };
    parser.push(lex(&Arc::from(path), &text));
    parser.top_level()?;
    Ok(Some(compile(parser.raw, path, &Names::read(root)?)))
}

struct Parser<'a> {
    root: Root<'a>,
    /// What is left to read, last token first.
    input: Vec<Token>,
    handled: usize,
    includes: usize,
    /// Variables: the file's, then those of the blocks around.
    scopes: Vec<HashMap<String, Vec<Token>>>,
    raw: RawRules,
}

impl Parser<'_> {
    fn push(&mut self, tokens: Vec<Token>) {
        self.input.extend(tokens.into_iter().rev());
    }

    /// The next token, with variables replaced by what they hold.
    fn next(&mut self) -> Option<Token> {
        loop {
            let token = self.input.pop()?;
            self.handled += 1;
            if self.handled > MAX_TOKENS {
                self.unknown(token.at(), "more text than any real rule set has");
                self.input.clear();
                return None;
            }
            let Some(name) = token.text.strip_prefix('$').filter(|_| !token.quoted) else {
                return Some(token);
            };
            match self.scopes.iter().rev().find_map(|scope| scope.get(name)).cloned() {
                Some(value) => {
                    let here = |t: Token| Token { file: token.file.clone(), line: token.line, ..t };
                    self.push(value.into_iter().map(here).collect());
                }
                None => self.unknown(token.at(), &format!("undefined variable ${name}")),
            }
        }
    }

    fn unknown(&mut self, at: Location, text: &str) {
        self.raw.unknown.push(Unknown { at, text: text.trim().to_string() });
    }

    /// The tokens of one statement: up to a separator, or a brace that opens or closes a block.
    /// Braces of sets belong to the statement. `{` and `}` of blocks are the last token.
    fn statement(&mut self, is_block: impl Fn(&[Token]) -> bool) -> Option<Vec<Token>> {
        let mut found: Vec<Token> = Vec::new();
        let mut depth = 0_usize;
        loop {
            let Some(token) = self.next() else {
                if self.scopes.len() > 1 || depth > 0 {
                    let at = found.first().map_or_else(|| Location::file("the end of the rules"), Token::at);
                    self.unknown(at, "a block that is never closed: nft loads nothing");
                }
                return (!found.is_empty()).then_some(found);
            };
            if depth == 0 && token.is_separator() {
                if found.is_empty() {
                    continue;
                }
                return Some(found);
            }
            if depth == 0 && token.is("}") {
                if found.is_empty() {
                    return Some(vec![token]);
                }
                self.input.push(token);
                return Some(found);
            }
            if token.is("{") {
                if depth == 0 && is_block(&found) {
                    found.push(token);
                    return Some(found);
                }
                depth += 1;
            } else if token.is("}") {
                depth -= 1;
            }
            if depth == 0 || !token.is("\n") {
                found.push(token);
            }
        }
    }

    fn top_level(&mut self) -> Result<()> {
        let opens = |found: &[Token]| {
            let words: Vec<&str> = found.iter().map(|t| t.text.as_str()).collect();
            matches!(
                words.as_slice(),
                ["table", ..] | ["add" | "create", "table" | "chain" | "set" | "map", ..]
            )
        };
        while let Some(tokens) = self.statement(opens) {
            let at = tokens[0].at();
            if self.common(&tokens)? {
                continue;
            }
            let mut cursor = Cursor::new(&tokens);
            let verb = cursor.word().unwrap_or_default();
            let (verb, object) = match verb.as_str() {
                "table" => ("add".to_string(), "table".to_string()),
                _ => (verb, cursor.word().unwrap_or_default()),
            };
            let block = tokens.last().is_some_and(|t| t.is("{")) && opens(&tokens);
            self.command(&verb, &object, &mut cursor, block, at)?;
        }
        Ok(())
    }

    /// What may stand anywhere: includes and definitions.
    fn common(&mut self, tokens: &[Token]) -> Result<bool> {
        let Some(first) = tokens.first() else { return Ok(true) };
        if first.is("include") {
            self.include(tokens)?;
        } else if (first.is("define") || first.is("redefine")) && tokens.len() > 3 && tokens[2].is("=") {
            let value = tokens[3..].to_vec();
            if let Some(scope) = self.scopes.last_mut() {
                scope.insert(tokens[1].text.clone(), value);
            }
        } else if first.is("undefine") && tokens.len() == 2 {
            for scope in &mut self.scopes {
                scope.remove(&tokens[1].text);
            }
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn include(&mut self, tokens: &[Token]) -> Result<()> {
        let at = tokens[0].at();
        let Some(path) = tokens.get(1).filter(|_| tokens.len() == 2).map(|t| &t.text) else {
            self.unknown(at, "include without a path");
            return Ok(());
        };
        self.includes += 1;
        if path.starts_with("./") || path.starts_with("../") || self.includes > 4096 {
            self.unknown(at, &format!("include {path}: depends on where nft is started"));
            return Ok(());
        }
        let path = if path.starts_with('/') { path.clone() } else { format!("{INCLUDE_DIRECTORY}/{path}") };
        let files = glob(self.root, &path)?;
        if files.is_empty() && !is_pattern(&path) {
            self.unknown(at.clone(), &format!("include {path}: no such file, nft loads nothing"));
        }
        for file in files.into_iter().rev() {
            let is_open = |f: &str| self.input.iter().any(|t| t.file.as_ref() == f);
            if self.includes > MAX_INCLUDES && is_open(&file) {
                self.unknown(at.clone(), &format!("include {file}: includes itself"));
            } else if let Some(text) = self.root.read_text(&file)? {
                let name: Arc<str> = Arc::from(file);
                let mut read = lex(&name, &text);
                read.push(Token { text: "\n".into(), quoted: false, file: name, line: 0 });
                self.push(read);
            }
        }
        Ok(())
    }

    /// `add`, `flush` and the rest, on a table, chain, rule, set or element.
    fn command(
        &mut self,
        verb: &str,
        object: &str,
        cursor: &mut Cursor<'_>,
        block: bool,
        at: Location,
    ) -> Result<()> {
        if (verb, object) == ("flush", "ruleset") {
            let family = cursor.word();
            self.raw.flushes = Some(at);
            self.raw.tables.retain(|table| family.as_ref().is_some_and(|f| *f != table.family));
            return Ok(());
        }
        let families = ["ip", "ip6", "inet", "arp", "bridge", "netdev"];
        let family = match cursor.peek() {
            Some(token) if families.contains(&token.text.as_str()) => cursor.word().unwrap_or_default(),
            _ => "ip".to_string(),
        };
        let table = cursor.word().unwrap_or_default();
        match (verb, object) {
            ("add" | "create", "table") => {
                self.raw.table(&family, &table);
                if block {
                    self.table_block(&family, &table)?;
                }
            }
            ("delete" | "destroy", "table") => {
                self.raw.tables.retain(|t| t.family != family || t.name != table);
            }
            ("flush", "table") => {
                self.raw.table(&family, &table).chains.iter_mut().for_each(|c| c.rules.clear());
            }
            ("add" | "create", "chain") => {
                let name = cursor.word().unwrap_or_default();
                self.raw.table(&family, &table).chain(&name);
                if block {
                    self.chain_block(&family, &table, &name, &at)?;
                }
            }
            ("flush", "chain") => {
                let name = cursor.word().unwrap_or_default();
                self.raw.table(&family, &table).chain(&name).rules.clear();
            }
            ("add" | "insert", "rule") => {
                let name = cursor.word().unwrap_or_default();
                let placed =
                    cursor.peek().is_some_and(|t| t.is("position") || t.is("handle") || t.is("index"));
                if placed {
                    self.unknown(at, "a rule placed by its number");
                } else if let Some(rule) = self.rule(cursor.remaining()) {
                    let rules = &mut self.raw.table(&family, &table).chain(&name).rules;
                    let place = if verb == "insert" { 0 } else { rules.len() };
                    rules.insert(place, rule);
                }
            }
            ("add" | "create", "set" | "map") => {
                let name = cursor.word().unwrap_or_default();
                self.raw.table(&family, &table).sets.entry(name.clone()).or_default();
                if block {
                    self.set_block(&family, &table, &name)?;
                }
            }
            ("add" | "create", "element") => {
                let name = cursor.word().unwrap_or_default();
                cursor.take("{");
                match elements(cursor) {
                    Ok(found) => {
                        let sets = &mut self.raw.table(&family, &table).sets;
                        sets.entry(name).or_default().elements.extend(found);
                    }
                    Err(text) => self.unknown(at, &text),
                }
            }
            ("add" | "create", "counter" | "quota" | "limit" | "flowtable" | "ct") => {}
            _ => self.unknown(at, &format!("{verb} {object} {}", cursor.rest())),
        }
        Ok(())
    }
}
