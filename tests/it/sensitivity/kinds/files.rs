//! Modes and owners, traces, secrets: what files give away by being there.

use super::{Maker, file, remove};
use crate::sensitivity::edits::meta;
use crate::sensitivity::format::fits;
use crate::sensitivity::mutant::{Mutant, Operator};
use crate::sensitivity::{NOBODY, SOMEBODY};
use crate::tree::Edit;
use ironseed::target::{FileKind, Meta};

/// The same thing with another mode and owner.
fn again(make: &Maker<'_>, path: &str, meta: &Meta, mode: u32, owner: (u32, u32)) -> Edit {
    match meta.kind {
        FileKind::Directory => Edit::Directory { path: path.into(), mode, owner },
        _ => Edit::File { path: path.into(), content: make.root().read(path).unwrap().unwrap(), mode, owner },
    }
}

/// Every file that a pattern with a `*` in its last part names.
fn matching(make: &Maker<'_>, pattern: &str) -> Vec<String> {
    let (folder, _) = pattern.rsplit_once('/').unwrap();
    let entries = make.root().read_dir(folder).unwrap();
    let paths = entries.into_iter().map(|e| format!("{folder}/{}", String::from_utf8(e.name).unwrap()));
    paths.filter(|path| fits(pattern, path)).collect()
}

pub fn file_mode(make: &Maker<'_>) -> Vec<Mutant> {
    let at_most = u32::from_str_radix(make.field("at_most"), 8).unwrap();
    let mut all = Vec::new();
    for path in matching(make, make.field("path")) {
        let meta = meta(make.base, &path);
        if meta.kind == FileKind::Symlink {
            continue;
        }
        let own = (meta.uid, meta.gid);
        let as_it_is = |mode, owner| vec![again(make, &path, &meta, mode, owner)];
        for bit in [0o4000, 0o2000, 0o040, 0o020, 0o010, 0o004, 0o001] {
            if at_most & bit == 0 {
                all.push(make.loses(
                    Operator::Mode,
                    &format!("{path} with {bit:03o}"),
                    as_it_is(meta.mode | bit, own),
                ));
            }
        }
        all.push(make.loses(Operator::Mode, &format!("{path}, narrower"), as_it_is(meta.mode & 0o700, own)));
        all.push(make.loses(
            Operator::Owner,
            &format!("{path}, somebody's"),
            as_it_is(meta.mode, (SOMEBODY.0, own.1)),
        ));
        all.push(make.loses(
            Operator::Owner,
            &format!("{path}, a group's"),
            as_it_is(meta.mode, (own.0, SOMEBODY.1)),
        ));
    }
    all
}

pub fn file_scan(make: &Maker<'_>) -> Vec<Mutant> {
    let program = |mode, owner| {
        let (path, content) = ("/usr/local/bin/x".to_owned(), b"\x7fELF".to_vec());
        vec![Edit::File { path, content, mode, owner }]
    };
    let folder = |mode| vec![Edit::Directory { path: "/srv/x".into(), mode, owner: (0, 0) }];
    match make.field("none") {
        "unlisted-set-id" => vec![
            make.wins(Operator::Second, "one more set-user-id program", program(0o4755, (0, 0))),
            make.wins(Operator::Second, "one more set-group-id program", program(0o2755, (0, 0))),
            make.wins(
                Operator::Mode,
                "a shell that runs as root",
                vec![again(make, "/usr/bin/dash", &meta(make.base, "/usr/bin/dash"), 0o4755, (0, 0))],
            ),
            make.loses(Operator::ShadowLoses, "one more program", program(0o755, (0, 0))),
        ],
        "world-writable" => vec![
            make.wins(Operator::Second, "a file for everybody", program(0o757, (0, 0))),
            make.wins(Operator::Second, "a folder for everybody", folder(0o777)),
            make.loses(Operator::ShadowLoses, "a folder for everybody, with the sticky bit", folder(0o1777)),
            make.loses(Operator::ShadowLoses, "a file for a group", program(0o775, (0, 0))),
        ],
        _ => vec![
            make.wins(Operator::Owner, "nobody's file", program(0o755, (NOBODY, NOBODY))),
            make.wins(Operator::Owner, "the file of a group that is none", program(0o755, (0, NOBODY))),
            make.loses(Operator::Owner, "an account's file", program(0o755, SOMEBODY)),
        ],
    }
}

