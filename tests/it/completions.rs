//! Completions and man pages, read by the programs that they are for.

use std::fs;

use tempfile::TempDir;

use crate::program::{have, real, run, text};

#[test]
fn bash_completes_verbs_options_and_values() {
    let dir = TempDir::new().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (code, out, _) = run(&["completions", shell], dir.path());
        assert!(code == 0 && out.contains("verify"), "{shell}");
        fs::write(dir.path().join(shell), out).unwrap();
    }
    let asked = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let script = format!(
            "source ./bash; COMP_WORDS=({}); COMP_CWORD={}; _ironseed ironseed \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\"",
            words.iter().map(|w| format!("'{w}'")).collect::<Vec<_>>().join(" "),
            words.len() - 1
        );
        text(&real("bash", &["-c", &script], dir.path()).stdout)
    };
    assert_eq!(asked("ironseed veri").trim(), "verify");
    // What is hidden stays so.
    assert_eq!(asked("ironseed obs").trim(), "");
    assert!(asked("ironseed verify --form").contains("--format"));
    assert!(asked("ironseed verify x --format ").contains("xccdf"));
}

#[test]
fn man_shows_a_page_for_each_verb() {
    let dir = TempDir::new().unwrap();
    let (code, out, _) = run(&["man"], dir.path());
    assert!(code == 0 && out.contains(".TH ironseed 1"), "{out}");
    assert_eq!(run(&["man", "pages"], dir.path()).0, 0);
    let mut pages: Vec<String> = fs::read_dir(dir.path().join("pages"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    for verb in ["", "-verify", "-report", "-schema", "-lifecycle-refresh"] {
        assert!(pages.contains(&format!("ironseed{verb}.1")), "{pages:?}");
    }
    assert!(!pages.iter().any(|p| p.contains("observe")), "{pages:?}");
    if have(&["man"], "man pages as man shows them") {
        let shown = real("man", &["-l", "--warnings", "pages/ironseed-verify.1"], dir.path());
        assert!(text(&shown.stdout).contains("NAME"), "{}", text(&shown.stdout));
        assert_eq!(text(&shown.stderr), "");
    }
}
