//! Holds authorized_keys against the real sshd: each case is one line with a key of its own, and a
//! client asks one sshd (without a network, over a pipe) which of them it accepts.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::read_keys;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, program, skip};

/// A public key by number.
fn public(number: u32) -> String {
    let mut blob = b"\0\0\0\x0bssh-ed25519\0\0\0\x20".to_vec();
    blob.extend([number.to_be_bytes(); 8].concat());
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // 51 bytes: no padding.
    let sextets = blob.chunks(3).flat_map(|three| {
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        [18, 12, 6, 0].map(|shift| char::from(ALPHABET[(bits >> shift & 63) as usize]))
    });
    sextets.collect()
}

const OPTIONS: &[&str] = &[
    "no-pty",
    "pty",
    "NO-PTY",
    "restrict",
    "Restrict",
    "cert-authority",
    "no-restrict",
    "user-rc",
    "no-touch-required",
    "verify-required",
    "port-forwarding",
    "no-x11-forwarding",
    "no-agent-forwarding",
    "no-such",
    "ptyx",
    "",
    "",
    "command=\"true\"",
    "command=\"echo \\\"a, b\\\"\"",
    "command=true",
    "command=\"true",
    "command=\"\"",
    "COMMAND=\"x\\\\\"",
    "command = \"x\"",
    "from=\"*\"",
    "from=\"UNKNOWN\"",
    "from=\"10.0.0.0/8\"",
    "from=\"!*,*\"",
    "principals=\"bob\"",
    "expiry-time=\"20200101\"",
    "expiry-time=\"20990101\"",
    "expiry-time=\"209901010000Z\"",
    "expiry-time=\"20990101000000utc\"",
    "expiry-time=\"2099010100\"",
    "expiry-time=\"20991301\"",
    "expiry-time=\"20990231\"",
    "expiry-time=\"20990132\"",
    "expiry-time=\"209901012400\"",
    "expiry-time=\"20990101235960\"",
    "expiry-time=20990101",
    "expiry-time=\"19700101Z\"",
    "environment=\"A=b\"",
    "environment=\"A-B=c\"",
    "environment=\"=b\"",
    "environment=\"AB\"",
    "environment=\"A_1=\"",
    "permitopen=\"h:80\"",
    "permitopen=\"h\"",
    "permitopen=\"h:*\"",
    "permitopen=\"[::1]:22\"",
    "permitopen=\"h:0\"",
    "permitopen=\"h:70000\"",
    "permitopen=\"h:ssh\"",
    "permitlisten=\"80\"",
    "permitlisten=\"*:8080\"",
    "permitlisten=\"h/80\"",
    "permitopen=\"h/80\"",
    "permitlisten=\"\"",
    "tunnel=\"0\"",
    "tunnel=\"any\"",
    "tunnel=\"x\"",
    "tunnel=\"-1\"",
    "tunnel=\"2147483646\"",
];

/// A line for a key.
fn line(dice: &mut Dice, number: u32) -> String {
    let key = public(number);
    let kind = match dice.below(20) {
        0 => dice.pick(&[
            "ssh-rsa",
            "SSH-ED25519",
            "ssh-ed25519-cert-v01@openssh.com",
            "ecdsa-sha2-nistp256",
            "none",
        ]),
        _ => "ssh-ed25519",
    };
    let key = match dice.below(25) {
        0 => key[1..].to_owned(),
        1 => key[..key.len() - 4].to_owned(),
        2 => format!("{key}AAAA"),
        3 => format!("{key}="),
        4 => format!("{key}\r"),
        5 => format!("{}_{}", &key[..30], &key[31..]),
        _ => key,
    };
    let options: Vec<&str> = (0..dice.below(4)).map(|_| dice.pick(OPTIONS)).collect();
    let options = match options.join(",") {
        text if text.is_empty() && !dice.once_in(20) => text,
        text => text + dice.pick(&[" ", " ", " ", "\t", "  ", ", ", ","]),
    };
    let start = dice.pick(&["", "", "", "", "", "", " ", "\t", "#", "\u{feff}", "\r", "\u{a0}"]);
    let gap = dice.pick(&[" ", " ", " ", " ", "\t", "  "]);
    let end = dice.pick(&["", "", " bob@home", " a b # c", "\r", " \r", "\tx", " "]);
    format!("{start}{options}{kind}{gap}{key}{end}")
}

