//! A port scan from the machine's own network: what answers whom, whatever sshd's port is.
//!
//! QEMU's user network accepts a connection before the machine has seen it, so a connect from the
//! host says nothing. Here a neighbour on the machine's network segment sends every TCP port a first
//! segment and hears the machine's real answer: no privilege, no tap device. Its frames come to the
//! machine's network card past the user network, which would take up the connections itself.
//!
//! Nothing gets lost unnoticed: after each small batch the machine is asked by ARP for its hardware
//! address. It takes frames in order and no packet filter stands before ARP, so its answer says
//! that it has had the batch.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;
use std::path::Path as FilePath;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::frames::{self, Heard, Mac, Path};

/// The machine's network card.
pub const GUEST_MAC: Mac = Mac([0x52, 0x54, 0x00, 0x12, 0x34, 0x56]);
/// What QEMU's DHCP gives to the first machine.
const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
/// The scanner: a neighbour that QEMU's user network does not know.
const OWN_MAC: Mac = Mac([0x52, 0x54, 0x00, 0x00, 0x00, 0x77]);
const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 77);

/// Less than the machine's network card holds at a time.
const BATCH: usize = 128;
/// How often a batch is sent until the machine confirms that it had it.
const TRIES: u32 = 4;
/// How long the machine has for an answer. Emulated machines are slow.
const PATIENCE: Duration = Duration::from_secs(3);
/// Longer than any frame here, and than QEMU's own limit (64 KiB and headers).
const MAX_FRAME: usize = 70_000;

/// What a neighbour found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scan {
    /// TCP ports that accept a connection over IPv4, in order.
    pub ipv4: Vec<u16>,
    /// The same over IPv6 (link-local); `None` where the machine has no such address.
    pub ipv6: Option<Vec<u16>>,
    /// How many ports were tried in each family: all of them.
    pub probed: u32,
}

