//! What is downloaded is run unseen.

use std::sync::LazyLock;

use regex::Regex;

use crate::check::Severity;
use crate::lint::shell::{self, Command};
use crate::lint::{Context, Example, Rule, patterns};

/// The rule.
pub const RULE: Rule = Rule {
    id: "pipe-to-shell",
    title: "What is downloaded is run unseen",
    severity: Severity::Medium,
    rationale: "Whoever gets hold of the server, its name or the way to it is root on every machine that boots. Nobody can tell afterwards what was run, and a download that breaks off runs half a script.",
    remedy: "Install a signed package, or download to a file, compare its checksum, and run it then.",
    example: Example {
        arguments: &[],
        bad: "#cloud-config\n\
              runcmd:\n\
              \x20 - curl -fsSL https://get.example.org/install | sh\n",
        line: 3,
        good: "#cloud-config\n\
              runcmd:\n\
              \x20 - curl -fsSLo /run/install https://get.example.org/install\n\
              \x20 - echo \"4f2b…  /run/install\" | sha256sum --check && sh /run/install\n",
        fixed: false,
    },
    check,
};

fn check(context: &mut Context<'_>) {
    let Some(expansion) = EXPANSION.as_ref() else { return };
    for piece in context.pieces {
        for pair in piece.commands().windows(2) {
            let [first, second] = pair else { continue };
            if is_download(first) && first.pipes && second.piped && runs_input(second) {
                let at = first.at().start..second.at().end.max(first.at().end);
                context.report_in(
                    piece,
                    &at,
                    format!("what `{}` downloads goes straight to `{}`", first.program(), second.program()),
                );
            }
        }
        for command in piece.commands() {
            let runs = shell::is_shell(command.program())
                || matches!(command.program(), "eval" | "source" | "." | "python3" | "python");
            let word = command.words.iter().skip(1).find(|word| expansion.is_match(&word.text));
            if let Some(word) = word.filter(|_| runs) {
                context.report_in(
                    piece,
                    &word.at,
                    format!("what is downloaded goes straight to `{}`", command.program()),
                );
            }
        }
        // `bash <(curl …)`: the command in brackets stands before the shell.
        for (start, line) in patterns::lines(&piece.snippet.text) {
            if let Some(found) = SUBSTITUTION
                .as_ref()
                .and_then(|pattern| pattern.find(line))
                .filter(|_| piece.commands.is_some())
            {
                context.report_in(
                    piece,
                    &(start + found.start()..start + found.end()),
                    "what is downloaded goes straight to a shell",
                );
            }
        }
    }
}

/// A download in place of a word: the word is what comes out of it.
static EXPANSION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^(\$\(|`)\s*(curl|wget)\b[^|]*(\)|`)$").ok());

static SUBSTITUTION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\b(bash|sh|zsh|source)\s+(-\S+\s+)*<\(\s*(curl|wget)\b[^)]*\)").ok());

fn is_download(command: &Command) -> bool {
    match command.program() {
        "curl" => true,
        "wget" => command.words.iter().any(|word| word.text.starts_with('-') && word.text.contains('O')),
        _ => false,
    }
}

/// Whether a command runs what it reads: a shell or an interpreter without a script of its own.
fn runs_input(command: &Command) -> bool {
    let interpreter = shell::is_shell(command.program())
        || matches!(command.program(), "python" | "python3" | "perl" | "ruby" | "node");
    let first = command.words.get(1).map(|word| word.text.as_str());
    interpreter
        && first.is_none_or(|word| {
            word == "-"
                || word == "-s"
                || word == "-e"
                || word == "-x"
                || word == "-ex"
                || word == "-xe"
                || word == "-l"
                || word == "--"
                || word == "-E"
        })
}
