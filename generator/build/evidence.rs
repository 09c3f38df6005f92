//! The scripts that print a build's [`Record`](super::Record), for each package manager one.

/// Who is asked which updates are pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// apt, by the lists that it has.
    Apt,
    /// dnf or yum, by metadata that it fetches when it is asked.
    Dnf {
        /// The program's name.
        program: &'static str,
        /// Whether its repositories say which updates are for security; else all updates are asked for.
        advisories: bool,
    },
}

impl Evidence {
    /// The script, for a POSIX shell. It prints the record's JSON, or fails.
    pub fn script(self) -> &'static str {
        match self {
            Self::Apt => include_str!("inside/evidence-apt.sh"),
            Self::Dnf { .. } => include_str!("inside/evidence-dnf.sh"),
        }
    }

    /// The script's arguments for the tree in a folder.
    pub fn arguments(self, root: &str) -> Vec<&str> {
        match self {
            Self::Apt => vec![root],
            Self::Dnf { program, advisories } => {
                vec![root, program, if advisories { "security" } else { "all" }]
            }
        }
    }
}
