use std::process::Command;

use super::*;
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict};

#[test]
fn good_bad_good() {
    let list = "# c\ndeb [arch=amd64 signed-by=/k.gpg] http://h/d s main contrib # end\n";
    let mut fixture = MemoryTree::of(&[(MAIN, list)]);
    let read = |tree: &MemoryTree| Sources::read(tree.root()).unwrap();
    let source = read(&fixture).enabled[0].clone();
    assert_eq!(source.signed_by(), Some("/k.gpg"));
    assert_eq!(source.trusted(), None);
    assert_eq!(source.components, ["main", "contrib"]);
    assert_eq!(source.at, Location::line("/etc/apt/sources.list", 2));

    fixture.write(MAIN, "deb [trusted=yes] http://h/d s main\n");
    assert_eq!(read(&fixture).enabled[0].trusted(), Some(true));
    fixture.write(MAIN, "deb http://h/d\n");
    assert_eq!(read(&fixture).broken.len(), 1);
    fixture.write(MAIN, list);
    assert!(read(&fixture).broken.is_empty());
}

#[test]
fn paragraphs_name_many_and_can_be_off() {
    let fixture = MemoryTree::of(&[(
        "etc/apt/sources.list.d/x.sources",
        "Types: deb deb-src\nURIs: http://h/d\nSuites: a a-updates\n# c\nComponents: main\n\
         Signed-By:\n -----BEGIN\n .\n\nEnabled: no\nTypes: deb\nURIs: u:\nSuites: b\nComponents: c\n",
    )]);
    let sources = Sources::read(fixture.root()).unwrap();
    assert_eq!(sources.enabled.len(), 1);
    assert_eq!(sources.enabled[0].suites, ["a", "a-updates"]);
    assert_eq!(sources.disabled, [Location::line("/etc/apt/sources.list.d/x.sources", 10)]);
}

/// Every enabled binary source, as `uri|suite|component`, sorted; `None` if apt refuses.
fn ours(fixture: &MemoryTree) -> Option<Vec<String>> {
    let sources = Sources::read(fixture.root()).unwrap();
    let mut lines = Vec::new();
    for source in sources.enabled.iter().filter(|s| s.types.contains(&"deb".into())) {
        for uri in &source.uris {
            for suite in &source.suites {
                let path = [String::new()];
                let flat = source.components.is_empty();
                for component in if flat { &path[..] } else { &source.components } {
                    let slash = if uri.ends_with('/') { "" } else { "/" };
                    lines.push(format!("{uri}{slash}|{suite}|{component}"));
                }
            }
        }
    }
    lines.sort();
    lines.dedup();
    sources.broken.is_empty().then_some(lines)
}

fn real(fixture: &MemoryTree) -> Option<Vec<String>> {
    let disk = fixture.on_disk();
    let at = disk.path().display();
    let output = Command::new("apt-get")
        .args(["indextargets", "--no-release-info"])
        .args(["-o", &format!("Dir::Etc::SourceList={at}/{MAIN}")])
        .args(["-o", &format!("Dir::Etc::SourceParts={at}/{PARTS}")])
        .args(["-o", "APT::Architectures::=amd64"])
        .args(["--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages"])
        .output()
        .unwrap();
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let unset = |line: &str| line.replace("$(COMPONENT)", "");
    let mut lines: Vec<String> = text.lines().map(unset).collect();
    lines.sort();
    lines.dedup();
    Some(lines)
}

#[test]
fn agrees_with_apt_on_generated_sources() {
    let tally = Differential::cases(300).run(generated, |tree| Verdict::of(ours(tree), real(tree)));
    assert!(tally.refused > 0 && tally.refused < tally.agreed, "one-sided cases: {tally}");
}

fn generated(dice: &mut Dice) -> MemoryTree {
    let mut tree = MemoryTree::new();
    tree.write(MAIN, one_line(dice));
    let name = dice.pick(&["a.list", "b.list.bak", "c", "d e.list"]);
    tree.write(format!("{PARTS}/{name}"), one_line(dice));
    let name = dice.pick(&["a.sources", "x.sources~", "z.y.sources"]);
    tree.write(format!("{PARTS}/{name}"), paragraph(dice));
    tree
}

/// Each with a URI of its own: apt objects to one archive with two different options.
fn one_line(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(4) {
        let n = dice.below(1_000_000);
        let options = dice.pick(&["", "", "[trusted=yes] ", "[ arch=amd64 trusted=no ] ", "[arch=amd64]\t"]);
        let tail = dice.pick(&["s main", "s main contrib", "path/", "./", "s  main # c", "s \"main\""]);
        text += &match dice.below(40) {
            0 => "deb\n".to_owned(),
            1 => format!("deb http://h{n}/d s\n"),
            2 => format!("deb http://h{n}/d path/ main\n"),
            3 => format!("rpm http://h{n}/d s main\n"),
            4 => format!("deb [trusted] http://h{n}/d s main\n"),
            5..=9 => format!("# deb http://h{n}/d s main\n\n"),
            10..=13 => format!("deb-src http://h{n}/d s main\n"),
            _ => format!("deb {options}http://h{n}/d {tail}\n"),
        };
    }
    text
}

fn paragraph(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..1 + dice.below(3) {
        let n = dice.below(1_000_000);
        text += dice.pick(&["Types: deb\n", "types: deb deb-src\n", "Types: deb-src\n"]);
        text += &format!("URIs: http://h{n}/d http://g{n}/e/\n");
        text += dice.pick(&["Suites: a b\n", "Suites:\n a\n b\n", "Suites: a\n# c\n"]);
        text += dice.pick(&["Components: main\n", "Components: main contrib\n"]);
        text += dice.pick(&["", "Enabled: no\n", "Enabled: yes\n", "Enabled: 0\n", "Trusted: yes\n"]);
        text += if dice.once_in(30) { "Types: rpm\n\n" } else { "\n" };
    }
    text
}
