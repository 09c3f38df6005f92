//! Which of several lines for a key decides, by a format's own rule.

use ironseed::target::Root;

use super::base::Base;
use super::format::{Format, Wins, fits};

/// sshd's main file: a kind of setting of its own looks at its text.
pub const SSHD_MAIN: &str = "/etc/ssh/sshd_config";

/// A line that sets a key.
pub struct Line {
    pub path: String,
    /// Index in the file.
    pub index: usize,
    pub text: String,
}

/// Keywords of sshd whose lines add up.
pub const ADDS_UP: [&str; 3] = ["port", "hostkey", "denyusers"];

/// Lines that mean the same: fail2ban's `nftables-multiport` is its `nftables` under an older name.
const ALIKE: [(&str, &str); 1] = [("banaction nftables", "banaction nftables-multiport")];

/// Every line of a format's files that sets a key, in the program's order.
pub fn lines_for(base: &Base, format: &'static Format, path: &str, key: &str) -> Vec<Line> {
    let mut files: Vec<String> = Vec::new();
    for pattern in format.paths {
        let (folder, name) = pattern.rsplit_once('/').unwrap();
        if folder.contains('*') || format.alone {
            // Each file is for a program, or a unit, of its own.
            files = vec![path.to_owned()];
            break;
        }
        if !name.contains('*') {
            files.push((*pattern).to_owned());
            continue;
        }
        let entries = Root::new(&base.tree).read_dir(folder).unwrap();
        let names = entries.into_iter().map(|e| format!("{folder}/{}", String::from_utf8_lossy(&e.name)));
        files.extend(names.filter(|path| fits(pattern, path)));
    }
    // By name, wherever the folder; a main file comes last, as sshd's Include stands at its top.
    // The main files of others come first.
    let rank = |path: &String| match path.as_str() {
        SSHD_MAIN => 2,
        "/etc/sudoers" | "/etc/systemd/journald.conf" => 0,
        _ => 1,
    };
    files.sort_by_key(|path| (rank(path), path.rsplit('/').next().map(str::to_owned)));
    let mut found = Vec::new();
    for path in files {
        let text = Root::new(&base.tree).read_text(&path).unwrap().unwrap_or_default();
        for (index, line) in text.lines().enumerate() {
            if format.key(line).as_deref() == Some(key) {
                found.push(Line { path: path.clone(), index, text: line.trim().to_owned() });
            }
        }
    }
    found
}

pub fn decider<'l>(format: &Format, key: &str, lines: &'l [Line]) -> Option<&'l Line> {
    match format.wins(key) {
        Wins::First => lines.first(),
        Wins::Last => lines.last(),
    }
}

/// Whether what is left gives the same: another line that says so, or the program's default.
pub fn still(format: &'static Format, key: &str, wanted: &str, rest: &[Line]) -> bool {
    let plain = |line: &str| {
        line.replace(['"', ';'], "").replace('=', " ").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    match decider(format, key, rest) {
        Some(line) => {
            let (left, wanted) = (plain(&line.text), plain(wanted));
            left.eq_ignore_ascii_case(&wanted) || ALIKE.contains(&(&left, &wanted))
        }
        None => {
            let value = plain(wanted).split_once(' ').map_or_else(String::new, |(_, v)| v.to_owned());
            format.defaults.iter().any(|(k, v)| *k == key && (*v == "*" || *v == value))
        }
    }
}
