//! The password field of shadow (or passwd): what it lets in.

/// What a password field says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Password {
    /// Anybody gets in without one.
    Empty,
    /// No password fits: `*`, `!`, `!!` or anything that is no hash.
    Locked,
    /// A hash behind a `!`: locked, but `passwd -u` brings it back.
    LockedHash(Scheme),
    /// A hash: who knows the password gets in.
    Hash(Scheme),
    /// passwd refers to shadow, which has no line for the name (or does not exist).
    Missing,
}

/// How a password was hashed, by its prefix (crypt(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `$y$`
    Yescrypt,
    /// `$gy$`
    GostYescrypt,
    /// `$7$`
    Scrypt,
    /// `$2a$`, `$2b$`, `$2x$`, `$2y$`
    Bcrypt,
    /// `$6$`
    Sha512,
    /// `$5$`
    Sha256,
    /// `$1$`
    Md5,
    /// Thirteen characters without a prefix (or 11, 22, … more), or `_` and nineteen.
    Des,
    /// A `$…$` that is none of these.
    Unknown,
}

impl Password {
    /// Reads a field.
    pub fn of(field: &str) -> Self {
        if field.is_empty() {
            return Self::Empty;
        }
        let hash = field.trim_start_matches('!');
        match (Scheme::of(hash), hash.len() == field.len()) {
            (Some(scheme), true) => Self::Hash(scheme),
            (Some(scheme), false) => Self::LockedHash(scheme),
            (None, _) => Self::Locked,
        }
    }

    /// Whether a password (or none) can let somebody in.
    pub fn lets_in(&self) -> bool {
        matches!(self, Self::Empty | Self::Hash(_))
    }
}

impl Scheme {
    fn of(hash: &str) -> Option<Self> {
        if let Some(rest) = hash.strip_prefix('$') {
            let (id, _) = rest.split_once('$')?;
            return Some(match id {
                "y" => Self::Yescrypt,
                "gy" => Self::GostYescrypt,
                "7" => Self::Scrypt,
                "2a" | "2b" | "2x" | "2y" => Self::Bcrypt,
                "6" => Self::Sha512,
                "5" => Self::Sha256,
                "1" => Self::Md5,
                _ => Self::Unknown,
            });
        }
        let valid = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/');
        let des = match hash.strip_prefix('_') {
            Some(extended) => extended.len() == 19 && extended.as_bytes().iter().all(valid),
            // pam_unix leaves out what follows the hash and is none of it (HP-UX's aging). Longer
            // passwords add 11 characters for each 8 of theirs (its bigcrypt).
            None => {
                let length = hash.bytes().take_while(valid).count();
                length >= 13 && (length - 2) % 11 == 0
            }
        };
        des.then_some(Self::Des)
    }
}
