//! What the running system says when asked: the programs' own answers, parsed.

use crate::effective::sshd::CommandLine;
use crate::location::Location;
use crate::parameter::Protocol;
use crate::target::Exec;

/// A socket that answers other hosts or this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Transport protocol.
    pub protocol: Protocol,
    /// Local address without brackets or interface; `*` for any.
    pub address: String,
    /// Local port.
    pub port: u16,
    /// Program that holds the socket; `None` where the kernel or nobody visible does.
    pub program: Option<String>,
    /// What was asked.
    pub at: Location,
}

impl Listener {
    /// Whether only this machine can reach it.
    pub fn is_local(&self) -> bool {
        self.address.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    }
}

/// Asks a program and takes its stdout.
///
/// # Errors
/// In words: it can't be started, or ends with another status than 0.
pub fn ask(exec: &dyn Exec, argv: &[&str]) -> Result<String, String> {
    let command = argv.join(" ");
    match exec.run(argv) {
        Ok(output) if output.status == 0 => Ok(output.stdout),
        Ok(output) => {
            let said = output.stderr.lines().last().unwrap_or("nothing").trim().to_owned();
            Err(format!("`{command}` ended with status {} and said: {said}", output.status))
        }
        Err(error) => Err(format!("`{command}` can't be run: {error}")),
    }
}

/// A file that the kernel makes up as it is read; `None` where there is none.
///
/// # Errors
/// In words: it is there and can't be read.
pub fn kernel_file(exec: &dyn Exec, path: &str) -> Result<Option<String>, String> {
    match ask(exec, &["cat", "--", path]) {
        Err(why) if why.ends_with("No such file or directory") => Ok(None),
        read => read.map(Some),
    }
}

/// Every listening socket, from `ss`.
///
/// # Errors
/// `ss` can't be run, or prints what it never did.
pub fn listeners(exec: &dyn Exec) -> Result<Vec<Listener>, String> {
    let command = ["ss", "-H", "-l", "-n", "-t", "-u", "-p"];
    ask(exec, &command)?
        .lines()
        .map(|line| listener(line).ok_or_else(|| format!("ss printed `{line}`")))
        .collect()
}

/// A line such as
/// `tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))`.
fn listener(line: &str) -> Option<Listener> {
    let mut words = line.split_whitespace();
    let protocol = match words.next()? {
        "tcp" => Protocol::Tcp,
        "udp" => Protocol::Udp,
        _ => return None,
    };
    let local = words.nth(3)?;
    let (address, port) = local.rsplit_once(':')?;
    let address = address.split('%').next().unwrap_or(address).trim_matches(['[', ']']);
    let program = line.split_once("users:((\"").and_then(|(_, rest)| rest.split('"').next());
    Some(Listener {
        protocol,
        address: address.to_owned(),
        port: port.parse().ok()?,
        program: program.map(str::to_owned),
        at: Location::file(format!("ss -ltunp: {protocol} {local}")),
    })
}

/// What `sshd -T` says of an sshd that is started so: keywords in lower case with their values; a keyword that stands on
/// several lines is there several times.
///
/// # Errors
/// sshd refuses its configuration, or can't be run.
pub fn sshd_dump(
    exec: &dyn Exec,
    sshd: &str,
    started: &CommandLine,
) -> Result<Vec<(String, String)>, String> {
    let arguments = started.arguments();
    let argv: Vec<&str> = [sshd, "-T"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
    let text = ask(exec, &argv)?;
    Ok(text
        .lines()
        .filter_map(|l| l.split_once(' '))
        .map(|(keyword, value)| (keyword.to_ascii_lowercase(), value.to_owned()))
        .collect())
}

/// A unit's properties as `systemctl show` has them.
///
/// # Errors
/// systemctl can't be run.
pub fn unit_properties(exec: &dyn Exec, unit: &str, names: &[&str]) -> Result<Vec<String>, String> {
    let property = format!("--property={}", names.join(","));
    let text = ask(exec, &["systemctl", "show", &property, "--", unit])?;
    let value = |name: &&str| {
        let line = text.lines().find_map(|l| l.strip_prefix(*name)?.strip_prefix('='));
        line.unwrap_or_default().to_owned()
    };
    Ok(names.iter().map(value).collect())
}
