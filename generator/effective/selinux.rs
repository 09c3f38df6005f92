//! Whether SELinux enforces after a boot, and which type a port has.
//!
//! Reads `/etc/selinux/config` as libselinux does, the kernel's options that go over it, and the ports that
//! `semanage` added to a policy. What a policy allows is not its business.

use super::kernel::Boot;
use crate::location::{Location, Sourced};
use crate::target::{Result, Root};

const CONFIG: &str = "/etc/selinux/config";
/// Where `semanage` keeps what it added, below a policy's folder; old releases have the second.
const STORES: [&str; 2] = ["/var/lib/selinux", "/etc/selinux"];

/// What SELinux does with what its policy forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is refused.
    Enforcing,
    /// It is logged.
    Permissive,
    /// Nothing: no policy is loaded.
    Off,
}

/// What a boot makes of SELinux.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selinux {
    /// The mode, and the line that decides it.
    pub mode: Sourced<Mode>,
    /// The policy's name.
    pub policy: String,
}

/// Reads the configuration and, where it is known, what boots; `None` where SELinux has no configuration.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: Root<'_>, boot: Option<&Boot>) -> Result<Option<Selinux>> {
    let Some(text) = root.read_text(CONFIG)? else { return Ok(None) };
    let mut mode =
        configured(&text).unwrap_or_else(|| Sourced::new(Mode::Permissive, Location::file(CONFIG)));
    if let Some(boot) = boot {
        let at = |mode| Sourced::new(mode, boot.at.clone());
        // The kernel takes `enforcing=` first, and loads no policy at all where one of the two switches it off.
        match boot.argument("enforcing").map(str::parse::<u32>) {
            Some(Ok(0)) if mode.value != Mode::Off => mode = at(Mode::Permissive),
            Some(Ok(_)) if mode.value != Mode::Off => mode = at(Mode::Enforcing),
            _ => {}
        }
        if boot.argument("selinux").is_some_and(|value| value.parse() == Ok(0_u32)) {
            mode = at(Mode::Off);
        }
    }
    Ok(Some(Selinux { mode, policy: policy(&text) }))
}

/// The first line that names a mode (`selinux_getenforcemode`); systemd goes on permissively without one.
fn configured(text: &str) -> Option<Sourced<Mode>> {
    text.lines().enumerate().find_map(|(index, line)| {
        let value = line.strip_prefix("SELINUX=")?.trim_start_matches(blank).to_ascii_lowercase();
        let known =
            [("enforcing", Mode::Enforcing), ("permissive", Mode::Permissive), ("disabled", Mode::Off)];
        let mode = known.into_iter().find(|(word, _)| value.starts_with(word))?.1;
        Some(Sourced::new(mode, Location::line(CONFIG, index + 1)))
    })
}

/// The last line that names a policy (`init_selinux_config`).
fn policy(text: &str) -> String {
    const TAG: &str = "SELINUXTYPE=";
    let value = |line: &str| {
        let line = line.trim_start_matches(blank);
        let tag = line.get(..TAG.len())?;
        let value = line[TAG.len()..].trim_start_matches(blank);
        tag.eq_ignore_ascii_case(TAG)
            .then(|| value.trim_end_matches(|c: char| c.is_ascii_control() || blank(c)).to_owned())
    };
    text.split('\n').filter_map(value).next_back().unwrap_or_else(|| "targeted".to_owned())
}

/// `isspace()`.
fn blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// The type that `semanage` gave a port, and the line; `None` where it gave none.
///
/// # Errors
/// A target that can't be read.
pub fn port_type(root: Root<'_>, policy: &str, protocol: &str, port: u16) -> Result<Option<Sourced<String>>> {
    for store in STORES {
        let path = ports_file(store, policy);
        for (index, line) in root.read_text(&path)?.unwrap_or_default().lines().enumerate() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let ["portcon", named, range, context] = words[..] else { continue };
            let (low, high) = range.split_once('-').unwrap_or((range, range));
            let (Ok(low), Ok(high)) = (low.parse::<u16>(), high.parse::<u16>()) else { continue };
            if named == protocol
                && (low..=high).contains(&port)
                && let Some(name) = context.split(':').nth(2)
            {
                return Ok(Some(Sourced::new(name.to_owned(), Location::line(path, index + 1))));
            }
        }
    }
    Ok(None)
}

/// The file of ports that `semanage` writes for a policy.
pub fn ports(policy: &str) -> String {
    ports_file(STORES[0], policy)
}

