//! Secrets are made when a test runs, by the programs that make real ones: none stands in this repository.

use std::process::Command;

use super::*;
use crate::effective::fixture::Fixture;

fn scan(path: &str, text: &[u8]) -> Vec<Finding> {
    let mut reader = text;
    Scanner::new().unwrap().scan(path.as_bytes(), &mut reader).unwrap()
}

fn kinds(text: impl AsRef<[u8]>) -> Vec<Kind> {
    scan("etc/x", text.as_ref()).into_iter().map(|finding| finding.kind).collect()
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("this test needs {program}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn openssh_key(passphrase: &str) -> String {
    let tree = Fixture::new();
    let file = tree.path().join("key");
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", passphrase, "-f", file.to_str().unwrap()]);
    std::fs::read_to_string(file).unwrap()
}

fn pem_key() -> String {
    run("openssl", &["genpkey", "-algorithm", "ed25519"])
}

/// Varied letters and digits.
fn token(length: usize) -> String {
    "aB3dE6gH9kLmN0pQrS2tUvW5xYz1".chars().cycle().take(length).collect()
}

#[test]
fn private_keys_of_every_kind_are_found_whole_or_encrypted() {
    let encrypted = ["-aes-128-cbc", "-pass", "pass:x"];
    let with = |arguments: &[&str], more: &[&str]| run("openssl", &[arguments, more].concat());
    for (kind, key) in [
        (Kind::PemPrivateKey, pem_key()),
        (Kind::PemPrivateKey, with(&["genrsa", "-traditional"], &["2048"])),
        (Kind::PemPrivateKey, with(&["genrsa", "-traditional", "-aes128", "-passout", "pass:x"], &["2048"])),
        (Kind::PemPrivateKey, run("openssl", &["ecparam", "-name", "prime256v1", "-genkey", "-noout"])),
        (Kind::PemPrivateKey, with(&["genpkey", "-algorithm", "ed25519"], &encrypted)),
        (Kind::OpensshPrivateKey, openssh_key("")),
        (Kind::OpensshPrivateKey, openssh_key("secret")),
    ] {
        assert_eq!(kinds(&key), [kind]);
        let indented: String = key.lines().map(|line| format!("    {line}\r\n")).collect();
        assert_eq!(kinds(format!("key: |\n{indented}")), [kind], "in YAML");
        let json = serde_json::json!({ "type": "service_account", "private_key": key }).to_string();
        assert_eq!(kinds(json), [kind], "in JSON");
        let cut = &key[..key.len() / 2];
        assert_eq!(kinds(cut), [], "half a key is none");
        let public = key.replace("PRIVATE", "PUBLIC");
        assert_eq!(kinds(public), [], "a public key is none");
    }
}

#[test]
fn a_heading_alone_is_no_key() {
    let key = pem_key();
    let heading = key.lines().next().unwrap();
    assert_eq!(kinds(&key), [Kind::PemPrivateKey]);
    for text in [
        format!("grep -q -- '{heading}' \"$1\""),
        format!("{heading}\n...\n{}", key.lines().last().unwrap()),
        format!("{heading}\0-----END PRIVATE KEY-----\0"),
        format!("{heading}\n{}\n-----END PRIVATE KEY-----\n", "QUJD".repeat(40)),
        key.replace("\nM", "\nN"),
        format!("{heading}\nMIIEpAIBAAKCAQEA...\n-----END PRIVATE KEY-----\n"),
    ] {
        assert_eq!(kinds(&text), [], "{text}");
    }
}

#[test]
fn openpgp_and_putty_keys_are_found() {
    let home = Fixture::new();
    let at = home.path().to_str().unwrap();
    let batch = ["--homedir", at, "--batch", "--quiet", "--passphrase", ""];
    run("gpg", &[&batch[..], &["--quick-generate-key", "x", "ed25519"]].concat());
    let secret = run("gpg", &[&batch[..], &["--armor", "--export-secret-keys"]].concat());
    let public = run("gpg", &[&batch[..], &["--armor", "--export"]].concat());
    assert_eq!(kinds(&secret), [Kind::PgpPrivateKey]);
    assert_eq!(kinds(&public), []);
    assert_eq!(kinds(public.replace("PUBLIC", "PRIVATE")), [], "what is armoured counts, not the heading");

    let heading = "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nComment: x\nPublic-Lines: 1\nAAAA\n";
    let putty = |body: &str| format!("{heading}Private-Lines: 1\n{body}\nPrivate-MAC: 00\n");
    assert_eq!(kinds(putty(&token(48))), [Kind::PuttyPrivateKey]);
    assert_eq!(kinds(putty("")), []);
    assert_eq!(kinds(heading), []);
}

#[test]
fn hashes_of_passwords_are_found() {
    let perl = |salt: &str| run("perl", &["-e", "print crypt('secret', $ARGV[0])", salt]);
    for hash in [
        perl("$y$j9T$F5Jx5fExrKuPp53xLKQ..1$"),
        perl("$6$saltsalt$"),
        perl("$6$rounds=1000$saltsalt$"),
        perl("$5$saltsalt$"),
        perl("$2b$04$abcdefghijklmnopqrstuu"),
        perl("$1$saltsalt$"),
    ] {
        let shadow = format!("root:{hash}:20000:0:99999:7:::\n");
        assert_eq!(kinds(&shadow), [Kind::PasswordHash], "{hash}");
        assert_eq!(kinds(format!("root:{}:::", &hash[..hash.len() - 1])), [], "cut");
        assert_eq!(kinds(format!("root:{hash}a:::")), [], "longer");
        assert_eq!(kinds("root:*:20000:0:99999:7:::\nx:!:1:\n"), []);
    }
}

#[test]
fn tokens_are_found_and_placeholders_are_not() {
    let aws_id = format!("AK{}", "IAQ2W3E4R5T6Y7U2I3");
    let jwt = format!("eyJ{}.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{}", "hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", token(43));
    let age =
        format!("AGE-SECRET-{}{}", "KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L".repeat(2).split_at(58).0);
    for (kind, good, bad) in [
        (Kind::GithubToken, format!("gh{}{}", "p_", token(36)), format!("gh{}{}", "p_", "x".repeat(36))),
        (Kind::GithubToken, format!("gh{}{}", "s_", token(36)), format!("gh{}{}", "s_", token(20))),
        (
            Kind::GithubToken,
            format!("github_{}{}_{}", "pat_", token(22), token(59)),
            format!("github_{}{}", "pat_", token(22)),
        ),
        (Kind::GitlabToken, format!("gl{}{}", "pat-", token(20)), format!("gl{}{}", "pat-", token(10))),
        (
            Kind::SlackToken,
            format!("xo{}123456789012-{}", "xb-", token(24)),
            format!("xo{}your-token-goes-in-here", "xb-"),
        ),
        (Kind::GoogleApiKey, format!("AI{}{}", "za", token(35)), format!("AI{}{}", "za", token(40))),
        (Kind::JsonWebToken, jwt.clone(), jwt.replace("eyJhbG", "eyJabG")),
        (Kind::AgeIdentity, age.clone(), age.to_lowercase()),
        (
            Kind::WireguardPrivateKey,
            format!("PrivateKey = {}=", token(43)),
            format!("PublicKey = {}=", token(43)),
        ),
        (
            Kind::AwsAccessKey,
            format!("id={aws_id}\nsecret={}", token(40)),
            format!("id={aws_id}\nsha1={}", "0123456789abcdef0123456789abcdef01234567"),
        ),
        (
            Kind::AwsAccessKey,
            format!("secret={}\nid={aws_id}", token(40)),
            format!("id=AK{}\nsecret={}", "IAIOSFODNN7EXAMPLE", token(40)),
        ),
        (
            Kind::OpenstackCredential,
            "export OS_PASSWORD=hunter2".into(),
            "export OS_PASSWORD=$OS_INPUT".into(),
        ),
        (Kind::OpenstackCredential, "OS_PASSWORD='a b'".into(), "OS_PASSWORD=\nOS_USERNAME=x".into()),
        (
            Kind::OpenstackCredential,
            "auth:\n  auth_url: x\n  password: hunter2\n".into(),
            "auth:\n  auth_url: x\n  password: \n".into(),
        ),
        (
            Kind::OpenstackCredential,
            "  application_credential_secret: \"hunter2\"\n  auth_url: x".into(),
            "  application_credential_secret: {{ secret }}\n  auth_url: x".into(),
        ),
    ] {
        assert_eq!(kinds(&good), [kind], "{good}");
        assert_eq!(kinds(&bad), [], "{bad}");
        assert_eq!(kinds(format!("\0\u{1}{good}\n")), [kind], "in a binary file");
    }
}

#[test]
fn a_password_counts_only_in_a_client_configuration() {
    let text = b"db:\n  password: hunter2\n";
    assert_eq!(scan("etc/app.yaml", text), []);
    assert_eq!(scan("home/a/.config/openstack/clouds.yaml", text).len(), 1);
}

#[test]
fn a_secret_on_the_border_of_a_chunk_is_found_once_with_its_place() {
    let key = openssh_key("");
    for start in [CHUNK - AHEAD - 1, CHUNK - AHEAD, CHUNK - 20, CHUNK - 1, CHUNK, 2 * CHUNK - AHEAD - 5] {
        let mut text = vec![b'a'; start - 1];
        text[7] = b'\n';
        text.push(b'\n');
        text.extend_from_slice(key.as_bytes());
        text.extend(vec![b'\n'; CHUNK]);
        let findings = scan("x", &text);
        let places: Vec<_> = findings.iter().map(|finding| (finding.offset, finding.line)).collect();
        assert_eq!(places, [(start as u64, Some(3))], "{start}");
    }
}

#[test]
fn every_offset_is_judged_once() {
    let one = format!("gh{}{}\n", "p_", token(36));
    let text = one.repeat(3 * CHUNK / one.len() / 100).replace('\n', &"\n".repeat(4000));
    let expected = text.matches("ghp_").count();
    assert!(expected > 100 && expected < MAX_FINDINGS);
    assert_eq!(kinds(&text).len(), expected);
}

#[test]
fn an_excerpt_shows_no_secret() {
    let secret = format!("gh{}{}", "p_", token(36));
    let finding = scan("x", format!("line\n  {secret}").as_bytes()).remove(0);
    assert_eq!(finding.excerpt, "ghp_… (40 characters)");
    assert_eq!((finding.line, finding.offset), (Some(2), 7));
    let finding = scan("x", openssh_key("").as_bytes()).remove(0);
    assert_eq!(finding.excerpt, ["-----BEGIN OPENSSH", " PRIVATE KEY-----"].concat());
    assert_eq!(scan("x", b"\0OS_PASSWORD=hunter2")[0].line, None);
}

#[test]
fn hostile_files_are_bounded() {
    let headings = "-----BEGIN PRIVATE KEY-----\n".repeat(20_000);
    assert_eq!(kinds(headings), []);
    let many = format!("OS_{}\n", "PASSWORD=hunter2").repeat(5_000);
    assert_eq!(kinds(many).len(), MAX_FINDINGS);
    assert_eq!(kinds(""), []);
}
