//! Runs mmdebstrap with the fixed hooks, keeps its log and tells the steps apart.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use super::payload::PLACE;
use super::recipe::Recipe;
use super::{BuildError, Progress, Step, tools};

/// Names in the build folder: what travels in, what comes out.
pub const PAYLOAD: &str = "payload.tar";
/// The archive of what the hooks left for the builder.
pub const RESULT: &str = "result.tar";

/// Makes [`PLACE`] in the new root, which is `$1`. `/run` is hidden when the filesystem is made, so
/// nothing of it gets into the image.
const SETUP: &str = r#"mkdir -m 0700 "$1/run/ironseed""#;
/// Runs what came with the payload.
const FINISH: &str = r#"sh "$1/run/ironseed/finish.sh" "$1""#;

/// What the builder cleans itself, before the filesystem is made; mmdebstrap would do it after.
const SKIPPED: &str = "--skip=cleanup/apt,cleanup/mmdebstrap,cleanup/reproducible,cleanup/run,cleanup/tmp";

/// Makes the root filesystem. Reads [`PAYLOAD`] and writes [`RESULT`] in `folder`.
pub fn run(recipe: &Recipe, folder: &Path, log: &Path, progress: &dyn Progress) -> Result<(), BuildError> {
    let mut log_file = File::create(log).map_err(BuildError::io(format!("creating {}", log.display())))?;
    let (output, pen) = io::pipe().map_err(BuildError::io("making a pipe"))?;
    let mut command = command(recipe, folder);
    command.stdout(pen.try_clone().map_err(BuildError::io("sharing a pipe"))?).stderr(pen);
    let mut child = command.spawn().map_err(BuildError::io("starting mmdebstrap"))?;
    // The command holds the pipe's other end: without it, reading ends when mmdebstrap does.
    drop(command);
    progress.step(Step::Base);
    let followed = follow(output, &mut log_file, progress);
    if followed.is_err() {
        // No log can be kept (a full disk): the build is lost.
        child.kill().map_err(BuildError::io("stopping mmdebstrap"))?;
    }
    let status = child.wait().map_err(BuildError::io("waiting for mmdebstrap"))?;
    followed.map_err(BuildError::io(format!("writing {}", log.display())))?;
    if status.success() {
        Ok(())
    } else {
        Err(BuildError::Bootstrap { status: status.to_string(), log: log.to_owned(), tail: tail(log) })
    }
}

fn command(recipe: &Recipe, folder: &Path) -> Command {
    let mut command = Command::new(tools::SETPRIV.name);
    command
        .args(["--pdeathsig", "TERM", tools::MMDEBSTRAP.name, "--mode=unshare", "--format=null", SKIPPED])
        .arg(format!("--variant={}", recipe.variant))
        .arg(format!("--include={}", recipe.packages.join(",")))
        .arg(format!("--customize-hook={SETUP}"))
        .arg(format!("--customize-hook=tar-in {PAYLOAD} {PLACE}"))
        .arg(format!("--customize-hook={FINISH}"))
        .arg(format!("--customize-hook=tar-out {PLACE}/out {RESULT}"))
        .args([recipe.suite.as_str(), "-"])
        .env("PATH", tools::search_path())
        .env("LC_ALL", "C.UTF-8")
        .env("SOURCE_DATE_EPOCH", recipe.source_date_epoch.to_string())
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn follow(output: impl Read, log: &mut File, progress: &dyn Progress) -> io::Result<()> {
    let mut lines = BufReader::new(output);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line)? > 0 {
        log.write_all(&line)?;
        if let Some(step) = step(&String::from_utf8_lossy(&line)) {
            progress.step(step);
        }
        line.clear();
    }
    Ok(())
}

fn step(line: &str) -> Option<Step> {
    match line.trim_end() {
        "I: installing remaining packages inside the chroot..." => Some(Step::Packages),
        "ironseed: step configure" => Some(Step::Configuration),
        "ironseed: step filesystem" => Some(Step::Filesystem),
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
