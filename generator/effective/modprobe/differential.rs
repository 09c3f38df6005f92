//! Holds the reader against the real `modprobe` and `systemd-modules-load`.

use std::path::Path;
use std::process::Command;

use super::{FOLDERS, LOAD_FOLDERS, loaded_at_boot, read, underscored};
use crate::effective::testing::{Dice, Differential, Folders, MemoryTree, Verdict, agree, program};

const MODULES: [&str; 5] = ["usb-storage", "usb_storage", "dccp", "cramfs", "snd-hda-intel"];

fn line(dice: &mut Dice) -> String {
    let module = dice.pick(&[
        "usb-storage",
        "usb_storage",
        "dccp",
        "cramfs",
        "usb*",
        "u?b_st*",
        "[d]ccp",
        "snd[-_]hda-intel",
        "snd[",
        "dc]p",
        "*",
        "DCCP",
        "d\\ccp",
        "cramfs\\\n",
    ]);
    let blank = dice.pick(&[" ", " ", "\t", "  ", " \t", " \\\n", "\\\n"]);
    let command = dice.pick(&[
        "/bin/false",
        "/bin/true",
        "/sbin/modprobe -i usb-storage",
        "/bin/false # c",
        " /bin/sh -c 'a\\b'",
        "/bin/false \\\n; true",
        "\\",
        "",
    ]);
    let start = dice.pick(&["", "", "", "", "", " ", "\t", "#", " #", "\u{feff}", "\\"]);
    let end = dice.pick(&["\n", "\n", "\n", "\n", " \n", "\r\n", "\\\n", "\n\n", "", "\0x\n"]);
    let what = match dice.below(10) {
        0..=4 => format!("install{blank}{module}{blank}{command}"),
        5 | 6 => format!("blacklist{blank}{module}"),
        7 => format!("options{blank}{module}{blank}a=1"),
        8 => format!("# install {module} /bin/true"),
        _ => dice
            .pick(&[
                "Install dccp /bin/true",
                "install",
                "blacklist",
                "remove dccp /bin/true",
                "softdep a pre: b",
            ])
            .to_owned(),
    };
    format!("{start}{what}{end}")
}

/// Up to five files, links and directories.
fn generate(dice: &mut Dice, folders: &[&str], mut line: impl FnMut(&mut Dice) -> String) -> MemoryTree {
    let mut tree = MemoryTree::new();
    folders.iter().for_each(|folder| _ = tree.directory(folder));
    for _ in 0..dice.range(1..=5) {
        let names = [
            "a.conf", "b.conf", "9.conf", "Z.conf", ".h.conf", "a.txt", "a.alias", "a.conf~", ".conf",
            "a b.conf",
        ];
        let path = format!("{}/{}", dice.pick(folders), dice.pick(&names));
        if tree.root().entry(&path).unwrap().is_some() {
            continue;
        }
        match dice.below(14) {
            0 => tree.link(&path, "/dev/null"),
            1 => tree.link(&path, "nowhere"),
            2 => tree.directory(&path),
            3 => tree.write(&path, ""),
            4 => {
                let text = line(dice);
                tree.write(format!("{}/aside", path.rsplit_once('/').unwrap().0), text).link(&path, "aside")
            }
            _ => {
                let text: String = (0..dice.range(1..=6)).map(|_| line(dice)).collect();
                tree.write(&path, text)
            }
        };
    }
    tree
}