/// Why there is nothing to say.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The machine's network segment can't be used.
    #[error("the machine's network: {0}")]
    Io(#[from] io::Error),
    /// The machine does not answer ARP (any more).
    #[error("the machine does not answer on its network ({0})")]
    Silent(&'static str),
}

/// Scans the machine: frames for it go into the first socket, its own come out of the second.
pub fn scan(inject: &FilePath, listen: &FilePath) -> Result<Scan, ScanError> {
    let mut neighbour = Neighbour::connect(inject, listen)?;
    if !neighbour.confirm()? {
        return Err(ScanError::Silent("before the scan"));
    }
    let ipv4 = neighbour.scan(OWN.into(), GUEST.into())?;
    let (own, guest) = (OWN_MAC.link_local(), GUEST_MAC.link_local());
    neighbour.send(&frames::neighbour_solicitation(OWN_MAC, own, GUEST_MAC, guest))?;
    let has_ipv6 = neighbour.listen(PATIENCE, |heard| *heard == Heard::Here(guest.into()))?;
    let ipv6 = has_ipv6.then(|| neighbour.scan(own.into(), guest.into())).transpose()?;
    Ok(Scan { ipv4, ipv6, probed: u32::from(u16::MAX) })
}

struct Neighbour {
    to_machine: UnixStream,
    from_machine: UnixStream,
    /// Bytes of frames that have not come in whole.
    received: Vec<u8>,
    open: BTreeSet<(IpAddr, u16)>,
}

impl Neighbour {
    fn connect(inject: &FilePath, listen: &FilePath) -> io::Result<Self> {
        let (to_machine, from_machine) = (UnixStream::connect(inject)?, UnixStream::connect(listen)?);
        from_machine.set_read_timeout(Some(Duration::from_millis(50)))?;
        to_machine.set_write_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { to_machine, from_machine, received: Vec::new(), open: BTreeSet::new() })
    }

    fn scan(&mut self, from: IpAddr, to: IpAddr) -> Result<Vec<u16>, ScanError> {
        let path = Path { from_mac: OWN_MAC, to_mac: GUEST_MAC, from, to };
        let ports: Vec<u16> = (1..=u16::MAX).collect();
        for batch in ports.chunks(BATCH) {
            let mut tries = 0..TRIES;
            loop {
                let Some(number) = tries.next() else { return Err(ScanError::Silent("during the scan")) };
                for port in batch {
                    self.send(&frames::syn(&path, source_port(number), *port, u32::from(*port)))?;
                }
                if self.confirm()? {
                    break;
                }
            }
        }
        // Late answers: the machine's own queue for outgoing segments.
        self.listen(Duration::from_millis(500), |_| false)?;
        Ok(self.open.iter().filter(|(address, _)| *address == to).map(|(_, port)| *port).collect())
    }

    /// Whether the machine says that it is there, which it does after all it got before.
    fn confirm(&mut self) -> io::Result<bool> {
        self.send(&frames::arp_request(OWN_MAC, OWN, GUEST))?;
        self.listen(PATIENCE, |heard| *heard == Heard::Here(GUEST.into()))
    }

    fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        // QEMU's framing: each frame after its length. No frame is 4 GiB long.
        self.to_machine.write_all(&[&(frame.len() as u32).to_be_bytes(), frame].concat())
    }

    /// Hears frames until one is what is waited for, or the time is over; tells which.
    fn listen(&mut self, limit: Duration, awaited: impl Fn(&Heard) -> bool) -> io::Result<bool> {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            while let Some(frame) = self.next_frame()? {
                if let Some(heard) = frames::hear(&frame) {
                    self.react(&heard)?;
                    if awaited(&heard) {
                        return Ok(true);
                    }
                }
            }
            let mut buffer = [0; 1 << 16];
            match self.from_machine.read(&mut buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.received.extend(&buffer[..count]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                }
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    fn next_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some(length) = self.received.first_chunk::<4>() else { return Ok(None) };
        let end = 4 + u32::from_be_bytes(*length) as usize;
        if end > MAX_FRAME {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "QEMU sent a frame that is too long"));
        }
        if self.received.len() < end {
            return Ok(None);
        }
        let frame = self.received.drain(..end).skip(4).collect();
        Ok(Some(frame))
    }

    /// Answers what a neighbour must, and notes what is open.
    fn react(&mut self, heard: &Heard) -> io::Result<()> {
        let path = |from: IpAddr, to: IpAddr| Path { from_mac: OWN_MAC, to_mac: GUEST_MAC, from, to };
        let own_link_local = OWN_MAC.link_local();
        match *heard {
            Heard::WhoHas { target, asker } => match (target, asker) {
                (IpAddr::V4(OWN), IpAddr::V4(to)) => {
                    self.send(&frames::arp_reply(&path(target, asker), OWN, to))
                }
                (IpAddr::V6(wanted), IpAddr::V6(_)) if wanted == own_link_local => {
                    self.send(&frames::neighbour_advertisement(&path(target, asker), own_link_local))
                }
                _ => Ok(()),
            },
            Heard::Tcp { from, from_port, to_port, acknowledged, accepts: true }
                if is_source_port(to_port)
                    && [IpAddr::V4(GUEST), GUEST_MAC.link_local().into()].contains(&from) =>
            {
                self.open.insert((from, from_port));
                let own = if from.is_ipv4() { OWN.into() } else { own_link_local.into() };
                self.send(&frames::reset(&path(own, from), to_port, from_port, acknowledged))
            }
            _ => Ok(()),
        }
    }
}

/// Another port for each try: the machine may hold the state of the one before.
const FIRST_SOURCE_PORT: u16 = 40_000;

fn source_port(number: u32) -> u16 {
    FIRST_SOURCE_PORT + (number % TRIES) as u16
}

fn is_source_port(port: u16) -> bool {
    (FIRST_SOURCE_PORT..FIRST_SOURCE_PORT + TRIES as u16).contains(&port)
}
