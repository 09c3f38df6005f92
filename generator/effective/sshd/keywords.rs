//! The keywords of sshd_config: spellings, where they may stand, kind of value, default, and
//! the release that brought them.
//!
//! Source: the table in `servconf.c` of OpenSSH 7.2 to 10.0.

use super::algorithms::Family;
use super::version::OpenSshVersion;

/// Where a keyword may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Not in a `Match` block (but after `Match all`).
    Global,
    /// Anywhere.
    Match,
    /// Anywhere from this release on.
    MatchSince(u16, u16),
}

/// How a keyword's arguments are read and which of several lines win.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of these (accepted in any case, printed form).
    Choice(&'static [(&'static str, &'static str)]),
    /// One of these, in this very case.
    Exact(&'static [&'static str]),
    Integer,
    /// Seconds, or with units (`2m`).
    Time,
    /// As `Time`, or `none`, which overrides whatever stands before.
    TimeOrNone,
    /// One path; relative ones start at sshd's working directory, the root.
    Path,
    /// One word.
    Word,
    /// The line's rest as written.
    Rest,
    /// The line's rest: an absolute command or `none`.
    Command,
    /// Several words, first line wins, printed on one line.
    Words(WordRule),
    /// Several words, first line wins, printed one a line.
    Lines(WordRule),
    /// Several words, all lines add up.
    Append(WordRule),
    Port,
    ListenAddress,
    Algorithms(Family),
    LogLevel,
    Facility,
    MaxStartups,
    NetBlockSize,
    /// A number or `none`.
    Count,
    Penalties,
    RekeyLimit,
    IpQos,
    /// An octal mask; the last line wins.
    Mask,
    PubkeyOptions,
    UserEnvironment,
    Subsystem,
    /// Accepted and without effect.
    Ignored,
}

/// What the words of a list must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WordRule {
    Any,
    NoneAlone,
    /// Paths, of which each adds a line.
    Path,
    EnvironmentName,
    Assignment,
    UserPattern,
    Methods,
    Timeout,
    OpenTarget,
    ListenTarget,
}

/// One keyword.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Keyword {
    /// Name in lower case, as `sshd -T` prints it.
    pub name: &'static str,
    pub scope: Scope,
    pub kind: Kind,
    /// As `sshd -T` prints it; empty where it prints nothing.
    pub default: &'static str,
    /// Release that brought it under this name.
    pub since: (u16, u16),
    /// First release without it.
    pub until: Option<(u16, u16)>,
    /// Older or other spellings, accepted by every release.
    pub aliases: &'static [&'static str],
}

impl Keyword {
    const fn since(mut self, major: u16, minor: u16) -> Self {
        self.since = (major, minor);
        self
    }

    const fn until(mut self, major: u16, minor: u16) -> Self {
        self.until = Some((major, minor));
        self
    }

    const fn alias(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// Whether this release has it under some name.
    pub(super) fn exists(&self, version: OpenSshVersion) -> bool {
        let patched = match self.name {
            "debianbanner" => version.patches.debian_banner,
            "gssapikeyexchange" | "gssapikexalgorithms" | "gssapistorecredentialsonrekey" => {
                version.patches.gssapi_key_exchange
            }
            _ => true,
        };
        let gone = self.until.is_some_and(|until| version.at_least(until));
        patched && !gone && (version.at_least(self.since) || !self.aliases.is_empty())
    }

    /// The name by which a release knows it that is older than its present name.
    pub(super) fn older_spelling(&self, version: OpenSshVersion) -> &'static str {
        if version.at_least(self.since) {
            self.name
        } else {
            self.aliases.first().copied().unwrap_or(self.name)
        }
    }

    /// Whether it may stand in a `Match` block.
    pub(super) fn in_match(&self, version: OpenSshVersion) -> bool {
        match self.scope {
            Scope::Global => false,
            Scope::Match => true,
            Scope::MatchSince(major, minor) => version.at_least((major, minor)),
        }
    }
}

