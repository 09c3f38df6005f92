//! Holds the reader against the real `sshd -T` on generated configurations.
//!
//! `IRONSEED_SSHD_ROOT` may name a directory to chroot into for another release's sshd.

mod generate;
mod real;

use super::{CommandLine, Connection, read};
use crate::effective::testing::{Case, Dice, Differential, MemoryTree, Verdict, agree};
use crate::location::{Location, Sourced};
use real::{Dump, Real, Refusal};

/// A configuration, and for whom it is asked.
#[derive(Clone)]
struct Question {
    files: MemoryTree,
    /// Further arguments of sshd's; `@` stands for the folder of the files.
    arguments: Vec<&'static str>,
    /// The login in the words of `sshd -C`; empty for none.
    spec: &'static str,
    login: Connection,
}

impl Case for Question {
    fn smaller(&self) -> Vec<Self> {
        // Without its main file, there is nothing to ask.
        let whole = self.files.smaller().into_iter().filter(|files| files.bytes("main").is_some());
        let mut smaller: Vec<Self> = whole.map(|files| Self { files, ..self.clone() }).collect();
        for index in 0..self.arguments.len() {
            let mut fewer = self.clone();
            fewer.arguments.remove(index);
            smaller.push(fewer);
        }
        smaller
    }

    fn shown(&self) -> String {
        format!("for {:?} with {:?}\n{}", self.spec, self.arguments, self.files.shown())
    }
}

fn generate(dice: &mut Dice) -> Question {
    let files = generate::files(dice);
    let (spec, user, host, address) = dice.pick(generate::LOGINS);
    let text = |t: &str| (!t.is_empty()).then(|| t.to_owned());
    let login = Connection {
        user: text(user),
        groups: text(user).into_iter().collect(),
        host: text(host),
        address: text(address),
        local_address: text(user).map(|_| "::1".to_owned()),
        local_port: Some(if user.is_empty() { 2022 } else { 22 }),
        ..Connection::default()
    };
    let arguments = if dice.chance(60) { generate::arguments(dice) } else { Vec::new() };
    Question { files, arguments, spec, login }
}

/// What of the answer is no matter of the files: options that some builds leave out of their
/// dump, and defaults that the build or the machine decides.
const UNPRINTED: [&str; 3] = ["rdomain", "debianbanner", "channeltimeout"];
const OF_THE_MACHINE: [&str; 3] = ["ipqos", "sshdauthpath", "sshdsessionpath"];

fn verdict(real: &Real, question: &Question) -> Verdict {
    let place = real.place();
    let filled = real.filled(&question.files, &place);
    // Another main file names no host key.
    let given = question.arguments.iter().map(|word| word.replace('@', &place));
    let arguments: Vec<String> = ["-h".to_owned(), real.key()].into_iter().chain(given).collect();
    let words = ["-f".to_owned(), format!("{place}/main")].into_iter().chain(arguments.iter().cloned());
    let words: Vec<_> = words.map(|word| Sourced::new(word, Location::file("arguments"))).collect();
    let config = read(&filled.root(), CommandLine::parse(&words), real.version).unwrap();
    let refused = config.as_ref().is_none_or(|config| !config.problems.is_empty());
    let mut theirs = match real.dump(&question.files, &arguments, question.spec) {
        Err(_) if refused => return Verdict::Refuse,
        Err(Refusal::Crashed) => return Verdict::Unanswered,
        // Whether a host's name is known here is no matter of the file.
        Err(Refusal::Said(said)) if said.contains("Name or service not known") => {
            return Verdict::Unanswered;
        }
        // With `-q` it says nothing of that, nor of anything else.
        Err(Refusal::Said(said)) if said.is_empty() => return Verdict::Unanswered,
        Err(Refusal::Said(said)) => return Verdict::differ("accepted", said),
        Ok(_) if refused => return Verdict::differ(format!("{:?}", config.map(|c| c.problems)), "accepted"),
        Ok(theirs) => theirs,
    };
    let config = config.expect("one that is not refused");
    let socket = |address: &str, port| match address.contains(':') {
        true => format!("[{address}]:{port}"),
        false => format!("{address}:{port}"),
    };
    let mut sockets: Vec<String> = config.listeners().iter().map(|l| socket(&l.address, l.port)).collect();
    sockets.sort();
    theirs.entry("listenaddress".to_owned()).or_default().sort();
    let mut ours = Dump::from([("listenaddress".to_owned(), sockets)]);
    for value in config.dump(&question.login).into_iter().filter(|v| v.keyword != "listenaddress") {
        if UNPRINTED.contains(&value.keyword) && !theirs.contains_key(value.keyword) {
            continue;
        }
        if value.at.is_none() && OF_THE_MACHINE.contains(&value.keyword) {
            theirs.remove(value.keyword);
            continue;
        }
        let lines: Vec<String> = value.items().map(str::to_owned).collect();
        if !lines.is_empty() {
            ours.insert(value.keyword.to_owned(), lines);
        }
    }
    Verdict::same(&ours, &theirs)
}

#[test]
fn agrees_with_the_real_sshd() {
    let Some(real) = Real::find() else { return };
    let tally = Differential::cases(300).run(generate, |question| verdict(&real, question));
    println!("OpenSSH {}", real.version);
    assert!(tally.agreed * 2 > tally.refused, "too few cases that sshd accepts: {tally}");
}

#[test]
fn agrees_on_the_file_that_is_shipped() {
    let Some(real) = Real::find() else { return };
    let Some(text) = real.shipped() else { return };
    let files = MemoryTree::of(&[("main", &text)]);
    let question = Question { files, arguments: Vec::new(), spec: "", login: Connection::default() };
    agree(question, |question| verdict(&real, question));
}
