//! Runs mmdebstrap with the fixed hooks, keeps its log and tells the steps apart.

use std::fs::File;
use std::io::{self, BufRead, BufReader, PipeReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use super::payload::PLACE;
use super::recipe::Recipe;
use super::{BuildError, Progress, Step, tools};

/// Names in the build folder: what travels in, what comes out.
pub const PAYLOAD: &str = "payload.tar";
/// The archive of what the hooks left for the builder.
pub const RESULT: &str = "result.tar";

/// Makes [`PLACE`] in the new root before packages beyond the essential ones are installed. `/run` is
/// hidden when the filesystem is made, so nothing of it gets into the image.
const PREPARE: &str = include_str!("inside/prepare.sh");
/// Runs what came with the payload.
const FINISH: &str = r#"sh "$1/run/ironseed/finish.sh" "$1""#;

/// Makes the filesystem of what that left.
const PACK: &str = r#"sh "$1/run/ironseed/pack.sh" "$1""#;

/// What the builder cleans itself, before the filesystem is made; mmdebstrap would do it after.
const SKIPPED: &str = "--skip=cleanup/apt,cleanup/mmdebstrap,cleanup/reproducible,cleanup/run,cleanup/tmp";

/// dpkg need not make each file safe against a power cut: the tree lives no longer than the build.
const UNSYNCED: &str = "--dpkgopt=force-unsafe-io";

/// mmdebstrap at work.
pub struct Bootstrap {
    child: Child,
    output: BufReader<PipeReader>,
    log: File,
    log_path: PathBuf,
}

impl Bootstrap {
    /// Starts it. Reads [`PAYLOAD`] and writes [`RESULT`] in `folder`.
    pub fn start(recipe: &Recipe, folder: &Path, log_path: &Path) -> Result<Self, BuildError> {
        let log =
            File::create(log_path).map_err(BuildError::io(format!("creating {}", log_path.display())))?;
        let (output, pen) = io::pipe().map_err(BuildError::io("making a pipe"))?;
        let mut command = command(recipe, folder);
        command.stdout(pen.try_clone().map_err(BuildError::io("sharing a pipe"))?).stderr(pen);
        // The command holds the pipe's other end: without it, reading ends when mmdebstrap does.
        let child = command.spawn().map_err(BuildError::io("starting mmdebstrap"))?;
        drop(command);
        Ok(Self { child, output: BufReader::new(output), log, log_path: log_path.to_owned() })
    }

    /// Waits until the root filesystem and [`RESULT`] are written. mmdebstrap goes on then: it has
    /// its tree to remove, which nobody needs to wait for before [`Self::finish`].
    pub fn until_packed(&mut self, progress: &dyn Progress) -> Result<(), BuildError> {
        progress.step(Step::Base);
        while let Some(line) = self.line()? {
            let step = step(&line);
            step.into_iter().for_each(|step| progress.step(step));
            if step == Some(Step::Image) {
                return Ok(());
            }
        }
        Err(self.failure()?)
    }

    /// Waits until it has ended, and well.
    pub fn finish(mut self) -> Result<(), BuildError> {
        while self.line()?.is_some() {}
        if self.wait()?.success() { Ok(()) } else { Err(self.failure()?) }
    }

    /// The next line, once it is in the log.
    fn line(&mut self) -> Result<Option<String>, BuildError> {
        let mut line = Vec::new();
        let read = self.output.read_until(b'\n', &mut line).and_then(|_| self.log.write_all(&line));
        if let Err(error) = read {
            // No log can be kept (a full disk): the build is lost.
            self.child.kill().map_err(BuildError::io("stopping mmdebstrap"))?;
            self.wait()?;
            return Err(BuildError::io(format!("writing {}", self.log_path.display()))(error));
        }
        Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()))
    }

    fn wait(&mut self) -> Result<ExitStatus, BuildError> {
        self.child.wait().map_err(BuildError::io("waiting for mmdebstrap"))
    }

    fn failure(&mut self) -> Result<BuildError, BuildError> {
        let status = self.wait()?.to_string();
        Ok(BuildError::Bootstrap { status, log: self.log_path.clone(), tail: tail(&self.log_path) })
    }
}

fn command(recipe: &Recipe, folder: &Path) -> Command {
    let mut command = Command::new(tools::SETPRIV.name);
    command
        .args(["--pdeathsig", "TERM", tools::MMDEBSTRAP.name, "--mode=unshare", "--format=null", SKIPPED])
        .arg(format!("--variant={}", recipe.variant))
        .arg(format!("--include={}", recipe.packages.join(",")))
        .arg(UNSYNCED)
        .arg(format!("--essential-hook={PREPARE}"))
        .arg(format!("--customize-hook=tar-in {PAYLOAD} {PLACE}"))
        .arg(format!("--customize-hook={FINISH}"))
        .arg(format!("--customize-hook=tar-out {PLACE}/out {RESULT}"))
        .arg(format!("--customize-hook={PACK}"))
        .args([recipe.suite.as_str(), "-"])
        .env("PATH", tools::search_path())
        .env("LC_ALL", "C.UTF-8")
        .env("SOURCE_DATE_EPOCH", recipe.source_date_epoch.to_string())
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn step(line: &str) -> Option<Step> {
    match line.trim_end() {
        "I: installing remaining packages inside the chroot..." => Some(Step::Packages),
        "ironseed: step configure" => Some(Step::Configuration),
        "ironseed: step filesystem" => Some(Step::Filesystem),
        "ironseed: step image" => Some(Step::Image),
        _ => None,
    }
}

/// The last lines of the log.
fn tail(log: &Path) -> String {
    const LINES: usize = 20;
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
