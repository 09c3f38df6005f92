//! dpkg's database: which packages are installed, and which files they shipped.
//!
//! Reads `/var/lib/dpkg` only. It must not know which package is wanted or forbidden.

mod shipped;
mod version;

pub use shipped::Shipped;
pub use version::compare_versions;

use std::collections::HashMap;

use crate::location::Location;
use crate::target::{Result, Root};

/// The file that lists the packages.
const STATUS: &str = "/var/lib/dpkg/status";

/// One stanza of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Binary package's name, without architecture.
    pub name: String,
    /// Full version, with epoch and revision.
    pub version: String,
    /// dpkg's architecture; `all` where it fits any.
    pub architecture: String,
    /// Source package's name; the package's own where the stanza has no `Source`.
    pub source: String,
    /// What dpkg last did to it.
    pub state: State,
    /// Configuration files it brought: path without leading `/`, and the MD5 (hex) as shipped.
    pub conffiles: Vec<(String, String)>,
    /// The first line of its stanza.
    pub at: Location,
}

/// What dpkg last did to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// `ok installed`: unpacked and configured, also where it is on hold.
    Installed,
    /// Its files are there in part or whole, but dpkg did not finish (unpacked, half-configured, triggers due …).
    Unfinished,
    /// Removed: at most configuration files are left.
    Removed,
}

/// The packages of a target.
#[derive(Clone, Debug)]
pub struct Dpkg {
    packages: Vec<Package>,
    /// Indices into `packages`; several where architectures are installed side by side.
    by_name: HashMap<String, Vec<usize>>,
}

/// Reads the database; `None` where the target is not dpkg's.
///
/// # Errors
/// The target can't be read.
pub fn read(root: Root<'_>) -> Result<Option<Dpkg>> {
    let Some(text) = root.read_text(STATUS)? else { return Ok(None) };
    let packages = stanzas(&text);
    let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, package) in packages.iter().enumerate() {
        by_name.entry(package.name.clone()).or_default().push(index);
    }
    Ok(Some(Dpkg { packages, by_name }))
}

impl Dpkg {
    /// The package, if dpkg calls it installed (`Status: … ok installed`), for any architecture.
    pub fn installed(&self, name: &str) -> Option<&Package> {
        self.named(name).find(|package| package.state == State::Installed)
    }

    /// The package, if any of its files may be there: installed, or left half done.
    pub fn present(&self, name: &str) -> Option<&Package> {
        self.named(name).find(|package| package.state != State::Removed)
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Package> {
        self.by_name.get(name).into_iter().flatten().map(|index| &self.packages[*index])
    }

    /// The installed packages, in the database's order.
    pub fn packages(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.state == State::Installed)
    }

    /// The file where the packages are listed.
    pub fn database(&self) -> &'static str {
        STATUS
    }

    /// Reads which files the present packages shipped, and with which content. This opens a file per
    /// package: ask once, and only where it is needed.
    ///
    /// # Errors
    /// The target can't be read.
    pub fn shipped(&self, root: Root<'_>) -> Result<Shipped> {
        Shipped::read(root, self)
    }
}

/// The stanzas of a deb822 text; those without a name are left out, as they are no package's.
fn stanzas(text: &str) -> Vec<Package> {
    let mut packages = Vec::new();
    let mut fields = Fields::default();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            packages.extend(std::mem::take(&mut fields).package());
        } else {
            fields.add(line, index + 1);
        }
    }
    packages.extend(fields.package());
    packages
}

/// The fields of the stanza being read.
#[derive(Default)]
struct Fields<'a> {
    first_line: usize,
    fields: HashMap<String, &'a str>,
    in_conffiles: bool,
    conffiles: Vec<(String, String)>,
}

impl<'a> Fields<'a> {
    fn add(&mut self, line: &'a str, number: usize) {
        if self.first_line == 0 {
            self.first_line = number;
        }
        if line.starts_with([' ', '\t']) {
            if self.in_conffiles {
                self.conffiles.extend(conffile(line));
            }
        } else if let Some((name, value)) = line.split_once(':') {
            let name = name.to_ascii_lowercase();
            self.in_conffiles = name == "conffiles";
            self.fields.insert(name, value.trim());
        }
    }

