//! Accounts, groups, rights, and the modules that let people in.

use serde_json::Value;

use super::{Maker, file};
use crate::sensitivity::edits::with_line;
use crate::sensitivity::mutant::{Effect, Mutant, Operator};
use crate::tree::Edit;

/// One more account; nobody may log in with a password.
fn account(make: &Maker<'_>, line: &str) -> Vec<Edit> {
    let name = line.split(':').next().unwrap();
    vec![
        make.append("/etc/passwd", &format!("{line}\n")),
        make.append("/etc/shadow", &format!("{name}:!:20454::::::\n")),
    ]
}

pub fn accounts(make: &Maker<'_>) -> Vec<Mutant> {
    let shadow = |from: &str, to: &str| vec![make.replace("/etc/shadow", from, to)];
    vec![
        make.wins(
            Operator::Second,
            "one more with a shell",
            account(make, "mallory:x:1001:1001::/home/mallory:/bin/bash"),
        ),
        make.wins(
            Operator::Second,
            "one more without a shell's name, which means /bin/sh",
            account(make, "mallory:x:1001:1001::/home/mallory:"),
        ),
        make.wins(Operator::Second, "a second root", account(make, "toor:x:0:0::/root:/usr/sbin/nologin")),
        make.wins(Operator::Alter, "an empty password", shadow("games:*:", "games::")),
        make.loses(
            Operator::ShadowLoses,
            "one more that can't log in",
            account(make, "daemon2:x:990:990::/nonexistent:/usr/sbin/nologin"),
        ),
        make.loses(
            Operator::ShadowLoses,
            "one more that can't log in either",
            account(make, "daemon2:x:990:990::/nonexistent:/bin/false"),
        ),
        make.loses(Operator::Alter, "another lock", shadow("games:*:", "games:!:")),
    ]
}

pub fn privileges(make: &Maker<'_>) -> Vec<Mutant> {
    let rule = "games ALL=(ALL) NOPASSWD: ALL\n";
    let sudo = |name: &str, mode: u32, text: &str| vec![file(&format!("/etc/sudoers.d/{name}"), mode, text)];
    let admins = format!("{}:x:", make.base.plan.distro.admin_group);
    let group = |line: &str| {
        let text = make.text("/etc/group");
        let (index, old) = text.lines().enumerate().find(|(_, l)| l.starts_with(line)).unwrap();
        let new = if old.ends_with(':') { format!("{old}games") } else { format!("{old},games") };
        vec![make.put("/etc/group", &with_line(&text, index, &new))]
    };
    vec![
        make.wins(Operator::Second, "a rule of sudo", sudo("zz", 0o440, rule)),
        make.wins(
            Operator::Crlf,
            "a rule of sudo with CR LF",
            sudo("zz", 0o440, &rule.replace('\n', "\r\n")),
        ),
        make.wins(Operator::Tabs, "a rule of sudo with tabs", sudo("zz", 0o440, &rule.replace(' ', "\t"))),
        make.wins(Operator::Indent, "a rule of sudo, indented", sudo("zz", 0o440, &format!("  {rule}"))),
        make.wins(
            Operator::Trailing,
            "a rule of sudo with blanks",
            sudo("zz", 0o440, "games ALL=(ALL) NOPASSWD: ALL   \n"),
        ),
        make.wins(
            Operator::Second,
            "a rule of sudo through an alias",
            sudo("zz", 0o440, "User_Alias CREW = games\nCREW ALL=(ALL) ALL\n"),
        ),
        make.wins(
            Operator::Second,
            "a rule of sudo through an include",
            [sudo("zz", 0o440, "@include /etc/crew\n"), vec![file("/etc/crew", 0o440, rule)]].concat(),
        ),
        make.wins(Operator::Second, "a member of the admin group", group(&admins)),
        make.wins(Operator::Second, "a member of a group that reads the disk", group("disk:x:")),
        make.loses(Operator::Comment, "a rule of sudo in a comment", sudo("zz", 0o440, &format!("# {rule}"))),
        make.loses(Operator::ShadowLoses, "a file that sudo passes over", sudo("zz.conf", 0o440, rule)),
        make.loses(Operator::ShadowLoses, "a member of a group without power", group("games:x:")),
    ]
}

