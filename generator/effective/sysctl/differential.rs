//! Holds the reader against the real `systemd-sysctl`, which writes to files that stand in `/proc/sys`'s place.

use std::collections::BTreeMap;
use std::path::Path;

use super::{FOLDERS, read};
use crate::effective::testing::{Dice, Differential, Folders, MemoryTree, Verdict, agree};

const PROGRAM: &str = "/lib/systemd/systemd-sysctl";

/// Switches that the made kernel has.
const KEYS: [&str; 9] = [
    "kernel/sysrq",
    "net/ipv4/ip_forward",
    "net/ipv4/conf/all/rp_filter",
    "net/ipv4/conf/default/rp_filter",
    "net/ipv4/conf/eth0.1/rp_filter",
    "net/ipv4/conf/all/log_martians",
    "net/ipv4/conf/default/log_martians",
    "net/ipv6/conf/all/rp_filter",
    "fs/protected_links",
];

/// Empty files in `/proc/sys`'s place; the answer is what is in them when systemd-sysctl has run.
const SCRIPT: &str = r#"
os.makedirs("/run/sys")
mount("--bind", "/run/sys", "/proc/sys")
keys = ["/proc/sys/" + key for key in sys.argv[3:]]
for key in keys: os.makedirs(os.path.dirname(key), exist_ok=True)
def answer():
    for key in keys: open(key, "w").close()
    subprocess.run(["/lib/systemd/systemd-sysctl"], stderr=subprocess.DEVNULL)
    return "|".join(open(key, errors="replace").readline().rstrip("\n") for key in keys)
"#;

fn compare(tree: &MemoryTree, real: &mut Folders) -> Verdict {
    let answer = real.ask(tree);
    let shown = |value: &str| if value.is_empty() { "none" } else { value }.to_owned();
    let theirs: BTreeMap<&str, String> = KEYS.into_iter().zip(answer.split('|').map(shown)).collect();
    let sysctls = read(tree.root()).unwrap();
    let ours =
        KEYS.into_iter().map(|key| (key, sysctls.get(key).map_or("none".into(), |c| shown(&c.value.value))));
    Verdict::same(&ours.collect(), &theirs)
}

fn line(dice: &mut Dice) -> String {
    let key = dice.pick(&KEYS);
    let swapped = |c| match c {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    let key = match dice.below(16) {
        0..=4 => key.to_owned(),
        5..=9 => key.chars().map(swapped).collect(),
        10 => key.replacen('/', "//", 1),
        11 => key.replace('/', "/./"),
        12 => format!("/{key}/"),
        13 => key.to_uppercase(),
        14 => format!("net/../{key}"),
        _ => key.replace('/', "."),
    };
    let pattern = [
        "net.ipv4.conf.*.rp_filter",
        "net/ipv4/conf/*/rp_filter",
        "net.ipv4.conf.*.*",
        "net/ipv?/conf/[ad]*/rp_filter",
        "net.ipv4.conf.[!a]*.log_martians",
        "net/*/conf/all/rp_filter",
        "net/ipv4/conf/eth0[.]1/rp_filter",
        "*/sysrq",
        "kernel.sys[r",
        "net.ipv4.conf.eth0/1.rp*",
        "net/ipv4/conf/../conf/*/rp_filter",
        "kernel.*",
    ];
    let key = if dice.chance(40) { dice.pick(&pattern).to_owned() } else { key };
    let value = dice.pick(&["0", "1", "1", "2", "1 2\t3", "a=b", "\"1\"", "# 1", "", "x;y"]);
    let equals = dice.pick(&["=", " = ", "= ", " =", "\t=\t", " "]);
    let start =
        dice.pick(&["", "", "", "", "", " ", "\t", "-", "-", " - ", "#", ";", "--", "\u{feff}", "\u{a0}"]);
    let end =
        dice.pick(&["\n", "\n", "\n", "\n", " \n", "\r\n", "\r", "\t\n", "\n\n", "\\\n", "\0", " # c\n"]);
    match dice.below(12) {
        0 => format!("-{key}{end}"),
        1 => format!("{start}{key}{end}"),
        _ => format!("{start}{key}{equals}{value}{end}"),
    }
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for _ in 0..dice.range(1..=5) {
        let names = [
            "10-a.conf",
            "10-a.conf",
            "9.conf",
            "20-b.conf",
            "Z.conf",
            ".h.conf",
            "a.txt",
            "a.conf~",
            ".conf",
            "a b.conf",
        ];
        let path = format!("{}/{}", dice.pick(&FOLDERS), dice.pick(&names));
        if tree.is_link(&path) || tree.bytes(&path).is_some() || tree.root().exists(&path).unwrap() {
            continue;
        }
        match dice.below(16) {
            0 => tree.link(&path, "/dev/null"),
            1 => tree.link(&path, "nowhere"),
            2 => tree.directory(&path),
            3 => tree.write(&path, ""),
            4 => {
                let text = line(dice);
                tree.write(format!("{}/aside", dice.pick(&FOLDERS)), text);
                tree.link(&path, "aside")
            }
            _ => {
                let text: String = (0..dice.range(1..=6)).map(|_| line(dice)).collect();
                tree.write(&path, text)
            }
        };
    }
    tree
}

#[test]
fn agrees_with_systemd_sysctl() {
    let Some(mut real) = Folders::start(PROGRAM, "sysctl.d", SCRIPT, &KEYS) else { return };
    let shipped = Path::new("/usr/lib/sysctl.d");
    agree(MemoryTree::load(shipped, "/usr/lib/sysctl.d"), |tree| compare(tree, &mut real));
    Differential::cases(150).run(generate, |tree| compare(tree, &mut real));
}
