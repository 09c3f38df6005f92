//! Holds the reader against the real `pam_limits`: Debian's, in a namespace with files of its own.

use std::process::Command;

use super::*;
use crate::effective::pam::Patches;
use crate::effective::testing::{
    Dialogue, Dice, Differential, MemoryTree, Verdict, python_in_own_root, skip,
};

/// Opens a session for three users. Reads a tree's path; answers for each user with what opening
/// returned and the soft and hard limits of [`ITEMS`].
const DRIVER: &str = r#"
pam = ctypes.CDLL("libpam.so.0")
class Conv(ctypes.Structure):
    _fields_ = [("conv", ctypes.c_void_p), ("data", ctypes.c_void_p)]
Talk = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
talk = Talk(lambda *a: 19)
conv = Conv(ctypes.cast(talk, ctypes.c_void_p), None)
items = [resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_RSS, 10]
def session(user):
    handle = ctypes.c_void_p()
    said = pam.pam_start(b"svc", user, ctypes.byref(conv), ctypes.byref(handle)) or pam.pam_open_session(handle, 0)
    numbers = [n % 2**64 for item in items for n in resource.getrlimit(item)]
    return " ".join(map(str, [said] + numbers))
for line in sys.stdin:
    bring(line.rstrip("\n"))
    said = []
    for user in (b"root", b"bob", b"eve"):
        r, w = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(w, session(user).encode())
            os._exit(0)
        os.close(w)
        said.append(os.read(r, 1000).decode() or "crash")
        os.close(r)
        os.waitpid(child, 0)
    print(";".join(said), flush=True)
"#;

/// Items whose hard limit no machine lowers: a process without the kernel's leave can raise none.
const ITEMS: [&str; 4] = ["core", "fsize", "rss", "locks"];

const PASSWD: &str =
    "root:x:0:0::/root:/bin/sh\nbob:x:1000:1000::/home/bob:/bin/sh\neve:x:2000:50::/home/eve:/bin/sh\n";
const GROUP: &str = "root:x:0:\nadm:x:4:root,bob\nstaff:x:50:\nbob:x:1000:\nops:x:60:bob,eve\n";

fn users() -> [Login; 3] {
    let login = |name: &str, uid, gid, groups: &[(&str, u32)]| Login {
        name: Some(name.to_owned()),
        uid: Some(uid),
        gid: Some(gid),
        groups: groups.iter().map(|(name, _)| (*name).to_owned()).collect(),
        gids: groups.iter().map(|(_, gid)| *gid).collect(),
    };
    [
        login("root", 0, 0, &[("root", 0), ("adm", 4)]),
        login("bob", 1000, 1000, &[("bob", 1000), ("adm", 4), ("ops", 60)]),
        login("eve", 2000, 50, &[("staff", 50), ("ops", 60)]),
    ]
}

fn line(dice: &mut Dice) -> String {
    let gap = |dice: &mut Dice| dice.pick(&[" ", " ", " ", "\t", "  ", "\u{b}", "\r"]);
    let domain = match dice.below(8) {
        0..=2 => dice.pick(&["*", "*", "bob", "eve", "root", "BOB", "nobody"]).to_owned(),
        3 | 4 => {
            dice.pick(&["@adm", "@ops", "@staff", "@root", "@nogroup", "@", "%", "%ops", "%:60"]).to_owned()
        }
        _ => {
            let mark = dice.pick(&["", "", "", "@", "@", "%"]);
            let ends = [
                "",
                "0",
                "50",
                "60",
                "1000",
                "2000",
                "1999",
                "4294967296",
                "-1",
                "+4",
                "x",
                "99999999999999999999",
            ];
            format!("{mark}{}:{}", dice.pick(&ends[..]), dice.pick(&ends[..]))
        }
    };
    if dice.once_in(12) {
        return format!(
            "{domain}{}{}{}\n",
            gap(dice),
            dice.pick(&["-", "-", "-x", "x"]),
            dice.pick(&["", " ", " # c"])
        );
    }
    if dice.once_in(100) {
        let long = " ".repeat(dice.range(990..=1030));
        return format!("{domain}{long}hard core 1\n");
    }
    let kind = dice.pick(&["soft", "hard", "-", "-", "HARD", "Soft", "both"]);
    let item = dice.pick(&["core", "core", "fsize", "rss", "locks", "Core", "cores"]);
    let value = dice.pick(&[
        "0",
        "1",
        "100",
        "100000",
        "unlimited",
        "Infinity",
        "-1",
        "-",
        "-2",
        "+7",
        "7k",
        "x",
        "18446744073709551615",
        "99999999999999999999",
        "5 6",
        "0#c",
    ]);
    let start = dice.pick(&["", "", "", "", "", " ", "\t", "#", "\u{feff}", "\u{c}"]);
    let end = dice.pick(&["\n", "\n", "\n", "\n", " \n", "\r\n", " # c\n", "\n\n", "", "\0x\n"]);
    let (first, second, third) = (gap(dice), gap(dice), gap(dice));
    format!("{start}{domain}{first}{kind}{second}{item}{third}{value}{end}")
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::of(&[
        ("/etc/passwd", PASSWD),
        ("/etc/group", GROUP),
        ("/etc/nsswitch.conf", "passwd: files\ngroup: files\n"),
        ("/etc/pam.d/svc", "session required pam_limits.so\n"),
    ]);
    let lines = |dice: &mut Dice| (0..dice.range(0..=5)).map(|_| line(dice)).collect::<String>();
    if !dice.once_in(20) {
        let text = lines(dice);
        tree.write(MAIN, text);
    }
    tree.directory("/etc/security/limits.d");
    for name in ["a.conf", "B.conf", ".h.conf", "9.conf", "b.conf~", "c.conf"] {
        let path = format!("/etc/security/limits.d/{name}");
        match dice.below(40) {
            0 => _ = tree.link(&path, "/dev/null"),
            1 => _ = tree.link(&path, "nowhere"),
            2 => _ = tree.directory(&path),
            3 => _ = tree.link(&path, name),
            4..=20 => _ = tree.write(&path, lines(dice)),
            _ => {}
        }
    }
    tree
}

