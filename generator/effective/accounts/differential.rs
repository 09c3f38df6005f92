//! Holds the tables against the real C library, and passwords and days against the real pam_unix:
//! Debian's, in a root of their own.

use serde_json::{Value, json};

use super::*;
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, python_in_own_root};

/// Says what the C library reads, and how `bob` fares with the password `secret` and with none.
const DRIVER: &str = r#"
libc, pam = ctypes.CDLL(None), ctypes.CDLL("libpam.so.0")
class Conv(ctypes.Structure):
    _fields_ = [("conv", ctypes.c_void_p), ("data", ctypes.c_void_p)]
class Sgrp(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("password", ctypes.c_char_p),
                ("adm", ctypes.POINTER(ctypes.c_char_p)), ("mem", ctypes.POINTER(ctypes.c_char_p))]
libc.getsgent.restype, libc.getusershell.restype = ctypes.POINTER(Sgrp), ctypes.c_char_p
libc.calloc.restype = libc.strdup.restype = ctypes.c_void_p
Talk = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p), ctypes.c_void_p)
def answer(n, messages, responses, data):
    responses[0] = libc.calloc(n, 16)
    for i in range(n):
        ctypes.c_void_p.from_address(responses[0] + 16 * i).value = libc.strdup(password)
    return 0
talk = Talk(answer)
conv = Conv(ctypes.cast(talk, ctypes.c_void_p), None)
def ask(function, word):
    global password
    password = word
    handle = ctypes.c_void_p()
    return pam.pam_start(b"svc", b"bob", ctypes.byref(conv), ctypes.byref(handle)) or function(handle, 0)
def text(x):
    return (x if isinstance(x, bytes) else os.fsencode(x)).decode("utf-8", "replace")
def strings(pointer):
    found = []
    while pointer and pointer[len(found)] is not None: found.append(pointer[len(found)])
    return [text(x) for x in found]
def every(function):
    while entry := function(): yield entry
named = lambda name: name[:1] not in ("", "+", "-")
def look():
    users = [u for u in pwd.getpwall() if named(u.pw_name)]
    shadows = sorted(set(filter(named, (s.sp_namp for s in spwd.getspall()))))
    return {
        "users": [[text(u.pw_name), text(u.pw_passwd), u.pw_uid & 0xffffffff, u.pw_gid & 0xffffffff, text(u.pw_dir), text(u.pw_shell)] for u in users],
        "shadow": [[text(s[0]), text(s[1]), *s[2:8]] for s in map(spwd.getspnam, shadows)],
        "groups": [[text(g.gr_name), text(g.gr_passwd), g.gr_gid & 0xffffffff, [text(m) for m in g.gr_mem]] for g in grp.getgrall() if named(g.gr_name)],
        "gshadow": [[text(g[0].name), text(g[0].password), strings(g[0].adm), strings(g[0].mem)]
                    for g in every(libc.getsgent) if named(text(g[0].name))],
        "shells": [text(s) for s in every(libc.getusershell)],
        "bobs": sorted({g & 0xffffffff for g in os.getgrouplist("bob", 1000)}),
        "secret": ask(pam.pam_authenticate, b"secret"),
        "nothing": ask(pam.pam_authenticate, b""),
        "account": ask(pam.pam_acct_mgmt, b""),
    }
for line in sys.stdin:
    bring(line.rstrip("\n"))
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(w, json.dumps(look()).encode())
        os._exit(0)
    os.close(w)
    with os.fdopen(r) as said: print(said.read() or "crash", flush=True)
    os.waitpid(child, 0)
"#;

/// Hashes of `secret`.
const HASHES: &[&str] = &[
    "$y$j9T$saltsalt$VuCHcCYYVuebTL.IxzSml3z./71e36sys.wEb95cM54",
    "$gy$j9T$saltsalt$3q1atlju9jgIw3EmyD2Dp8lr9SsS0X3ZtX9BkcRoDn8",
    "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
    "$2y$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
    "$6$salt$egUxKNxDs8kPfh8iPMNcosMhb2eWah6d3R44JDm5Rj/j/XWR5E33QPd0YmHXoDHOIDR6kL5D3JcQcz0O8FHE00",
    "$5$salt$kpa26zwgX83BPSR8d7w93OIXbFt/d3UOTZaAu5vsTM6",
    "$1$salt$ez2vlPGdaLYkJam5pWs/Y1",
    "$sha1$1$abcdefgh$ZzOgScnfG40QDLk0bzW0u/W4ly.2",
    "$3$$878d8014606cda29677a44efa1353fc7",
    "abNANd1rDfiNc",
];

const NAMES: &[&str] =
    &["bob", "bob", "alice", "root", "a b", "", "+", "-x", "+@net", "Bob", "\u{e9}", "bob ", "1000"];
