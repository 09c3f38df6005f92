use super::*;
use crate::effective::testing::{Dice, Differential, Lab, MemoryTree, Question, Verdict, program};
use crate::location::Location;

const NAME: &str = "systemd/journald.conf";

fn read(tree: &MemoryTree) -> IniDropin {
    IniDropin::read(tree.root(), NAME).unwrap()
}

/// The last assignment of a key of the journal.
fn last(tree: &MemoryTree, key: &str) -> Option<(String, Location)> {
    let config = read(tree);
    config.all("Journal", key).last().map(|set| (set.value.clone(), set.at.clone()))
}

#[test]
fn every_assignment_is_kept_with_its_line() {
    let mut tree = MemoryTree::of(&[(
        "/etc/systemd/journald.conf",
        "[Journal]\n# Storage=x\nStorage = auto\nA=1\nA=2 \\\n; no\n  3\n",
    )]);
    assert_eq!(
        last(&tree, "Storage"),
        Some(("auto".into(), Location::line("/etc/systemd/journald.conf", 3)))
    );
    assert_eq!(last(&tree, "A"), Some(("2    3".into(), Location::line("/etc/systemd/journald.conf", 5))));
    assert_eq!(read(&tree).all("Journal", "A").len(), 2);
    assert!(read(&tree).all("Other", "A").is_empty());
    tree.write("/usr/lib/systemd/journald.conf.d/50-x.conf", "[Journal]\nStorage=persistent\n");
    assert_eq!(last(&tree, "Storage").unwrap().0, "persistent");
}

#[test]
fn older_releases_know_one_place_for_the_main_file() {
    let mut tree = MemoryTree::of(&[("/usr/lib/systemd/journald.conf", "[Journal]\nA=1\n")]);
    assert_eq!(last(&tree, "A").unwrap().0, "1", "the newest is assumed");
    tree.write("/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so", "");
    assert!(last(&tree, "A").is_none());
    tree.write("/usr/lib64/systemd/libsystemd-shared-257.4-1.so", "");
    assert!(last(&tree, "A").is_some());
    tree.link("/etc/systemd/journald.conf", "/dev/null");
    assert!(last(&tree, "A").is_none(), "a masked file is a file");
}

#[test]
fn a_file_hides_those_of_its_name_in_lesser_folders() {
    let storage = |tree: &MemoryTree| last(tree, "Storage").map(|(value, _)| value);
    let mut tree =
        MemoryTree::of(&[("/usr/lib/systemd/journald.conf.d/a.conf", "[Journal]\nStorage=none\n")]);
    assert_eq!(storage(&tree).unwrap(), "none");
    tree.write("/run/systemd/journald.conf.d/a.conf", "[Journal]\nStorage=auto\n");
    assert_eq!(storage(&tree).unwrap(), "auto");
    tree.link("/etc/systemd/journald.conf.d/a.conf", "/dev/null");
    assert!(storage(&tree).is_none());
    tree.remove("/etc/systemd/journald.conf.d/a.conf");
    tree.write("/etc/systemd/journald.conf.d/.b.conf", "[Journal]\nStorage=none\n");
    tree.write("/etc/systemd/journald.conf.d/b.conf.bak", "[Journal]\nStorage=none\n");
    assert_eq!(storage(&tree).unwrap(), "auto");
}

#[test]
fn a_value_that_can_not_be_read_is_passed_over() {
    let tree = MemoryTree::of(&[(
        "/etc/systemd/journald.conf",
        "[Journal]\nSeal=no\nSeal=maybe \\\\\nSeal=\nX=?\n",
    )]);
    let seal = read(&tree).last_valid("Journal", "Seal", parse_boolean).unwrap();
    assert_eq!((seal.value, seal.at.line), (false, Some(2)));
    assert!(read(&tree).last_valid("Journal", "X", parse_boolean).is_none());
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::of(&[("/etc/systemd/journald.conf", "[Journal]\n")]);
    for folder in FOLDERS {
        if dice.once_in(3) {
            tree.write(format!("{folder}/{NAME}"), "[Journal]\n");
        }
        for file in ["a.conf", "B.conf", "10-x.conf", "2-x.conf", "x.conf~", ".h.conf", "é.conf"] {
            if dice.once_in(3) {
                tree.write(format!("{folder}/{NAME}.d/{file}"), "[Journal]\nStorage=auto\n");
            }
        }
    }
    tree
}

fn files_of_systemd(tree: &MemoryTree) -> Vec<String> {
    let disk = tree.on_disk();
    let root = format!("--root={}", disk.path().display());
    let output = std::process::Command::new("systemd-analyze")
        .args([root.as_str(), "cat-config", "--no-pager", NAME])
        .output()
        .expect("this test needs systemd-analyze");
    let said = String::from_utf8(output.stdout).unwrap();
    let prefix = format!("# {}", disk.path().display());
    said.lines().filter_map(|line| line.strip_prefix(&prefix)).map(str::to_owned).collect()
}

#[test]
fn systemd_reads_the_same_files_in_the_same_order() {
    let judge = |tree: &MemoryTree| Verdict::same(&read(tree).files, &files_of_systemd(tree));
    Differential::cases(25).run(generate, judge);
}

#[test]
fn nonsense_assigns_nothing() {
    for text in ["[", "]", "=", "\\", "[a\n=\\\n\\\n", "a\\\n\n\nb", "\u{0}"] {
        read(&MemoryTree::of(&[("/etc/systemd/journald.conf", text)]));
    }
    assert_eq!(read(&MemoryTree::new()).files, [""; 0]);
}

