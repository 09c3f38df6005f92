//! Signed statements: made for an image that passed, held against every byte that they bind, and against programs
//! that others wrote.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ironseed::attest::PublicKey;
use ironseed::attest::check;
use serde_json::Value;
use tempfile::TempDir;

use crate::passing::{TODAY, good_report, image, write};
use crate::plans;
use crate::program::{have, ironseed, real, run, text};

const STATEMENTS: &str = "image.intoto.jsonl";
const FILES: [&str; 4] = ["report.json", "manifest.json", "image.cdx.json", "image.spdx.json"];

/// The kinds of keys: how each is made, its private file and its public one.
const KEYS: [(&str, &str, &str); 3] = [
    (
        "openssl genpkey -algorithm ed25519 -out a.pem && openssl pkey -in a.pem -pubout -out a.pub",
        "a.pem",
        "a.pub",
    ),
    (
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out b.pem && openssl pkey -in b.pem -pubout -out b.pub",
        "b.pem",
        "b.pub",
    ),
    ("ssh-keygen -q -t ed25519 -N '' -C me -f c", "c", "c.pub"),
];

/// A folder with an image that passed, its report and a key.
fn folder(make_key: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let path = image(dir.path(), "image.qcow2", 1, 0);
    write(dir.path(), &good_report(&plans::resolve("nectar-base", "debian-12"), &path, TODAY));
    real("sh", &["-c", make_key], dir.path());
    dir
}

fn sign(folder: &Path, key: &str) {
    let arguments = ["attest", "sign", "image.qcow2", "--report", "report.json", "--key", key];
    let (code, out, err) = run(&arguments, folder);
    assert_eq!(code, 0, "{out}{err}");
    assert!(folder.join(STATEMENTS).is_file(), "{out}");
}

fn verify(folder: &Path, key: &str) -> (i32, String) {
    let (code, out, err) = run(&["attest", "verify", "image.qcow2", "--key", key], folder);
    (code, out + &err)
}

/// What each line of the statements holds: key's id, signature, what was signed, and the statement.
fn opened(folder: &Path) -> Vec<(String, Vec<u8>, Vec<u8>, Value)> {
    let text = fs::read_to_string(folder.join(STATEMENTS)).unwrap();
    let line = |line: &str| {
        let envelope: Value = serde_json::from_str(line).unwrap();
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let (kind, payload) = (word(&envelope["payloadType"]), word(&envelope["payload"]));
        let payload = STANDARD.decode(payload).unwrap();
        let signature = &envelope["signatures"][0];
        let mut signed = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
        signed.extend(&payload);
        let bytes = STANDARD.decode(word(&signature["sig"])).unwrap();
        (word(&signature["keyid"]), bytes, signed, serde_json::from_slice(&payload).unwrap())
    };
    text.lines().map(line).collect()
}

#[test]
fn statements_of_every_kind_of_key_are_taken_by_openssl_or_ssh_keygen() {
    if !have(&["openssl", "ssh-keygen"], "signed statements against OpenSSL and OpenSSH") {
        return;
    }
    for (make, private, public) in KEYS {
        let dir = folder(make);
        let at = dir.path();
        sign(at, private);
        let (code, said) = verify(at, public);
        assert_eq!(code, 0, "{said}");
        assert!(said.contains("as it was signed") && said.contains("nectar-base for debian-12"), "{said}");
        for (_, signature, signed, _) in opened(at) {
            let control = [&signed[..], b"x"].concat();
            for (message, wanted) in [(signed, true), (control, false)] {
                fs::write(at.join("message"), message).unwrap();
                fs::write(at.join("signature"), &signature).unwrap();
                assert_eq!(taken(at, private, public), wanted, "{private}");
            }
        }
    }
}

/// Whether the program that the key is from takes `signature` over `message`.
fn taken(at: &Path, private: &str, public: &str) -> bool {
    let line = match private {
        "a.pem" => {
            format!("openssl pkeyutl -verify -pubin -inkey {public} -rawin -in message -sigfile signature")
        }
        "b.pem" => format!("openssl dgst -sha256 -verify {public} -signature signature message"),
        _ => format!(
            "sed 's/^/me /' {public} >allowed && ssh-keygen -Y verify -n ironseed-attestation -f allowed -I me -s signature <message"
        ),
    };
    let said = Command::new("sh").args(["-c", &line]).current_dir(at).stderr(Stdio::null()).output().unwrap();
    said.status.success()
}