const IDS: &[&str] = &[
    "0",
    "00",
    "1000",
    "1000",
    "1001",
    " 5",
    "+7",
    "-1",
    "-2",
    "4294967295",
    "4294967296",
    "99999999999999999999",
    "-99999999999999999999",
    "",
    "x",
    "0x10",
    "5 ",
    "1e3",
    "\t8",
];
const LISTS: &[&str] =
    &["", "bob", "alice,bob", " bob , alice", ",,bob,", "bob,bob", "bob ", "a:b", "\tbob,\u{e9}"];

fn password(dice: &mut Dice) -> String {
    let hash = dice.pick(HASHES);
    match dice.below(16) {
        0 => String::new(),
        1 => dice.pick(&["*", "!", "!!", "!*", "x", "##bob", "*LK*", "secret", "a b", "ab"]).to_owned(),
        2 => format!("!{hash}"),
        3 => format!("{hash}{}", dice.pick(&["!", " ", "\r", ",", "x"])),
        4 => hash[..dice.below(hash.len())].to_owned(),
        5 => format!(" {hash}"),
        _ => hash.to_owned(),
    }
}

/// Days near those that make a difference.
fn days(dice: &mut Dice, today: i64) -> String {
    let near = |dice: &mut Dice, day: i64| (day + dice.below(3) as i64 - 1).to_string();
    match dice.below(8) {
        0 | 1 => String::new(),
        2 => near(dice, 0),
        3 => near(dice, today),
        4 => near(dice, today - 30),
        5 => dice.pick(&["30", "29", "99999", "7", "30"]).to_owned(),
        6 if dice.once_in(3) => dice.pick(IDS).to_owned(),
        _ => "30".to_owned(),
    }
}

fn table(dice: &mut Dice, mut line: impl FnMut(&mut Dice) -> String) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(6) {
        let mut line = match dice.below(14) {
            0 => dice
                .pick(&["# c", "", "   ", "  # c", "x", ":", ":::::::::", "+::::::", "\u{a0}a:b:1:1:::"])
                .to_owned(),
            _ => line(dice),
        };
        match dice.below(14) {
            0 => line.insert_str(0, dice.pick(&["  ", "\t", "\u{feff}", "\x0b", "#"])),
            1 => line.push_str(dice.pick(&["\r", ":", " ", "::", "\0 x", ":x"])),
            2 => line.truncate(
                (0..=dice.below(line.len() + 1)).rev().find(|at| line.is_char_boundary(*at)).unwrap(),
            ),
            _ => {}
        }
        text += &line;
        text += if dice.once_in(25) { "" } else { "\n" };
    }
    text
}

fn generate(dice: &mut Dice, today: i64) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let users = table(dice, |dice| {
        let (name, uid, gid) = (dice.pick(NAMES), dice.pick(IDS), dice.pick(IDS));
        let secret = if dice.chance(70) { "x".to_owned() } else { password(dice) };
        format!(
            "{name}:{secret}:{uid}:{gid}:g,,:/home/{name}:{}",
            dice.pick(&["/bin/sh", "/bin/bash", "", "/x:y"])
        )
    });
    let bob = if dice.chance(70) { "bob:x:1000:1000::/home/bob:/bin/bash\n" } else { "" };
    tree.write("/etc/passwd", format!("{bob}{users}"));
    let mut shadow = |dice: &mut Dice| {
        let name = dice.pick(NAMES);
        let numbers: Vec<String> = (0..6).map(|_| days(dice, today)).collect();
        format!("{name}:{}:{}:{}", password(dice), numbers.join(":"), dice.pick(&["", "", "", "0", "x"]))
    };
    let mut text = table(dice, &mut shadow);
    if dice.chance(60) {
        text = format!("bob{}\n{text}", shadow(dice).trim_start_matches(|c| c != ':'));
    }
    tree.write("/etc/shadow", text);
    tree.write(
        "/etc/group",
        table(dice, |dice| format!("{}:x:{}:{}", dice.pick(NAMES), dice.pick(IDS), dice.pick(LISTS))),
    );
    tree.write(
        "/etc/gshadow",
        table(dice, |dice| {
            format!(
                "{}:{}:{}:{}",
                dice.pick(NAMES),
                dice.pick(&["!", "*", "", "x"]),
                dice.pick(LISTS),
                dice.pick(LISTS)
            )
        }),
    );
    let shells = [
        "/bin/sh",
        "/bin/bash # c",
        "  /bin/zsh",
        "x/bin/dash y",
        "# /bin/csh",
        "",
        "/a#b",
        "none",
        "/bin/bash\r",
    ];
    if dice.chance(80) {
        let lines: Vec<&str> = (0..dice.below(4)).map(|_| dice.pick(&shells)).collect();
        tree.write("/etc/shells", lines.join("\n"));
    }
    for path in ["/etc/passwd", "/etc/group", "/etc/gshadow"] {
        if dice.once_in(30) {
            tree.remove(path);
        }
    }
    tree
}

