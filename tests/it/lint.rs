//! `lint`: every rule's example, places in packed parts, mending, silence, and our own user-data.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use ironseed::assets::Assets;
use ironseed::effective::secrets::Scanner;
use ironseed::lint::{self, Linted, Options, rules};
use ironseed::render::{self, user_data};
use serde_json::Value;
use tempfile::TempDir;

use crate::plans;
use crate::program::run;
use crate::sarif;

/// Lints a text as a file of its own; the exit code and the findings as JSON has them.
fn json(folder: &Path, bytes: &[u8], arguments: &[&str]) -> (i32, Vec<Value>) {
    fs::write(folder.join("user-data"), bytes).unwrap();
    let (code, out, err) = run(&[&["lint", "user-data", "--format", "json"], arguments].concat(), folder);
    let report: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    assert_eq!(report["version"], 1);
    (code, report["files"][0]["findings"].as_array().unwrap().clone())
}

fn linted(bytes: &[u8], options: &Options) -> Linted {
    lint::lint("user-data", bytes, options, &mut Scanner::new()).unwrap()
}

/// Rules with the line in the file, and the line in the part where there is one.
fn lines(bytes: &[u8]) -> Vec<(String, u64, Option<u64>)> {
    let dir = TempDir::new().unwrap();
    let line = |finding: &Value| {
        (
            finding["rule"].as_str().unwrap().to_owned(),
            finding["start"]["line"].as_u64().unwrap(),
            finding["part"]["line"].as_u64(),
        )
    };
    json(dir.path(), bytes, &[]).1.iter().map(line).collect()
}

