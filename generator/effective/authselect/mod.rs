//! What authselect made of PAM's shared stacks, and what of it somebody changed since.
//!
//! Owns authselect's choice, its profiles and the stacks that it makes of them. Every `authselect apply-changes`, such as
//! an update of its package runs, writes the stacks anew. What a stack lets in is [`super::pam`]'s business. Sources:
//! authselect(8), authselect-profiles(5) and its `src/lib/files/`.

mod template;

use crate::location::{Location, Sourced};
use crate::target::{FileKind, Result, Root, display};

/// What was selected: the profile, then a feature a line.
pub const CHOICE: &str = "/etc/authselect/authselect.conf";

/// PAM's stacks that authselect makes.
const STACKS: [&str; 5] = ["system-auth", "password-auth", "postlogin", "smartcard-auth", "fingerprint-auth"];

/// Folders of profiles, the one that counts first.
const PROFILES: [&str; 2] = ["/usr/share/authselect/vendor", "/usr/share/authselect/default"];

/// A choice and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authselect {
    /// The profile; `custom/NAME` for one of the administrator's.
    pub profile: Sourced<String>,
    /// The features that are on.
    pub features: Vec<String>,
    /// Each of PAM's stacks.
    pub stacks: Vec<Stack>,
}

/// A stack of PAM's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Where PAM reads it.
    pub path: String,
    /// What is there.
    pub made: Made,
}

/// Where a stack comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Made {
    /// authselect made it, and nobody changed it.
    AsSelected,
    /// authselect made it, and this line is another now, or gone: the next `authselect apply-changes` writes the other text.
    Edited {
        /// The line as it is; the file alone where it ends there.
        found: Sourced<String>,
        /// The line as authselect writes it; empty where there is none.
        written: String,
    },
    /// Another file stands in its place.
    Replaced(String),
    /// There is none.
    Absent,
    /// The profile is not there, so that nobody can tell; the sentence says what is missing.
    Unknown(String),
}

/// Reads the choice and holds the stacks against it; `None` where nothing was selected.
///
/// # Errors
/// A target that can't be read.
pub fn read(root: Root<'_>) -> Result<Option<Authselect>> {
    let Some(text) = root.read_text(CHOICE)? else { return Ok(None) };
    let mut lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let Some((index, profile)) = lines.next() else { return Ok(None) };
    let features: Vec<String> = lines.map(|(_, line)| line.to_owned()).collect();
    let folder = folder(root, profile)?;
    let mut stacks = Vec::new();
    for name in STACKS {
        let path = format!("/etc/pam.d/{name}");
        let made = made(root, &path, name, folder.as_deref(), &features)?;
        stacks.push(Stack { path, made });
    }
    let profile = Sourced::new(profile.to_owned(), Location::line(CHOICE, index + 1));
    Ok(Some(Authselect { profile, features, stacks }))
}

