//! One process that answers many cases.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A program that answers each line it reads with one line, such as a script around a library
/// that is slow to start. It must flush after each answer.
pub struct Dialogue {
    child: Child,
    /// `None` once it is closed.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Dialogue {
    /// Starts the program.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// Its answer to a line, without the line's end.
    pub fn ask(&mut self, line: &str) -> String {
        assert!(!line.contains('\n'), "one line a question");
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self.hear()
    }

    /// The next line that it says, without the line's end.
    pub fn hear(&mut self) -> String {
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        assert!(answer.ends_with('\n'), "the program ended: what it said of it is on stderr");
        answer.pop();
        answer
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        // The end of its input is the end of the program; a stubborn one is not waited for.
        self.input = None;
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