/// What the C library would list, by our reading.
fn ours(tree: &MemoryTree) -> Value {
    let root = tree.root();
    let accounts = read(&root).unwrap();
    let day = |days: Option<i64>| days.unwrap_or(-1);
    let users: Vec<Value> = accounts
        .users()
        .map(|u| &u.value)
        .map(|u| json!([u.name, u.password, u.uid, u.gid, u.home, u.shell]))
        .collect();
    let names: std::collections::BTreeSet<&String> =
        accounts.shadow.iter().flatten().map(|line| &line.value.name).collect();
    let shadow: Vec<Value> = names
        .into_iter()
        .map(|name| &accounts.shadow_of(name).unwrap().value)
        .map(|s| {
            json!([
                s.name,
                s.password,
                day(s.changed),
                day(s.min_days),
                day(s.max_days),
                day(s.warn_days),
                day(s.inactive_days),
                day(s.expires)
            ])
        })
        .collect();
    let groups: Vec<Value> = accounts
        .groups
        .iter()
        .flatten()
        .map(|g| &g.value)
        .map(|g| json!([g.name, g.password, g.gid, g.members]))
        .collect();
    let gshadow: Vec<Value> = accounts
        .group_shadow
        .iter()
        .flatten()
        .map(|g| &g.value)
        .map(|g| json!([g.name, g.password, g.administrators, g.members]))
        .collect();
    let bob = User {
        name: "bob".into(),
        password: "x".into(),
        uid: 1000,
        gid: 1000,
        home: String::new(),
        shell: String::new(),
    };
    let gids: std::collections::BTreeSet<u32> = accounts.gids_of(&bob).into_iter().collect();
    json!({
        "users": users, "shadow": shadow, "groups": groups, "gshadow": gshadow,
        "shells": valid_shells(&root).unwrap(), "bobs": gids,
    })
}

/// How bob fares, as far as files say: what is wrong with the real answers.
fn objections(tree: &MemoryTree, theirs: &Value, today: i64) -> Vec<String> {
    let root = tree.root();
    let logins = who_can_login(&root, &read(&root).unwrap(), &[]).unwrap();
    let Some(bob) = logins.iter().find(|login| login.user.value.name == "bob") else { return Vec::new() };
    let password = &bob.password.value;
    let mut wrong = Vec::new();
    let mut hold = |good: bool, what: &str| {
        if !good {
            wrong.push(format!("{what}: {bob:?}"))
        }
    };
    let [secret, nothing] = ["secret", "nothing"].map(|key| theirs[key] == 0);
    hold(!(secret || nothing) || password.lets_in(), "it is let in");
    hold(nothing == (*password == Password::Empty), "no password");
    let field = match &bob.shadow {
        Some(line) => &line.value.password,
        None => &bob.user.value.password,
    };
    hold(
        secret || !HASHES.contains(&field.as_str()) || bob.password.value == Password::Missing,
        "a good hash",
    );
    if *password != Password::Missing {
        let aging = match theirs["account"].as_i64() {
            Some(0) => Some(Aging::Fine),
            Some(12) => Some(Aging::MustChange),
            Some(13) => Some(Aging::AccountExpired),
            Some(27) => Some(Aging::PasswordExpired),
            _ => None,
        };
        hold(aging == Some(bob.aging(today)), "days");
    }
    wrong
}

fn verdict(driver: &mut Dialogue, tree: &MemoryTree, today: i64) -> Verdict {
    let mut tree = tree.clone();
    tree.write("/etc/pam.d/svc", "auth required pam_unix.so nullok nodelay\naccount required pam_unix.so\n");
    let disk = tree.on_disk();
    let said = driver.ask(disk.path().to_str().unwrap());
    let Ok(mut theirs) = serde_json::from_str::<Value>(&said) else {
        return Verdict::differ(ours(&tree), said);
    };
    let wrong = objections(&tree, &theirs, today);
    if !wrong.is_empty() {
        return Verdict::differ(wrong.join("\n"), theirs);
    }
    let answers = theirs.as_object_mut().unwrap();
    answers.retain(|key, _| !["secret", "nothing", "account"].contains(&key.as_str()));
    Verdict::same(&ours(&tree), &theirs)
}

#[test]
fn agrees_with_the_c_library_and_pam_unix() {
    let modules = "ctypes, json, warnings; warnings.simplefilter('ignore'); import grp, pwd, spwd";
    let Some(mut driver) = python_in_own_root(&["/etc"], modules, DRIVER) else { return };
    let today = jiff::Timestamp::now().as_second() / 86_400;
    Differential::cases(150).run(|dice| generate(dice, today), |tree| verdict(&mut driver, tree, today));
}
