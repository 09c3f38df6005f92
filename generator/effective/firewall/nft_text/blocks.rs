//! What stands between braces: tables, chains and sets.

use std::collections::HashMap;

use super::Parser;
use crate::effective::firewall::compile::priority;
use crate::effective::firewall::model::{Base, Hook};
use crate::effective::firewall::nft_cursor::Cursor;
use crate::effective::firewall::nft_lex::Token;
use crate::effective::firewall::nft_raw::{RawChain, RawRule, RawSet};
use crate::effective::firewall::nft_rule::rule;
use crate::effective::firewall::nft_values::elements;
use crate::location::Location;
use crate::target::Result;

impl Parser<'_> {
    pub(super) fn table_block(&mut self, family: &str, table: &str) -> Result<()> {
        let objects =
            ["chain", "set", "map", "counter", "quota", "limit", "flowtable", "ct", "synproxy", "secmark"];
        let opens = |found: &[Token]| found.first().is_some_and(|t| objects.iter().any(|o| t.is(o)));
        self.scopes.push(HashMap::new());
        while let Some(tokens) = self.statement(opens) {
            let at = tokens[0].at();
            let name = tokens.get(1).map(|t| t.text.clone()).unwrap_or_default();
            let block = tokens.last().is_some_and(|t| t.is("{"));
            match tokens[0].text.as_str() {
                "}" => break,
                "chain" if block => {
                    self.raw.table(family, table).chain(&name);
                    self.chain_block(family, table, &name, &at)?;
                }
                "set" | "map" if block => self.set_block(family, table, &name)?,
                "counter" | "quota" | "limit" | "flowtable" | "ct" | "synproxy" | "secmark" if block => {
                    while self.statement(|_| false).is_some_and(|t| !t[0].is("}")) {}
                }
                "flags" => self.raw.table(family, table).dormant = tokens.iter().any(|t| t.is("dormant")),
                "comment" => {}
                _ if self.common(&tokens)? => {}
                _ => self.unknown(at, &format!("in table {table}: {}", Cursor::new(&tokens).rest())),
            }
        }
        self.scopes.pop();
        Ok(())
    }

    pub(super) fn chain_block(&mut self, family: &str, table: &str, name: &str, at: &Location) -> Result<()> {
        self.scopes.push(HashMap::new());
        while let Some(tokens) = self.statement(|_| false) {
            let first = tokens[0].clone();
            if first.is("}") {
                break;
            }
            if self.common(&tokens)? || first.is("comment") {
                continue;
            }
            let bad = if first.is("type") || first.is("policy") {
                header(self.raw.table(family, table).chain(name), &tokens, at)
            } else {
                let rule = self.rule(&tokens);
                self.raw.table(family, table).chain(name).rules.extend(rule);
                None
            };
            if let Some(text) = bad {
                self.unknown(first.at(), &text);
            }
        }
        self.scopes.pop();
        Ok(())
    }

    /// A rule; one that nft may refuse bears on every answer, for then nothing is loaded.
    pub(super) fn rule(&mut self, tokens: &[Token]) -> Option<RawRule> {
        match rule(tokens) {
            Ok(rule) => rule,
            Err(text) => {
                self.unknown(tokens[0].at(), &text);
                None
            }
        }
    }

    pub(super) fn set_block(&mut self, family: &str, table: &str, name: &str) -> Result<()> {
        let mut set = RawSet::default();
        while let Some(tokens) = self.statement(|_| false) {
            let first = tokens[0].clone();
            if first.is("}") {
                break;
            }
            match first.text.as_str() {
                "flags" => set.dynamic |= tokens.iter().any(|t| t.is("dynamic") || t.is("timeout")),
                "timeout" => set.dynamic = true,
                "elements" => {
                    let mut cursor = Cursor::new(tokens.get(2..).unwrap_or_default());
                    cursor.take("{");
                    match elements(&mut cursor) {
                        Ok(found) => set.elements.extend(found),
                        Err(text) => self.unknown(first.at(), &text),
                    }
                }
                "type" | "typeof" | "size" | "policy" | "auto-merge" | "gc-interval" | "comment"
                | "counter" => {}
                _ if self.common(&tokens)? => {}
                _ => self.unknown(first.at(), &format!("in set {name}: {}", Cursor::new(&tokens).rest())),
            }
        }
        let sets = &mut self.raw.table(family, table).sets;
        let known = sets.entry(name.to_string()).or_default();
        known.dynamic |= set.dynamic;
        known.elements.append(&mut set.elements);
        Ok(())
    }
}

/// Reads `type filter hook input priority 0` or `policy drop`; says what it does not know.
fn header(chain: &mut RawChain, tokens: &[Token], chain_at: &Location) -> Option<String> {
    let mut cursor = Cursor::new(tokens);
    if cursor.take("policy") {
        let word = cursor.word().unwrap_or_default();
        if let Some(base) = &mut chain.base {
            base.drops = word == "drop";
            base.policy_at = tokens[0].at();
        }
        return (word != "drop" && word != "accept").then(|| format!("policy {word}"));
    }
    let words: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
    let hook = words.iter().position(|w| *w == "hook").and_then(|i| words.get(i + 1)).copied();
    let from = words.iter().position(|w| *w == "priority").map_or(words.len(), |i| i + 1);
    let hook = match hook {
        Some("prerouting") => Hook::Prerouting,
        Some("input") => Hook::Input,
        Some("forward") => Hook::Forward,
        Some("output" | "postrouting" | "egress") => return None,
        Some("ingress") => {
            chain.ingress = Some(chain_at.clone());
            return None;
        }
        _ => return Some(words.join(" ")),
    };
    let Some(priority) = priority(&words[from..].concat()) else { return Some(words.join(" ")) };
    chain.base = Some(Base { hook, priority, drops: false, policy_at: chain_at.clone() });
    None
}
