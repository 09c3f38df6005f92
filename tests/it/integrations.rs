//! The files that people copy into their build services: what they call is there, and their shell is sound.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ironseed::yaml::{self, Source};
use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use crate::program::{have, run, text};

fn files() -> Vec<(PathBuf, String)> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> =
        fs::read_dir(repository.join("docs/integrations")).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|path| path.extension().is_none_or(|e| e != "md"));
    files.push(repository.join(".pre-commit-hooks.yaml"));
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "yml" || e == "yaml")
}

#[test]
fn every_verb_and_option_exists() {
    let dir = TempDir::new().unwrap();
    let call = Regex::new(r"(?m)(?:^\s*(?:- )?|entry: |\|\| )(ironseed [a-z-]+[^\n|>]*)").unwrap();
    let option = Regex::new(r"(?:^| )(--?[a-z][a-z-]*)").unwrap();
    let mut seen = 0;
    for (path, content) in files() {
        for found in call.captures_iter(&content) {
            let words = &found[1];
            let verb = words.split(' ').nth(1).unwrap();
            let (code, help, said) = run(&[verb, "--help"], dir.path());
            assert_eq!(code, 0, "{}: {words}: {said}", path.display());
            for option in option.captures_iter(words) {
                let known =
                    Regex::new(&format!(r"(?m)(^|[ ,]){}([ ,<]|$)", regex::escape(&option[1]))).unwrap();
                assert!(known.is_match(&help), "{}: {words}: {}", path.display(), &option[1]);
            }
            if let Some((_, form)) = words.split_once("--format ") {
                let form = form.split(' ').next().unwrap();
                assert!(
                    Regex::new(&format!(r"[ \[]{form}[:,\]\n]")).unwrap().is_match(&help),
                    "{words}: {form}"
                );
            }
            seen += 1;
        }
    }
    assert!(seen >= 14, "only {seen} calls were found");
}

/// The shell's lines of a file: `run` of GitHub's steps, `script` of GitLab's jobs, `sh` of Jenkins' steps.
fn scripts(value: &Value) -> Vec<String> {
    match value {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match (key.as_str(), value) {
                ("run", Value::String(script)) => vec![script.clone()],
                ("script", Value::Array(lines)) => {
                    vec![lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")]
                }
                _ => scripts(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(scripts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn their_shell_is_sound() {
    if !have(&["shellcheck"], "the integrations' shell") {
        return;
    }
    let quoted = Regex::new(r"(?s)sh '''(.*?)'''").unwrap();
    let mut seen = 0;
    for (path, content) in files() {
        let found = if is_yaml(&path) {
            scripts(&yaml::parse(&Source { name: path.display().to_string(), text: content }).unwrap())
        } else {
            quoted.captures_iter(&content).map(|c| c[1].to_owned()).collect()
        };
        for script in found {
            // Variables come from outside, and a glob is one on purpose.
            let mut check = std::process::Command::new("shellcheck")
                .args(["--shell=bash", "--exclude=SC2154,SC2086", "-"])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            std::io::Write::write_all(&mut check.stdin.take().unwrap(), script.as_bytes()).unwrap();
            let output = check.wait_with_output().unwrap();
            assert!(output.status.success(), "{}: {script}\n{}", path.display(), text(&output.stdout));
            // What a pull request may choose never becomes part of a script's text.
            assert!(!script.contains("${{"), "{}: {script}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 9, "only {seen} scripts were found");
}
