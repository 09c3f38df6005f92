//! A laboratory: the real daemon, started on a case's files, in namespaces of its own.
//!
//! Where a program prints no effective configuration, what it binds and whom it answers is the
//! answer. The daemon sees this machine's files with the case's laid over them, its own network
//! (loopback, and one interface with 192.0.2.1 and 2001:db8::1) and its own processes; what it
//! writes below `/etc`, `/run`, `/usr` and `/var` is forgotten. Takes root's rights and a kernel
//! with namespaces and overlays.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use super::{Dialogue, MemoryTree, skip};

/// How long a program is waited for, in seconds.
const PATIENCE: f64 = 20.0;
const SCRIPT: &str = include_str!("lab.py");

/// A laboratory; one at a time per test.
pub struct Lab(Dialogue);

/// What is asked.
#[derive(Default, Serialize)]
pub struct Question {
    /// The program with its arguments. It must stay in the foreground.
    pub argv: Vec<String>,
    /// Added to its environment, which has `PATH` only.
    pub environment: BTreeMap<String, String>,
    /// Files and directories that are removed before the case's are written.
    pub cleared: Vec<String>,
    /// A regular expression (Python's): once the program has said it, it serves. `None` for a
    /// program that ends by itself.
    pub ready: Option<String>,
    /// Datagrams that are sent to it, all at once.
    pub probes: Vec<Probe>,
    /// How long their answers are waited for, in seconds.
    pub patience: f64,
}

/// A question as it is sent.
#[derive(Serialize)]
struct Sent<'q> {
    #[serde(flatten)]
    question: &'q Question,
    files: &'q Path,
    seconds: f64,
}

/// A datagram to the program.
#[derive(Clone, Serialize)]
pub struct Probe {
    /// The sender's address, one of the laboratory's.
    pub from: String,
    /// The address it goes to.
    pub to: String,
    /// The port it goes to.
    pub port: u16,
    /// What is sent, in hexadecimal digits.
    pub datagram: String,
}

/// What came of it.
#[derive(Debug, Deserialize)]
pub struct Answer {
    /// How the program ended; `None` where it went on.
    pub code: Option<i32>,
    /// What it said, on both streams.
    pub output: String,
    /// Where it waited for others: protocol (`tcp`, `udp`), address, port; sorted.
    pub sockets: Vec<(String, IpAddr, u16)>,
    /// An answer for each probe, in hexadecimal digits.
    pub replies: Vec<Option<String>>,
}

impl Lab {
    /// Opens a laboratory; `None`, and the test is skipped, where the machine can't have one.
    pub fn open() -> Option<Self> {
        let unshare = ["-n", "-m", "-p", "--fork", "--kill-child", "--mount-proc"];
        let can = Command::new("unshare").args(unshare).arg("true").stderr(Stdio::null()).status();
        if !can.is_ok_and(|status| status.success()) {
            skip("this machine gives no namespaces");
            return None;
        }
        let mut command = Command::new("unshare");
        command.args(unshare).args(["python3", "-c", SCRIPT]);
        let mut dialogue = Dialogue::start(&mut command);
        assert_eq!(dialogue.hear(), "ready");
        Some(Self(dialogue))
    }

    /// Runs the program on the case's files.
    pub fn ask(&mut self, files: &MemoryTree, question: &Question) -> Answer {
        let disk = files.on_disk();
        let sent = Sent { question, files: disk.path(), seconds: PATIENCE };
        serde_json::from_str(&self.0.ask(&serde_json::to_string(&sent).unwrap())).unwrap()
    }
}
