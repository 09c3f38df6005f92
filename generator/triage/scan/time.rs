//! Times as scanners write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

/// An instant: seconds since 1970, RFC 3339, or the time of a clock in `zone`, as ISO 8601 or as C's `ctime`.
pub fn instant(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ");
    if text.len() > 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Timestamp::from_second(text.parse().ok()?).ok();
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    let of_clock = |time: DateTime| time.to_zoned(zone.clone()).ok().map(|z| z.timestamp());
    if let Ok(time) = text.parse::<DateTime>() {
        return of_clock(time);
    }
    // `Thu Feb 29 23:59:59 2024`: the day's name says nothing that the date does not.
    let (_, date) = text.split_once(' ')?;
    of_clock(strtime::parse("%b %d %H:%M:%S %Y", date).ok()?.to_datetime().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_time_is_the_same_instant() {
        let auckland = TimeZone::get("Pacific/Auckland").unwrap();
        let wanted: Timestamp = "2024-02-29T10:59:59Z".parse().unwrap();
        for text in [
            "1709204399",
            "2024-02-29T10:59:59Z",
            "2024-02-29T10:59:59.000000000Z",
            "2024-02-29T23:59:59+13:00",
            "2024-02-29T23:59:59",
            "Thu Feb 29 23:59:59 2024",
        ] {
            assert_eq!(instant(text, &auckland), Some(wanted), "{text}");
        }
        let ninth = instant("Wed Mar  9 22:48:10 2011", &TimeZone::UTC).unwrap();
        assert_eq!(ninth.to_string(), "2011-03-09T22:48:10Z");
        for text in ["", "yesterday", "Fri Feb 30 10:00:00 2024", "99999999999999999999", "Thu Feb"] {
            assert_eq!(instant(text, &auckland), None, "{text}");
        }
    }

    #[test]
    fn an_hour_that_the_clocks_show_twice_is_the_first_of_the_two() {
        // In Auckland 02:30 comes twice on 2026-04-05.
        let auckland = TimeZone::get("Pacific/Auckland").unwrap();
        let found = instant("2026-04-05T02:30:00", &auckland).unwrap();
        assert_eq!(found.to_string(), "2026-04-04T13:30:00Z");
    }
}
