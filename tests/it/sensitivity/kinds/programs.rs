//! Files that stand beside others of the same program: what that program makes of all together.

use super::{Maker, link};
use crate::sensitivity::mutant::{Effect, Mutant, Operator};
use crate::tree::Edit;

/// Writes a text to a path: wins, or loses.
type Change = (&'static str, &'static str, &'static str);

pub fn file(make: &Maker<'_>) -> Vec<Mutant> {
    let path = make.field("path");
    let (folder, _) = path.rsplit_once('/').unwrap();
    match folder {
        "/etc/security/limits.d" => limits(make),
        "/etc/systemd/coredump.conf.d" => changes(make, &COREDUMP_WINS, &COREDUMP_LOSES),
        "/etc/profile.d" => profile(make),
        _ => Vec::new(),
    }
}

/// Keys that a shell reads as a program.
pub fn key_value(make: &Maker<'_>) -> Vec<Mutant> {
    match (make.field("file"), make.field("key")) {
        ("/etc/profile" | "/etc/bash.bashrc", "umask") => changes(
            make,
            &[
                ("a later file", "/etc/profile.d/zz.sh", "umask 022\n"),
                (
                    "a later file, under a condition",
                    "/etc/profile.d/zz.sh",
                    "if true; then umask u=rwx,g=rx; fi\n",
                ),
            ],
            &[
                ("a later file with the same value", "/etc/profile.d/zz.sh", "umask 0077\n"),
                ("a later file that sets it back", "/etc/profile.d/zz.sh", "umask 022\numask 077\n"),
                ("a file that no shell reads", "/etc/profile.d/zz.bash", "umask 022\n"),
                ("a comment", "/etc/profile.d/zz.sh", "# umask 022\n"),
            ],
        ),
        _ => Vec::new(),
    }
}

fn changes(make: &Maker<'_>, winning: &[Change], losing: &[Change]) -> Vec<Mutant> {
    let edits = |path: &str, text: &str| vec![more(make, path, text)];
    let wins = winning.iter().map(|(name, path, text)| {
        make.wins(Operator::ShadowWins, &format!("{name} ({path}) says `{}`", text.trim()), edits(path, text))
    });
    let loses = losing.iter().map(|(name, path, text)| {
        make.loses(
            Operator::ShadowLoses,
            &format!("{name} ({path}) says `{}`", text.trim()),
            edits(path, text),
        )
    });
    wins.chain(loses).collect()
}

/// A line more, at the end of a file that may be there.
fn more(make: &Maker<'_>, path: &str, text: &str) -> Edit {
    make.append(path, text)
}

/// limits.conf(5); `effective/limits` asks pam_limits itself of such lines.
fn limits(make: &Maker<'_>) -> Vec<Mutant> {
    const MAIN: &str = "/etc/security/limits.conf";
    const LATER: &str = "/etc/security/limits.d/zz.conf";
    const EARLIER: &str = "/etc/security/limits.d/00-a.conf";
    let mut all = changes(
        make,
        &[
            ("a later file", LATER, "* hard core unlimited\n"),
            ("a later file, both bounds", LATER, "* - core 1\n"),
            ("a later file in capital letters", LATER, "* HARD Core Unlimited\n"),
            ("a later file with tabs", LATER, "\t*\thard\tcore\t5\n"),
            ("a user in a later file", LATER, "debian hard core unlimited\n"),
            ("a user in an earlier file", EARLIER, "debian hard core unlimited\n"),
            ("a user in the main file", MAIN, "debian - core unlimited\n"),
            ("a group", MAIN, "@sudo hard core 1000\n"),
            ("ids of users", MAIN, "1000: hard core unlimited\n"),
            ("an id of a user", LATER, ":1000 - core unlimited\n"),
            ("ids of groups", LATER, "@1000:2000 hard core unlimited\n"),
            ("a user without limits", MAIN, "debian -\n"),
            ("a group without limits", LATER, "@sudo -\n"),
        ],
        &[
            ("the main file", MAIN, "* hard core unlimited\n"),
            ("an earlier file", EARLIER, "* - core unlimited\n"),
            ("a soft limit above the hard one", LATER, "* soft core unlimited\n"),
            ("the same for a user", LATER, "debian - core 0\n"),
            ("another limit", LATER, "* - nofile 4096\n"),
            ("everybody without limits, as nobody reads it", LATER, "* -\n"),
            ("root, whom no line for all is for", LATER, "root hard core unlimited\n"),
            ("another ending", "/etc/security/limits.d/zz.conf.bak", "* hard core unlimited\n"),
            ("a hidden file", "/etc/security/limits.d/.zz.conf", "* hard core unlimited\n"),
            ("a comment", LATER, "#* hard core unlimited\n"),
            ("no such limit", LATER, "* hard cores unlimited\n"),
            ("no number", LATER, "* hard core many\n"),
        ],
    );
    // Before 1.5.3 the module refuses every session over a file that is not there.
    let nowhere = vec![link(LATER, "/nonexistent/file")];
    let version = make.base.plan.distro.versions.pam;
    all.push(match (version.major, version.minor) {
        (1, 0..=5) => make.wins(Operator::Dangling, "a later file", nowhere),
        _ => make.loses(Operator::Dangling, "a later file", nowhere),
    });
    all.push(make.loses(Operator::Masked, "a later file", vec![link(LATER, "/dev/null")]));
    all
}

/// coredump.conf(5).
const COREDUMP_WINS: [Change; 5] = [
    ("a later file", "/etc/systemd/coredump.conf.d/zz.conf", "[Coredump]\nStorage=external\n"),
    (
        "a later file, the other option",
        "/etc/systemd/coredump.conf.d/zz.conf",
        "[Coredump]\nProcessSizeMax=2G\n",
    ),
    (
        "a later file of a package",
        "/usr/lib/systemd/coredump.conf.d/zz.conf",
        "[Coredump]\nStorage=journal\n",
    ),
    ("a later file of this boot", "/run/systemd/coredump.conf.d/zz.conf", "[Coredump]\nStorage=journal\n"),
    (
        "a later file with CR LF",
        "/etc/systemd/coredump.conf.d/zz.conf",
        "[Coredump]\r\nStorage = external\r\n",
    ),
];
const COREDUMP_LOSES: [Change; 9] = [
    ("the main file", "/etc/systemd/coredump.conf", "[Coredump]\nStorage=external\n"),
    ("an earlier file", "/etc/systemd/coredump.conf.d/00.conf", "[Coredump]\nStorage=external\n"),
    (
        "the same name in /usr/lib",
        "/usr/lib/systemd/coredump.conf.d/ironseed.conf",
        "[Coredump]\nStorage=external\n",
    ),
    ("another option", "/etc/systemd/coredump.conf.d/zz.conf", "[Coredump]\nCompress=no\n"),
    ("a value that is none", "/etc/systemd/coredump.conf.d/zz.conf", "[Coredump]\nStorage=disk\n"),
    ("another section", "/etc/systemd/coredump.conf.d/zz.conf", "[Journal]\nStorage=external\n"),
    ("a key in small letters", "/etc/systemd/coredump.conf.d/zz.conf", "[Coredump]\nstorage=external\n"),
    ("another ending", "/etc/systemd/coredump.conf.d/zz.conf.bak", "[Coredump]\nStorage=external\n"),
    ("a comment", "/etc/systemd/coredump.conf.d/zz.conf", "[Coredump]\n#Storage=external\n"),
];

/// What a shell makes of plain lines; `effective/profile` asks bash of such files.
fn profile(make: &Maker<'_>) -> Vec<Mutant> {
    const MAIN: &str = "/etc/profile";
    const LATER: &str = "/etc/profile.d/zz.sh";
    const EARLIER: &str = "/etc/profile.d/00.sh";
    let mut all = if make.field("content").contains("TMOUT") {
        changes(
            make,
            &[
                ("an earlier file, for good", EARLIER, "readonly TMOUT=0\n"),
                ("an earlier file, for good", EARLIER, "[ -z \"$X\" ] && declare -r TMOUT=86400\n"),
            ],
            &[
                ("an earlier file", EARLIER, "export TMOUT=0\n"),
                ("a later file, too late", LATER, "TMOUT=0\n"),
                ("one command's own", EARLIER, "TMOUT=0 true\n"),
                ("another variable", EARLIER, "readonly TMOUTS=0\n"),
                ("a comment", EARLIER, "# readonly TMOUT=0\n"),
            ],
        )
    } else {
        changes(
            make,
            &[
                ("a later file", LATER, "ulimit -c unlimited\n"),
                ("a later file, one bound", LATER, "ulimit -S -c 1000\n"),
                ("the main file's end", MAIN, "ulimit -Sc unlimited # no\n"),
            ],
            &[
                ("an earlier file", EARLIER, "ulimit -c unlimited\n"),
                ("another limit", LATER, "ulimit -n 4096\n"),
                ("a file that no shell reads", "/etc/profile.d/zz.csh", "ulimit -c unlimited\n"),
                ("a later file with the same value", LATER, "ulimit -c 0\n"),
                ("a comment", LATER, "# ulimit -c unlimited\n"),
            ],
        )
    };
    let unread = vec![make.replace(MAIN, "/etc/profile.d", "/etc/profile.old")];
    all.push(make.mutant(
        Operator::ShadowWins,
        "/etc/profile reads another folder",
        unread,
        vec![Effect::Unread("/etc/profile.d/")],
    ));
    all
}
