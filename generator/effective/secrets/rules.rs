//! What secrets look like. A rule's literals find candidates fast, its pattern reads the candidate, and its
//! `accept` looks at what the pattern can't: structure, checks, and what stands around.

use super::{Candidate, Kind, keys};

/// How one kind of secret is known.
#[derive(Debug)]
pub struct Rule {
    /// The first bytes, one of these.
    pub literals: &'static [&'static str],
    /// From the first byte; the group `secret` is what must never be shown (else all of it).
    pub pattern: &'static str,
    /// Characters that a longer word is made of, beside letters and digits: the secret is no piece of one.
    /// `None` where anything may stand around it.
    pub word: Option<&'static str>,
    /// The kind, given the candidate, the secret and the end of the pattern's match.
    pub accept: fn(&Candidate<'_>, &[u8], usize) -> Option<Kind>,
    /// The match is a heading, which may be shown whole.
    pub public: bool,
}

impl Rule {
    /// A heading, or the first four characters with the length.
    pub fn excerpt(&self, secret: &[u8]) -> String {
        let text = String::from_utf8_lossy(secret);
        if self.public {
            return text.into_owned();
        }
        let shown: String = text.chars().take(4).collect();
        format!("{shown}… ({} characters)", text.chars().count())
    }

    /// Whether the candidate may be this rule's: asked before the pattern, which costs more.
    pub fn may_start(&self, candidate: &Candidate<'_>) -> bool {
        self.literals.iter().any(|literal| candidate.text.starts_with(literal.as_bytes()))
            && !self.touches(candidate.before.last())
    }

    /// Whether a byte beside the match makes it a piece of something longer.
    pub fn touches(&self, byte: Option<&u8>) -> bool {
        let (Some(byte), Some(word)) = (byte, self.word) else { return false };
        byte.is_ascii_alphanumeric() || word.as_bytes().contains(byte)
    }
}

type Accept = fn(&Candidate<'_>, &[u8], usize) -> Option<Kind>;

/// A heading after which a key follows.
const fn heading(literals: &'static [&'static str], pattern: &'static str, accept: Accept) -> Rule {
    Rule { literals, pattern, word: None, accept, public: true }
}

/// A name with a secret value.
const fn assignment(literals: &'static [&'static str], pattern: &'static str, accept: Accept) -> Rule {
    Rule { literals, pattern, word: None, accept, public: false }
}

/// A secret that is known by itself.
const fn token(
    literals: &'static [&'static str],
    pattern: &'static str,
    word: &'static str,
    accept: Accept,
) -> Rule {
    Rule { literals, pattern, word: Some(word), accept, public: false }
}