/// Where a profile's templates are; `None` where there is no such profile.
fn folder(root: Root<'_>, profile: &str) -> Result<Option<String>> {
    let candidates = match profile.strip_prefix("custom/") {
        Some(name) => vec![format!("/etc/authselect/custom/{name}")],
        None => PROFILES.iter().map(|folder| format!("{folder}/{profile}")).collect(),
    };
    for folder in candidates {
        let found = root.resolve(&folder)?;
        if found.is_some_and(|found| found.meta.kind == FileKind::Directory) {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

fn made(root: Root<'_>, path: &str, name: &str, folder: Option<&str>, features: &[String]) -> Result<Made> {
    let own = format!("/etc/authselect/{name}");
    match root.resolve(path)? {
        None => return Ok(Made::Absent),
        Some(found) if display(&found.path) != own => return Ok(Made::Replaced(display(&found.path))),
        Some(_) => {}
    }
    let Some(folder) = folder else {
        return Ok(Made::Unknown("the profile's templates are not there".to_owned()));
    };
    let template = root.read_text(format!("{folder}/{name}"))?.unwrap_or_default();
    let Some(written) = template::generate(&template, features) else {
        return Ok(Made::Unknown(format!("{folder}/{name} can't be read as a template")));
    };
    let found = root.read_text(&own)?.unwrap_or_default();
    let mut wanted = written.lines().map(str::trim_end).filter(|line| counts(line));
    let there = found.lines().map(str::trim_end).enumerate().filter(|(_, line)| counts(line));
    for (index, line) in there {
        let next = wanted.next().unwrap_or_default();
        if line != next {
            let found = Sourced::new(line.to_owned(), Location::line(&own, index + 1));
            return Ok(Made::Edited { found, written: next.to_owned() });
        }
    }
    Ok(match wanted.next() {
        None => Made::AsSelected,
        Some(next) => {
            let found = Sourced::new(String::new(), Location::file(&own));
            Made::Edited { found, written: next.to_owned() }
        }
    })
}

/// PAM passes over blank lines and comments, of which authselect writes some of its own.
fn counts(line: &str) -> bool {
    let line = line.trim_start();
    !line.is_empty() && !line.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effective::testing::MemoryTree;

    const TEMPLATE: &str = "auth required pam_env.so\n\
        auth required pam_faillock.so preauth silent   {include if \"with-faillock\"}\n\
        auth sufficient pam_unix.so {if not \"without-nullok\":nullok}\n";
    const MADE: &str = "# Generated by authselect\n\nauth required pam_env.so\n\
        auth required pam_faillock.so preauth silent\nauth sufficient pam_unix.so\n";

    fn tree(stack: &str) -> MemoryTree {
        let mut tree = MemoryTree::of(&[
            (CHOICE, "mine\nwith-faillock\nwithout-nullok\n"),
            ("/usr/share/authselect/default/mine/system-auth", TEMPLATE),
        ]);
        for name in STACKS {
            tree.write(format!("/etc/authselect/{name}"), if name == "system-auth" { stack } else { "" });
            tree.link(format!("/etc/pam.d/{name}"), format!("/etc/authselect/{name}"));
        }
        tree
    }

    fn system_auth(tree: &MemoryTree) -> Made {
        read(tree.root()).unwrap().unwrap().stacks.remove(0).made
    }

    #[test]
    fn a_stack_is_held_against_the_profile_with_its_features() {
        assert_eq!(system_auth(&tree(MADE)), Made::AsSelected);
        let Made::Edited { found, written } =
            system_auth(&tree(&MADE.replace("pam_unix.so", "pam_unix.so nullok")))
        else {
            panic!("an edited stack");
        };
        assert_eq!(found.at, Location::line("/etc/authselect/system-auth", 5));
        assert_eq!(written, "auth sufficient pam_unix.so");
        let short = MADE.replace("auth sufficient pam_unix.so\n", "");
        assert!(matches!(system_auth(&tree(&short)), Made::Edited { found, .. } if found.value.is_empty()));
        let long = format!("{MADE}auth required pam_deny.so\n");
        assert!(matches!(system_auth(&tree(&long)), Made::Edited { written, .. } if written.is_empty()));
    }

    #[test]
    fn what_is_not_authselects_is_told() {
        let mut changed = tree(MADE);
        changed.remove("/etc/pam.d/system-auth").write("/etc/pam.d/system-auth", MADE);
        assert_eq!(system_auth(&changed), Made::Replaced("/etc/pam.d/system-auth".to_owned()));
        changed.remove("/etc/pam.d/system-auth");
        assert_eq!(system_auth(&changed), Made::Absent);
        let mut lost = tree(MADE);
        lost.remove("/usr/share/authselect/default/mine/system-auth");
        assert!(matches!(system_auth(&lost), Made::Unknown(_) | Made::Edited { .. }));
        assert_eq!(read(MemoryTree::new().root()).unwrap(), None);
    }

    #[test]
    fn an_administrators_own_profile_is_found_among_his() {
        let mut own = tree(MADE);
        own.write(CHOICE, "custom/mine\nwith-faillock\n");
        assert!(matches!(system_auth(&own), Made::Unknown(_)));
        own.write("/etc/authselect/custom/mine/system-auth", TEMPLATE);
        let Made::Edited { written, .. } = system_auth(&own) else { panic!("nullok is missing") };
        assert_eq!(written, "auth sufficient pam_unix.so nullok");
    }
}