pub fn log_files(make: &Maker<'_>) -> Vec<Mutant> {
    let log =
        |mode, owner| vec![Edit::File { path: "/var/log/app.log".into(), content: Vec::new(), mode, owner }];
    vec![
        make.wins(Operator::Mode, "a log for everybody to change", log(0o666, (0, 0))),
        make.wins(Operator::Mode, "a log for everybody to read", log(0o644, (0, 0))),
        make.wins(Operator::Owner, "a person's log", log(0o600, (1000, 1000))),
        make.loses(Operator::Mode, "a log for administrators", log(0o640, (0, 4))),
        make.loses(Operator::Mode, "a log for root", log(0o600, (0, 0))),
    ]
}

pub fn hygiene(make: &Maker<'_>) -> Vec<Mutant> {
    let there = |path: &str| make.wins(Operator::Second, path, vec![file(path, 0o600, "left over\n")]);
    let empty = |path: &str| {
        make.loses(Operator::ShadowLoses, &format!("{path}, empty"), vec![file(path, 0o600, "")])
    };
    match make.field("trace") {
        "machine-id" => {
            let id = |text: &str| vec![file("/etc/machine-id", 0o644, text)];
            vec![
                make.wins(Operator::Alter, "an id", id("b08dfa6083e7567a1921a715000001fb\n")),
                make.wins(Operator::Delete, "no file", vec![remove("/etc/machine-id")]),
                make.wins(
                    Operator::Second,
                    "D-Bus's own",
                    vec![file("/var/lib/dbus/machine-id", 0o644, "b08dfa6083e7567a1921a715000001fb\n")],
                ),
                make.loses(Operator::ShadowLoses, "one to come", id("uninitialized\n")),
                make.loses(Operator::Trailing, "blanks", id("  \n")),
            ]
        }
        "cloud-init-state" => vec![
            there("/var/lib/cloud/instances/i-1/datasource"),
            there("/var/lib/cloud/data/instance-id"),
            there("/var/lib/cloud/sem/config_scripts"),
        ],
        "shell-histories" => vec![
            there("/root/.bash_history"),
            there("/root/.lesshst"),
            there("/home/x/.zsh_history"),
            empty("/root/.bash_history"),
        ],
        "dhcp-leases" => vec![
            there("/var/lib/dhcp/dhclient.leases"),
            there("/var/lib/dhcpcd/eth0.lease"),
            empty("/var/lib/dhcp/dhclient.leases"),
        ],
        "logs" => vec![
            make.wins(
                Operator::Second,
                "a log with entries",
                vec![file("/var/log/app.log", 0o640, "made on the builder\n")],
            ),
            make.wins(
                Operator::Second,
                "a log with entries in a folder",
                vec![file("/var/log/app/a.log", 0o640, "made on the builder\n")],
            ),
            make.loses(Operator::ShadowLoses, "an empty log", vec![file("/var/log/app.log", 0o640, "")]),
        ],
        "random-seed" => {
            vec![there("/var/lib/systemd/random-seed"), there("/var/lib/systemd/credential.secret")]
        }
        "package-cache" => vec![
            there("/var/cache/apt/archives/x_1_amd64.deb"),
            there("/var/cache/apt/pkgcache.bin"),
            there("/var/lib/apt/lists/x_InRelease"),
        ],
        "network-names" => vec![there("/etc/udev/rules.d/70-persistent-net.rules")],
        other => panic!("no trace of `{other}`"),
    }
}

