//! Waiting for a machine: until it is up, until it is off. What its console says decides.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::{COMPLAINTS, CONSOLE, Vm, VmError, Watch};

/// cloud-init's last word.
const FINISHED: &str = "finished at";
/// Words after which no machine comes up.
const DEAD: [&str; 3] = ["Kernel panic", "emergency mode", "grub rescue>"];

impl Vm {
    /// Restarts the machine from within and waits until it is up again.
    ///
    /// # Errors
    /// As [`Vm::boot_watched`].
    pub fn reboot(&mut self, watch: Watch<'_>) -> Result<(), VmError> {
        // The connection breaks while the machine goes down: no status tells anything.
        self.ssh(&["sudo", "systemctl", "reboot"], b"").map_err(VmError::io("running ssh"))?;
        self.wait(watch)
    }

    /// Switches the machine off from within and waits until it is; returns what it said meanwhile.
    ///
    /// # Errors
    /// It is still on after `limit`.
    pub fn power_off(mut self, limit: Duration) -> Result<String, VmError> {
        let deadline = Instant::now() + limit;
        self.note_console()?;
        self.ssh(&["sudo", "systemctl", "poweroff"], b"").map_err(VmError::io("running ssh"))?;
        while self.child.try_wait().map_err(VmError::io("asking for QEMU"))?.is_none() {
            if Instant::now() > deadline {
                return Err(self.failed(format!("the machine was not off within {} s", limit.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        self.new_console().map_err(VmError::io("reading the console"))
    }

    /// Waits for cloud-init's last word on the console, then for a login.
    pub(super) fn wait(&mut self, watch: Watch<'_>) -> Result<(), VmError> {
        let deadline = Instant::now() + self.options.limit;
        let limit = self.options.limit.as_secs();
        let mut heard = 0;
        loop {
            let console = self.new_console().map_err(VmError::io("reading the console"))?;
            heard += self.tell(&console[heard..], watch)?;
            if console.contains(FINISHED) {
                self.tell(&(console[heard..].to_owned() + "\n"), watch)?;
                break;
            }
            if let Some(end) = DEAD.iter().find(|end| console.contains(**end)) {
                return Err(self.failed(format!("the machine does not boot: {end}")));
            }
            if self.child.try_wait().map_err(VmError::io("asking for QEMU"))?.is_some() {
                let said = std::fs::read_to_string(self.folder.path().join(COMPLAINTS)).unwrap_or_default();
                return Err(self.failed(format!("QEMU ended: {}", said.trim())));
            }
            if Instant::now() > deadline {
                return Err(self.failed(format!("cloud-init did not finish within {limit} s")));
            }
            std::thread::sleep(Duration::from_millis(300));
        }
        self.note_console()?;
        loop {
            let output = self.ssh(&["true"], b"").map_err(VmError::io("running ssh"))?;
            if output.status == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                let said = output.stderr.trim();
                return Err(
                    self.failed(format!("no login as {} within {limit} s: {said}", self.options.user))
                );
            }
            std::thread::sleep(Duration::from_secs(1));
        }
    }

    /// Tells the whole lines of a text; returns how many bytes they are.
    fn tell(&self, text: &str, watch: Watch<'_>) -> Result<usize, VmError> {
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for line in text[..whole].lines() {
            watch(line).map_err(|why| self.failed(why))?;
        }
        Ok(whole)
    }

    fn failed(&self, what: String) -> VmError {
        const BYTES: u64 = 4096;
        let length = self.console_path().metadata().map_or(0, |meta| meta.len());
        let console = self.console_from(length.saturating_sub(BYTES)).unwrap_or_default();
        let lines: Vec<_> = console.lines().collect();
        VmError::Boot { what, console: lines[lines.len().saturating_sub(30)..].join("\n") }
    }

    fn console_path(&self) -> PathBuf {
        self.folder.path().join(CONSOLE)
    }

    /// What the console has said up to now belongs to what was waited for before.
    fn note_console(&mut self) -> Result<(), VmError> {
        self.console_seen = self.console_path().metadata().map_err(VmError::io("reading the console"))?.len();
        Ok(())
    }

    /// What the console has said so far, without what was noted before.
    fn new_console(&self) -> io::Result<String> {
        self.console_from(self.console_seen)
    }

    fn console_from(&self, start: u64) -> io::Result<String> {
        /// More than any boot says.
        const LIMIT: u64 = 16 << 20;
        let mut file = match std::fs::File::open(self.console_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(String::new()),
            other => other?,
        };
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(LIMIT).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