fn ports_file(store: &str, policy: &str) -> String {
    format!("{store}/{policy}/active/ports.local")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::{Dice, Differential, MemoryTree, Verdict, python_in_own_root};

    /// libselinux reads its configuration when it is loaded, so each case gets a process of its own.
    const SCRIPT: &str = r#"
import ctypes
ctypes.CDLL("libc.so.6")
for line in sys.stdin:
    bring(line.rstrip("\n"))
    reader, writer = os.pipe()
    if os.fork() == 0:
        library = ctypes.CDLL("libselinux.so.1")
        mode, policy = ctypes.c_int(9), ctypes.c_char_p()
        failed = library.selinux_getenforcemode(ctypes.byref(mode))
        library.selinux_getpolicytype(ctypes.byref(policy))
        said = f"{None if failed else mode.value} {policy.value}"
        os.write(writer, said.encode())
        os._exit(0)
    os.wait()
    os.close(writer)
    print(os.read(reader, 4096).decode(), flush=True)
    os.close(reader)
"#;

    fn generate(dice: &mut Dice) -> MemoryTree {
        let mut text = String::new();
        for _ in 0..dice.range(0..=6) {
            let key = dice.pick(&[
                "SELINUX=",
                "SELINUXTYPE=",
                "selinux=",
                " SELINUX=",
                "#SELINUX=",
                "\tselinuxtype=",
                "SELINUX =",
            ]);
            let value = dice.pick(&[
                "enforcing",
                "permissive",
                "disabled",
                "Enforcing # x",
                "enforcingly",
                "targeted",
                "mls ",
                " permissive",
                "1",
                "",
                "a b\t",
            ]);
            text += &format!("{key}{value}\n");
        }
        MemoryTree::of(&[(CONFIG, &text)])
    }

    #[test]
    fn agrees_with_libselinux() {
        let Some(mut library) = python_in_own_root(&["/etc/selinux"], "ctypes", SCRIPT) else { return };
        Differential::cases(300).run(generate, |tree| {
            let disk = tree.on_disk();
            let theirs = library.ask(&disk.path().to_string_lossy());
            let text = tree.root().read_text(CONFIG).unwrap().unwrap();
            let mode = configured(&text).map(|mode| match mode.value {
                Mode::Enforcing => "1",
                Mode::Permissive => "0",
                Mode::Off => "-1",
            });
            let policy = policy(&text).replace('\t', "\\t");
            Verdict::same(&format!("{} b'{policy}'", mode.unwrap_or("None")), &theirs)
        });
    }

    #[test]
    fn the_kernels_options_go_over_the_file() {
        let tree = MemoryTree::of(&[(CONFIG, "SELINUX=enforcing\nSELINUXTYPE=targeted\n")]);
        let boot = |arguments: &str| Boot {
            kernel_path: "/boot/vmlinuz-1".into(),
            release: "1".into(),
            arguments: arguments.split_whitespace().map(str::to_owned).collect(),
            at: Location::line("/boot/loader/entries/a.conf", 3),
        };
        for (arguments, mode, file) in [
            ("ro", Mode::Enforcing, CONFIG),
            ("enforcing=0", Mode::Permissive, "/boot/loader/entries/a.conf"),
            ("selinux=0 enforcing=1", Mode::Off, "/boot/loader/entries/a.conf"),
            ("selinux=1", Mode::Enforcing, CONFIG),
        ] {
            let found = read(tree.root(), Some(&boot(arguments))).unwrap().unwrap();
            assert_eq!((found.mode.value, found.mode.at.file.as_str()), (mode, file), "{arguments}");
        }
        assert_eq!(read(MemoryTree::new().root(), None).unwrap(), None);
    }

    #[test]
    fn ports_have_the_types_that_semanage_gave_them() {
        let file = "# made by libsemanage\nportcon tcp 22022 system_u:object_r:ssh_port_t:s0\n\
                    portcon udp 2000-2010 system_u:object_r:x_port_t:s0\n";
        let tree = MemoryTree::of(&[(&ports("targeted"), file)]);
        let named = |protocol, port| port_type(tree.root(), "targeted", protocol, port).unwrap();
        assert_eq!(
            named("tcp", 22022).unwrap(),
            Sourced::new("ssh_port_t".into(), Location::line(ports("targeted"), 2))
        );
        assert_eq!(named("udp", 2005).unwrap().value, "x_port_t");
        assert_eq!(named("udp", 22022), None);
    }
}
