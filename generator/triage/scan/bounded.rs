//! Bytes of a stranger, with bounds: how many there are, how long one piece may be, and where the reading stands.
//!
//! Knows no format.

use std::io::{self, BufRead, BufReader, Error, Read};

/// Most bytes of a scan: 1 GiB.
pub const MOST: u64 = 1 << 30;

/// Most bytes of one piece of a scan, such as a tag, a text or a row: 8 MiB.
pub const PIECE: usize = 8 << 20;

/// Bytes read at once.
const BUFFER: usize = 256 << 10;

/// A reader that ends in an error where a piece or the whole is too long.
pub struct Bounded<R> {
    inner: BufReader<R>,
    left: u64,
    piece: usize,
    line: u64,
    column: u64,
}

impl<R: Read> Bounded<R> {
    /// A reader at the first line.
    pub fn new(inner: R) -> Self {
        let inner = BufReader::with_capacity(BUFFER, inner);
        Self { inner, left: MOST, piece: PIECE, line: 1, column: 1 }
    }

    /// Begins a new piece.
    pub fn begin_piece(&mut self) {
        self.piece = PIECE;
    }

    /// Line and column of what comes next, counted from 1; the column in characters.
    pub fn position(&self) -> (u64, u64) {
        (self.line, self.column)
    }
}

impl<R: Read> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.piece == 0 {
            return Err(Error::other(format!("one piece of it is longer than {PIECE} bytes")));
        }
        if self.left == 0 {
            return Err(Error::other(format!("it is longer than {MOST} bytes")));
        }
        let bytes = self.inner.fill_buf()?;
        let most = self.piece.min(usize::try_from(self.left).unwrap_or(usize::MAX));
        Ok(bytes.get(..most).unwrap_or(bytes))
    }

    fn consume(&mut self, amount: usize) {
        let bytes = self.inner.buffer().get(..amount).unwrap_or_default();
        let count = |bytes: &[u8]| bytes.iter().filter(|b| **b & 0xc0 != 0x80).count() as u64;
        let lines = bytes.iter().filter(|b| **b == b'\n').count() as u64;
        if lines > 0 {
            self.line += lines;
            let last = bytes.rsplit(|b| *b == b'\n').next().unwrap_or_default();
            self.column = 1 + count(last);
        } else {
            self.column += count(bytes);
        }
        self.piece = self.piece.saturating_sub(amount);
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let amount = bytes.len().min(out.len());
        out[..amount].copy_from_slice(&bytes[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}

/// A reader of JSON that ends in an error where a text is too long. What is no text is held by nobody.
pub struct BoundedJson<R> {
    inner: Bounded<R>,
    in_text: bool,
    escaped: bool,
}

impl<R: Read> BoundedJson<R> {
    /// A reader at the first byte.
    pub fn new(inner: R) -> Self {
        Self { inner: Bounded::new(inner), in_text: false, escaped: false }
    }

    /// Follows texts through the next bytes; whether a text is open at their end, having been open all along.
    fn follow(&mut self, mut bytes: &[u8]) -> bool {
        let mut all_along = true;
        loop {
            if self.escaped && !bytes.is_empty() {
                self.escaped = false;
                bytes = &bytes[1..];
            }
            let in_text = self.in_text;
            let Some(at) = bytes.iter().position(|b| *b == b'"' || (in_text && *b == b'\\')) else { break };
            match bytes[at] {
                b'"' => {
                    self.in_text = !self.in_text;
                    all_along = false;
                }
                _ => self.escaped = true,
            }
            bytes = &bytes[at + 1..];
        }
        all_along && self.in_text
    }
}

impl<R: Read> Read for BoundedJson<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let amount = self.inner.read(out)?;
        if !self.follow(&out[..amount]) {
            self.inner.begin_piece();
        }
        Ok(amount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_characters() {
        let mut reader = Bounded::new("aé\nßx".as_bytes());
        reader.consume(0);
        let mut out = [0; 3];
        reader.read_exact(&mut out).unwrap();
        assert_eq!(reader.position(), (1, 3));
        let mut out = [0; 3];
        reader.read_exact(&mut out).unwrap();
        assert_eq!(reader.position(), (2, 2));
    }

    #[test]
    fn a_long_piece_is_an_error_and_many_short_ones_are_none() {
        let long = std::io::repeat(b'a').take(PIECE as u64 + 1);
        let error = Bounded::new(long).read_to_end(&mut Vec::new()).unwrap_err();
        assert!(error.to_string().contains("longer than 8388608 bytes"), "{error}");
        let read = |text: String| BoundedJson::new(std::io::Cursor::new(text)).read_to_end(&mut Vec::new());
        assert!(read(format!("[\"{}\"]", "a".repeat(PIECE + (1 << 20)))).is_err());
        assert!(read(format!("[\"{}\"]", "\\\",".repeat(PIECE / 2))).is_err());
        assert!(read(format!("[{}1]", "\"aaaaaaaa\",".repeat(PIECE / 8))).is_ok());
    }
}