/// The version of Debian's package.
fn installed() -> Option<PamVersion> {
    let asked =
        Command::new("dpkg-query").args(["-W", "-f", "${Version}", "libpam-modules"]).output().ok()?;
    let text = String::from_utf8(asked.stdout).ok()?;
    let mut numbers = text.split('.').map_while(|number| number.parse().ok());
    let patches = Patches { at_include: true, limits_spare_root: true };
    Some(PamVersion { major: numbers.next()?, minor: numbers.next()?, patches })
}

/// What the driver would say of a login. `idle` are the limits of a session that no line is for.
fn expected(limits: &Limits, login: &Login, before: &[u64], idle: &[u64]) -> String {
    const REFUSED: u32 = 3;
    let numbers = |said: u32, numbers: &[u64]| {
        let words = numbers.iter().map(ToString::to_string);
        std::iter::once(said.to_string()).chain(words).collect::<Vec<_>>().join(" ")
    };
    match limits.of(login) {
        Conclusion::Refused(_) => numbers(REFUSED, before),
        Conclusion::Exempt(_) => numbers(0, before),
        Conclusion::Limited(found) => {
            let mut all = Vec::new();
            for (item, idle) in ITEMS.iter().zip(idle.chunks(2)) {
                let limit = found.get(item).cloned().unwrap_or_default();
                let hard = limit.hard.map_or(idle[1], |v| v.value);
                all.extend([limit.soft.map_or(idle[0], |v| v.value).min(hard), hard]);
            }
            numbers(0, &all)
        }
    }
}

fn verdict(
    driver: &mut Dialogue,
    version: PamVersion,
    before: &[u64],
    idle: &[u64],
    tree: &MemoryTree,
) -> Verdict {
    let limits = Limits::read(tree.root(), version).unwrap();
    let ours = users().map(|login| expected(&limits, &login, before, idle)).join(";");
    let theirs = driver.ask(tree.on_disk().path().to_str().unwrap());
    match ours == theirs {
        true if limits.refused.is_some() => Verdict::Refuse,
        _ => Verdict::same(&ours, &theirs),
    }
}

#[test]
fn agrees_with_the_real_pam_limits() {
    let Some(version) = installed() else { return skip("no package libpam-modules") };
    let Some(mut driver) = python_in_own_root(&["/etc"], "ctypes, resource", DRIVER) else { return };
    let mut ask = |text: &str| {
        let mut tree = generate(&mut Dice::new(0));
        tree.remove("/etc/security/limits.d");
        tree.write(MAIN, text);
        let said = driver.ask(tree.on_disk().path().to_str().unwrap());
        let bob = said.split(';').nth(1).unwrap_or_default();
        bob.split(' ').skip(1).map(|word| word.parse().unwrap()).collect::<Vec<u64>>()
    };
    let (before, idle) = (ask("bob -\n"), ask(""));
    if idle.iter().skip(1).step_by(2).any(|hard| *hard != UNLIMITED) {
        return skip("this process has hard limits of its own");
    }
    let tally =
        Differential::cases(250).run(generate, |tree| verdict(&mut driver, version, &before, &idle, tree));
    assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
}
