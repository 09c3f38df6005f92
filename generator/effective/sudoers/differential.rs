//! Holds the reader against the real `cvtsudoers` on generated policies.

use std::process::Command;

use serde_json::Value;

use super::{Change, Default, Grant, Scope, Sudoers, read};
use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, program};

fn list(dice: &mut Dice, from: &[&str]) -> String {
    let items: Vec<&str> = (0..=dice.below(3)).map(|_| dice.pick(from)).collect();
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
    for _ in 0..dice.below(6) {
        if dice.once_in(40) {
            text.push_str(dice.pick(&[
                "bob ALL\n",
                "bob ALL = ls\n",
                "Defaults !x=1\n",
                "bob ALL = (x /bin/ls\n",
                "= ALL\n",
            ]));
        }
        if dice.once_in(4) {
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
        for i in 0..=dice.below(3) {
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
    read(&MemoryTree::of(&[("/etc/sudoers", text)]).root()).unwrap().unwrap()
}

fn verdict(text: &str) -> Verdict {
    let tree = MemoryTree::of(&[("/sudoers", text)]).on_disk();
    let path = tree.path().join("sudoers");
    let said = Command::new("cvtsudoers").args(["-e", "-f", "json"]).arg(path).output().unwrap();
    let complaint = String::from_utf8_lossy(&said.stderr);
    let refused = complaint.contains("/sudoers:");
    let read = ours(text);
    match (read.problems.is_empty(), refused) {
        (true, false) => {}
        (false, true) => return Verdict::Refuse,
        _ => return Verdict::differ(format!("{:?}", read.problems), complaint),
    }
    // Nothing at all is said of a policy without grants and defaults.
    let json =
        if said.stdout.is_empty() { Value::Null } else { serde_json::from_slice(&said.stdout).unwrap() };
    let grants = one_command_each(read.grants().into_iter().map(plain).collect());
    Verdict::same(&(our_defaults(&read), grants), &(their_defaults(&json), one_command_each(theirs(&json))))
}

#[test]
fn agrees_with_the_real_cvtsudoers() {
    if program("cvtsudoers").is_none() {
        return;
    }
    let tally = Differential::cases(300).run(policy, |text| verdict(text));
    assert!(tally.agreed > tally.refused, "too few cases that sudo accepts: {tally}");
}
