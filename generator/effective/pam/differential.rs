//! Holds the reader against the real libpam: Debian's, in a namespace with files of its own.

use std::process::Command;

use super::*;
use crate::effective::testing::{
    Dialogue, Dice, Differential, MemoryTree, Verdict, python_in_own_root, skip,
};

/// Asks libpam for the service `svc`: reads a tree's path, answers with what authentication and
/// account management return.
const DRIVER: &str = r#"
pam = ctypes.CDLL("libpam.so.0")
class Conv(ctypes.Structure):
    _fields_ = [("conv", ctypes.c_void_p), ("data", ctypes.c_void_p)]
Talk = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p)
talk = Talk(lambda *a: 19)
conv = Conv(ctypes.cast(talk, ctypes.c_void_p), None)
def ask(function):
    handle = ctypes.c_void_p()
    return pam.pam_start(b"svc", b"bob", ctypes.byref(conv), ctypes.byref(handle)) or function(handle, 0)
for line in sys.stdin:
    bring(line.rstrip("\n"))
    r, w = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(w, b"%d %d" % (ask(pam.pam_authenticate), ask(pam.pam_acct_mgmt)))
        os._exit(0)
    os.close(w)
    said = os.read(r, 100)
    os.close(r)
    os.waitpid(child, 0)
    print(said.decode() or "crash", flush=True)
"#;

/// The files that a case brings.
const OWN: &[&str] = &["/etc", "/usr/lib/pam.d"];

const ANSWERS: &[&str] = &[
    "success",
    "success",
    "success",
    "auth_err",
    "auth_err",
    "ignore",
    "new_authtok_reqd",
    "acct_expired",
    "user_unknown",
    "abort",
    "module_unknown",
    "incomplete",
];
const CONTROLS: &[&str] = &[
    "required",
    "required",
    "Requisite",
    "sufficient",
    "sufficient",
    "OPTIONAL",
    "[required]",
    "[success=1 default=ignore]",
    "[success=1 default=ignore]",
    "[success=2 new_authtok_reqd=done auth_err=die default=bad]",
    "[success=ok default=reset]",
    "[success=done ignore=reset]",
    "[default=die success=ok]",
    "[ success = ok\tdefault=1 ]",
    "[success=okdefault=ignore]",
    "[success=3 default=1]",
    "success=ok",
    "[success=okay]",
    "[success=0]",
    "[nonsense=ok]",
    "[]",
    "perhaps",
    "[success=1",
    "[auth_err=ok user_unknown=ignore acct_expired=die module_unknown=ignore]",
];
const TYPES: &[&str] =
    &["auth", "auth", "auth", "account", "account", "-auth", "AUTH", "[auth]", "session", "frob", "--auth"];
const FILES: &[&str] = &["one", "two", "three", "lib", "svc", "none", "/etc/pam.d/one", "/usr/lib/pam.d/lib"];