/// Finds a keyword by any spelling that this release accepts, in any case.
pub(super) fn find(spelling: &str, version: OpenSshVersion) -> Option<&'static Keyword> {
    let spelling = spelling.to_ascii_lowercase();
    KEYWORDS.iter().find(|k| {
        k.exists(version)
            && ((k.name == spelling && version.at_least(k.since)) || k.aliases.contains(&spelling.as_str()))
    })
}

/// As [`find`], but by its present name too where the release knew it only by an older one.
pub(super) fn look_up(name: &str, version: OpenSshVersion) -> Option<&'static Keyword> {
    find(name, version)
        .or_else(|| KEYWORDS.iter().find(|k| k.exists(version) && k.name.eq_ignore_ascii_case(name)))
}

/// All keywords of a release.
pub(super) fn all(version: OpenSshVersion) -> impl Iterator<Item = &'static Keyword> {
    KEYWORDS.iter().filter(move |k| k.exists(version))
}

const fn global(name: &'static str, kind: Kind, default: &'static str) -> Keyword {
    Keyword { name, scope: Scope::Global, kind, default, since: (0, 0), until: None, aliases: &[] }
}

const fn anywhere(name: &'static str, kind: Kind, default: &'static str) -> Keyword {
    Keyword { name, scope: Scope::Match, kind, default, since: (0, 0), until: None, aliases: &[] }
}

const FLAG: Kind = Kind::Choice(&[("yes", "yes"), ("no", "no")]);
const ROOT_LOGIN: Kind = Kind::Choice(&[
    ("without-password", "without-password"),
    ("prohibit-password", "without-password"),
    ("forced-commands-only", "forced-commands-only"),
    ("yes", "yes"),
    ("no", "no"),
]);
const FORWARDING: Kind =
    Kind::Choice(&[("yes", "yes"), ("all", "yes"), ("no", "no"), ("remote", "remote"), ("local", "local")]);
const GATEWAY: Kind = Kind::Choice(&[("clientspecified", "clientspecified"), ("yes", "yes"), ("no", "no")]);
const COMPRESSION: Kind = Kind::Choice(&[("yes", "yes"), ("delayed", "yes"), ("no", "no")]);
const RHOSTS: Kind = Kind::Choice(&[("yes", "yes"), ("no", "no"), ("shosts-only", "shosts-only")]);
const FAMILY: Kind = Kind::Choice(&[("any", "any"), ("inet", "inet"), ("inet6", "inet6")]);
const HASH: Kind = Kind::Choice(&[
    ("md5", "MD5"),
    ("sha1", "SHA1"),
    ("sha256", "SHA256"),
    ("sha384", "SHA384"),
    ("sha512", "SHA512"),
]);
const TUNNEL: Kind = Kind::Exact(&["no", "point-to-point", "ethernet", "yes"]);