pub fn group(make: &Maker<'_>) -> Vec<Mutant> {
    const PATH: &str = "/etc/group";
    let name = make.field("empty");
    let text = make.text(PATH);
    let (index, line) = text.lines().enumerate().find(|(_, l)| l.starts_with(&format!("{name}:"))).unwrap();
    let gid = line.split(':').nth(2).unwrap();
    let line_is = |new: &str| vec![make.put(PATH, &with_line(&text, index, new))];
    let passwd = make.text("/etc/passwd");
    let (at, games) = passwd.lines().enumerate().find(|(_, l)| l.starts_with("games:")).unwrap();
    let primary = games.replacen(":60:", &format!(":{gid}:"), 1);
    vec![
        make.wins(Operator::Second, "a member", line_is(&format!("{line}games"))),
        make.wins(
            Operator::Second,
            "an account whose group it is",
            vec![make.put("/etc/passwd", &with_line(&passwd, at, &primary))],
        ),
        make.wins(Operator::Comment, "a comment", line_is(&format!("#{line}"))),
        make.wins(
            Operator::Case,
            "capital letters",
            line_is(&line.replace(name, &name.to_ascii_uppercase())),
        ),
        make.loses(
            Operator::ShadowLoses,
            "another group with a member",
            vec![make.append(PATH, "crew:x:64001:games\n")],
        ),
    ]
}

/// Facilities of PAM, and the file of the stack that services share.
const SHARED: [(&str, &str); 4] = [
    ("auth", "common-auth"),
    ("account", "common-account"),
    ("password", "common-password"),
    ("session", "common-session"),
];

pub fn pam(make: &Maker<'_>) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (facility, shared) in SHARED {
        let service = make.item.fields["service"].as_str().unwrap_or(shared);
        let block = make.json(facility);
        let lines: Vec<&Value> = match (block.get("lines"), block.get("module")) {
            (Some(lines), _) => lines.as_array().unwrap().iter().collect(),
            (None, Some(_)) => vec![block],
            _ => continue,
        };
        let path = format!("/etc/pam.d/{service}");
        for wanted in lines {
            all.extend(pam_line(make, &path, facility, wanted["module"].as_str().unwrap()));
        }
    }
    all
}

fn pam_line(make: &Maker<'_>, path: &str, facility: &str, module: &str) -> Vec<Mutant> {
    let text = make.text(path);
    let is_it = |line: &str| {
        line.split_whitespace().next() == Some(facility) && line.split_whitespace().any(|w| w == module)
    };
    let (index, line) = text.lines().enumerate().find(|(_, l)| is_it(l)).unwrap();
    let new = |new: &str| vec![make.put(path, &with_line(&text, index, new))];
    let name = |what: &str| format!("{path}, {facility} {module}, {what}");
    let control = line.split_whitespace().nth(1).unwrap();
    let first = with_line(&text, index, &format!("{facility} sufficient pam_permit.so\n{line}"));
    let shared = vec![make.this(), Effect::PamStack(path.to_owned(), facility.to_owned())];
    let with = |operator, what: &str, edits| make.mutant(operator, &name(what), edits, shared.clone());
    vec![
        with(Operator::Comment, "a comment", new(&format!("# {line}"))),
        with(Operator::Delete, "gone", new("")),
        with(Operator::Alter, "optional", new(&line.replacen(control, "optional", 1))),
        with(
            Operator::Case,
            "capital letters in the module's name",
            new(&line.replace(module, &module.to_ascii_uppercase())),
        ),
        make.loses(
            Operator::Case,
            &name("capital letters in the facility"),
            new(&line.replacen(facility, &facility.to_ascii_uppercase(), 1)),
        ),
        make.loses(Operator::Trailing, &name("blanks at the end"), new(&format!("{line}  "))),
        make.loses(Operator::Tabs, &name("tabs"), new(&line.replace(' ', "\t"))),
        make.loses(Operator::Indent, &name("indented"), new(&format!("  {line}"))),
        with(Operator::ShadowWins, "after a module that lets everybody pass", vec![make.put(path, &first)]),
        make.loses(
            Operator::ShadowLoses,
            &name("before a module that asks nothing"),
            vec![make.append(path, &format!("{facility} optional pam_echo.so\n"))],
        ),
    ]
}
