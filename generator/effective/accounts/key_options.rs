//! The options in front of a key: OpenSSH's `sshauthopt_parse`.

/// What options say. One that is refused makes sshd refuse the whole line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyOptions {
    /// As written.
    pub text: String,
    /// The key signs certificates of those who may log in; it lets nobody in by itself.
    pub cert_authority: bool,
    /// The command that runs instead of a shell, whatever the client asks for.
    pub command: Option<String>,
    /// Patterns of the hosts that it may be used from.
    pub from: Option<String>,
    /// Names that a certificate must carry one of.
    pub principals: Option<String>,
    /// Second (from 1970-01-01 UTC) after which it lets nobody in. A time without `Z` is the
    /// machine's own; it is taken as UTC here.
    pub expires: Option<i64>,
    /// No forwarding, no terminal and no `~/.ssh/rc`, unless an option behind says otherwise.
    pub restricted: bool,
    /// Ports may be forwarded.
    pub port_forwarding: bool,
    /// The agent may be forwarded.
    pub agent_forwarding: bool,
    /// X11 may be forwarded.
    pub x11_forwarding: bool,
    /// There is a terminal.
    pub pty: bool,
    /// `~/.ssh/rc` runs.
    pub user_rc: bool,
}

type Parsed<T> = Result<T, &'static str>;

impl KeyOptions {
    /// Reads options.
    ///
    /// # Errors
    /// Where sshd refuses them.
    pub fn parse(text: &str) -> Parsed<Self> {
        let mut found = Self { text: text.to_owned(), ..Self::default() };
        found.allow(true);
        let mut rest = text;
        while !rest.is_empty() {
            if let Some(after) = found.flag(rest) {
                rest = after;
            } else if let Some((name, quoted)) = valued(rest) {
                let (value, after) = dequoted(quoted)?;
                found.set(name, value)?;
                rest = after;
            }
            if rest.is_empty() {
                break;
            }
            // Only a comma may follow what is known; what is not is refused by that.
            rest = rest.strip_prefix(',').ok_or("an unknown option")?;
        }
        Ok(found)
    }

    /// Whether the key itself opens a session at a time (second from 1970-01-01 UTC), from some host.
    pub fn lets_in(&self, now: i64) -> bool {
        !self.cert_authority && self.principals.is_none() && self.expires.is_none_or(|end| end >= now)
    }

    fn allow(&mut self, all: bool) {
        self.port_forwarding = all;
        self.agent_forwarding = all;
        self.x11_forwarding = all;
        self.pty = all;
        self.user_rc = all;
    }

    /// Takes an option without a value from the start of the text.
    fn flag<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        if let Some(rest) = without(text, "restrict") {
            self.restricted = true;
            self.allow(false);
            return Some(rest);
        }
        if let Some(rest) = without(text, "cert-authority") {
            self.cert_authority = true;
            return Some(rest);
        }
        let (plain, on) = without(text, "no-").map_or((text, true), |rest| (rest, false));
        // What a hardware key has to show is no matter of what is allowed afterwards.
        let shown = ["touch-required", "verify-required"].iter().find_map(|name| without(plain, name));
        if shown.is_some() {
            return shown;
        }
        let flags: [(&str, &mut bool); 5] = [
            ("port-forwarding", &mut self.port_forwarding),
            ("agent-forwarding", &mut self.agent_forwarding),
            ("x11-forwarding", &mut self.x11_forwarding),
            ("pty", &mut self.pty),
            ("user-rc", &mut self.user_rc),
        ];
        let (rest, flag) = flags.into_iter().find_map(|(name, flag)| Some((without(plain, name)?, flag)))?;
        *flag = on;
        Some(rest)
    }

    fn set(&mut self, name: &str, value: String) -> Parsed<()> {
        let once = |place: &mut Option<String>, value| match place.replace(value) {
            Some(_) => Err("an option twice"),
            None => Ok(()),
        };
        match name {
            "command" => once(&mut self.command, value),
            "principals" => once(&mut self.principals, value),
            "from" => once(&mut self.from, value),
            "expiry-time" => {
                let end = time(&value).filter(|end| *end > 0).ok_or("no time")?;
                self.expires = Some(self.expires.map_or(end, |before| before.min(end)));
                Ok(())
            }
            "environment" => {
                let (variable, _) = value.split_once('=').ok_or("a variable without a value")?;
                let good = variable.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
                if good && !variable.is_empty() { Ok(()) } else { Err("no variable's name") }
            }
            "tunnel" => {
                let good =
                    value.eq_ignore_ascii_case("any") || value.parse::<u32>().is_ok_and(|n| n < 0x7fff_fffe);
                if good { Ok(()) } else { Err("no tunnel device") }
            }
            _ => permitted(&value, name == "permitlisten"),
        }
    }
}

/// Options with a value.
const VALUED: [&str; 8] =
    ["command", "principals", "from", "expiry-time", "environment", "permitopen", "permitlisten", "tunnel"];

/// Which option with a value stands at the start of the text, and what follows its `=`.
fn valued(text: &str) -> Option<(&'static str, &str)> {
    VALUED.iter().find_map(|name| Some((*name, without(text, name)?.strip_prefix('=')?)))
}

/// The text without a word in any case at its start.
fn without<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let start = text.get(..word.len())?;
    start.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

/// A value in quotes, where `\"` stands for one, and what follows.
fn dequoted(text: &str) -> Parsed<(String, &str)> {
    let mut rest = text.strip_prefix('"').ok_or("a value without quotes")?;
    let mut value = String::new();
    loop {
        let end = rest.find('"').ok_or("a quote without end")?;
        let (part, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        match part.strip_suffix('\\') {
            Some(part) => {
                value.push_str(part);
                value.push('"');
            }
            None => {
                value.push_str(part);
                return Ok((value, rest));
            }
        }
    }
}

/// `host:port` of `permitopen` and `permitlisten`; the latter may be a port alone. A name of a
/// service is taken for one that the machine knows.
fn permitted(value: &str, bare_port: bool) -> Parsed<()> {
    let port = match value.strip_prefix('[') {
        Some(inner) => inner.split_once(']').and_then(|(_, rest)| rest.strip_prefix([':', '/'])),
        None if bare_port && !value.contains(':') => Some(value),
        None => value.split_once([':', '/']).map(|(_, port)| port),
    };
    let good = |port: &str| match port.parse::<u32>() {
        Ok(number) => (1..=65_535).contains(&number),
        Err(_) => port == "*" || port.starts_with(|c: char| c.is_ascii_alphabetic()) && !port.contains('/'),
    };
    if port.is_some_and(good) { Ok(()) } else { Err("no port") }
}

/// `YYYYMMDD[HHMM[SS]]`, with `Z` or `UTC` behind or not.
fn time(text: &str) -> Option<i64> {
    let digits = ["UTC", "Z"].iter().find_map(|zone| {
        let start = text.len().checked_sub(zone.len()).filter(|start| *start > 0)?;
        text.get(start..)?.eq_ignore_ascii_case(zone).then(|| &text[..start])
    });
    let digits = digits.unwrap_or(text);
    if !matches!(digits.len(), 8 | 12 | 14) || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part =
        |range: std::ops::Range<usize>| digits.get(range).map_or(Some(0), |part| part.parse::<i64>().ok());
    let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
    let (hour, minute, second) = (part(8..10)?, part(10..12)?, part(12..14)?);
    // As strptime(3) and timegm(3): a 31st of February is one of March.
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 61 {
        return None;
    }
    let first = jiff::civil::Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, 1).ok()?;
    let days = first.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second() / 86_400 + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}
