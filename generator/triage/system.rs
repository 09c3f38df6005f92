//! Which release a scanner means by an operating system's name, and what its owner does about findings.
//!
//! Owns the comparison of words. Everything about releases is in [`crate::release`]'s files.

use jiff::civil::Date;

use crate::release::Release;

/// A guess of scanners may name several systems; no more of it is looked at.
const MOST_LINES: usize = 20;

/// The release that a scanner's words mean: `Linux Kernel 5.10 on Debian 11.5`, `cpe:/o:canonical:ubuntu_linux:18.04`. `None`
/// where it is none that is known, or where the words name several.
pub fn release<'r>(words: &str, releases: &'r [Release]) -> Option<&'r Release> {
    let mut found: Option<&Release> = None;
    for line in words.lines().take(MOST_LINES) {
        let tokens = tokens(line);
        let best = releases.iter().map(|r| (fit(&tokens, r), r)).max_by_key(|(fit, _)| *fit);
        match (found, best.filter(|(fit, _)| *fit > 0)) {
            (Some(first), Some((_, other))) if first.id != other.id => return None,
            (None, Some((_, release))) => found = Some(release),
            _ => {}
        }
    }
    found
}

/// A text's words and numbers, in lower case.
fn tokens(text: &str) -> Vec<String> {
    let parts = text.split(|c: char| !c.is_alphanumeric() && c != '.');
    parts.map(|p| p.trim_matches('.').to_lowercase()).filter(|p| !p.is_empty()).collect()
}

/// How well words name a release: 0 where they don't, more where more of them do.
fn fit(words: &[String], release: &Release) -> usize {
    let title = tokens(release.title.split('(').next().unwrap_or_default());
    if !title.is_empty() && words.windows(title.len()).any(|part| part == title) {
        return 2 + title.len();
    }
    let Some(system) = &release.os_release else { return 0 };
    let named = |name: &String| {
        let name = tokens(name);
        words.windows(name.len().max(1)).any(|part| part == name)
    };
    if !system.name.as_ref().is_none_or(named) {
        return 0;
    }
    // Some scanners shorten the name.
    let is_id =
        |word: &String| *word == system.id || (word.len() >= 4 && system.id.starts_with(word.as_str()));
    let Some(at) = words.iter().position(is_id) else { return 0 };
    let rest = &words[at + 1..];
    let version = rest.iter().find(|w| w.starts_with(|c: char| c.is_ascii_digit()));
    let of_version = version.is_some_and(|found| {
        let minor = found.strip_prefix(system.version_id.as_str());
        minor.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    let of_codename = version.is_none()
        && release.codename.as_ref().is_some_and(|c| rest.iter().any(|w| *w == c.to_lowercase()));
    if of_version || of_codename { 2 } else { 0 }
}

/// What a machine's owner does, in order: a snapshot first, then either the updates or, where none come any more, another
/// release, and a reboot. Without a release, in general words.
pub fn steps(release: Option<&Release>, today: Date) -> Vec<String> {
    let Some(Release { title, lifecycle, .. }) = release else {
        return vec![
            "take a snapshot of the machine".into(),
            "install the updates of its release; upgrade or replace the machine where the release is past its end of \
             life (which one it is, the scan does not tell)"
                .into(),
            "reboot: many updates take effect no sooner".into(),
            "scan again".into(),
        ];
    };
    let snapshot = match &lifecycle.before_snapshot {
        Some(before) => format!("{before}, then take a snapshot of it"),
        None => "take a snapshot of the machine".into(),
    };
    let mend = if lifecycle.on(today).is_past() {
        format!(
            "leave {title}, for which no update has come since {}: {}",
            lifecycle.end_of_life, lifecycle.way_up
        )
    } else {
        format!("install the updates: {}", lifecycle.patch)
    };
    vec![snapshot, mend, "reboot: many updates take effect no sooner".into(), "scan again".into()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use jiff::civil::date;

    #[test]
    fn scanners_words_name_the_release() {
        let releases = crate::release::all(&Assets::embedded()).unwrap();
        let cases = [
            ("Linux Kernel 6.1 on Debian 12.5", "debian-12"),
            ("Linux Kernel 5.10.0-28-cloud-amd64 on Debian GNU/Linux 11 (bullseye)", "debian-11"),
            ("debian 13.1", "debian-13"),
            ("Debian GNU/Linux bullseye", "debian-11"),
            ("cpe:/o:debian:debian_linux:11.0", "debian-11"),
            ("Linux Kernel 4.15 on Ubuntu 18.04 (bionic)", "ubuntu-18.04"),
            ("cpe:/o:canonical:ubuntu_linux:20.04", "ubuntu-20.04"),
            ("ubuntu 24.04", "ubuntu-24.04"),
            ("Linux Kernel 3.10.0-1160.el7.x86_64 on CentOS Linux release 7.9.2009 (Core)", "centos-7"),
            ("CentOS Stream 8", "centos-stream-8"),
            ("CentOS Linux release 8.5.2111", "centos-8"),
            ("centos 8", "centos-8"),
            ("alma 9.4", "almalinux-9"),
            ("Rocky Linux 9.3", "rocky-9"),
            ("Fedora release 43 (Forty Three)", "fedora-43"),
            ("Microsoft Windows Server 2012 R2 Standard", "windows-server-2012-r2"),
            ("Microsoft Windows Server 2022 Datacenter", "windows-server-2022"),
            ("Debian 12\nLinux Kernel 6.1", "debian-12"),
        ];
        for (words, id) in cases {
            assert_eq!(release(words, &releases).map(|r| r.id.as_str()), Some(id), "{words}");
        }
        for words in
            ["", "Linux", "Debian", "Debian 112", "Amazon Linux 2", "Debian 11\nUbuntu 20.04", "FreeBSD 12"]
        {
            assert_eq!(release(words, &releases).map(|r| r.id.as_str()), None, "{words}");
        }
    }

    #[test]
    fn steps_keep_the_recipes_order() {
        let releases = crate::release::all(&Assets::embedded()).unwrap();
        let of = |id: &str, day| steps(releases.iter().find(|r| r.id == id), day);
        let supported = of("debian-12", date(2026, 11, 23));
        assert!(supported[0].contains("snapshot") && supported[1].contains("apt upgrade"), "{supported:?}");
        assert!(supported[2].contains("reboot"), "{supported:?}");
        let past = of("ubuntu-18.04", date(2026, 11, 23));
        assert!(past[1].contains("do-release-upgrade") && past[1].contains("2023-05-31"), "{past:?}");
        assert!(of("ubuntu-18.04", date(2023, 5, 31))[1].contains("apt upgrade"));
        assert!(of("windows-server-2025", date(2026, 11, 23))[0].starts_with("shut the machine down"));
        assert_eq!(steps(None, date(2026, 11, 23)).len(), 4);
    }
}