static KEYWORDS: &[Keyword] = &[
    global("usepam", FLAG, "no"),
    anywhere("pamservicename", Kind::Word, "sshd").since(9, 8),
    global("port", Kind::Port, "22"),
    global("addressfamily", FAMILY, "any"),
    global("listenaddress", Kind::ListenAddress, ""),
    global("hostkey", Kind::Append(WordRule::Path), "/etc/ssh/ssh_host_rsa_key\n/etc/ssh/ssh_host_ecdsa_key\n/etc/ssh/ssh_host_ed25519_key").alias(&["hostdsakey"]),
    global("hostkeyagent", Kind::Path, "none"),
    global("hostcertificate", Kind::Append(WordRule::Path), ""),
    global("pidfile", Kind::Path, "/run/sshd.pid"),
    global("modulifile", Kind::Path, "/etc/ssh/moduli").since(8, 6),
    global("logingracetime", Kind::Time, "120"),
    anywhere("permitrootlogin", ROOT_LOGIN, "without-password"),
    global("syslogfacility", Kind::Facility, "AUTH"),
    anywhere("loglevel", Kind::LogLevel, "INFO"),
    anywhere("logverbose", Kind::Words(WordRule::NoneAlone), "").since(8, 5),
    anywhere("hostbasedauthentication", FLAG, "no"),
    anywhere("hostbasedusesnamefrompacketonly", FLAG, "no"),
    anywhere("hostbasedacceptedalgorithms", Kind::Algorithms(Family::Key), "").since(8, 5).alias(&["hostbasedacceptedkeytypes"]),
    global("hostkeyalgorithms", Kind::Algorithms(Family::Key), ""),
    anywhere("pubkeyauthentication", FLAG, "yes").alias(&["dsaauthentication"]),
    anywhere("pubkeyacceptedalgorithms", Kind::Algorithms(Family::Key), "").since(8, 5).alias(&["pubkeyacceptedkeytypes"]),
    anywhere("pubkeyauthoptions", Kind::PubkeyOptions, "none").since(8, 2),
    anywhere("kerberosauthentication", FLAG, "no"),
    global("kerberosorlocalpasswd", FLAG, "yes"),
    global("kerberosticketcleanup", FLAG, "yes"),
    anywhere("gssapiauthentication", FLAG, "no"),
    global("gssapicleanupcredentials", FLAG, "yes").alias(&["gssapicleanupcreds"]),
    global("gssapistrictacceptorcheck", FLAG, "yes"),
    global("gssapikeyexchange", FLAG, "no"),
    global("gssapistorecredentialsonrekey", FLAG, "no"),
    global("gssapikexalgorithms", Kind::Word, "gss-group14-sha256-,gss-group16-sha512-,gss-nistp256-sha256-,gss-curve25519-sha256-,gss-group14-sha1-,gss-gex-sha1-"),
    anywhere("passwordauthentication", FLAG, "yes"),
    global("challengeresponseauthentication", FLAG, "yes").until(8, 7),
    anywhere("kbdinteractiveauthentication", FLAG, "yes").alias(&["challengeresponseauthentication", "skeyauthentication"]),
    global("printmotd", FLAG, "yes"),
    global("printlastlog", FLAG, "yes"),
    anywhere("ignorerhosts", RHOSTS, "yes"),
    global("ignoreuserknownhosts", FLAG, "no"),
    anywhere("x11forwarding", FLAG, "no"),
    anywhere("x11displayoffset", Kind::Integer, "10"),
    anywhere("x11uselocalhost", FLAG, "yes"),
    global("xauthlocation", Kind::Path, "/usr/bin/xauth"),
    global("strictmodes", FLAG, "yes"),
    anywhere("permitemptypasswords", FLAG, "no"),
    global("permituserenvironment", Kind::UserEnvironment, "no"),
    global("compression", COMPRESSION, "yes"),
    anywhere("rekeylimit", Kind::RekeyLimit, "0 0"),
    global("tcpkeepalive", FLAG, "yes").alias(&["keepalive"]),
    anywhere("allowtcpforwarding", FORWARDING, "yes"),
    anywhere("allowstreamlocalforwarding", FORWARDING, "yes"),
    anywhere("allowagentforwarding", FLAG, "yes"),
    anywhere("disableforwarding", FLAG, "no").since(7, 4),
    anywhere("allowusers", Kind::Append(WordRule::UserPattern), ""),
    anywhere("denyusers", Kind::Append(WordRule::UserPattern), ""),
    anywhere("allowgroups", Kind::Append(WordRule::Any), ""),
    anywhere("denygroups", Kind::Append(WordRule::Any), ""),
    global("ciphers", Kind::Algorithms(Family::Cipher), ""),
    global("macs", Kind::Algorithms(Family::Mac), ""),
    global("kexalgorithms", Kind::Algorithms(Family::Kex), ""),
    anywhere("casignaturealgorithms", Kind::Algorithms(Family::CaSignature), "").since(7, 9),
    anywhere("gatewayports", GATEWAY, "no"),
    Keyword { scope: Scope::MatchSince(9, 5), ..global("subsystem", Kind::Subsystem, "") },
    global("maxstartups", Kind::MaxStartups, "10:30:100"),
    global("persourcemaxstartups", Kind::Count, "none").since(8, 5),
    global("persourcenetblocksize", Kind::NetBlockSize, "32:128").since(8, 5),
    global("persourcepenalties", Kind::Penalties, "crash:90 authfail:5 noauth:1 grace-exceeded:10 refuseconnection:10 max:600 min:15 max-sources4:65536 max-sources6:65536 overflow:permissive overflow6:permissive").since(9, 8),
    global("persourcepenaltyexemptlist", Kind::Word, "none").since(9, 8),
    anywhere("maxauthtries", Kind::Integer, "6"),
    anywhere("maxsessions", Kind::Integer, "10"),
    anywhere("banner", Kind::Path, "none"),
    global("usedns", FLAG, "no"),
    global("debianbanner", FLAG, "yes"),
    anywhere("clientaliveinterval", Kind::Time, "0"),
    anywhere("clientalivecountmax", Kind::Integer, "3"),
    anywhere("authorizedkeysfile", Kind::Words(WordRule::Any), ".ssh/authorized_keys .ssh/authorized_keys2"),
    anywhere("acceptenv", Kind::Append(WordRule::EnvironmentName), ""),
    anywhere("setenv", Kind::Lines(WordRule::Assignment), "").since(7, 8),
    anywhere("permittunnel", TUNNEL, "no"),
    anywhere("permittty", FLAG, "yes"),
    anywhere("permituserrc", FLAG, "yes"),
    anywhere("permitopen", Kind::Words(WordRule::OpenTarget), "any"),
    anywhere("permitlisten", Kind::Words(WordRule::ListenTarget), "any").since(7, 8),
    anywhere("forcecommand", Kind::Rest, "none"),
    anywhere("chrootdirectory", Kind::Word, "none"),
    anywhere("revokedkeys", Kind::Path, "none"),
    anywhere("trustedusercakeys", Kind::Path, "none"),
    anywhere("authorizedprincipalsfile", Kind::Word, "none"),
    anywhere("ipqos", Kind::IpQos, ""),
    anywhere("authorizedkeyscommand", Kind::Command, "none"),
    anywhere("authorizedkeyscommanduser", Kind::Word, "none"),
    anywhere("authorizedprincipalscommand", Kind::Command, "none"),
    anywhere("authorizedprincipalscommanduser", Kind::Word, "none"),
    global("versionaddendum", Kind::Rest, "none"),
    anywhere("authenticationmethods", Kind::Words(WordRule::Methods), "any"),
    anywhere("streamlocalbindmask", Kind::Mask, "0177"),
    anywhere("streamlocalbindunlink", FLAG, "no"),
    global("fingerprinthash", HASH, "SHA256"),
    anywhere("exposeauthinfo", FLAG, "no").since(7, 6),
    anywhere("rdomain", Kind::Word, "none").since(7, 7),
    global("securitykeyprovider", Kind::Word, "internal").since(8, 2),
    anywhere("requiredrsasize", Kind::Integer, "1024").since(9, 1),
    anywhere("channeltimeout", Kind::Words(WordRule::Timeout), "none").since(9, 2),
    anywhere("unusedconnectiontimeout", Kind::TimeOrNone, "none").since(9, 2),
    global("sshdsessionpath", Kind::Path, "").since(9, 8),
    global("sshdauthpath", Kind::Path, "").since(10, 0),
    anywhere("refuseconnection", FLAG, "no").since(9, 9),
    // Accepted without effect.
    global("protocol", Kind::Ignored, ""),
    global("useprivilegeseparation", Kind::Ignored, ""),
    global("keyregenerationinterval", Kind::Ignored, ""),
    global("serverkeybits", Kind::Ignored, ""),
    global("uselogin", Kind::Ignored, ""),
    global("checkmail", Kind::Ignored, ""),
    global("verifyreversemapping", Kind::Ignored, ""),
    global("reversemappingcheck", Kind::Ignored, ""),
    global("rhostsauthentication", Kind::Ignored, ""),
    global("pamauthenticationviakbdint", Kind::Ignored, ""),
    global("kerberosgetafstoken", Kind::Ignored, ""),
    global("kerberostgtpassing", Kind::Ignored, ""),
    global("afstokenpassing", Kind::Ignored, ""),
    anywhere("rhostsrsaauthentication", Kind::Ignored, ""),
    anywhere("rsaauthentication", Kind::Ignored, ""),
    anywhere("authorizedkeysfile2", Kind::Ignored, ""),
    global("gssapiusesessioncredcache", Kind::Ignored, ""),
];
