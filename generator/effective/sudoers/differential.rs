//! Holds the reader against the real `cvtsudoers` on generated policies. `IRONSEED_CASES` sets
//! how many (300 without).

use std::process::Command;

use serde_json::Value;

use super::{Change, Default, Grant, Scope, Sudoers, read};
use crate::effective::dice::{Dice, number};
use crate::effective::memory_tree::MemoryTree;
use crate::target::Root;

fn list(dice: &mut Dice, from: &[&str]) -> String {
    let items: Vec<&str> = (0..=dice.roll(3)).map(|_| dice.pick(from)).collect();
    items.join(dice.pick(&[",", ", ", " , "]))
}

const USERS: &[&str] =
    &["bob", "%adm", "ALL", "!root", "#1000", "%#27", "+net", "ADMINS", "!ADMINS", "\"a b\""];
const HOSTS: &[&str] = &["ALL", "web1", "!web2", "10.0.0.0/8", "SERVERS"];
const COMMANDS: &[&str] = &[
    "ALL",
    "/bin/ls",
    "!/bin/cat",
    "/bin/ls -l *",
    "TOOLS",
    "!TOOLS",
    "sudoedit /etc/motd",
    "/bin/x a\\,b",
    "/usr/bin/",
];
const TAGS: &[&str] = &["", "", "", "NOPASSWD: ", "NOPASSWD:", "PASSWD: ", "NOEXEC: ", "NOPASSWD: SETENV: "];
const RUNAS: &[&str] = &["", "", "", "(ALL) ", "(ALL:ALL) ", "(bob,OPS)", "( : staff) "];

fn policy(dice: &mut Dice) -> String {
    let mut text = String::new();
    text.push_str("User_Alias ADMINS = alice, %wheel : NESTED = ADMINS, carol\n");
    text.push_str("Host_Alias SERVERS = db1, !db2\nRunas_Alias OPS = op, root\nCmnd_Alias TOOLS = /sbin/a, /sbin/b -c\n");
    for _ in 0..dice.roll(6) {
        if dice.roll(40) == 0 {
            text.push_str(dice.pick(&[
                "bob ALL\n",
                "bob ALL = ls\n",
                "Defaults !x=1\n",
                "bob ALL = (x /bin/ls\n",
                "= ALL\n",
            ]));
        }
        if dice.roll(4) == 0 {
            text.push_str(dice.pick(&[
                "Defaults use_pty\n",
                "Defaults:bob !authenticate\n",
                "Defaults timestamp_timeout=5, logfile=\"/a b\"\n",
                "Defaults@web1 !lecture\n",
                "# comment\n",
            ]));
            continue;
        }
        text.push_str(&format!("{} {} = ", list(dice, USERS), list(dice, HOSTS)));
        for i in 0..=dice.roll(3) {
            text.push_str(if i == 0 { "" } else { dice.pick(&[", ", ",", ", \\\n\t"]) });
            text.push_str(&format!("{}{}{}", dice.pick(RUNAS), dice.pick(TAGS), dice.pick(COMMANDS)));
        }
        text.push_str(dice.pick(&["\n", " # end\n", "  \n"]));
    }
    text
}

/// A grant without its place.
type Plain = (Vec<String>, Vec<String>, Option<(Vec<String>, Vec<String>)>, Vec<String>, bool);

fn plain(grant: Grant) -> Plain {
    let runas = grant.runas.map(|r| (r.users, r.groups));
    (grant.who, grant.hosts, runas, grant.commands, grant.nopasswd)
}

fn members(list: &Value) -> Vec<String> {
    let member = |m: &Value| {
        let (key, value) = m.as_object().unwrap().iter().find(|(k, _)| *k != "negated").unwrap();
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let prefix = match key.as_str() {
            "usergroup" if m.get("usergroup").is_some() => "%",
            "usergid" => "%#",
            "userid" => "#",
            "netgroup" => "+",
            _ => "",
        };
        format!("{}{prefix}{text}", if m.get("negated").is_some() { "!" } else { "" })
    };
    list.as_array().map(|l| l.iter().map(member).collect()).unwrap_or_default()
}

/// How commands are grouped is a matter of taste (cvtsudoers parts them at tags that come to
/// the same): compared are single commands, in order.
fn one_command_each(grants: Vec<Plain>) -> Vec<Plain> {
    let split = |g: Plain| {
        g.3.clone().into_iter().map(move |c| (g.0.clone(), g.1.clone(), g.2.clone(), vec![c], g.4))
    };
    grants.into_iter().flat_map(split).collect()
}