/// Lines around the two keys of pstore.conf, of every kind that a parser may take wrongly.
const LINES: &[&str] = &[
    "[PStore]\n",
    "[PStore]\n",
    "[PStore]\n",
    "[PStore]\n",
    " [PStore]\t\r\n",
    "[pstore]\n",
    "[X-Other]\n",
    "[PStore]x\n",
    "[PStore\n",
    "[ PStore ]\n",
    "[PS\"tore]\n",
    "[]\n",
    "\u{feff}[PStore]\n",
    "\u{feff}Storage=none\n",
    "\n",
    " \t\n",
    "\r",
    "\0",
    "\n\r",
    "\u{c}\n",
    "#Storage=none\n",
    "; Storage=none\n",
    "  # Unlink=no\n",
    "# comment \\\n",
    "\u{c}# Storage=none\n",
    "Storage=none # comment\n",
    "Storage=journal\n",
    "Storage=journal\n",
    "Storage=external\n",
    "Storage=none\n",
    "Storage = none\n",
    "\tStorage\t=\tjournal \r\n",
    "Storage=None\n",
    "storage=none\n",
    "Storage=\n",
    "Storage\n",
    "Storage = = none\n",
    "=none\n",
    "Storage=\"none\"\n",
    "Storage=none\\\n",
    "Storage=\\\nnone\n",
    "Storage=\\\n# comment\n\n;x\nnone\n",
    "Storage\\\n=none\n",
    "Storage=journal\\\\\n",
    "Storage=\\\n",
    "Storage=none\u{a0}\n",
    "Storage=none\u{b}\n",
    "Storage=\u{fdd0}\n",
    "Sto\\\nrage=none\n",
    "Unlink=yes\n",
    "Unlink=no\n",
    "Unlink=0\n",
    "Unlink=1\n",
    "Unlink=On\n",
    "Unlink=oFF\n",
    "Unlink=t\n",
    "Unlink=F\n",
    "Unlink=TRUE\n",
    "Unlink=false\n",
    "Unlink=y\n",
    "Unlink=n\n",
    "Unlink=2\n",
    "Unlink=\n",
    "Unlink= no\n",
    "Unlink=yes no\n",
    "Unlink:no\n",
    "unlink=no\n",
    "Unlink=no\rUnlink=yes\n",
    "Unlink=no\0Unlink=yes\n",
    "Unlink=no",
    "x\\\n",
    "\\\n",
    "\\",
    "Other=1\n",
];

fn text(dice: &mut Dice) -> Vec<u8> {
    let mut text = Vec::new();
    if dice.chance(80) {
        text.extend(b"[PStore]\n");
    }
    for _ in 0..dice.below(7) {
        text.extend(dice.pick(LINES).bytes());
        if dice.once_in(60) {
            text.extend(dice.pick(&[
                &b"Unlink=no\xff\n"[..],
                b"# \xff\n",
                b"\xff\xfe[PStore]\n",
                b"\xed\xa0\x80\n",
            ]));
        }
    }
    text
}

fn pstore(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    for folder in FOLDERS {
        let file = format!("{folder}/systemd/pstore.conf");
        if dice.once_in(if folder == "/etc" { 1 } else { 4 }) {
            tree.write(&file, text(dice));
        }
        for name in ["10-a.conf", "2.conf", "B.conf", "b.conf", "b.conf~", ".c.conf"] {
            let file = format!("{folder}/systemd/pstore.conf.d/{name}");
            match dice.below(30) {
                0..4 => tree.write(&file, text(dice)),
                4 => tree.link(
                    &file,
                    dice.pick(&["/dev/null", "nowhere", "2.conf", "..", "/etc/systemd/pstore.conf"]),
                ),
                5 => tree.write(file + "/x", ""),
                _ => continue,
            };
        }
    }
    tree
}

/// `Storage=` and `Unlink=` as systemd-pstore would take them, in the words that it says them with.
fn concluded(tree: &MemoryTree) -> (String, String) {
    let mut tree = tree.clone();
    tree.write("/usr/lib/systemd/libsystemd-shared-252.so", "");
    let config = IniDropin::read(tree.root(), "systemd/pstore.conf").unwrap();
    let word = |text: &str| ["none", "external", "journal"].contains(&text).then(|| text.to_owned());
    let storage = config.last_valid("PStore", "Storage", word).map_or("external".into(), |set| set.value);
    let unlink = config.last_valid("PStore", "Unlink", parse_boolean).is_none_or(|set| set.value);
    (storage, if unlink { "yes" } else { "no" }.to_owned())
}

#[test]
fn systemd_reads_the_same_values() {
    if program("systemd-analyze").is_none() {
        return;
    }
    let Some(mut lab) = Lab::open() else { return };
    let files = FOLDERS.map(|folder| format!("{folder}/systemd/pstore.conf"));
    let question = Question {
        argv: vec!["/usr/lib/systemd/systemd-pstore".into()],
        environment: [("SYSTEMD_LOG_LEVEL".to_owned(), "debug".to_owned())].into(),
        cleared: files.iter().flat_map(|file| [file.clone(), format!("{file}.d")]).collect(),
        ..Question::default()
    };
    Differential::cases(60).run(pstore, |tree| {
        let answer = lab.ask(tree, &question);
        let said = |start: &str| {
            let line = answer.output.lines().find_map(|line| line.strip_prefix(start));
            line.unwrap_or_else(|| panic!("{answer:?}")).trim_end_matches('.').to_owned()
        };
        Verdict::same(&concluded(tree), &(said("Selected storage: "), said("Selected unlink: ")))
    });
}
