//! How a release stands on a day.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::{Lifecycle, OtherSource};

/// Days before the end from which one is warned.
pub const WARN_DAYS: i32 = 90;

/// Where a day falls in a release's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is not out yet.
    Unreleased,
    /// Regular support.
    Supported,
    /// Security updates alone, after the end of regular support.
    SecurityOnly,
    /// Fewer than [`WARN_DAYS`] days are left.
    Ending,
    /// No security update comes any more.
    Past,
}

/// How a release stands on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Where the day falls.
    pub state: State,
    /// Days until the end of life; negative after it.
    pub days: i32,
    /// Sources that name another end of life, and so may judge otherwise.
    pub differing: Vec<OtherSource>,
}

impl Lifecycle {
    /// How the release stands on a day.
    pub fn on(&self, day: Date) -> Verdict {
        let warn_from = self.end_of_life.checked_sub(WARN_DAYS.days()).unwrap_or(Date::MIN);
        let state = match day {
            _ if day > self.end_of_life => State::Past,
            _ if day < self.released => State::Unreleased,
            _ if day >= warn_from => State::Ending,
            _ if day > self.end_of_support => State::SecurityOnly,
            _ => State::Supported,
        };
        let differing = self.others.iter().filter(|o| o.end_of_life != self.end_of_life).cloned().collect();
        Verdict { state, days: (self.end_of_life - day).get_days(), differing }
    }
}

impl Verdict {
    /// Whether security updates have ended.
    pub fn is_past(&self) -> bool {
        self.state == State::Past
    }

    /// The verdict in a few words.
    pub fn words(&self) -> String {
        match self.state {
            State::Unreleased => "not released yet".into(),
            State::Supported => "supported".into(),
            State::SecurityOnly => "security updates only".into(),
            State::Ending if self.days == 0 => "ends today".into(),
            State::Ending => format!("ends in {} days", self.days),
            State::Past => format!("past its end of life by {} days", -self.days),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use jiff::civil::date;

    #[test]
    fn the_last_day_still_counts_and_the_warning_starts_ninety_days_before() {
        let release =
            super::super::Document::open("debian-12", &Assets::embedded()).unwrap().release().unwrap();
        let on = |year, month, day| release.lifecycle.on(date(year, month, day));
        let states = [
            (on(2023, 6, 9), State::Unreleased, "not released yet"),
            (on(2023, 6, 10), State::Supported, "supported"),
            (on(2026, 7, 11), State::Supported, "supported"),
            (on(2026, 7, 12), State::SecurityOnly, "security updates only"),
            (on(2028, 3, 31), State::SecurityOnly, "security updates only"),
            (on(2028, 4, 1), State::Ending, "ends in 90 days"),
            (on(2028, 6, 30), State::Ending, "ends today"),
            (on(2028, 7, 1), State::Past, "past its end of life by 1 days"),
        ];
        for (verdict, state, words) in states {
            assert_eq!((verdict.state, verdict.words().as_str()), (state, words));
            assert_eq!(verdict.is_past(), state == State::Past);
        }
    }
}