fn theirs(json: &Value) -> Vec<Plain> {
    let mut grants = Vec::new();
    for spec in json["User_Specs"].as_array().into_iter().flatten() {
        for group in spec["Cmnd_Specs"].as_array().into_iter().flatten() {
            let some = group.get("runasusers").is_some() || group.get("runasgroups").is_some();
            let groups = members(&group["runasgroups"]).into_iter().map(|g| g.replace('%', "")).collect();
            let options = group["Options"].as_array().into_iter().flatten();
            let nopasswd =
                options.filter_map(|o| o.get("authenticate")).next_back() == Some(&Value::Bool(false));
            grants.push((
                members(&spec["User_List"]),
                members(&spec["Host_List"]),
                some.then(|| (members(&group["runasusers"]), groups)),
                members(&group["Commands"]),
                nopasswd,
            ));
        }
    }
    grants
}

/// Options of `Defaults` lines: who they are for, name, value.
fn their_defaults(json: &Value) -> Vec<(Vec<String>, String, String)> {
    let mut found = Vec::new();
    for entry in json["Defaults"].as_array().into_iter().flatten() {
        for option in entry["Options"].as_array().into_iter().flatten() {
            let (name, value) = option.as_object().unwrap().iter().next().unwrap();
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            found.push((members(&entry["Binding"]), name.clone(), value));
        }
    }
    found
}

fn our_defaults(policy: &Sudoers) -> Vec<(Vec<String>, String, String)> {
    let entry = |d: Default| {
        let who = match d.scope {
            Scope::Global => Vec::new(),
            Scope::Users(who) | Scope::Hosts(who) | Scope::RunAs(who) | Scope::Commands(who) => who,
        };
        let value = match d.change {
            Change::On => "true".to_owned(),
            Change::Off => "false".to_owned(),
            Change::Set(v) | Change::Add(v) | Change::Remove(v) => v,
        };
        (who, d.name, value)
    };
    policy.all_defaults().map(entry).collect()
}

fn ours(text: &str) -> Sudoers {
    let tree = MemoryTree::new([("/etc/sudoers", text)]);
    read(&Root::new(&tree)).unwrap().unwrap()
}

#[test]
fn agrees_with_the_real_cvtsudoers() {
    if Command::new("cvtsudoers").arg("-V").output().is_err() {
        println!("skipped: cvtsudoers is not installed");
        return;
    }
    let cases = number("IRONSEED_CASES", 300);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sudoers");
    let (mut accepted, mut disagreements) = (0, Vec::new());
    for case in 1..=cases {
        let mut dice = Dice::new(case);
        let text = policy(&mut dice);
        std::fs::write(&path, &text).unwrap();
        let said = Command::new("cvtsudoers").args(["-e", "-f", "json"]).arg(&path).output().unwrap();
        let read = ours(&text);
        let refused = String::from_utf8_lossy(&said.stderr).contains("/sudoers:");
        if refused || !read.problems.is_empty() {
            if refused == read.problems.is_empty() {
                disagreements.push(format!(
                    "case {case}: sudo {:?}, reader {:?}\n{text}",
                    String::from_utf8_lossy(&said.stderr),
                    read.problems
                ));
            }
            continue;
        }
        accepted += 1;
        // Nothing at all is said of a policy without grants and defaults.
        let json =
            if said.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&said.stdout).unwrap() };
        assert_eq!(our_defaults(&read), their_defaults(&json), "{text}");
        let theirs = theirs(&json);
        let ours: Vec<Plain> = read.grants().into_iter().map(plain).collect();
        let (ours, theirs) = (one_command_each(ours), one_command_each(theirs));
        if ours != theirs {
            disagreements.push(format!("case {case}:\nsudo   {theirs:?}\nreader {ours:?}\n{text}"));
        }
    }
    println!("{cases} cases, {accepted} accepted, {} disagreements", disagreements.len());
    assert!(
        disagreements.is_empty(),
        "{}",
        disagreements.iter().take(4).cloned().collect::<Vec<_>>().join("\n\n")
    );
    assert!(accepted * 2 > cases, "too few cases that sudo accepts");
}