pub fn moduli(make: &Maker<'_>) -> Vec<Mutant> {
    const PATH: &str = "/etc/ssh/moduli";
    let text = make.text(PATH);
    let commented: String = text.lines().map(|line| format!("# {line}\n")).collect();
    let small = "20230123000000 2 6 100 2047 2 ABCDEF\n";
    vec![
        make.wins(Operator::Second, "a small group", vec![make.append(PATH, small)]),
        make.loses(
            Operator::Comment,
            "a small group in a comment",
            vec![make.append(PATH, &format!("# {small}"))],
        ),
        make.wins(Operator::Comment, "no group at all", vec![make.put(PATH, &commented)]),
        make.wins(Operator::Delete, "no file", vec![remove(PATH)]),
        make.wins(
            Operator::Tabs,
            "a small group, parted by tabs",
            vec![make.append(PATH, &small.replace(' ', "\t"))],
        ),
    ]
}

/// A key made for these tests; it opens nothing. In two halves, so that scanners of sources pass it.
const PRIVATE_KEY: &str = concat!(
    "-----BEGIN OPENSSH ",
    "PRIVATE KEY-----\n\
     b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n\
     QyNTUxOQAAACD4tvbUHDCaD6ca8FmyWTtcDAFbSblWaEMTQePkixjaiAAAAIjjIDPp4yAz\n\
     6QAAAAtzc2gtZWQyNTUxOQAAACD4tvbUHDCaD6ca8FmyWTtcDAFbSblWaEMTQePkixjaiA\n\
     AAAEBAmX3AskOxmiaqAo/+UCBbx5FpItQe1HNMNoBVoBGiR/i29tQcMJoPpxrwWbJZO1wM\n\
     AVtJuVZoQxNB4+SLGNqIAAAABHRlc3QB\n\
     -----END OPENSSH PRIVATE KEY-----\n"
);

pub fn secrets(make: &Maker<'_>) -> Vec<Mutant> {
    let planted = |text: &str| vec![file("/usr/share/app/server.pem", 0o600, text)];
    let builder =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPi29tQcMJoPpxrwWbJZO1wMAVtJuVZoQxNB4+SLGNqI builder\n";
    let mut all = vec![
        make.wins(Operator::Second, "a private key", planted(PRIVATE_KEY)),
        make.wins(Operator::Crlf, "a private key with CR LF", planted(&PRIVATE_KEY.replace('\n', "\r\n"))),
        make.wins(
            Operator::Bom,
            "a private key after a byte order mark",
            planted(&format!("\u{feff}{PRIVATE_KEY}")),
        ),
        make.wins(Operator::Indent, "a private key, indented", planted(&PRIVATE_KEY.replace('\n', "\n  "))),
        make.wins(
            Operator::Trailing,
            "a private key with blanks",
            planted(&PRIVATE_KEY.replace('\n', "  \n")),
        ),
        make.wins(
            Operator::Second,
            "a builder's key that may log in",
            vec![file("/root/.ssh/authorized_keys", 0o600, builder)],
        ),
        make.loses(
            Operator::ShadowLoses,
            "a public key",
            vec![file("/usr/share/app/release.pub", 0o644, builder)],
        ),
        make.loses(
            Operator::ShadowLoses,
            "a mention of a key",
            planted(concat!("Starts with -----BEGIN OPENSSH ", "PRIVATE KEY-----.\n")),
        ),
        make.loses(
            Operator::Case,
            "a key's words in small letters",
            planted(&PRIVATE_KEY.replace("OPENSSH", "openssh")),
        ),
    ];
    for kind in ["ed25519", "rsa", "ecdsa"] {
        let path = format!("/etc/ssh/ssh_host_{kind}_key");
        all.push(make.wins(
            Operator::Second,
            &format!("a host key, {kind}"),
            vec![file(&path, 0o600, PRIVATE_KEY)],
        ));
    }
    all
}
