//! Ethernet frames of a port scan: ARP, neighbour discovery, TCP's first segment and the answers.
//!
//! Pure bytes in, bytes out. What comes in is a guest's and untrusted: every reader is bounded
//! and gives `None` for what it does not know. RFC 826, 791, 8200, 4861, 9293.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A hardware address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    const BROADCAST: Self = Self([0xff; 6]);

    /// The link-local IPv6 address that a machine makes of it (RFC 4291, appendix A).
    pub fn link_local(self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        let halves = [[a ^ 2, b], [c, 0xff], [0xfe, d], [e, f]].map(u16::from_be_bytes);
        Ipv6Addr::new(0xfe80, 0, 0, 0, halves[0], halves[1], halves[2], halves[3])
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.map(|byte| format!("{byte:02x}"));
        f.write_str(&parts.join(":"))
    }
}

/// Who sends, and to whom.
#[derive(Clone, Copy, Debug)]
pub struct Path {
    /// The sender's hardware address.
    pub from_mac: Mac,
    /// The receiver's hardware address.
    pub to_mac: Mac,
    /// The sender's address.
    pub from: IpAddr,
    /// The receiver's address; of the same family.
    pub to: IpAddr,
}

/// What an incoming frame says to a scanner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The guest asks for the hardware address behind an address.
    WhoHas {
        /// The address asked for.
        target: IpAddr,
        /// The asking guest's address.
        asker: IpAddr,
    },
    /// Somebody says: this address is mine.
    Here(IpAddr),
    /// A TCP segment.
    Tcp {
        /// The sender's address.
        from: IpAddr,
        /// The sender's port.
        from_port: u16,
        /// The receiver's port.
        to_port: u16,
        /// The number that the sender expects next.
        acknowledged: u32,
        /// Whether it accepts a connection (SYN and ACK), or else refuses it (RST).
        accepts: bool,
    },
}

const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const TCP: u8 = 6;
const ICMPV6: u8 = 58;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Asks all for the hardware address behind an IPv4 address.
pub fn arp_request(from_mac: Mac, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    arp(1, Mac::BROADCAST, from_mac, from, to)
}

/// Answers such a question.
pub fn arp_reply(path: &Path, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    arp(2, path.to_mac, path.from_mac, from, to)
}

fn arp(operation: u8, to_mac: Mac, from_mac: Mac, from: Ipv4Addr, to: Ipv4Addr) -> Vec<u8> {
    let target = if to_mac == Mac::BROADCAST { [0; 6] } else { to_mac.0 };
    let head: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, operation];
    let body = [&head[..], &from_mac.0, &from.octets(), &target, &to.octets()].concat();
    ethernet(to_mac, from_mac, ARP, &body)
}

/// Asks a neighbour that is known by its hardware address whether it has the IPv6 address.
pub fn neighbour_solicitation(from_mac: Mac, from: Ipv6Addr, to_mac: Mac, to: Ipv6Addr) -> Vec<u8> {
    neighbour(135, 0, &Path { from_mac, to_mac, from: from.into(), to: to.into() }, to, 1)
}

/// Answers such a question: solicited, overriding.
pub fn neighbour_advertisement(path: &Path, own: Ipv6Addr) -> Vec<u8> {
    neighbour(136, 0x60, path, own, 2)
}

fn neighbour(kind: u8, flags: u8, path: &Path, target: Ipv6Addr, option: u8) -> Vec<u8> {
    let mut message = vec![kind, 0, 0, 0, flags, 0, 0, 0];
    message.extend(target.octets());
    message.extend([option, 1]);
    message.extend(path.from_mac.0);
    packet(path, ICMPV6, 2, message)
}

/// A segment that asks for a connection.
pub fn syn(path: &Path, from_port: u16, to_port: u16, sequence: u32) -> Vec<u8> {
    packet(path, TCP, 16, tcp(from_port, to_port, sequence, SYN))
}

/// A segment that breaks the connection off.
pub fn reset(path: &Path, from_port: u16, to_port: u16, sequence: u32) -> Vec<u8> {
    packet(path, TCP, 16, tcp(from_port, to_port, sequence, RST))
}

fn tcp(from_port: u16, to_port: u16, sequence: u32, flags: u8) -> Vec<u8> {
    let mut segment = [from_port.to_be_bytes(), to_port.to_be_bytes()].concat();
    segment.extend(sequence.to_be_bytes());
    segment.extend(0u32.to_be_bytes());
    // Header of 5 words, window of 1024, no urgent data; the checksum comes later.
    segment.extend([5 << 4, flags, 4, 0, 0, 0, 0, 0]);
    segment
}

