//! Against the real GRUB: `grub-emu` runs generated scripts with its own script engine, menu and
//! environment block, and says with which words the default entry called `linux`.

use std::process::Command;

use super::default_linux;
use crate::effective::testing::{Dialogue, Dice, Differential, MemoryTree, Verdict, program, skip};

/// Each line names a tree, whose `/boot` GRUB sees. `linux` is no command of `grub-emu`, so that a
/// function can take its place; `initrd` ends the program. A menu that starts nothing is killed.
const EMULATOR: &str = r#"
import os, re, subprocess, sys
WRAPPER = '''function linux { echo; echo "@@BEGIN@@"; for own in "$@"; do echo "@<$own>@"; done; }
function initrd { exit; }
timeout=0
source /boot/grub/case.cfg
timeout=0
'''
for line in sys.stdin:
    boot = line.rstrip("\n") + "/boot"
    subprocess.run(["mount", "--bind", boot, "/boot"], check=True)
    broken = lambda path: os.path.exists(path) and (
        (check := subprocess.run(["grub-script-check", path], capture_output=True)).returncode
        and b"no commands" not in check.stderr)
    answer = "unanswered" if broken("/boot/grub/custom.cfg") else "refused"
    if not broken("/boot/grub/grub.cfg") and answer == "refused" and os.path.exists("/boot/grub/grub.cfg"):
        os.rename("/boot/grub/grub.cfg", "/boot/grub/case.cfg")
        open("/boot/grub/grub.cfg", "w").write(WRAPPER)
        child = subprocess.Popen(["grub-emu", "-d", "/boot/grub", "-m", "/dev/null"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # After an error it waits for any key.
        try: said = child.communicate(b"z" * 64, timeout=2)[0]
        except subprocess.TimeoutExpired:
            child.kill()
            said = child.communicate()[0]
        said = re.sub(r"\x1b\[[0-9;]*[A-Za-z]|[\r\n]", "", said.decode("utf-8", "replace"))
        calls = said.split("@@BEGIN@@")[1:]
        answer = "linux " + "\x1f".join(re.findall("@<(.*?)>@", calls[-1])) if calls else "none"
    subprocess.run(["umount", "/boot"], check=True)
    print(answer, flush=True)
"#;

/// What makes the result the machine's.
const FOREIGN: [&str; 2] = ["$grub_platform", "insmod"];
/// A command that is unknown would be the machine's, too: these are functions from the start.
const FUNCTIONS: &str = "function f { true; }\nfunction g { true; }\n";

#[test]
fn agrees_with_grub_emu() {
    if program("grub-emu").is_none() || program("grub-script-check").is_none() {
        return;
    }
    let can = Command::new("unshare").args(["-rm", "true"]).output();
    if !can.is_ok_and(|out| out.status.success()) {
        skip("there are no namespaces");
        return;
    }
    let mut command = Command::new("unshare");
    let mut grub = Dialogue::start(command.args(["-rm", "python3", "-c", EMULATOR]));
    let mut started = 0;
    let tally = Differential::cases(60).run(generate, |tree| {
        let ours = default_linux(tree.root()).unwrap();
        let theirs = grub.ask(&tree.on_disk().path().to_string_lossy());
        let shown = tree.shown();
        let undefined = !FUNCTIONS.lines().all(|line| shown.contains(line));
        let foreign = undefined || FOREIGN.iter().any(|word| shown.contains(word));
        let ours = match ours {
            Ok((_, words)) if foreign && words.iter().any(|word| !word.certain) => {
                return Verdict::Unanswered;
            }
            Ok((_, words)) => {
                let words: Vec<String> = words.into_iter().map(|word| word.text.replace('\n', "")).collect();
                format!("linux {}", words.join("\x1f"))
            }
            Err(why) if why.contains("can't read") => "refused".to_owned(),
            Err(why)
                if ["too deeply", "by itself"].iter().any(|w| why.contains(w))
                    || (why.contains("depends") && foreign) =>
            {
                return Verdict::Unanswered;
            }
            Err(why) if ["no entry", "no Linux", "too long"].iter().any(|w| why.contains(w)) => {
                "none".to_owned()
            }
            Err(why) if why.contains("there is no") => "refused".to_owned(),
            Err(why) => why,
        };
        if theirs == "unanswered" {
            return Verdict::Unanswered;
        }
        started += u64::from(theirs.starts_with("linux"));
        match ours == "refused" && theirs == "refused" {
            true => Verdict::Refuse,
            false => Verdict::same(&ours, &theirs),
        }
    });
    assert!(started * 2 > tally.agreed, "only {started} menus started something: {tally}");
}

fn generate(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let mut script = Script { dice, text: FUNCTIONS.to_owned(), depth: 0, titles: 0 };
    for _ in 0..script.dice.range(1..=6) {
        script.statement(true);
    }
    if script.dice.chance(70) {
        let default = script.dice.pick(&[
            "0",
            "1",
            "2",
            "1>0",
            "1>1",
            "t1",
            "t2",
            "'a b'",
            "\"t 3\"",
            "id1",
            "id2>id3",
            "t1>t2",
            "0x1",
            "01",
            "-1",
            "'1 t'",
            "'x>>y'",
            "id4",
            "2>t3>id1",
            "' 1'",
            "'1>'",
            "'3>>'",
            "99999999999999999999",
            "$saved_entry",
            "\"${saved_entry}\"",
            "\"${next_entry}\"",
            "08",
        ]);
        script.line(&format!("set default={default}"));
    }
    for _ in 0..script.dice.range(1..=4) {
        script.entry();
    }
    for _ in 0..script.dice.below(3) {
        script.statement(true);
    }
    let text = script.finished();
    tree.write("/boot/grub/grub.cfg", text);
    tree.directory("/boot/d").write("/boot/empty", "").write("/boot/full", "x");
    if dice.chance(50) {
        let mut custom = Script { dice, text: String::new(), depth: 1, titles: 0 };
        custom.statement(true);
        custom.statement(true);
        let text = custom.finished();
        tree.write("/boot/grub/custom.cfg", text);
    }
    if dice.chance(70) {
        let signature = dice.pick(&[
            "# GRUB Environment Block\n",
            "# GRUB Environment Block\n",
            "# GRUB environment\n",
            "",
        ]);
        let mut block = signature.to_owned();
        for _ in 0..dice.below(4) {
            block += dice.pick(&[
                "saved_entry=1\n",
                "saved_entry=t2\n",
                "next_entry=1>1\n",
                "a=x\\\ny\n",
                "# a=c\n",
                "a\n",
                "b=\\\\q\n",
                "a=1=2\n",
                " b=3\n",
                "c=",
                "#",
                "\n",
                "default=id2\n",
                "b=a b\n",
            ]);
        }
        block += dice.pick(&["", "####", "#######\n", "\n"]);
        tree.write("/boot/grub/grubenv", block);
    }
    tree
}

/// A script that grows.
struct Script<'d> {
    dice: &'d mut Dice,
    text: String,
    depth: usize,
    titles: usize,
}

impl Script<'_> {
    fn line(&mut self, text: &str) {
        let indent = self.dice.pick(&["", "", "  ", "\t"]);
        let end = self.dice.pick(&[
            "\n",
            "\n",
            "\n",
            "\n",
            ";\n",
            " ; ",
            "\n\n",
            " # c 'x\n",
            "\r\n",
            "\n#c\n",
            "\t\n",
        ]);
        self.text += &format!("{indent}{text}{end}");
    }

    fn name(&mut self) -> &'static str {
        self.dice.pick(&["a", "b", "c", "saved_entry", "default", "x1"])
    }

    /// One word of an argument list.
    fn word(&mut self) -> &'static str {
        self.dice.pick(&[
            "x",
            "y",
            "1",
            "'a b'",
            "\"a  b\"",
            "$a",
            "\"$a\"",
            "${b}",
            "\"${b}\"",
            "$c$a",
            "x$a'y'",
            "\"\"",
            "''",
            "\"$zz\"",
            "$zz",
            "x\\ y",
            "\\\\",
            "\"\\$a\"",
            "\"\\\\\"",
            "'\\'",
            "\"a\\qb\"",
            "a=b",
            "\\$a",
            "\"'\"",
            "'\"'",
            "$1",
            "$#",
            "\"$@\"",
            "$*",
            "$?",
            "\"$*\"",
            "-a",
            "=",
            "if",
            "fi",
            "a#b",
            "x\\\ny",
            "\"x\\\ny\"",
            "$@",
            "q\"$@\"r",
            "[",
            "!",
        ])
    }

    fn words(&mut self, most: usize) -> String {
        let count = self.dice.below(most + 1);
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(self.dice.pick(&[" ", " ", "  ", "\t"]))
    }

    fn condition(&mut self) -> String {
        let word = |script: &mut Self| script.word().replace("if", "i").replace("fi", "f");
        let (a, b) = (word(self), word(self));
        match self.dice.below(16) {
            0..=2 => format!("[ \"x$a\" = {a} ]"),
            3 => format!("[ {a} = {b} ]"),
            4 => format!("[ {a} != {b} -a {b} = x ]"),
            5 => format!("test {a} = {b} -o -n \"$b\""),
            6 => format!("[ -z {a} ]"),
            7 => {
                let flag = self.dice.pick(&["-e", "-f", "-s", "-d", "! -f", "! ! -s"]);
                let path = self.dice.pick(&[
                    "$prefix/grubenv",
                    "$prefix/custom.cfg",
                    "/boot/full",
                    "/boot/empty",
                    "/boot/d",
                    "/boot/none",
                    "(host)/boot/full",
                    "${config_directory}/custom.cfg",
                    "/boot/d/",
                ]);
                // The emulator's file system, unlike others, gives a directory a size.
                let path = if flag.ends_with("-s") {
                    path.replace("/boot/d", "/boot/empty")
                } else {
                    path.to_owned()
                };
                let path = path.replace("/empty/", "/empty");
                format!("[ {flag} {path} ]")
            }
            8 => {
                let operator =
                    self.dice.pick(&["-eq", "-ne", "-lt", "-le", "-gt", "-ge", "<", ">", "<=", ">="]);
                let numbers = ["1", "2", "-1", "0x10", "010", "x", "$a", "16", "8", "''"];
                let (a, b) = (self.dice.pick(&numbers), self.dice.pick(&numbers));
                let operator =
                    if operator.starts_with('-') { operator.to_owned() } else { format!("'{operator}'") };
                format!("[ {a} {operator} {b} ]")
            }
            9 => self
                .dice
                .pick(&["true", "false", "! true", "! false", "a=1", "true; false", "set"])
                .to_owned(),
            10 => format!("[ '(' {a} = x -o {b} ')' -a \"$b\" ]"),
            11 => self
                .dice
                .pick(&["[ ]", "[ ! ]", "[ -a ]", "[ x -o ]", "[ -n ]", "[ a b ]", "test"])
                .to_owned(),
            12 if self.dice.once_in(3) => "[ $grub_platform = pc ]".to_owned(),
            12 if self.dice.once_in(3) => "insmod regexp".to_owned(),
            13 => "f 1 'b c'".to_owned(),
            14 => "[ x${feature_menuentry_id} = xy ]".to_owned(),
            _ => format!("[ \"$a\" = {b} ]"),
        }
    }

    fn block(&mut self, in_loop: bool) {
        self.depth += 1;
        for _ in 0..self.dice.range(1..=2) {
            self.statement(false);
        }
        if in_loop && self.dice.once_in(3) {
            let leave = self.dice.pick(&["break", "continue", "break 2", "break 0", "continue 3"]);
            self.line(leave);
        }
        self.depth -= 1;
    }

    fn statement(&mut self, top: bool) {
        let simple = self.depth > 3;
        match self.dice.below(if simple { 9 } else { 16 }) {
            0..=2 => {
                let (name, word) = (self.name(), self.word());
                let text =
                    self.dice.pick(&["set N=W", "N=W", "set N=W", "set \"N=1 2\"", "N=W x", "set N = W"]);
                let text = text.replace('N', name).replace('W', word);
                self.line(&text);
            }
            3 => {
                let name = self.name();
                let text =
                    self.dice.pick(&["unset N", "export N", "export N", "export N zz"]).replace('N', name);
                self.line(&text);
            }
            4 => {
                let text = self.dice.pick(&[
                    "load_env",
                    "load_env",
                    "load_env saved_entry a",
                    "load_env -f $prefix/grubenv",
                    "load_env --file /boot/full",
                    "load_env --file=$prefix/grubenv b",
                ]);
                self.line(text);
            }
            5 => {
                let text = self.dice.pick(&[
                    "f",
                    "f x 'y z'",
                    "g \"$a\" 2",
                    "f $b",
                    "true",
                    "echo hi",
                    "shift",
                    "f 'x y'",
                ]);
                self.line(text);
            }
            6 if self.depth == 0 => {
                let text = self.dice.pick(&[
                    "source $prefix/custom.cfg",
                    ". /boot/grub/custom.cfg",
                    "source /boot/none",
                ]);
                self.line(text);
            }
            6 | 7 if !simple => self.entry(),
            6..=8 => {
                let words = self.words(3);
                self.line(&format!("set c=\"$a\"{}", if words.is_empty() { "" } else { " " }));
            }
            9..=11 => {
                let condition = self.condition();
                let then = self.dice.pick(&["; then\n", "\nthen\n", "; then ", " ;\n then\n"]);
                self.text += &format!("if {condition}{then}");
                self.block(false);
                if self.dice.once_in(3) {
                    let condition = self.condition();
                    self.text += &format!("elif {condition}; then\n");
                    self.block(false);
                }
                if self.dice.chance(50) {
                    self.text += "else ";
                    self.block(false);
                }
                self.line("fi");
            }
            12 => {
                let (name, words) = (self.name(), self.words(4));
                self.text += &format!("for {name} in {words}; do\n");
                self.block(true);
                self.line("done");
            }
            13 => {
                let text = self.dice.pick(&["while [ \"$N\" != iii ]", "until [ x$N = xii ]"]);
                let text =
                    format!("set N=\n{text}; do\nset N=i$N\n").replace('N', &format!("n{}", self.depth));
                self.text += &text;
                self.block(false);
                self.line("done");
            }
            14 | 15 if top && self.depth == 0 => {
                let name = self.dice.pick(&["f", "f", "g"]);
                self.text += &format!("function {name} {{\n");
                if self.dice.chance(60) {
                    let text = self.dice.pick(&[
                        "set a=\"$1\"",
                        "set b=$#",
                        "for a in \"$@\"; do set c=\"$c,$a\"; done",
                        "set c=\"$*\"",
                        "shift; set a=$1",
                        "set b=$2",
                        "export a",
                    ]);
                    self.line(text);
                }
                self.block(false);
                if self.dice.once_in(3) {
                    let text =
                        self.dice.pick(&["return", "return 1", "return 0", "if true; then return 0; fi"]);
                    self.line(text);
                }
                self.text += "\n}\n";
            }
            _ => {
                let broken = self.dice.once_in(12);
                let text = self.dice.pick(&[
                    "fi",
                    "echo }",
                    "if true then",
                    "x |",
                    "a && b",
                    "'",
                    "$ x",
                    "{",
                    ";",
                    "done x",
                    "[[ a ]]",
                ]);
                self.line(if broken { text } else { "true" });
            }
        }
    }

    fn entry(&mut self) {
        self.titles += 1;
        let titles =
            ["t1", "'a b'", "\"t 3\"", "\"$a\"", "t$b", "'1 t'", "'x>y'", "2", "'6.1 k'", "t2", "''"];
        let title = self.dice.pick(&titles);
        let options: Vec<&str> =
            self.dice.subset(&["--class os", "--unrestricted", "$id_option", "--users ''"]);
        let options: String = options.iter().map(|option| format!(" {option}")).collect();
        let options = options.replace(" --users ''", "");
        let id = self.dice.pick(&[
            "",
            "",
            " --id id1",
            " --id id2",
            " --id=id3",
            " --id 'id4'",
            " --id id4 arg",
            " second",
            " --id 1",
        ]);
        let submenu = self.depth < 3 && self.dice.once_in(3);
        let word = if submenu { "submenu" } else { "menuentry" };
        let heading = self.dice.pick(&["W T O I {\n", "W T O I { ", "W O I T {\n\n", "W T I O {\n"]);
        let heading =
            heading.replace('W', word).replace('T', title).replace(" O", &options).replace(" I", id);
        self.text += &heading;
        self.depth += 1;
        if self.dice.once_in(3) {
            self.statement(false);
        }
        if submenu {
            for _ in 0..self.dice.range(1..=3) {
                self.entry();
            }
        } else {
            let words = self.words(4);
            let number = self.titles * 10 + self.depth;
            let end = self.dice.pick(&["\n", ";", "\n\n"]);
            self.text += &format!(" linux /k{number} {words} \"$1\" \"$default\" c=\"$c\"{end} initrd /i\n");
        }
        self.depth -= 1;
        self.line("}");
    }

    fn finished(&mut self) -> String {
        if self.dice.once_in(10) { self.text.trim_end().to_owned() } else { self.text.clone() }
    }
}
