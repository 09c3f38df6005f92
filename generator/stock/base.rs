//! The stock image: where it comes from, and the proof that its bytes are the right ones.
//!
//! Owns the pin and the download. Nothing else reads a base before its hash was compared.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::str::FromStr;

use sha2::{Digest, Sha256};

use super::StockError;
use crate::build::tools::{self, CURL, SETPRIV};
use crate::build::{BaseRecord, Progress};
use crate::hash;

/// A SHA-256 that bytes have to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin(String);

impl FromStr for Pin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let hex = text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if hex { Ok(Self(text.to_lowercase())) } else { Err("wants 64 hexadecimal digits".into()) }
    }
}

/// Where a base is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    /// Starts with `https://`.
    Url(String),
}

/// A stock image and its pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    source: Source,
    pin: Pin,
}

/// Bytes that are handled at a time.
const CHUNK: usize = 1 << 20;
/// Larger than any cloud image: a server that never ends does not fill the disk.
const LIMIT: u64 = 64 << 30;

impl Base {
    /// A base by path or https URL.
    ///
    /// # Errors
    /// In words: a URL without TLS, or one that holds a password, which would get into records.
    pub fn new(from: &str, pin: Pin) -> Result<Self, String> {
        let Some((scheme, rest)) = from.split_once("://") else {
            return Ok(Self { source: Source::File(from.into()), pin });
        };
        if scheme != "https" {
            return Err(format!("{from}: images are fetched by https alone"));
        }
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.is_empty() || host.contains('@') || from.contains(|c: char| c.is_control() || c == ' ') {
            return Err("the URL wants a host, no user or password, and no blanks".into());
        }
        Ok(Self { source: Source::Url(from.to_owned()), pin })
    }

    /// The programs that fetching it takes.
    pub fn tools(&self) -> &'static [tools::Tool] {
        match self.source {
            Source::File(_) => &[],
            Source::Url(_) => &[CURL],
        }
    }

    /// How an image's record names it.
    pub fn record(&self) -> BaseRecord {
        BaseRecord { source: self.to_string(), sha256: self.pin.0.clone() }
    }

    /// Copies it to a new file, and answers for the copy: its bytes are the pinned ones. A file of
    /// other bytes does not stay.
    ///
    /// # Errors
    /// It can't be read or fetched, or has another hash.
    pub fn fetch(&self, to: &Path, progress: &dyn Progress) -> Result<(), StockError> {
        let writing = || StockError::io(format!("writing {}", to.display()));
        let mut copy = File::create_new(to).map_err(writing())?;
        let fetched = match &self.source {
            Source::File(path) => {
                let reading = || StockError::io(format!("copying {}", path.display()));
                let mut file = File::open(path).map_err(reading())?;
                let size = file.metadata().map_err(reading())?.len();
                pump(&mut file, &mut copy, size, progress).map_err(reading())
            }
            Source::Url(url) => download(url, &mut copy, progress),
        };
        let wrong = match fetched {
            Ok(found) if found == self.pin.0 => return Ok(()),
            Ok(found) => StockError::Hash { base: self.to_string(), pinned: self.pin.0.clone(), found },
            Err(error) => error,
        };
        std::fs::remove_file(to).map_err(writing())?;
        Err(wrong)
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.source {
            Source::File(path) => path.display().fmt(f),
            Source::Url(url) => url.fmt(f),
        }
    }
}

/// curl verifies certificates by the machine's own authorities, and knows its proxies.
fn download(url: &str, copy: &mut File, progress: &dyn Progress) -> Result<String, StockError> {
    let failed = |said: String| StockError::Download { url: url.to_owned(), said };
    let child = Command::new(SETPRIV.name)
        .args([
            "--pdeathsig",
            "KILL",
            CURL.name,
            "--disable",
            "--silent",
            "--show-error",
            "--fail",
            "--location",
        ])
        .args(["--proto", "=https", "--proto-redir", "=https", "--tlsv1.2", "--max-redirs", "10"])
        // A server that stalls is given up.
        .args(["--connect-timeout", "30", "--speed-limit", "1000", "--speed-time", "60"])
        .arg("--max-filesize")
        .arg(LIMIT.to_string())
        .args(["--globoff", "--url", url])
        .env("PATH", tools::search_path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(StockError::io("starting curl"))?;
    let mut child = Reaped(child);
    let mut pipe = child.0.stdout.take().ok_or_else(|| failed("curl has no output".into()))?;
    let copied = pump(&mut pipe, copy, 0, progress);
    drop(pipe);
    let mut said = String::new();
    child.0.stderr.take().map(|mut pipe| pipe.read_to_string(&mut said));
    let status = child.0.wait().map_err(StockError::io("waiting for curl"))?;
    let found = copied.map_err(|error| failed(error.to_string()))?;
    if status.success() { Ok(found) } else { Err(failed(said.trim().to_owned())) }
}

/// A child that is gone with this value.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both fail only where it is gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Copies to the end and returns the hash of what was copied; of zeros, the copy has holes. `total` is 0
/// where it isn't known.
fn pump(from: &mut impl Read, to: &mut File, total: u64, progress: &dyn Progress) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    let mut done = 0;
    loop {
        let n = from.read(&mut buffer)?;
        if n == 0 {
            to.set_len(done)?;
            return Ok(hash::hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..n]);
        if buffer[..n].iter().any(|byte| *byte != 0) {
            to.write_all_at(&buffer[..n], done)?;
        }
        done += n as u64;
        if done > LIMIT {
            return Err(io::Error::other(format!("more than {} GiB", LIMIT >> 30)));
        }
        progress.advance(done, total);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SHA-256 of `abc` (FIPS 180-2).
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_pin_is_a_whole_hash() {
        assert_eq!(ABC.to_uppercase().parse(), Ok(Pin(ABC.into())));
        for text in ["", "abc", &ABC[1..], &format!("{}g", &ABC[1..]), &format!("{ABC}0")] {
            assert!(text.parse::<Pin>().is_err(), "{text}");
        }
    }

    #[test]
    fn urls_are_of_https_and_hold_no_secret() {
        let base = |from| Base::new(from, Pin(ABC.into()));
        assert_eq!(base("https://example.org/a.qcow2").unwrap().to_string(), "https://example.org/a.qcow2");
        assert_eq!(base("images/a.qcow2").unwrap().source, Source::File("images/a.qcow2".into()));
        for from in ["http://example.org/a", "file:///etc/shadow", "https://u:p@example.org/a", "https:///a"]
        {
            assert!(base(from).is_err(), "{from}");
        }
    }

    #[test]
    fn bytes_of_another_hash_do_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let [image, copy] = ["image", "copy"].map(|name| folder.path().join(name));
        let base = Base::new(image.to_str().unwrap(), Pin(ABC.into())).unwrap();
        std::fs::write(&image, "abd").unwrap();
        let said = base.fetch(&copy, &()).unwrap_err().to_string();
        assert!(said.contains(ABC) && said.contains("has sha256 "), "{said}");
        assert!(!copy.exists());
        std::fs::write(&image, "abc").unwrap();
        base.fetch(&copy, &()).unwrap();
        assert_eq!(std::fs::read(copy).unwrap(), b"abc");
    }
}