fn line(dice: &mut Dice, own: &str) -> String {
    let gap = |dice: &mut Dice| {
        dice.pick(&[" ", " ", " ", "\t", "  ", " \\\n", " \\ \n\t", " \\\n# c\n", "\\\n\n"])
    };
    let usual = |dice: &mut Dice| if dice.chance(90) { " " } else { gap(dice) };
    if dice.once_in(12) {
        return dice
            .pick(&[
                "\n",
                "# auth sufficient pam_debug.so\n",
                "auth\n",
                "auth required\n",
                "auth required # pam_debug.so\n",
                "  \t\n",
                "\r\n",
                "\u{feff}auth required pam_debug.so\n",
                "auth required pam_debug.so\r\n",
                "auth sufficient\u{a0}pam_debug.so\n",
                "auth required .so\n",
                "auth include\n",
                "auth required pam_debug.so \\\n",
                "auth sufficient pam_debug.so # \\\n",
                "auth required pam_none.so\n",
                "-auth optional pam_none.so\n",
                "auth required /nowhere/pam_debug.so\n",
            ])
            .to_owned();
    }
    if dice.once_in(60) {
        let long = "x".repeat(dice.range(950..=1100));
        return format!(
            "{}{long} auth sufficient pam_debug.so\n",
            dice.pick(&["# ", "auth required pam_debug.so "])
        );
    }
    // A file includes only later ones, but for the odd circle.
    let later = FILES.iter().position(|file| *file == own).map_or(0, |at| at + 1);
    let first = if dice.once_in(150) { 0 } else { later.min(FILES.len() - 1) };
    let file = dice.pick(&FILES[first..]);
    if dice.once_in(10) {
        return format!("@include{}{file}\n", usual(dice));
    }
    let types = if dice.chance(85) { &TYPES[..5] } else { TYPES };
    let kind = dice.pick(types);
    if dice.once_in(5) {
        let how = dice.pick(&["include", "substack", "Substack"]);
        return format!("{kind}{}{how}{}{file}\n", usual(dice), usual(dice));
    }
    let control = dice.pick(CONTROLS);
    let answers = format!("auth={} acct={}", dice.pick(ANSWERS), dice.pick(ANSWERS));
    let args = dice.pick(&["", " [a \\]b]", " #", " x#"]);
    let (first, second, third) = (usual(dice), usual(dice), usual(dice));
    format!("{kind}{first}{control}{second}pam_debug.so{third}{answers}{args}\n")
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let single = dice.once_in(10);
    if single || dice.once_in(10) {
        let lines = (0..dice.range(0..=6)).map(|_| {
            let service = dice.pick(&["svc", "svc", "SVC", "other", "login"]);
            format!("{service} {}", line(dice, "svc"))
        });
        tree.write("/etc/pam.conf", lines.collect::<String>());
    }
    let files = [
        ("/etc/pam.d", &["svc", "one", "two", "three", "other"][..]),
        ("/usr/lib/pam.d", &["svc", "lib", "other"]),
    ];
    for (directory, names) in files {
        for name in names.iter().filter(|_| !single) {
            if dice.chance(if directory.starts_with("/etc") { 80 } else { 40 }) {
                let lines = (0..dice.range(0..=5)).map(|_| line(dice, name)).collect::<String>();
                let lines = if dice.once_in(12) { lines.trim_end().to_owned() } else { lines };
                tree.write(format!("{directory}/{name}"), lines);
            }
        }
    }
    tree
}

/// What `pam_debug.so` answers; any other module is not there.
fn module(rule: &Rule) -> Code {
    let event = if rule.facility == Facility::Auth { "auth=" } else { "acct=" };
    let wanted = rule.args.iter().find_map(|arg| arg.strip_prefix(event));
    match rule.module.as_str() {
        "pam_debug.so" => wanted.and_then(Code::named).unwrap_or(Code::SUCCESS),
        _ => Code::MODULE_UNKNOWN,
    }
}

/// The version of Debian's package.
fn installed() -> Option<PamVersion> {
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${Version}", "libpam0g"]).output().ok()?;
    let text = String::from_utf8(asked.stdout).ok()?;
    let mut numbers = text.split('.').map_while(|number| number.parse().ok());
    let patches = Patches { at_include: true, limits_spare_root: true };
    Some(PamVersion { major: numbers.next()?, minor: numbers.next()?, patches })
}

fn verdict(driver: &mut Dialogue, version: PamVersion, tree: &MemoryTree) -> Verdict {
    // Files that include each other many times over make a stack beyond the reader's bound.
    let Ok(stacks) = stacks(&tree.root(), "svc", version) else { return Verdict::Unanswered };
    let nothing = Sourced::new("nothing decides".to_owned(), Location::file("/etc/pam.d"));
    let conclude = |facility| match &stacks {
        Some(stacks) => stacks.conclude(facility, module),
        None => Conclusion::Aborts(&nothing),
    };
    let (auth, account) = (conclude(Facility::Auth), conclude(Facility::Account));
    let (Some(first), Some(second)) = (auth.code(), account.code()) else { return Verdict::Unanswered };
    let disk = tree.on_disk();
    let theirs = driver.ask(disk.path().to_str().unwrap());
    let refused = matches!(auth, Conclusion::Aborts(_));
    match format!("{} {}", first.number(), second.number()) {
        _ if refused && theirs == "crash" => Verdict::Refuse,
        ours if ours != theirs => Verdict::differ(format!("{ours} {auth:#?} {account:#?}"), theirs),
        _ if refused => Verdict::Refuse,
        _ => Verdict::Agree,
    }
}

#[test]
fn agrees_with_the_real_libpam() {
    let Some(version) = installed() else { return skip("no package libpam0g") };
    let Some(mut driver) = python_in_own_root(OWN, "ctypes", DRIVER) else { return };
    let tally = Differential::cases(250).run(generate, |tree| verdict(&mut driver, version, tree));
    assert!(tally.agreed > tally.refused, "one-sided cases: {tally}");
}
