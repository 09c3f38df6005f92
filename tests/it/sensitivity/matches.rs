//! `Match` blocks of sshd: some login gets another value than all others, or none does.
//!
//! sshd takes a matching block's value before that of the rest of its configuration, wherever the
//! block stands, and of several matching blocks the first one's. `truth.rs` asks it of every block.

use super::base::Base;
use super::format::Format;
use super::lines::File;
use super::mutant::{Effect, Mutant, Operator};
use super::order::SSHD_MAIN;
use super::wrong::wrong;
use crate::tree::Edit;

/// One or more blocks, and whether they weaken any login.
pub struct Block {
    pub name: &'static str,
    /// `{good}` is the wanted line, `{bad}` the same with another value, `{port}` the port.
    pub text: &'static str,
    pub wins: bool,
    /// The login that gets the value where the block wins, and one that could where it loses; as
    /// `sshd -T -C` takes it, beside [`LOGIN`].
    pub login: &'static str,
}

/// What `sshd -T -C` needs to know; what comes first counts there.
pub const LOGIN: &str = "user=root,host=a.example,addr=203.0.113.7,laddr=192.0.2.1,lport=22022";

const fn wins(name: &'static str, login: &'static str, text: &'static str) -> Block {
    Block { name, text, wins: true, login }
}

const fn loses(name: &'static str, login: &'static str, text: &'static str) -> Block {
    Block { name, text, wins: false, login }
}

/// Every kind of condition, alone, together and turned round.
pub const BLOCKS: &[Block] = &[
    wins("one user", "user=alice", "Match User alice\n{bad}\n"),
    wins("users of a pattern", "user=alice", "Match User bob,al*,!alfred\n{bad}\n"),
    wins("a group", "user=root", "Match Group r?ot\n{bad}\n"),
    wins("an address", "addr=203.0.113.7", "Match Address 203.0.113.7\n{bad}\n"),
    wins("a network", "addr=10.1.2.3", "Match Address 192.168.0.0/16,10.0.0.0/8\n{bad}\n"),
    wins("a network of IPv6", "addr=2001:db8::1", "Match Address 2001:db8::/32\n{bad}\n"),
    wins("a host", "host=b.example", "Match Host *.example,!a.example\n{bad}\n"),
    wins("an address of the server", "laddr=192.0.2.1", "Match LocalAddress 192.0.2.1\n{bad}\n"),
    wins("the port", "lport=22022", "Match LocalPort {port}\n{bad}\n"),
    wins("everybody", "user=alice", "Match all\n{bad}\n"),
    wins("a user from a network", "user=alice,addr=10.1.2.3", "Match User alice Address 10.0.0.0/8\n{bad}\n"),
    wins("a later block", "user=alice", "Match User bob\n{good}\nMatch User alice\n{bad}\n"),
    wins("everybody but one", "user=alice", "Match User bob\n{good}\nMatch all\n{bad}\n"),
    wins("other letters", "user=alice", "mAtCh uSeR alice\n\t{bad}\n"),
    loses("the same value for a user", "user=alice", "Match User alice\n{good}\n"),
    loses("the same value for everybody", "user=alice", "Match all\n{good}\n"),
    loses("a user who is another one too", "user=alice", "Match User alice User bob\n{bad}\n"),
    loses("nobody, as a user is left out again", "user=alice", "Match User alice,!alice\n{bad}\n"),
    loses("nobody, as all that is said is left out", "user=alice", "Match User !bob\n{bad}\n"),
    loses(
        "an address of two networks",
        "addr=10.1.2.3",
        "Match Address 10.0.0.0/8 Address 192.168.0.0/16\n{bad}\n",
    ),
    loses(
        "a later block for the same user",
        "user=alice",
        "Match User alice\n{good}\nMatch User alice\n{bad}\n",
    ),
    loses("a later block for a user of all", "user=alice", "Match all\n{good}\nMatch User alice\n{bad}\n"),
    loses("a comment", "user=alice", "#Match User alice\n#{bad}\n"),
];

/// Keywords that a block may hold (sshd_config(5)) and whose values do not add up.
const ALLOWED: [&str; 24] = [
    "allowagentforwarding",
    "allowstreamlocalforwarding",
    "allowtcpforwarding",
    "authorizedkeysfile",
    "banner",
    "clientalivecountmax",
    "clientaliveinterval",
    "disableforwarding",
    "gatewayports",
    "gssapiauthentication",
    "hostbasedacceptedalgorithms",
    "hostbasedauthentication",
    "ignorerhosts",
    "kbdinteractiveauthentication",
    "kerberosauthentication",
    "loglevel",
    "maxauthtries",
    "maxsessions",
    "passwordauthentication",
    "permitemptypasswords",
    "permitrootlogin",
    "permittunnel",
    "pubkeyacceptedalgorithms",
    "x11forwarding",
];

/// A block with its places filled.
pub fn filled(block: &Block, good: &str, bad: &str, port: u64) -> String {
    block.text.replace("{good}", good).replace("{bad}", bad).replace("{port}", &port.to_string())
}

/// Every block for a line of sshd's configuration, in a drop-in that comes last.
pub fn mutants(file: &File<'_>, format: &'static Format, line: &str, key: &str) -> Vec<Mutant> {
    let Some(bad) = wrong(format.name, line).filter(|_| ALLOWED.contains(&key)) else { return Vec::new() };
    let port = port(file.base);
    let mutant = |block: &Block, path: &str| {
        let text = filled(block, line, &bad, port);
        let edit = super::edits::edited(file.base, path, |old| format!("{old}{text}"));
        let meaning = if block.wins { vec![Effect::Key(format.name, key.to_owned())] } else { Vec::new() };
        let operator = if block.wins { Operator::MatchWins } else { Operator::MatchLoses };
        file.mutant(operator, &format!("{} says `{bad}` in {path}", block.name), vec![edit], meaning)
    };
    let mut all: Vec<Mutant> =
        BLOCKS.iter().map(|block| mutant(block, "/etc/ssh/sshd_config.d/zz.conf")).collect();
    // Where a main file repeats the lines, its blocks are a matter of their own.
    if !file.base.items.iter().any(|item| item.kind == "sshd-main") {
        all.push(mutant(&BLOCKS[0], SSHD_MAIN));
    }
    // A number below the wanted one is stricter; 0 would be no bound.
    if let Some((keyword, number)) =
        line.split_once(' ').filter(|_| key == "maxauthtries" || key == "maxsessions")
        && let Ok(number) = number.parse::<u64>()
        && number > 1
    {
        let text = format!("Match User alice\n{keyword} {}\n", number - 1);
        let path = "/etc/ssh/sshd_config.d/zz.conf".to_owned();
        let edit = Edit::File { path, content: text.into(), mode: 0o600, owner: (0, 0) };
        all.push(file.mutant(Operator::MatchLoses, "a stricter number for a user", vec![edit], Vec::new()));
    }
    all
}

fn port(base: &Base) -> u64 {
    let port =
        base.items.iter().find(|item| item.kind == "ssh-port").and_then(|item| item.fields["port"].as_u64());
    port.expect("every profile has a port")
}
