use super::*;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

fn due(limit: &str, start: &str, name: &str) -> String {
    let limit = TimeLimit::try_from(limit.to_owned()).unwrap();
    limit.after(start.parse().unwrap(), &zone(name)).to_zoned(zone(name)).strftime("%F %T %:z").to_string()
}

#[test]
fn days_are_of_the_calendar_and_hours_are_of_the_clock() {
    let cases = [
        // Leap days.
        ("30 days", "2024-02-01T10:00:00Z", "UTC", "2024-03-02 10:00:00 +00:00"),
        ("30 days", "2023-02-01T10:00:00Z", "UTC", "2023-03-03 10:00:00 +00:00"),
        ("30 days", "2024-01-30T10:00:00Z", "UTC", "2024-02-29 10:00:00 +00:00"),
        ("48 hours", "2024-02-28T10:00:00Z", "UTC", "2024-03-01 10:00:00 +00:00"),
        ("48 hours", "2023-02-28T10:00:00Z", "UTC", "2023-03-02 10:00:00 +00:00"),
        ("365 days", "2024-02-29T00:00:00Z", "UTC", "2025-02-28 00:00:00 +00:00"),
        // No leap day in 1900 and 2100, one in 2000.
        ("1 day", "2100-02-28T00:00:00Z", "UTC", "2100-03-01 00:00:00 +00:00"),
        ("1 day", "2000-02-28T00:00:00Z", "UTC", "2000-02-29 00:00:00 +00:00"),
        // Clocks change in Auckland on 2026-04-05 and 2026-09-27: a day keeps its time, 48 hours don't.
        ("30 days", "2026-03-19T21:00:00Z", "Pacific/Auckland", "2026-04-19 10:00:00 +12:00"),
        ("30 days", "2026-09-09T22:00:00Z", "Pacific/Auckland", "2026-10-10 10:00:00 +13:00"),
        ("48 hours", "2026-04-03T21:00:00Z", "Pacific/Auckland", "2026-04-06 09:00:00 +12:00"),
        ("48 hours", "2026-09-25T22:00:00Z", "Pacific/Auckland", "2026-09-28 11:00:00 +13:00"),
        // An hour that there is not: 02:30 on the day the clocks go forward.
        ("1 day", "2026-09-25T14:30:00Z", "Pacific/Auckland", "2026-09-27 03:30:00 +13:00"),
        // Half an hour and three quarters.
        ("30 days", "2026-03-20T00:00:00Z", "Australia/Lord_Howe", "2026-04-19 11:00:00 +10:30"),
        ("1 day", "2026-01-01T00:00:00Z", "Pacific/Chatham", "2026-01-02 13:45:00 +13:45"),
        // A day that Samoa never had.
        ("1 day", "2011-12-30T09:59:59Z", "Pacific/Apia", "2011-12-31 23:59:59 +14:00"),
    ];
    for (limit, start, zone, wanted) in cases {
        assert_eq!(due(limit, start, zone), wanted, "{limit} after {start} in {zone}");
    }
    assert_eq!(TimeLimit::Days(30).after(Timestamp::MAX, &TimeZone::UTC), Timestamp::MAX);
}

#[test]
fn the_built_in_policy_is_that_of_the_recipes() {
    let policy = Policy::load(None, &Assets::embedded()).unwrap();
    assert_eq!(policy.limits.get(&Rating::Critical), Some(&TimeLimit::Hours(48)));
    assert_eq!(policy.limits.get(&Rating::High), Some(&TimeLimit::Days(30)));
    assert_eq!(policy.limits.len(), 2);
    assert_eq!(policy.refuse.ratings, [Rating::Critical, Rating::High, Rating::Unrated]);
    let seen = "2026-11-01T00:00:00Z".parse().unwrap();
    assert_eq!(policy.due(Rating::Medium, seen), None);
    assert_eq!(policy.due(Rating::Critical, seen).unwrap().to_string(), "2026-11-03T00:00:00Z");
}

#[test]
fn mistakes_are_pointed_at() {
    let text = Assets::embedded().get(BUILT_IN).unwrap().unwrap().text;
    let recast = "{id: a, rating: low, owner: me, reason: r, expires: \"2027-01-01\"}";
    let cases = [
        ("zone: UTC", "zone: Mars/Olympus", "no time zone `Mars/Olympus` is known"),
        ("medium: 4", "medium: 8", "the bands are out of order"),
        ("critical: 10", "critical: 11", "no CVSS score"),
        ("48 hours", "two days", "no length of time"),
        ("48 hours", "48 weeks", "no length of time"),
        ("48 hours", "900000 days", "longer than 36500 days"),
        ("overdue: true", "overdue: maybe", "invalid boolean"),
        ("refuse:", "refuses:", "unknown field"),
        ("recasts: []", &format!("recasts: [{}]", recast.replace("low", "grave")), "unknown variant"),
        (
            "recasts: []",
            &format!("recasts: [{}]", recast.replace("low", "unrated")),
            "`unrated` is no rating",
        ),
        ("recasts: []", &format!("recasts: [{}]", recast.replace("me", "''")), "it lacks an owner"),
        ("recasts: []", &format!("recasts: [{}]", recast.replace("2027-01-01", "soon")), "soon"),
    ];
    let name = || "mine.yaml".to_owned();
    for (right, wrong, words) in cases {
        let changed = text.replacen(right, wrong, 1);
        assert_ne!(changed, text, "{right}");
        let error = Policy::parse(Source { name: name(), text: changed }).unwrap_err();
        assert!(error.to_string().contains(words), "{wrong}: {error}");
        assert!(error.to_string().contains("mine.yaml:"), "{wrong}: {error}");
    }
    let right = text.replace("recasts: []", &format!("recasts: [{recast}]"));
    assert_eq!(Policy::parse(Source { name: name(), text: right }).unwrap().recasts.len(), 1);
}