/// `-C` names the folders in their order, for modprobe itself takes the machine's.
fn modprobe(disk: &Path, arguments: &[&str]) -> String {
    let folders = FOLDERS.iter().flat_map(|folder| ["-C".to_owned(), format!("{}{folder}", disk.display())]);
    let output = Command::new("modprobe").args(folders).args(arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Modules without code, in a folder as modprobe wants it.
fn made_modules() -> tempfile::TempDir {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path().join("lib/modules/6.0");
    std::fs::create_dir_all(&folder).unwrap();
    let source = r#"static const char license[] __attribute__((section(".modinfo"), used)) = "license=GPL";"#;
    std::fs::write(folder.join("module.c"), source).unwrap();
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    run(Command::new("gcc").arg("-c").current_dir(&folder).args(["-o", "module.o", "module.c"]));
    for module in MODULES.into_iter().filter(|module| *module != "usb_storage") {
        std::fs::copy(folder.join("module.o"), folder.join(format!("{module}.ko"))).unwrap();
    }
    std::fs::write(folder.join("modules.order"), "").unwrap();
    std::fs::write(folder.join("modules.builtin"), "").unwrap();
    run(Command::new("depmod").arg("-b").arg(top.path()).arg("6.0"));
    top
}

fn compare(tree: &MemoryTree, modules: &Path) -> Verdict {
    let disk = tree.on_disk();
    let config = read(tree.root()).unwrap();
    let listing = modprobe(disk.path(), &["--showconfig"]);
    let lines = |start: &str| -> Vec<String> {
        listing.split('\n').filter(|l| l.starts_with(start)).map(str::to_owned).collect()
    };
    // What else a soft dependency would load is none of the reader's.
    let softly = lines("softdep ").concat();
    let asked = MODULES.into_iter().filter(|module| !softly.contains(&underscored(module)));
    let runs = |module| {
        let options = lines(&format!("options {} ", underscored(module)));
        runs(disk.path(), modules, module, &options)
    };
    let command = |module| Some(config.install(module)?.value.value.trim_end_matches(' ').to_owned());
    let theirs =
        (lines("blacklist "), lines("install "), asked.clone().map(|m| (m, runs(m))).collect::<Vec<_>>());
    let ours = (
        config.blacklist.iter().map(|l| format!("blacklist {}", l.value)).collect(),
        config.installs.iter().map(|(name, line)| format!("install {name} {}", line.value)).collect(),
        asked.map(|m| (m, command(m))).collect(),
    );
    Verdict::same(&ours, &theirs)
}

/// What modprobe would run for a module, without the module's options; nothing where it would load it.
fn runs(disk: &Path, modules: &Path, module: &str, options: &[String]) -> Option<String> {
    let said = modprobe(disk, &["-n", "-v", "-S", "6.0", "-d", &modules.to_string_lossy(), module]);
    assert!(said.starts_with("install ") || said.starts_with("insmod "), "{said}");
    let start = format!("options {} ", underscored(module)).len();
    let options: Vec<&str> = options.iter().map(|line| &line[start..]).collect();
    let command = said.strip_prefix("install ")?.strip_suffix('\n')?;
    // What the command line adds comes last: nothing.
    let command = command.strip_suffix(' ').unwrap_or(command);
    Some(command.strip_suffix(&options.join(" ")).unwrap_or(command).trim_end_matches(' ').to_owned())
}

#[test]
fn agrees_with_modprobe() {
    if program("modprobe").is_none() || program("gcc").is_none() {
        return;
    }
    let modules = made_modules();
    let compare = |tree: &MemoryTree| compare(tree, modules.path());
    let mut shipped = MemoryTree::load(Path::new("/usr/lib/modprobe.d"), "/usr/lib/modprobe.d");
    shipped.overlay(&MemoryTree::load(Path::new("/etc/modprobe.d"), "/etc/modprobe.d"));
    FOLDERS.iter().for_each(|folder| _ = shipped.directory(folder));
    agree(shipped, compare);
    Differential::cases(60).run(|dice| generate(dice, &FOLDERS, line), compare);
}

/// The program's own messages name each module that it would load; none of them exists.
const SCRIPT: &str = r#"
def answer():
    said = subprocess.run(["/lib/systemd/systemd-modules-load"], env={"SYSTEMD_LOG_LEVEL": "debug"},
                          capture_output=True).stderr.decode(errors="replace")
    return "|".join(l.split("module: ", 1)[1] for l in said.split("\n") if l.startswith("Loading module: "))
"#;

#[test]
fn agrees_with_systemd_modules_load() {
    let Some(mut real) = Folders::start("/lib/systemd/systemd-modules-load", "modules-load.d", SCRIPT, &[])
    else {
        return;
    };
    let line = |dice: &mut Dice| {
        let start = dice.pick(&["", "", "", " ", "\t", "#", ";", " # "]);
        let name = dice.pick(&["none-a", "none_b", "none c", "none-d # x", "none-e;"]);
        format!("{start}{name}{}", dice.pick(&["\n", "\n", " \n", "\r\n", "\r", "\0", "\n\n", "\\\n", ""]))
    };
    let judge = |tree: &MemoryTree| {
        let ours: Vec<String> = loaded_at_boot(tree.root()).unwrap().into_iter().map(|m| m.value).collect();
        Verdict::same(&ours.join("|"), &real.ask(tree))
    };
    Differential::cases(150).run(|dice| generate(dice, &LOAD_FOLDERS, line), judge);
}
