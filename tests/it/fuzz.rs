//! The kept corpus of the fuzz targets and mutations of it, without a fuzz engine: no panic, no
//! input that takes long, no memory without bound. `make fuzz` looks much further.
//!
//! Each target runs in a process of its own, whose memory is bounded from outside.

#[path = "../fuzz/entries/mod.rs"]
mod entries;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use tempfile::TempDir;

use self::entries::input::FILE;
use self::entries::{TARGETS, Target};

/// Mutations of a target's corpus, unless `IRONSEED_CASES` says otherwise.
const CASES: usize = 400;

/// Every so many mutations, a part of the input is repeated until it is [`LARGE`].
const LARGE_EVERY: usize = 40;

/// Bytes of an input that was made large: what grows with the square of it is seen by its time.
const LARGE: usize = 96 << 10;

/// Address space of the process (KiB, as `ulimit -v` takes it), and what one input may take. The
/// tests are not optimised, and share the machine.
const MEMORY_KIB: &str = "1572864";
const LIMIT: Duration = Duration::from_secs(20);

/// Names the target, and the file that holds the input at work, to the process.
const TARGET: &str = "IRONSEED_FUZZ";
const CURRENT: &str = "IRONSEED_FUZZ_INPUT";

/// Numbers from a seed (xorshift), the same at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap() % bound.max(1)
    }

    /// A piece of at most `most` bytes.
    fn piece(&mut self, length: usize, most: usize) -> std::ops::Range<usize> {
        let start = self.below(length);
        start..(start + 1 + self.below(most)).min(length)
    }
}

/// Bytes that mean something in one of the formats.
const TELLING: &[u8] = b"\0\n\r\t \"'\\#;:,=*!{}[]()<>$%@/-+0\x1e\x1f\x7f\x80\xff";

/// A corpus input with a few changes.
fn mutation(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(4) {
        let at = random.below(input.len());
        match random.below(7) {
            _ if input.is_empty() => input.push(FILE),
            0 => input[at] ^= 1 << random.below(8),
            1 => input[at] = TELLING[random.below(TELLING.len())],
            2 => input.insert(at, TELLING[random.below(TELLING.len())]),
            3 => input.truncate(at),
            4 => drop(input.drain(random.piece(input.len(), 64))),
            5 => {
                let piece = input[random.piece(input.len(), 64)].to_vec();
                input.splice(at..at, piece);
            }
            _ => {
                let other = &corpus[random.below(corpus.len())];
                input.splice(at.., other[random.below(other.len())..].iter().copied());
            }
        }
    }
    input
}

/// An input with one piece of one of its files repeated very often.
fn large(mut input: Vec<u8>, random: &mut Random) -> Vec<u8> {
    let piece = random.piece(input.len(), 48);
    let end = input[piece.clone()].iter().position(|b| *b == FILE).map_or(piece.end, |at| piece.start + at);
    let piece = input[piece.start..end].to_vec();
    if !piece.is_empty() {
        let repeated: Vec<u8> = piece.iter().copied().cycle().take(LARGE).collect();
        input.splice(end..end, repeated);
    }
    input
}

fn corpus(target: &Target) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target.name);
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} has no corpus", target.name);
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// The work itself, in the process that [`the_corpus_and_mutations_of_it_do_no_harm`] starts.
#[test]
#[ignore = "started by the_corpus_and_mutations_of_it_do_no_harm, with bounded memory"]
fn one_target() {
    let target = entries::target(&std::env::var(TARGET).unwrap());
    let current = std::env::var(CURRENT).unwrap();
    let cases = std::env::var("IRONSEED_CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let corpus = corpus(target);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mutations = (1..=cases).map(|number| {
        let input = mutation(&corpus, &mut random);
        if number % LARGE_EVERY == 0 { large(input, &mut random) } else { input }
    });
    for input in corpus.iter().cloned().chain(mutations) {
        fs::write(&current, &input).unwrap();
        let start = Instant::now();
        target.run(&input);
        assert!(start.elapsed() < LIMIT, "{} bytes took {:?}", input.len(), start.elapsed());
    }
}

/// Runs a target in a process of its own; what went wrong, in words.
fn trouble(target: &Target) -> Option<String> {
    let folder = TempDir::new().unwrap();
    let (current, said) = (folder.path().join("input"), folder.path().join("said"));
    let output = fs::File::create(&said).unwrap();
    let mut process = Command::new("sh")
        .args(["-c", r#"ulimit -v "$1"; shift; exec "$@""#, "sh", MEMORY_KIB])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "fuzz::one_target", "--ignored", "--nocapture"])
        .env(TARGET, target.name)
        .env(CURRENT, &current)
        // Each of glibc's arenas takes address space in advance.
        .envs([("MALLOC_ARENA_MAX", "2"), ("RAYON_NUM_THREADS", "2")])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
        .unwrap();
    let mut last = (fs::read(&current).ok(), Instant::now());
    let ended = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break Some(status);
        }
        let now = fs::read(&current).ok();
        if now != last.0 {
            last = (now, Instant::now());
        }
        if last.1.elapsed() > 2 * LIMIT {
            process.kill().unwrap();
            process.wait().unwrap();
            break None;
        }
        sleep(Duration::from_millis(50));
    };
    if ended.is_some_and(|status| status.success()) {
        return None;
    }
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{}", target.name));
    fs::copy(&current, &kept).unwrap();
    let said = fs::read_to_string(&said).unwrap();
    let how = ended.map_or("does not end".to_owned(), |status| status.to_string());
    Some(format!("\n{}: {how}; the input is {}\n{said}", target.name, kept.display()))
}

#[test]
fn the_corpus_and_mutations_of_it_do_no_harm() {
    let troubles: Vec<String> = TARGETS.par_iter().filter_map(|target| trouble(target)).collect();
    assert!(troubles.is_empty(), "{}", troubles.concat());
}

#[test]
fn the_kept_corpus_is_small() {
    let bytes: usize = TARGETS.iter().flat_map(|target| corpus(target)).map(|input| input.len()).sum();
    assert!(bytes < 1 << 20, "{bytes} bytes");
}