/// Wraps a transport's message, and writes its checksum at `checksum_at`.
fn packet(path: &Path, protocol: u8, checksum_at: usize, mut message: Vec<u8>) -> Vec<u8> {
    // All messages here are far below 64 KiB.
    let length = message.len() as u16;
    let addresses = match (path.from, path.to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => [from.octets(), to.octets()].concat(),
        (from, to) => [v6(from).octets(), v6(to).octets()].concat(),
    };
    let pseudo = [&addresses[..], &[0, protocol], &length.to_be_bytes(), &message].concat();
    message[checksum_at..][..2].copy_from_slice(&checksum(&pseudo).to_be_bytes());
    if path.to.is_ipv4() {
        let total = (length + 20).to_be_bytes();
        let mut header = vec![0x45, 0, total[0], total[1], 0, 0, 0x40, 0, 64, protocol, 0, 0];
        header.extend(&addresses);
        let sum = checksum(&header).to_be_bytes();
        header[10..12].copy_from_slice(&sum);
        ethernet(path.to_mac, path.from_mac, IPV4, &[header, message].concat())
    } else {
        let length = length.to_be_bytes();
        // Neighbour discovery wants a hop limit of 255, TCP does not mind.
        let mut header = vec![0x60, 0, 0, 0, length[0], length[1], protocol, 255];
        header.extend(&addresses);
        ethernet(path.to_mac, path.from_mac, IPV6, &[header, message].concat())
    }
}

fn v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    }
}

fn ethernet(to: Mac, from: Mac, kind: u16, body: &[u8]) -> Vec<u8> {
    let mut frame = [&to.0[..], &from.0, &kind.to_be_bytes(), body].concat();
    // The least that Ethernet carries.
    frame.resize(frame.len().max(60), 0);
    frame
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let pairs =
        bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | pair.get(1).map_or(0, |low| u64::from(*low)));
    let mut sum: u64 = pairs.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Reads a frame.
pub fn hear(frame: &[u8]) -> Option<Heard> {
    let body = frame.get(14..)?;
    match u16::from_be_bytes(array(frame, 12)?) {
        ARP => {
            let (asker, target) =
                (Ipv4Addr::from(array::<4>(body, 14)?), Ipv4Addr::from(array::<4>(body, 24)?));
            match body.get(7)? {
                1 => Some(Heard::WhoHas { target: target.into(), asker: asker.into() }),
                2 => Some(Heard::Here(asker.into())),
                _ => None,
            }
        }
        IPV4 => {
            let header = usize::from(body.first()? & 0x0f) * 4;
            let from = Ipv4Addr::from(array::<4>(body, 12)?);
            if body[9] == TCP { hear_tcp(from.into(), body.get(header..)?) } else { None }
        }
        IPV6 => {
            let from = Ipv6Addr::from(array::<16>(body, 8)?);
            let message = body.get(40..)?;
            match (body[6], message.first()?) {
                (TCP, _) => hear_tcp(from.into(), message),
                (ICMPV6, kind @ (135 | 136)) => {
                    let target = Ipv6Addr::from(array::<16>(message, 8)?).into();
                    let asks = Heard::WhoHas { target, asker: from.into() };
                    Some(if *kind == 135 { asks } else { Heard::Here(target) })
                }
                _ => None,
            }
        }
        _ => None,
    }
}

fn hear_tcp(from: IpAddr, segment: &[u8]) -> Option<Heard> {
    let flags = segment.get(13)?;
    let accepts = flags & (SYN | ACK) == SYN | ACK;
    (accepts || flags & RST != 0).then_some(Heard::Tcp {
        from,
        from_port: u16::from_be_bytes(array(segment, 0)?),
        to_port: u16::from_be_bytes(array(segment, 2)?),
        acknowledged: u32::from_be_bytes(array(segment, 8)?),
        accepts,
    })
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Mac = Mac([0x52, 0x54, 0, 0x12, 0x34, 0x56]);
    const B: Mac = Mac([0x52, 0x54, 0, 0, 0, 0x77]);

    #[test]
    fn addresses_and_checksums_are_those_of_the_standards() {
        assert_eq!(A.link_local().to_string(), "fe80::5054:ff:fe12:3456");
        assert_eq!(A.to_string(), "52:54:00:12:34:56");
        // RFC 1071, section 3.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn what_is_written_sums_to_zero_and_reads_back() {
        let v4 = Path {
            from_mac: B,
            to_mac: A,
            from: "10.0.2.77".parse().unwrap(),
            to: "10.0.2.15".parse().unwrap(),
        };
        let frame = syn(&v4, 1000, 22, 7);
        assert_eq!(checksum(&frame[14..34]), 0);
        assert_eq!(hear(&frame), None);
        let (from, target) = (v4.from, v4.to);
        let refused = Heard::Tcp { from, from_port: 1000, to_port: 22, acknowledged: 0, accepts: false };
        assert_eq!(hear(&reset(&v4, 1000, 22, 7)), Some(refused));
        let asked = arp_request(B, Ipv4Addr::new(10, 0, 2, 77), Ipv4Addr::new(10, 0, 2, 15));
        assert_eq!(hear(&asked), Some(Heard::WhoHas { target, asker: from }));
        let asked = neighbour_solicitation(B, B.link_local(), A, A.link_local());
        let who = Heard::WhoHas { target: A.link_local().into(), asker: B.link_local().into() };
        assert_eq!(hear(&asked), Some(who));
    }

    #[test]
    fn truncated_frames_say_nothing() {
        let v6 = Path { from_mac: B, to_mac: A, from: B.link_local().into(), to: A.link_local().into() };
        for frame in [reset(&v6, 1, 2, 3), neighbour_advertisement(&v6, B.link_local())] {
            assert!(hear(&frame).is_some());
            for length in 0..54 {
                assert_eq!(hear(&frame[..length]), None, "{length}");
            }
        }
    }
}
