//! Holds the reader against the real `cvtsudoers` on generated policies. `IRONSEED_CASES` sets
//! how many (300 without).

use std::process::Command;

use serde_json::Value;

use super::{Grant, Sudoers, read};
use crate::effective::memory_tree::MemoryTree;
use crate::target::Root;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }

    fn list(&mut self, from: &[&str]) -> String {
        let items: Vec<&str> = (0..=self.roll(3)).map(|_| self.pick(from)).collect();
        items.join(self.pick(&[",", ", ", " , "]))
    }
}

const USERS: &[&str] = &["bob", "%adm", "ALL", "!root", "#1000", "%#27", "+net", "ADMINS", "!ADMINS", "\"a b\"", "UNKNOWN"];
const HOSTS: &[&str] = &["ALL", "web1", "!web2", "10.0.0.0/8", "SERVERS"];
const COMMANDS: &[&str] = &["ALL", "/bin/ls", "!/bin/cat", "/bin/ls -l *", "TOOLS", "!TOOLS", "sudoedit /etc/motd", "/bin/x a\\,b", "/usr/bin/"];
const TAGS: &[&str] = &["", "", "", "NOPASSWD: ", "NOPASSWD:", "PASSWD: ", "NOEXEC: ", "NOPASSWD: SETENV: "];
const RUNAS: &[&str] = &["", "", "", "(ALL) ", "(ALL:ALL) ", "(bob,OPS)", "( : staff) "];

fn policy(dice: &mut Dice) -> String {
    let mut text = String::new();
    text.push_str("User_Alias ADMINS = alice, %wheel : NESTED = ADMINS, carol\n");
    text.push_str("Host_Alias SERVERS = db1, !db2\nRunas_Alias OPS = op, root\nCmnd_Alias TOOLS = /sbin/a, /sbin/b -c\n");
    for _ in 0..dice.roll(6) {
        if dice.roll(40) == 0 {
            text.push_str(dice.pick(&["bob ALL\n", "bob ALL = ls\n", "Defaults !x=1\n", "bob ALL = (x /bin/ls\n", "= ALL\n"]));
        }
        if dice.roll(4) == 0 {
            text.push_str(dice.pick(&["Defaults use_pty\n", "Defaults:bob !authenticate\n", "Defaults timestamp_timeout=5, logfile=\"/a b\"\n", "Defaults@web1 !lecture\n", "# comment\n"]));
            continue;
        }
        text.push_str(&format!("{} {} = ", dice.list(USERS), dice.list(HOSTS)));
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

fn theirs(json: &Value) -> Vec<Plain> {
    let mut grants = Vec::new();
    for spec in json["User_Specs"].as_array().into_iter().flatten() {
        for group in spec["Cmnd_Specs"].as_array().into_iter().flatten() {
            let some = group.get("runasusers").is_some() || group.get("runasgroups").is_some();
            let groups = members(&group["runasgroups"]).into_iter().map(|g| g.replace('%', "")).collect();
            let options = group["Options"].as_array().into_iter().flatten();
            let nopasswd = options.filter_map(|o| o.get("authenticate")).next_back() == Some(&Value::Bool(false));
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
    let cases: u64 = std::env::var("IRONSEED_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sudoers");
    let (mut accepted, mut disagreements) = (0, Vec::new());
    for case in 1..=cases {
        let mut dice = Dice(case.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        dice.roll(2);
        let text = policy(&mut dice);
        std::fs::write(&path, &text).unwrap();
        let said = Command::new("cvtsudoers").args(["-e", "-f", "json"]).arg(&path).output().unwrap();
        let read = ours(&text);
        let refused = String::from_utf8_lossy(&said.stderr).contains("syntax error");
        if refused || !read.problems.is_empty() {
            if refused == read.problems.is_empty() {
                disagreements.push(format!("case {case}: sudo {:?}, reader {:?}\n{text}", String::from_utf8_lossy(&said.stderr), read.problems));
            }
            continue;
        }
        accepted += 1;
        let theirs = theirs(&serde_json::from_slice(&said.stdout).unwrap());
        let ours: Vec<Plain> = read.grants().into_iter().map(plain).collect();
        if ours != theirs {
            disagreements.push(format!("case {case}:\nsudo   {theirs:?}\nreader {ours:?}\n{text}"));
        }
    }
    println!("{cases} cases, {accepted} accepted, {} disagreements", disagreements.len());
    assert!(disagreements.is_empty(), "{}", disagreements.iter().take(4).cloned().collect::<Vec<_>>().join("\n\n"));
    assert!(accepted * 2 > cases, "too few cases that sudo accepts");
}
