//! What shadow's days mean for a login: pam_unix's `check_shadow_expiry`.

use super::Shadow;

/// What an account's days come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aging {
    /// It may log in.
    Fine,
    /// It may, and has to change its password first.
    MustChange,
    /// Its password was not changed for too long: it may not log in.
    PasswordExpired,
    /// The account has ended.
    AccountExpired,
}

impl Shadow {
    /// What it is on a day counted from 1970-01-01. Day 0 as the account's end is the past, as
    /// pam_unix takes it (sshd without PAM takes it as never).
    pub fn aging(&self, today: i64) -> Aging {
        if self.expires.is_some_and(|day| today >= day) {
            return Aging::AccountExpired;
        }
        let Some(changed) = self.changed else { return self.since(today + 1) };
        if changed == 0 {
            return Aging::MustChange;
        }
        if today < changed {
            return Aging::Fine;
        }
        self.since(today - changed)
    }

    /// What it is so many days after the last change (which counts as the day -1 where none is
    /// known).
    fn since(&self, days: i64) -> Aging {
        let Some(max) = self.max_days else { return Aging::Fine };
        match self.inactive_days {
            Some(inactive) if days > max && days > inactive && days > max + inactive => {
                Aging::PasswordExpired
            }
            _ if days > max => Aging::MustChange,
            _ => Aging::Fine,
        }
    }
}