#[test]
fn the_statements_say_what_the_field_expects() {
    let dir = folder(KEYS[0].0);
    sign(dir.path(), KEYS[0].1);
    let sha512 = text(&real("sha512sum", &["image.qcow2"], dir.path()).stdout);
    let lines = opened(dir.path());
    let kinds: Vec<&Value> = lines.iter().map(|(_, _, _, statement)| &statement["predicateType"]).collect();
    assert_eq!(kinds, ["https://slsa.dev/provenance/v1", "https://slsa.dev/verification_summary/v1"]);
    for (_, _, _, statement) in &lines {
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(statement["subject"][0]["digest"]["sha512"], sha512.split(' ').next().unwrap());
    }
    let (provenance, summary) = (&lines[0].3["predicate"], &lines[1].3["predicate"]);
    assert_eq!(provenance["buildDefinition"]["externalParameters"]["profile"], "nectar-base");
    let names: Vec<&Value> =
        provenance["runDetails"]["byproducts"].as_array().unwrap().iter().map(|file| &file["name"]).collect();
    assert_eq!(names, FILES);
    assert_eq!(summary["verificationResult"], "PASSED");
    assert_eq!(
        summary["policy"]["digest"]["sha256"],
        provenance["buildDefinition"]["internalParameters"]["planSha256"]
    );
}

/// Everything wrong, by the library: quicker than a process for each byte.
fn findings(at: &Path, trusted: &[PublicKey]) -> Vec<String> {
    match check::check(&at.join("image.qcow2"), &at.join(STATEMENTS), trusted, TODAY) {
        Ok(verdict) => verdict.findings,
        Err(error) => vec![format!("{error:#}")],
    }
}

#[test]
fn one_byte_changed_anywhere_is_refused() {
    let dir = folder(KEYS[0].0);
    let at = dir.path();
    sign(at, KEYS[0].1);
    let trusted = PublicKey::load(&at.join(KEYS[0].2)).unwrap();
    assert_eq!(findings(at, &trusted), Vec::<String>::new());
    for name in FILES.into_iter().chain(["image.qcow2", STATEMENTS]) {
        let path = at.join(name);
        let whole = fs::read(&path).unwrap();
        // From end to end, in steps that meet every kind of place.
        let step = (whole.len() / 24).max(1);
        for place in (0..whole.len()).step_by(step).chain([whole.len() - 1]) {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert!(!findings(at, &trusted).is_empty(), "{name}: byte {place} can be changed");
        }
        for other in [&whole[..whole.len() - 1], &[&whole[..], b"\n"].concat(), b""] {
            fs::write(&path, other).unwrap();
            assert!(!findings(at, &trusted).is_empty(), "{name} can be cut or lengthened");
        }
        fs::remove_file(&path).unwrap();
        assert!(!findings(at, &trusted).is_empty(), "{name} can be taken away");
        fs::write(&path, &whole).unwrap();
    }
    assert_eq!(findings(at, &trusted), Vec::<String>::new());
}

#[test]
fn what_is_wrong_is_said() {
    let dir = folder(&format!("{} && {}", KEYS[0].0, KEYS[2].0));
    let at = dir.path();
    sign(at, KEYS[0].1);
    let (code, said) = verify(at, KEYS[2].2);
    assert_eq!(code, 1);
    assert!(
        said.contains("image.intoto.jsonl:1: it is signed by") && said.contains("none of the trusted keys"),
        "{said}"
    );
    let (code, said) = verify(at, KEYS[0].1);
    assert_eq!(code, 2);
    assert!(said.contains("this is a private key"), "{said}");

    let statements = fs::read_to_string(at.join(STATEMENTS)).unwrap();
    let (first, second) = statements.split_once('\n').unwrap();
    for (changed, wanted) in [
        (format!("{first}\n"), "no statement says that the image passed"),
        (second.to_owned(), "no statement says how the image was made"),
        (format!("{statements}{first}\n"), ":3: a second statement of the same kind"),
        (format!("{statements}{{}}\n"), ":3: no DSSE envelope"),
    ] {
        fs::write(at.join(STATEMENTS), changed).unwrap();
        let (code, said) = verify(at, KEYS[0].2);
        assert_eq!(code, 1, "{said}");
        assert!(said.contains(wanted), "wanted {wanted:?}: {said}");
    }
    fs::write(at.join(STATEMENTS), &statements).unwrap();

    fs::remove_file(at.join("image.cdx.json")).unwrap();
    let (code, said) = verify(at, KEYS[0].2);
    assert_eq!(code, 1);
    assert!(said.contains("image.cdx.json: No such file") && said.contains("NOT as it was signed"), "{said}");
}

