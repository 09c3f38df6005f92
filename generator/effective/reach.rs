//! From where a network service can be reached, as its configuration says. Shared by the readers of services.

use std::net::IpAddr;

use crate::location::{Location, Sourced};

/// Who can reach a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It opens no socket that others can connect to.
    None,
    /// Only programs of the same machine.
    Loopback,
    /// Others, through at least one of its addresses.
    Network,
    /// The configuration doesn't tell, for this reason.
    Unknown(String),
}

/// A service of one kind, and who can reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The program.
    pub program: &'static str,
    /// Who can reach it, and the line that decides it (the file, where its default does).
    pub reach: Sourced<Reach>,
}

impl Server {
    /// A server and its reach.
    pub fn new(program: &'static str, reach: Reach, at: Location) -> Self {
        Self { program, reach: Sourced::new(reach, at) }
    }

    /// A server that does not start, because it can't read this line (or file).
    pub fn refused(program: &'static str, at: Location) -> Self {
        Self::new(program, Reach::Unknown("it does not start with this configuration".to_owned()), at)
    }
}

impl Reach {
    /// The wider of two; what's unknown counts as wider than loopback, but doesn't hide a proven network.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        let rank = |reach: &Self| match reach {
            Self::None => 0,
            Self::Loopback => 1,
            Self::Unknown(_) => 2,
            Self::Network => 3,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }

    /// The reach of a socket on this address: a number, `localhost`, or a name that is unknown here.
    pub fn of_address(address: &str) -> Self {
        let bare = address.trim_start_matches('[').trim_end_matches(']');
        if bare.eq_ignore_ascii_case("localhost") {
            return Self::Loopback;
        }
        match bare.parse::<IpAddr>() {
            Ok(ip) if ip.is_loopback() => Self::Loopback,
            Ok(_) => Self::Network,
            Err(_) => Self::Unknown(format!("the address of {address} is not known here")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (address, reach) in [
            ("127.0.0.1", Reach::Loopback),
            ("127.8.9.1", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("[::1]", Reach::Loopback),
            ("localhost", Reach::Loopback),
            ("0.0.0.0", Reach::Network),
            ("::", Reach::Network),
            ("192.0.2.1", Reach::Network),
        ] {
            assert_eq!(Reach::of_address(address), reach, "{address}");
        }
        assert!(matches!(Reach::of_address("mail.example"), Reach::Unknown(_)));
    }

    #[test]
    fn the_wider_reach_counts() {
        let unknown = || Reach::Unknown(String::new());
        assert_eq!(Reach::Loopback.or(Reach::None), Reach::Loopback);
        assert_eq!(Reach::Loopback.or(unknown()), unknown());
        assert_eq!(unknown().or(Reach::Network), Reach::Network);
        assert_eq!(Reach::Network.or(unknown()), Reach::Network);
    }
}