/// How many keys one connection asks for: the client's own bound is 100.
const BATCH: u32 = 90;

/// One file, and the numbers of its keys.
fn generate(dice: &mut Dice) -> String {
    let lines: Vec<String> = (1..=BATCH).map(|number| line(dice, number)).collect();
    lines.join("\n") + "\n"
}

/// Which keys the real sshd accepts.
fn accepted(sshd: &Path, directory: &Path, keys: &str) -> Vec<u32> {
    let at = directory.display();
    fs::write(directory.join("keys"), keys).unwrap();
    let config = format!(
        "HostKey {at}/host\nAuthorizedKeysFile {at}/keys\nStrictModes no\nUsePAM no\nMaxAuthTries 500\nLogLevel QUIET\n\
         PermitRootLogin yes\nLoginGraceTime 100\nPidFile none\n"
    );
    fs::write(directory.join("config"), config).unwrap();
    let mut client = Command::new("ssh");
    client.args([
        "-v",
        "-F",
        "none",
        "-o",
        "BatchMode=yes",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "IdentitiesOnly=yes",
    ]);
    client.args(["-o", "UserKnownHostsFile=/dev/null", "-o", "PreferredAuthentications=publickey"]);
    client.args([
        "-o",
        "IdentityAgent=none",
        "-o",
        &format!("ProxyCommand={} -i -f {at}/config", sshd.display()),
    ]);
    for number in 1..=BATCH {
        let path = format!("{at}/{number}");
        fs::write(format!("{path}.pub"), format!("ssh-ed25519 {} x\n", public(number))).unwrap();
        client.args(["-o", &format!("IdentityFile={path}")]);
    }
    let said = client.args(["root@host", "true"]).output().unwrap();
    let said = String::from_utf8_lossy(&said.stderr);
    let ended = format!("Offering public key: {at}/{BATCH} ");
    assert!(said.contains(&ended), "the last key was not asked for: {said}");
    let accepts = said.lines().filter_map(|line| line.split_once("Server accepts key: ")?.1.split_once(' '));
    accepts.filter_map(|(path, _)| path.rsplit('/').next()?.parse().ok()).collect()
}

/// Which keys our reading lets in. The pipe has no address, so that sshd matches a list of hosts
/// against `UNKNOWN`.
fn ours(keys: &str) -> Vec<u32> {
    let tree = MemoryTree::of(&[("/keys", keys)]);
    let read = read_keys(&tree.root(), "/keys").unwrap().unwrap();
    let now = jiff::Timestamp::now().as_second();
    let open = |from: &Option<String>| from.as_ref().is_none_or(|from| from == "*" || from == "UNKNOWN");
    let of = |number: u32| {
        let own = public(number);
        let mut lines = read.iter().filter(|key| key.key.trim_end() == own);
        lines.any(|key| key.options.lets_in(now) && open(&key.options.from))
    };
    (1..=BATCH).filter(|number| of(*number)).collect()
}

#[test]
fn agrees_with_sshd_on_keys() {
    let (Some(sshd), Some(_)) = (program("sshd"), program("ssh-keygen")) else { return };
    let directory = tempfile::tempdir().unwrap();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(directory.path().join("host"))
        .status();
    if !made.unwrap().success()
        || !Path::new("/run/sshd").is_dir()
        || !Command::new("id").arg("-u").output().unwrap().stdout.starts_with(b"0\n")
    {
        return skip("sshd answers root alone, and wants its directory /run/sshd");
    }
    let judge = |keys: &String| Verdict::same(&ours(keys), &accepted(&sshd, directory.path(), keys));
    Differential::cases(3).at_most(50).run(generate, judge);
}
