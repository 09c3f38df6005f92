use jiff::civil::date;

use super::*;
use crate::assets::Assets;
use crate::yaml::Source;

fn built_in() -> Policy {
    Policy::load(None, &Assets::embedded()).unwrap()
}

/// The built-in policy with recasts.
fn policy(recasts: &str) -> Policy {
    let text = Assets::embedded().get(crate::triage::policy::BUILT_IN).unwrap().unwrap().text;
    let text = text.replace("recasts: []", &format!("recasts:\n{recasts}"));
    Policy::parse(Source { name: "policy".into(), text }).unwrap()
}

fn scored(score: &str) -> Finding {
    let scores = Scores { v3: Score::parse(score).unwrap(), ..Scores::default() };
    Finding { id: "1".into(), scores, ..Finding::default() }
}

fn rated(finding: &Finding) -> (Rating, String, Option<String>) {
    let policy = built_in();
    let rated = rate(finding, "vm", &policy, date(2026, 11, 23));
    (rated.rating, rated.why, rated.differing)
}

#[test]
fn the_documents_bands_decide() {
    let cases = [
        ("0.1", Rating::Low),
        ("3.9", Rating::Low),
        ("4.0", Rating::Medium),
        ("6.9", Rating::Medium),
        ("7", Rating::High),
        ("9.0", Rating::High),
        ("9.9", Rating::High),
        ("10", Rating::Critical),
    ];
    for (score, rating) in cases {
        assert_eq!(rated(&scored(score)).0, rating, "{score}");
    }
    // The scanner goes by CVSS' own bands, and its word is shown beside ours.
    let finding = Finding { said: Some("Critical".into()), ..scored("9.8") };
    assert_eq!(rated(&finding), (Rating::High, "CVSS 3 score 9.8".into(), Some("Critical".into())));
    let finding = Finding { said: Some("HIGH".into()), ..scored("9.8") };
    assert_eq!(rated(&finding).2, None);
}

#[test]
fn what_has_no_score_goes_by_the_word_and_what_has_neither_is_unrated() {
    let word = |word: &str| Finding { said: Some(word.into()), ..Finding::default() };
    for (said, rating) in [
        ("Important", Rating::High),
        ("moderate", Rating::Medium),
        ("CRITICAL", Rating::Critical),
        ("Negligible", Rating::Low),
        ("None", Rating::Informational),
        ("UNKNOWN", Rating::Unrated),
        ("", Rating::Unrated),
    ] {
        assert_eq!(rated(&word(said)).0, rating, "{said}");
    }
    assert_eq!(rated(&Finding::default()).0, Rating::Unrated);
    assert!(Rating::Unrated < Rating::High && Rating::Unrated > Rating::Medium);
}

#[test]
fn the_newest_widespread_score_counts() {
    let all = Scores {
        v2: Score::parse("2").unwrap(),
        v3: Score::parse("7.5").unwrap(),
        v4: Score::parse("9.2").unwrap(),
    };
    assert_eq!(all.leading().unwrap().0, 3);
    assert_eq!(Scores { v3: None, ..all }.leading().unwrap().0, 4);
    assert_eq!(Scores { v3: None, v4: None, ..all }.leading().unwrap().0, 2);
}

#[test]
fn a_rating_that_no_score_explains_was_given_by_hand() {
    let scores = |v2: &str, v3: &str| Scores {
        v2: Score::parse(v2).unwrap(),
        v3: Score::parse(v3).unwrap(),
        v4: None,
    };
    let own = |word| Rating::of_word(word);
    // The documents' own case: High with a score of 2.6.
    assert_eq!(scores("2.6", "").given_by_hand(Rating::High, own("Low"), true), Some(Rating::High));
    assert_eq!(scores("2.6", "").given_by_hand(Rating::High, None, false), Some(Rating::High));
    // The scanner goes by CVSS 3's bands, or by those of CVSS 2.
    assert_eq!(scores("7.5", "9.8").given_by_hand(Rating::Critical, own("High"), true), None);
    assert_eq!(scores("7.5", "9.8").given_by_hand(Rating::High, own("High"), true), None);
    // Lower: by hand where the plugin's own word says otherwise, and doubtful where a score may be left out.
    assert_eq!(scores("7.5", "9.8").given_by_hand(Rating::Low, own("High"), true), Some(Rating::Low));
    assert_eq!(scores("7.5", "").given_by_hand(Rating::Medium, None, false), None);
    // Without any score only the plugin's own word can tell.
    assert_eq!(Scores::default().given_by_hand(Rating::High, own("Medium"), true), Some(Rating::High));
    assert_eq!(Scores::default().given_by_hand(Rating::High, own("High"), true), None);
    assert_eq!(Scores::default().given_by_hand(Rating::High, None, true), None);

    let finding = Finding { recast: Some(Rating::High), said: Some("High".into()), ..scored("2.6") };
    let (rating, why, _) = rated(&finding);
    assert_eq!(rating, Rating::High);
    assert!(why.contains("security team") && why.contains("2.6 alone is Low"), "{why}");
}

#[test]
fn the_policys_recast_wins_until_it_runs_out() {
    let recast = |id: &str, rating: &str, more: &str| {
        policy(&format!(
            "  - {{id: \"{id}\", rating: {rating}, owner: sec, reason: not reachable, expires: \"2026-11-23\"{more}}}"
        ))
    };
    let mut finding = scored("9.8");
    let accepted = recast("1", "informational", "");
    let of_day = |policy: &Policy, finding: &Finding, day| {
        let rated = rate(finding, "vm", policy, day);
        (rated.rating, rated.expired.is_some())
    };
    assert_eq!(of_day(&accepted, &finding, date(2026, 11, 23)), (Rating::Informational, false));
    assert_eq!(of_day(&accepted, &finding, date(2026, 11, 24)), (Rating::High, true));
    assert!(!says_nothing(&finding, "vm", &accepted));
    let elsewhere = recast("1", "low", ", hosts: [other]");
    assert_eq!(of_day(&elsewhere, &finding, date(2026, 11, 23)), (Rating::High, false));

    // One mild weakness of several does not make the others mild, but one bad one makes all bad.
    finding.cves = vec!["CVE-1".into(), "CVE-2".into()];
    assert_eq!(of_day(&recast("CVE-1", "low", ""), &finding, date(2026, 11, 1)).0, Rating::High);
    assert_eq!(of_day(&recast("CVE-1", "critical", ""), &finding, date(2026, 11, 1)).0, Rating::Critical);
    finding.cves.pop();
    assert_eq!(of_day(&recast("CVE-1", "low", ""), &finding, date(2026, 11, 1)).0, Rating::Low);
}

#[test]
fn scores_are_numbers_from_0_to_10() {
    assert_eq!(Score::parse(" 7.50 ").unwrap().unwrap().to_string(), "7.5");
    assert_eq!(Score::parse("10").unwrap().unwrap().to_string(), "10.0");
    assert_eq!(Score::parse("").unwrap(), None);
    for wrong in ["-1", "10.1", "NaN", "inf", "high", "1e300"] {
        assert!(Score::parse(wrong).is_err(), "{wrong}");
    }
}