/// All rules; the first that fits a candidate decides.
pub const RULES: &[Rule] = &[
    heading(
        &["-----BEGIN "],
        "-----BEGIN (?:[A-Z0-9]{1,20} ){0,4}PRIVATE KEY(?: BLOCK)?-----",
        |candidate, heading, end| keys::armoured(heading, &candidate.text[end..]),
    ),
    heading(&["PuTTY-User-Key-File-"], r"PuTTY-User-Key-File-[1-3]: [a-z0-9-]{1,40}", |candidate, _, end| {
        keys::putty(&candidate.text[end..]).then_some(Kind::PuttyPrivateKey)
    }),
    assignment(
        &["PrivateKey"],
        r#"PrivateKey[ \t]*[=:][ \t]*"?(?P<secret>[A-Za-z0-9+/]{43}=)"#,
        |_, secret, _| {
            (varied(secret, 12) && keys::decode(secret).len() == 32).then_some(Kind::WireguardPrivateKey)
        },
    ),
    assignment(
        &["OS_PASSWORD", "OS_APPLICATION_CREDENTIAL_SECRET"],
        r#"OS_[A-Z_]+=(?P<secret>[^\s"'$<>(){}\[\];&|`%]+|"[^"$<>%\r\n]+"|'[^'<>%\r\n]+')"#,
        |_, _, _| Some(Kind::OpenstackCredential),
    ),
    assignment(
        &["password:", "application_credential_secret:"],
        r#"(?x) [a-z_]+: [\ \t]+
            (?P<secret> "[^"$<>{}%\r\n]+" | '[^'$<>{}%\r\n]+' | [^\s"'$<>(){}\[\]\#%&*!|,]+ )
            [\ \t]* (?: \#[^\n]* )? (?: \r?\n | \z )"#,
        |candidate, secret, _| clouds_yaml(candidate, secret).then_some(Kind::OpenstackCredential),
    ),
    token(
        &["AGE-SECRET-KEY-1"],
        "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
        "_",
        |_, secret, _| varied(secret, 16).then_some(Kind::AgeIdentity),
    ),
    token(&["AKIA", "ASIA"], "A[KS]IA[A-Z2-7]{16}", "_", |candidate, secret, end| {
        // AWS reserves ids that end so for its documentation.
        let example = secret.ends_with(b"EXAMPLE");
        (!example && aws_secret_nearby(candidate, end)).then_some(Kind::AwsAccessKey)
    }),
    token(&["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], "gh[pousr]_[A-Za-z0-9]{36,}", "_", |_, secret, _| {
        varied(secret, 12).then_some(Kind::GithubToken)
    }),
    token(&["github_pat_"], "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", "_", |_, secret, _| {
        varied(secret, 20).then_some(Kind::GithubToken)
    }),
    token(&["glpat-"], "glpat-[A-Za-z0-9_.-]{20,}", "_-", |_, secret, _| {
        varied(secret, 12).then_some(Kind::GitlabToken)
    }),
    token(
        &["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"],
        "xox[abeprs]-[0-9]{6,}-[0-9A-Za-z-]{12,}",
        "_-",
        |_, secret, _| varied(secret, 12).then_some(Kind::SlackToken),
    ),
    token(&["AIza"], "AIza[0-9A-Za-z_-]{35}", "_-", |_, secret, _| {
        varied(secret, 12).then_some(Kind::GoogleApiKey)
    }),
    token(
        &["eyJ"],
        r"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]{16,}",
        "_-.",
        |_, secret, _| jwt_header(secret).then_some(Kind::JsonWebToken),
    ),
    token(
        &["$y$", "$gy$", "$6$", "$5$", "$2a$", "$2b$", "$2y$", "$1$"],
        r"(?x) \$ g?y \$ [./A-Za-z0-9]{1,20} \$ [./A-Za-z0-9]{1,86} \$ [./A-Za-z0-9]{43}
             | \$ 6 \$ (?:rounds=[0-9]{1,9}\$)? [./A-Za-z0-9]{1,16} \$ [./A-Za-z0-9]{86}
             | \$ 5 \$ (?:rounds=[0-9]{1,9}\$)? [./A-Za-z0-9]{1,16} \$ [./A-Za-z0-9]{43}
             | \$ 2[aby] \$ [0-3][0-9] \$ [./A-Za-z0-9]{53}
             | \$ 1 \$ [./A-Za-z0-9]{1,8} \$ [./A-Za-z0-9]{22}",
        "./",
        |_, secret, _| varied(secret, 12).then_some(Kind::PasswordHash),
    ),
];

/// At least so many different bytes: a row of `x` in a manual is no secret.
fn varied(secret: &[u8], least: usize) -> bool {
    let mut seen = [false; 256];
    for byte in secret {
        seen[usize::from(*byte)] = true;
    }
    seen.iter().filter(|seen| **seen).count() >= least
}

/// A word of exactly 40 characters of base64 that is no hexadecimal sum, within [`super::BEHIND`] on either side.
fn aws_secret_nearby(candidate: &Candidate<'_>, end: usize) -> bool {
    let after = &candidate.text[end..candidate.text.len().min(end + super::BEHIND)];
    let words = |text: &'static str| move |b: &u8| !b.is_ascii_alphanumeric() && !text.as_bytes().contains(b);
    let secret = |word: &[u8]| {
        word.len() == 40
            && word.iter().any(u8::is_ascii_uppercase)
            && word.iter().any(u8::is_ascii_lowercase)
            && varied(word, 16)
    };
    candidate.before.split(words("+/")).chain(after.split(words("+/"))).any(secret)
}

/// In a file of OpenStack's client: by its name, or by the key that stands beside a password there.
fn clouds_yaml(candidate: &Candidate<'_>, secret: &[u8]) -> bool {
    let name = candidate.path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let named = [&b"clouds.yaml"[..], b"clouds.yml", b"secure.yaml", b"secure.yml"].contains(&name);
    let near = |text: &[u8]| text.windows(9).any(|window| window == b"auth_url:");
    let nothing = [&b"null"[..], b"~", b"true", b"false", b"string", b"str"].contains(&secret);
    let after = &candidate.text[..candidate.text.len().min(super::BEHIND)];
    // A key of its own, not the end of another.
    let separate = candidate.before.last().is_none_or(|b| b" \t\n{,".contains(b));
    separate && !nothing && (named || near(candidate.before) || near(after))
}

/// The first part is a JSON object that names its algorithm.
fn jwt_header(token: &[u8]) -> bool {
    let header = token.split(|b| *b == b'.').next().unwrap_or_default();
    serde_json::from_slice::<serde_json::Value>(&keys::decode(header))
        .is_ok_and(|header| header.get("alg").is_some_and(serde_json::Value::is_string))
}
