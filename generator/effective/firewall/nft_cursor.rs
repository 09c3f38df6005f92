//! The tokens of nftables' text, taken one after the other; knows no statement.

use super::nft_lex::Token;

/// Tokens of one statement, read from left to right.
pub(super) struct Cursor<'a> {
    tokens: &'a [Token],
}

impl<'a> Cursor<'a> {
    pub(super) fn new(tokens: &'a [Token]) -> Self {
        Self { tokens }
    }

    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.first()
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.tokens.split_first()?;
        self.tokens = rest;
        Some(first)
    }

    /// Takes the next token if it is this keyword.
    pub(super) fn take(&mut self, keyword: &str) -> bool {
        let taken = self.peek().is_some_and(|token| token.is(keyword));
        if taken {
            self.next();
        }
        taken
    }

    pub(super) fn word(&mut self) -> Option<String> {
        self.next().map(|token| token.text.clone())
    }

    /// What has not been read yet.
    pub(super) fn remaining(&self) -> &'a [Token] {
        self.tokens
    }

    /// The rest as text, and nothing left.
    pub(super) fn rest(&mut self) -> String {
        let words: Vec<&str> = self.tokens.iter().take(12).map(|t| t.text.trim()).collect();
        self.tokens = &[];
        words.join(" ")
    }

    /// Takes a balanced `{ … }` or `( … )`.
    pub(super) fn skip_block(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            if token.is("{") || token.is("(") {
                depth += 1;
            } else if token.is("}") || token.is(")") {
                depth = depth.saturating_sub(1);
            }
            if depth == 0 {
                return;
            }
        }
    }
}