#[test]
fn every_rule_finds_its_bad_example_alone_and_nothing_in_its_good_one() {
    let dir = TempDir::new().unwrap();
    let mut wrong = Vec::new();
    for rule in rules::ALL {
        let example = &rule.example;
        let faults = |text: &str| {
            let (code, found) = json(dir.path(), text.as_bytes(), example.arguments);
            let fault = |f: &Value| (f["rule"].clone(), f["start"]["line"].clone(), f["fixable"].clone());
            (code, found.iter().map(fault).collect::<Vec<_>>())
        };
        let wanted = (rule.id.into(), example.line.into(), example.fixed.into());
        for (text, wanted) in [(example.bad(), (1, vec![wanted])), (example.good.to_owned(), (0, vec![]))] {
            let found = faults(&text);
            if found != wanted {
                wrong.push(format!("{}: {found:?}\n{text}", rule.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_is_mended_is_the_good_example_and_all_else_stays() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("user-data");
    for rule in rules::ALL {
        let example = &rule.example;
        fs::write(&file, example.bad()).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let (code, ..) = run(&[&["lint", "user-data", "--fix"], example.arguments].concat(), dir.path());
        let now = fs::read_to_string(&file).unwrap();
        let wanted = if example.fixed { (0, example.good.to_owned()) } else { (1, example.bad()) };
        assert_eq!((code, now), wanted, "{}", rule.id);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // Comments, layout and line ends stay; several faults go at once; a second run changes nothing.
    let before = "#cloud-config\r\n# why\r\nwrite_files:\r\n-   path: /srv/a   # here\r\n    permissions: 644   # mode\r\n    owner: mira\r\n    content: x\r\nruncmd:\r\n- [ chmod, 0700 , /srv ]\r\n";
    let after = "#cloud-config\r\n# why\r\nwrite_files:\r\n-   path: /srv/a   # here\r\n    permissions: '0644'   # mode\r\n    owner: mira\r\n    defer: true\r\n    content: x\r\nruncmd:\r\n- [ chmod, '0700' , /srv ]\r\n";
    for _ in 0..2 {
        if !file.exists() || fs::read_to_string(&file).unwrap() != after {
            fs::write(&file, before).unwrap();
        }
        assert_eq!(run(&["lint", "user-data", "--fix"], dir.path()).0, 0);
        assert_eq!(fs::read_to_string(&file).unwrap(), after);
    }
    let refused = run(&["lint", "-", "--fix"], dir.path());
    assert_eq!(refused.0, 2, "{}", refused.2);
}

/// One fault on line 3 of cloud-config.
const FAULTY: &str = "#cloud-config\n# a comment\nssh_pwauth: true\n";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// base64 in lines, as mail has it.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for (index, chunk) in bytes.chunks(3).enumerate() {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = char::from(ALPHABET[(bits >> (18 - 6 * place) & 63) as usize]);
            out.push(if place > chunk.len() { '=' } else { letter });
        }
        if index % 19 == 18 {
            out.push('\n');
        }
    }
    out.push('\n');
    out
}

fn message(encoding: &str, body: &str) -> String {
    format!(
        "Content-Type: multipart/mixed; boundary=\"B\"\nMIME-Version: 1.0\n\n--B\nContent-Type: text/x-shellscript\n\n\
         #!/bin/sh\necho\n--B\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: {encoding}\n\
         Content-Disposition: attachment; filename=\"b.yaml\"\n\n{body}\n--B--\n"
    )
}

#[test]
fn places_are_exact_in_every_packing() {
    let password = |line, inner| vec![("ssh-password-login".to_owned(), line, inner)];
    assert_eq!(lines(FAULTY.as_bytes()), password(3, None));
    assert_eq!(lines(&gzip(FAULTY.as_bytes())), password(1, Some(3)));
    assert_eq!(lines(base64(FAULTY.as_bytes()).as_bytes()), password(1, Some(3)));
    assert_eq!(lines(base64(&gzip(FAULTY.as_bytes())).as_bytes()), password(1, Some(3)));
    assert_eq!(lines(message("7bit", FAULTY).as_bytes()), password(16, Some(3)));
    assert_eq!(lines(message("base64", &base64(FAULTY.as_bytes())).as_bytes()), password(14, Some(3)));
    assert_eq!(lines(message("base64", &base64(&gzip(FAULTY.as_bytes()))).as_bytes()), password(14, Some(3)));
    let printable = FAULTY.replace("comment", "com=6Dent=20and=\n more");
    assert_eq!(lines(message("quoted-printable", &printable).as_bytes()), password(14, Some(3)));
    let indented = FAULTY.replace('\n', "\n    ");
    let archive = format!(
        "#cloud-config-archive\n- type: text/cloud-config\n  content: |\n    {indented}\n- |\n  #!/bin/sh\n  ls\n"
    );
    assert_eq!(lines(archive.as_bytes()), password(6, Some(3)));
    assert_eq!(
        lines(
            format!("## template: jinja\n{FAULTY}{{% if x %}}\nhostname: {{{{ v1.name }}}}\n{{% endif %}}\n")
                .as_bytes()
        ),
        password(4, None)
    );
    // A script in a list of commands, and a file's packed content.
    let script = "#cloud-config\nruncmd:\n  - |\n    ls\n    setenforce 0\n";
    assert_eq!(lines(script.as_bytes()), [("confinement-off".to_owned(), 5, None)]);
    let packed = base64(b"# sshd\nPermitRootLogin yes\n").replace('\n', "");
    let file = format!(
        "#cloud-config\nwrite_files:\n  - path: /etc/ssh/sshd_config.d/a.conf\n    encoding: b64\n    content: {packed}\n"
    );
    assert_eq!(lines(file.as_bytes()), [("root-login".to_owned(), 5, Some(2))]);
}

#[test]
fn a_caret_stands_under_the_fault_and_a_secret_is_never_shown() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a"), FAULTY).unwrap();
    let (code, out, err) = run(&["lint", "a"], dir.path());
    assert_eq!(code, 1);
    assert!(
        out.contains(" --> a:3:13\n") && out.contains("\n3 | ssh_pwauth: true\n  |             ^^^^ "),
        "{out}"
    );
    assert!(err.contains("1 finding in 1 file: 1 high"), "{err}");
    for rule in ["secret", "secret-value", "password-hash", "plain-text-password"] {
        let rule = rules::ALL.iter().find(|r| r.id == rule).unwrap();
        fs::write(dir.path().join("a"), rule.example.bad()).unwrap();
        for format in ["human", "json", "github", "sarif"] {
            let (_, out, err) = run(&["lint", "a", "--format", format], dir.path());
            for secret in ["Winter2026", "7Kq2mVb9TzR4", "Lk2bS9dE"] {
                assert!(!out.contains(secret) && !err.contains(secret), "{format}: {out}");
            }
        }
    }
}

#[test]
fn programs_get_forms_of_their_own() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("a,b"), FAULTY).unwrap();
    let github = run(&["lint", "a,b", "--format", "github"], dir.path()).1;
    assert!(github.starts_with("::error file=a%2Cb,line=3,col=13,title="), "{github}");
    let sarif = sarif::fitting(&run(&["lint", "a,b", "--format", "sarif"], dir.path()).1);
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["ruleId"], "ssh-password-login");
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        *region,
        serde_json::json!({ "startLine": 3, "startColumn": 13, "endLine": 3, "endColumn": 17 })
    );
    let silenced =
        FAULTY.replace("true", "true # ironseed: ignore[ssh-password-login] a lab\ndisable_root: false");
    fs::write(dir.path().join("a,b"), silenced).unwrap();
    let sarif = sarif::fitting(&run(&["lint", "a,b", "--format", "sarif"], dir.path()).1);
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let reason = |result: &Value| result["suppressions"][0]["justification"].as_str().map(str::to_owned);
    let seen: Vec<_> =
        results.iter().map(|result| (result["ruleId"].as_str().unwrap(), reason(result))).collect();
    assert_eq!(seen, [("root-login", None), ("ssh-password-login", Some("a lab".to_owned()))]);
}

/// A line that is shown for another finding shows no secret, not even one that a comment silences.
#[test]
fn a_silenced_secret_stays_hidden() {
    let dir = TempDir::new().unwrap();
    let text = "#cloud-config\nusers:\n- default\n- {name: a, plain_text_passwd: Winter2026x, lock_passwd: false}  \
                # ironseed: ignore[plain-text-password, secret, secret-value] a lab\n";
    fs::write(dir.path().join("a"), text).unwrap();
    let (_, out, _) = run(&["lint", "a"], dir.path());
    assert!(out.contains("lock_passwd: false") && !out.contains("Winter2026x"), "{out}");
}

