//! Whom a line is for.

use crate::effective::pam::PamVersion;

/// The first word of a line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Domain {
    /// `*`
    Everybody,
    /// A user's name.
    User(String),
    /// User ids, both ends included.
    Users(u32, u32),
    /// `@`: a group's name.
    Group(String),
    /// `@:`: a group's id.
    GroupId(u32),
    /// Ids of primary groups, both ends included.
    Groups(u32, u32),
    /// `%`: these lines limit numbers of logins alone.
    Logins,
    /// `%` with ids: limits nothing, yet exempts users.
    LoginsOf(u32, u32),
}

/// How much a line counts against others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strength {
    Everybody,
    Group,
    User,
}

/// A user who logs in. An absent field meets no line that asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Login {
    /// The account's name.
    pub name: Option<String>,
    /// Its id; 0 is root.
    pub uid: Option<u32>,
    /// The id of its primary group.
    pub gid: Option<u32>,
    /// Names of all its groups.
    pub groups: Vec<String>,
    /// Their ids.
    pub gids: Vec<u32>,
}

/// For people.
impl std::fmt::Display for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self { name: Some(name), .. } => write!(f, "the user {name}"),
            Self { uid: Some(uid), .. } => write!(f, "the user with id {uid}"),
            Self { groups, .. } if !groups.is_empty() => write!(f, "members of {}", groups.join(", ")),
            Self { gids, .. } if !gids.is_empty() => {
                let ids: Vec<String> = gids.iter().map(ToString::to_string).collect();
                write!(f, "members of the group with id {}", ids.join(", "))
            }
            _ => write!(f, "everybody"),
        }
    }
}

impl Domain {
    /// Reads one; `None` for a range that the module can't read.
    pub(super) fn parse(word: &str) -> Option<Self> {
        let (mark, rest) = match word.strip_prefix(['@', '%']) {
            Some(rest) => (word.chars().next(), rest),
            None => (None, word),
        };
        let Some((min, max)) = rest.split_once(':') else {
            return Some(match mark {
                Some('@') => Self::Group(rest.to_owned()),
                Some(_) => Self::Logins,
                None if rest == "*" => Self::Everybody,
                None => Self::User(rest.to_owned()),
            });
        };
        let one = min.is_empty();
        let upper = match max {
            "" if one => return None,
            "" => u32::MAX,
            max => id(max)?,
        };
        let lower = if one { upper } else { id(min)? };
        Some(match mark {
            Some('@') if one => Self::GroupId(upper),
            Some('@') => Self::Groups(lower, upper),
            Some(_) => Self::LoginsOf(lower, upper),
            None => Self::Users(lower, upper),
        })
    }

    /// How strong a line of this domain is for a login; `None` where it is not for it.
    pub(super) fn strength(&self, login: &Login, version: PamVersion) -> Option<Strength> {
        let root = version.patches.limits_spare_root && login.uid == Some(0);
        let (fits, strength) = match self {
            Self::User(name) => (login.name.as_ref() == Some(name), Strength::User),
            Self::Users(min, max) => (within(login.uid, *min, *max), Strength::User),
            // Debian's patch passes root over by going on to what users' ids are compared with.
            Self::GroupId(id) if root => (*id == 0, Strength::User),
            Self::Groups(min, max) | Self::LoginsOf(min, max) if root => {
                (within(login.uid, *min, *max), Strength::User)
            }
            Self::Group(name) => (!root && login.groups.contains(name), Strength::Group),
            Self::GroupId(id) => (login.gids.contains(id), Strength::Group),
            Self::Groups(min, max) => (within(login.gid, *min, *max), Strength::Group),
            Self::Everybody => (!root, Strength::Everybody),
            Self::Logins | Self::LoginsOf(..) => (false, Strength::Everybody),
        };
        fits.then_some(strength)
    }

    /// Whether a line that exempts this domain exempts a login.
    pub(super) fn is_exempt(&self, login: &Login) -> bool {
        match self {
            Self::User(name) => login.name.as_ref() == Some(name),
            Self::Users(min, max) | Self::LoginsOf(min, max) => within(login.uid, *min, *max),
            Self::Group(name) => login.groups.contains(name),
            Self::GroupId(id) => login.gids.contains(id),
            Self::Groups(min, max) => within(login.gid, *min, *max),
            Self::Everybody | Self::Logins => false,
        }
    }

    /// A login that the domain fits, and no other domain that can be told from it.
    pub(super) fn example(&self) -> Option<Login> {
        // The end that is not root.
        let one_of = |min: u32, max: u32| if max == u32::MAX { min.max(1) } else { max };
        let mut login = Login::default();
        match self {
            Self::User(name) => {
                login.uid = (name == "root").then_some(0);
                login.name = Some(name.clone());
            }
            Self::Users(min, max) | Self::LoginsOf(min, max) => login.uid = Some(one_of(*min, *max)),
            Self::Group(name) => login.groups.push(name.clone()),
            Self::GroupId(id) => login.gids.push(*id),
            Self::Groups(min, max) => {
                login.gid = Some(one_of(*min, *max));
                login.gids.extend(login.gid);
            }
            Self::Everybody | Self::Logins => return None,
        }
        Some(login)
    }
}

fn within(id: Option<u32>, min: u32, max: u32) -> bool {
    id.is_some_and(|id| (min..=max).contains(&id))
}

/// An id as `strtoul` reads it, cut to 32 bits.
fn id(text: &str) -> Option<u32> {
    let (number, rest) = unsigned(text)?;
    (rest.is_empty()).then(|| number.map(|n| n as u32))?
}

/// `strtoull` to the base of ten: the number and what follows it; no number where it is too large.
/// `None` where no digit comes first.
pub(super) fn unsigned(text: &str) -> Option<(Option<u64>, &str)> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, rest) = digits.split_at(end);
    if digits.is_empty() {
        return None;
    }
    let number = digits.parse::<u64>().ok();
    Some((number.map(|n| if text.starts_with('-') { n.wrapping_neg() } else { n }), rest))
}
