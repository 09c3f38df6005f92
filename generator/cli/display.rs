//! How a build or an upload goes on, for people: one line that moves on a terminal, plain lines elsewhere.

use std::time::Instant;

use indicatif::{ProgressBar, ProgressStyle};

use crate::build::{Progress, Step};
use crate::publish::glance;

/// Shows the steps of a build.
pub struct Display {
    bar: ProgressBar,
    steps: &'static [Step],
    start: Instant,
}

/// What a machine's console says is told elsewhere than on a terminal only where it speaks of progress.
const MILESTONES: [&str; 2] = ["Cloud-init v.", "ironseed: "];

impl Display {
    /// A display of these steps, in order.
    pub fn new(steps: &'static [Step]) -> Self {
        let bar = ProgressBar::new_spinner();
        // The template is a constant; were it wrong, the default one does.
        if let Ok(style) = ProgressStyle::with_template("{spinner} {wide_msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        Self { bar, steps, start: Instant::now() }
    }
}

impl Progress for Display {
    fn step(&self, step: Step) {
        let number = self.steps.iter().position(|s| *s == step).map_or(0, |i| i + 1);
        let text = format!("[{number}/{}] {}", self.steps.len(), step.title());
        if self.bar.is_hidden() {
            anstream::eprintln!("{text}");
        }
        self.bar.set_message(text);
    }

    fn advance(&self, done: u64, total: u64) {
        if self.bar.is_hidden() {
            return;
        }
        let of = if total > 0 { format!(" of {}", total >> 20) } else { String::new() };
        self.bar.set_message(format!("{}{of} MiB", done >> 20));
    }

    fn hear(&self, line: &str) {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        if !self.bar.is_hidden() {
            self.bar.set_message(line);
        } else if let Some(at) = MILESTONES.iter().find_map(|m| line.find(m)) {
            anstream::eprintln!("  {:>4} s  {}", self.start.elapsed().as_secs(), &line[at..]);
        }
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows steps and bytes on their way into a cloud.
pub struct Transfer {
    bar: ProgressBar,
}

impl Transfer {
    /// A display that shows nothing yet.
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        // The template is a constant; were it wrong, the default one does.
        if let Ok(style) = ProgressStyle::with_template(
            "{bytes:>11} of {total_bytes} {bytes_per_sec:>14} {wide_bar} {eta:>4}",
        ) {
            bar.set_style(style);
        }
        Self { bar }
    }
}

impl glance::Progress for Transfer {
    fn step(&self, text: &str) {
        self.bar.suspend(|| anstream::eprintln!("{text}"));
    }

    fn sent(&self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
        if done == total {
            self.bar.finish_and_clear();
        }
    }
}