#[test]
fn exit_codes_tell_findings_from_trouble() {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join("good"), "#cloud-config\nhostname: a\n").unwrap();
    fs::write(dir.path().join("bad"), FAULTY).unwrap();
    assert_eq!(run(&["lint", "good"], dir.path()).0, 0);
    assert_eq!(run(&["lint", "good", "bad"], dir.path()).0, 1);
    assert_eq!(run(&["lint", "bad", "nothing"], dir.path()).0, 2);
    assert_eq!(run(&["lint", "good", "--cloud-init", "new"], dir.path()).0, 2);
    assert_eq!(run(&["lint", "good", "-d", "nothing"], dir.path()).0, 2);
}

#[test]
fn the_version_decides_what_is_deprecated() {
    let dir = TempDir::new().unwrap();
    let text = b"#cloud-config\nusers:\n  - default\n  - name: mira\n    primary-group: mira\n    ssh_import_id: [gh:mira]\n";
    assert_eq!(json(dir.path(), text, &["-d", "debian-12"]).0, 0);
    assert_eq!(json(dir.path(), text, &["-d", "debian-13"]).0, 1);
    assert_eq!(json(dir.path(), text, &["--cloud-init", "24.1.7"]).0, 0);
    assert_eq!(json(dir.path(), text, &[]).0, 1);
    assert_eq!(json(dir.path(), b"#cloud-config\nssh_pwauth: false\n", &["-d", "windows"]).0, 1);
}

/// YAML as PyYAML reads it, where that differs from what people expect.
#[test]
fn yaml_is_what_pyyaml_makes_of_it() {
    let rules = |body: &str| -> Vec<String> {
        lines(format!("#cloud-config\n{body}").as_bytes()).into_iter().map(|(rule, ..)| rule).collect()
    };
    assert_eq!(rules("ssh_pwauth: yes\n"), ["ssh-password-login"]);
    assert_eq!(rules("ssh_pwauth: On\n"), ["ssh-password-login"]);
    assert_eq!(rules("ssh_pwauth: no\n"), [""; 0]);
    assert_eq!(rules("disable_root: off\n"), ["root-login"]);
    assert_eq!(rules("hostname: no\n"), ["yaml-surprise"]);
    assert_eq!(rules("runcmd:\n  - [at, 22:30]\n"), ["yaml-surprise"]);
    assert_eq!(rules("runcmd:\n  - [sleep, 10, true]\n"), ["yaml-surprise"]);
    assert_eq!(rules("x: &a {ssh_pwauth: true}\n<<: *a\n"), ["ssh-password-login"]);
    assert_eq!(rules("ssh_pwauth: true\nssh_pwauth: false\n"), ["key-twice"]);
    assert_eq!(rules("hostname: a\n---\nhostname: b\n"), ["not-yaml"]);
    assert_eq!(rules("runcmd:\n\t- ls\n"), ["not-yaml"]);
}

/// What is rendered here is what it tells others to write.
#[test]
fn our_own_user_data_is_clean() {
    let assets = Assets::embedded();
    let mut looked_at = 0;
    for plan in plans::renderable() {
        let bundle = render::bundle(&plan, &assets).unwrap();
        let text = user_data::render(&plan, &bundle, &[], &assets).unwrap();
        let options =
            Options { cloud_init: Some(plan.distro.versions.cloud_init.clone()), ..Options::default() };
        let bytes = user_data::pack(&text, false).or_else(|_| user_data::pack(&text, true)).unwrap();
        let linted = linted(&bytes, &options);
        assert!(linted.findings.is_empty(), "{} {}: {:#?}", plan.profile, plan.distro.id, linted.findings);
        looked_at += 1;
    }
    assert!(looked_at > 5);
}

/// Two branches of a template may have the same key: only one of them is left when cloud-init reads it.
#[test]
fn what_another_program_fills_in_or_reads_is_not_judged_by_what_cloud_init_would_do() {
    let twice = "#cloud-config\ndisk_setup:\n  a:\n%{ if fresh ~}\n    overwrite: true\n%{ else ~}\n    overwrite: false\n%{ endif ~}\n";
    assert_eq!(lines(twice.as_bytes()), []);
    let plain = twice.lines().filter(|line| !line.starts_with('%')).collect::<Vec<_>>().join("\n");
    assert_eq!(lines(plain.as_bytes()), [("key-twice".to_owned(), 5, None)]);
    let coreos = "#cloud-config\ncoreos:\n  update: {group: stable}\nusers:\n- name: core\n";
    let found = linted(coreos.as_bytes(), &Options::default());
    assert!(
        found.findings.is_empty() && found.opened.not_read[0].contains("CoreOS"),
        "{:?}",
        found.opened.not_read
    );
    assert_ne!(lines(coreos.replace("coreos:", "other:").as_bytes()), []);
}
