//! The running system that this program runs on, as something that answers questions.

use std::io::{self, Read, Write};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::{Exec, Output};

/// How long one program may take. An emulated machine is slow; none of the programs asked is.
const LIMIT: Duration = Duration::from_secs(300);

/// How much of a program's output is kept, in bytes.
const MAX_OUTPUT: u64 = 16 << 20;

/// This machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalExec;

impl Exec for LocalExec {
    fn run(&self, argv: &[&str]) -> io::Result<Output> {
        let Some((program, arguments)) = argv.split_first() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no program named"));
        };
        let mut command = Command::new(program);
        // Messages are parsed: they must not be translated.
        command.args(arguments).env("LC_ALL", "C.UTF-8");
        run_within(command, b"", LIMIT)
    }
}

/// Runs a program on this input to its end, and takes what it says.
///
/// # Errors
/// It can't be started, or takes longer than the limit: then it is killed.
pub fn run_within(mut command: Command, stdin: &[u8], limit: Duration) -> io::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stdout = collect(child.stdout.take());
    let stderr = collect(child.stderr.take());
    let input = child.stdin.take();
    let status = thread::scope(|scope| {
        // A program that does not read to the end is no failure.
        scope.spawn(|| input.map(|mut pipe| pipe.write_all(stdin)));
        wait(&mut child, limit)
    })?;
    let text = |reader: thread::JoinHandle<Vec<u8>>| {
        String::from_utf8_lossy(&reader.join().unwrap_or_default()).into_owned()
    };
    Ok(Output { status, stdout: text(stdout), stderr: text(stderr) })
}

/// Reads a pipe to its end in a thread of its own, so that no program blocks on the other one.
fn collect(pipe: Option<impl Read + Send + 'static>) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What arrived before an error is still worth reading; the rest is drained.
            let _ = pipe.by_ref().take(MAX_OUTPUT).read_to_end(&mut bytes);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        bytes
    })
}

/// Waits for a program's end; one that takes too long is killed, and that is an error.
fn wait(child: &mut Child, limit: Duration) -> io::Result<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status.code().unwrap_or(-1));
        }
        if start.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            let text = format!("no end after {} seconds", limit.as_secs());
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        thread::sleep(Duration::from_millis(10));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_status_and_both_outputs() {
        let output = LocalExec.run(&["sh", "-c", "echo out; echo err >&2; exit 3"]).unwrap();
        assert_eq!((output.status, output.stdout.as_str(), output.stderr.as_str()), (3, "out\n", "err\n"));
    }

    #[test]
    fn a_missing_program_is_an_error() {
        assert!(LocalExec.run(&["/no/such/program"]).is_err());
        assert!(LocalExec.run(&[]).is_err());
    }
}