/// A profile with a waiver, and the folder of an image that passed with it.
fn waived() -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let profile = dir.path().join("mine.yaml");
    let text = "name: mine\ntitle: Mine\ndescription: mine\nextends: [nectar-base]\n\
                parameters:\n  ssh_port: 22\n\
                waivers:\n  - {check: ssh-port, owner: me, reason: a test, expires: 2099-01-31}\n";
    fs::write(&profile, text).unwrap();
    let path = image(dir.path(), "image.qcow2", 1, 0);
    let mut report = good_report(&plans::resolve(profile.to_str().unwrap(), "debian-12"), &path, TODAY);
    let check = report.checks.iter_mut().find(|check| check.id == "ssh-port").unwrap();
    check.outcome = ironseed::observation::Outcome::Waived;
    let fail = ironseed::observation::Observation::fail;
    check.observations[0] = fail(ironseed::observation::Plane::Configured, "22", "22022", "a reserved port");
    write(dir.path(), &report.sealed());
    real("sh", &["-c", KEYS[0].0], dir.path());
    (dir, profile)
}

#[test]
fn a_waiver_travels_and_runs_out() {
    let (dir, profile) = waived();
    let at = dir.path();
    let arguments = ["attest", "sign", "image.qcow2", "--report", "report.json", "--key", KEYS[0].1, "-p"];
    ironseed().args(arguments).arg(&profile).current_dir(at).assert().success();
    let (code, said) = verify(at, KEYS[0].2);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("waived") && said.contains("ssh-port until 2099-01-31 by me: a test"), "{said}");
    let later =
        ["attest", "verify", "image.qcow2", "--key", KEYS[0].2, "--on", "2099-02-01", "--format", "json"];
    let (code, out, _) = run(&later, at);
    assert_eq!(code, 1);
    let verdict: Value = serde_json::from_str(&out).unwrap();
    let findings = verdict["findings"].as_array().unwrap();
    assert!(findings.len() == 1 && findings[0].as_str().unwrap().contains("expired on 2099-01-31"), "{out}");
}

#[test]
fn an_image_that_may_not_pass_gets_no_statement() {
    let dir = folder(KEYS[0].0);
    let at = dir.path();
    image(at, "image.qcow2", 2, 0);
    let arguments = ["attest", "sign", "image.qcow2", "--report", "report.json", "--key", KEYS[0].1];
    let (code, _, said) = run(&arguments, at);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the report is about other bytes"), "{said}");
    assert!(!at.join(STATEMENTS).exists());
}

#[test]
fn what_is_published_can_be_signed() {
    let dir = folder(KEYS[2].0);
    let arguments = [
        "publish",
        "image.qcow2",
        "--report",
        "report.json",
        "--to",
        "store",
        "--sign",
        "c.pub",
        "--builder",
        "https://ci.example.org/7",
    ];
    // What was published without a signature gets one when it is published again.
    let unsigned = run(&arguments[..6], dir.path());
    assert_eq!(unsigned.0, 0, "{unsigned:?}");
    let (code, out, err) = run(&arguments, dir.path());
    assert_eq!(code, 0, "{out}{err}");
    let image = dir.path().join("store/nectar-base-debian-12/current/nectar-base-debian-12.qcow2");
    let (code, out, err) = run(&["attest", "verify", image.to_str().unwrap(), "--key", "c.pub"], dir.path());
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("SSH key SHA256:") && out.contains("https://ci.example.org/7"), "{out}");
    let sums = image.parent().unwrap();
    real("sha256sum", &["--strict", "--quiet", "-c", "SHA256SUMS"], sums);
    assert!(fs::read_to_string(sums.join("SHA256SUMS")).unwrap().contains(".intoto.jsonl"));
}