    fn package(self) -> Option<Package> {
        let field = |name: &str| self.fields.get(name).copied().unwrap_or_default();
        let name = field("package");
        if name.is_empty() {
            return None;
        }
        // `Source: name (version)`: the version is there only where it differs.
        let source = field("source").split_whitespace().next().unwrap_or(name);
        Some(Package {
            name: name.to_owned(),
            version: field("version").to_owned(),
            architecture: field("architecture").to_owned(),
            source: source.to_owned(),
            state: state(field("status")),
            at: Location::line(STATUS, self.first_line),
            conffiles: self.conffiles,
        })
    }
}

/// ` /path md5 [obsolete] [remove-on-upgrade]`; the path may hold blanks.
fn conffile(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line = line.strip_suffix(" remove-on-upgrade").unwrap_or(line);
    let line = line.strip_suffix(" obsolete").unwrap_or(line);
    let (path, md5) = line.rsplit_once(' ')?;
    Some((path.trim_start_matches('/').to_owned(), md5.to_owned()))
}

/// The third word of `Status: want flag state`; a state that asks for reinstallation is unfinished.
fn state(status: &str) -> State {
    let mut words = status.split_whitespace().skip(1);
    match (words.next(), words.next()) {
        (Some("ok"), Some("installed")) => State::Installed,
        (_, None | Some("not-installed" | "config-files")) => State::Removed,
        _ => State::Unfinished,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::fixture::Fixture;

    const TWO: &str = "Package: sudo\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.9.13p3-1\n\
        Conffiles:\n /etc/sudoers 00112233445566778899aabbccddeeff\n /etc/a b ffeeddccbbaa99887766554433221100 obsolete\n\
        Description: x\n Status: purge ok not-installed\n\n\
        Package: libx\nStatus: hold ok installed\nSource: x (1.0)\nVersion: 2\nArchitecture: i386\n";

    fn status(text: &str) -> Fixture {
        Fixture::of(&[(STATUS, text)])
    }

    #[test]
    fn an_installed_package_is_found_with_its_line() {
        let dpkg = read(status(TWO).root()).unwrap().unwrap();
        let sudo = dpkg.installed("sudo").unwrap();
        assert_eq!(
            (sudo.version.as_str(), sudo.source.as_str(), sudo.at.line),
            ("1.9.13p3-1", "sudo", Some(1))
        );
        let names: Vec<&str> = sudo.conffiles.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, ["etc/sudoers", "etc/a b"]);
        let held = dpkg.installed("libx").unwrap();
        assert_eq!((held.source.as_str(), held.at.line), ("x", Some(11)));
        assert_eq!(dpkg.packages().count(), 2);
        assert!(dpkg.installed("nginx").is_none());
    }

    #[test]
    fn removed_and_unfinished_packages_are_not_installed() {
        for (state, present) in [
            ("deinstall ok config-files", false),
            ("purge ok not-installed", false),
            ("install ok half-configured", true),
            ("install ok unpacked", true),
            ("install reinstreq installed", true),
            ("", false),
        ] {
            let text = format!("Package: telnetd\nStatus: {state}\nVersion: 1\n");
            let dpkg = read(status(&text).root()).unwrap().unwrap();
            assert!(dpkg.installed("telnetd").is_none(), "{state}");
            assert_eq!(dpkg.present("telnetd").is_some(), present, "{state}");
        }
    }

    #[test]
    fn no_database_is_not_an_empty_one() {
        assert!(read(Fixture::new().root()).unwrap().is_none());
        assert_eq!(read(status("").root()).unwrap().unwrap().packages().count(), 0);
    }

    #[test]
    fn nonsense_is_no_package() {
        let dpkg = read(status(" \n:\nPackage\n /x y\n\n\n\u{0}\nVersion: 1\n").root()).unwrap().unwrap();
        assert_eq!(dpkg.packages().count(), 0);
    }

    #[test]
    fn dpkg_query_lists_the_same_packages() {
        let tree = status(TWO);
        tree.write("/var/lib/dpkg/info/format", "1\n");
        let format = "-f=${binary:Package} ${Version} ${source:Package}\\n";
        let admin = tree.path().join("var/lib/dpkg");
        let output = std::process::Command::new("dpkg-query")
            .args(["--admindir", admin.to_str().unwrap(), "-W", format])
            .output()
            .expect("this test needs dpkg-query");
        let said = String::from_utf8(output.stdout).unwrap();
        let dpkg = read(tree.root()).unwrap().unwrap();
        let mut ours: Vec<String> =
            dpkg.packages().map(|p| format!("{} {} {}", p.name, p.version, p.source)).collect();
        ours.sort();
        let theirs: Vec<String> = said.lines().map(|line| line.replace(":i386", "")).collect();
        assert_eq!(ours, theirs);
    }
}
