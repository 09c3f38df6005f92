//! The members of a tar archive, one header after the other.
//!
//! Owns the format: checksums, long names (GNU and PAX), sizes, sparse files, the end mark. Knows
//! nothing of the tree that members make. Rules: POSIX `pax`, GNU tar's `tar.h`.

use std::fs::File;
use std::os::unix::fs::FileExt;

use tar::{EntryType, Header};

use crate::target::{Result, TargetError};

/// Length of a header, and what data are padded to.
const BLOCK: u64 = 512;

/// Longest long name or PAX header. Names are bounded by 4096 bytes in practice.
const MAX_EXTENSION: u64 = 1 << 20;

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberKind {
    File,
    /// A file with holes: its data can't be read as they lie in the archive.
    SparseFile,
    HardLink,
    Symlink,
    Directory,
    Special,
}

/// One member, names as stored.
pub struct Member {
    pub name: Vec<u8>,
    /// Target of a symbolic or hard link.
    pub link: Vec<u8>,
    pub kind: MemberKind,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    /// Length of the content in bytes.
    pub size: u64,
    /// Where the content starts in the archive.
    pub offset: u64,
}

/// Reads members in the order of the archive.
pub struct Members<'a> {
    file: &'a File,
    end: u64,
    position: u64,
}

/// What precedes a member's own header and changes its reading.
#[derive(Default)]
struct Extensions {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
    uid: Option<u64>,
    gid: Option<u64>,
    sparse: bool,
    real_size: Option<u64>,
}

impl<'a> Members<'a> {
    /// Reads an archive of `end` bytes from its start.
    pub fn new(file: &'a File, end: u64) -> Self {
        Self { file, end, position: 0 }
    }

    /// The next member; `None` at the end mark.
    ///
    /// # Errors
    /// `Corrupt` where the archive breaks off, also between two members: a complete one ends
    /// with a block of zeros.
    pub fn next(&mut self) -> Result<Option<Member>> {
        let mut extensions = Extensions::default();
        let mut extended = false;
        loop {
            let at = self.position;
            let header = self.header()?;
            if header.as_bytes().iter().all(|b| *b == 0) {
                return match extended {
                    false => Ok(None),
                    true => Err(self.corrupt(at, "an extended header without a member")),
                };
            }
            verify_checksum(&header).ok_or_else(|| self.corrupt(at, "wrong header checksum"))?;
            let size = header.entry_size().map_err(|_| self.corrupt(at, "an unreadable size"))?;
            match header.entry_type() {
                EntryType::GNULongName => extensions.name = Some(self.text(size)?),
                EntryType::GNULongLink => extensions.link = Some(self.text(size)?),
                EntryType::XHeader => extensions.read_pax(&self.extension(size)?)?,
                EntryType::XGlobalHeader => {
                    let mut global = Extensions::default();
                    global.read_pax(&self.extension(size)?)?;
                    if global.changes_members() {
                        let what = "tar: a global PAX header that changes all members";
                        return Err(TargetError::Unsupported(what.into()));
                    }
                    continue;
                }
                _ => return self.member(at, &header, size, extensions).map(Some),
            }
            extended = true;
        }
    }

    fn member(&mut self, at: u64, header: &Header, size: u64, ext: Extensions) -> Result<Member> {
        let name = ext.name.unwrap_or_else(|| header.path_bytes().into_owned());
        let kind = match header.entry_type() {
            EntryType::Regular if name.ends_with(b"/") => MemberKind::Directory,
            _ if ext.sparse => MemberKind::SparseFile,
            EntryType::Regular | EntryType::Continuous => MemberKind::File,
            EntryType::GNUSparse => MemberKind::SparseFile,
            EntryType::Link => MemberKind::HardLink,
            EntryType::Symlink => MemberKind::Symlink,
            EntryType::Directory => MemberKind::Directory,
            EntryType::Char | EntryType::Block | EntryType::Fifo => MemberKind::Special,
            other => {
                let (name, letter) = (String::from_utf8_lossy(&name), char::from(other.as_byte()));
                return Err(TargetError::Unsupported(format!("tar: {name} is a member of type '{letter}'")));
            }
        };
        let mut real_size = ext.real_size;
        if header.entry_type() == EntryType::GNUSparse
            && let Some(gnu) = header.as_gnu()
        {
            real_size = gnu.real_size().ok();
            self.skip_sparse_map(gnu.is_extended())?;
        }
        let has_data = matches!(kind, MemberKind::File | MemberKind::SparseFile | MemberKind::HardLink);
        let stored = if has_data { ext.size.unwrap_or(size) } else { 0 };
        let offset = self.position;
        self.position = stored
            .checked_next_multiple_of(BLOCK)
            .and_then(|len| offset.checked_add(len))
            .filter(|_| stored <= self.end - offset)
            .ok_or_else(|| self.broken_off(&name))?;
        let id = |own: Option<u64>, field: std::io::Result<u64>| {
            own.or(field.ok())
                .and_then(|id| u32::try_from(id).ok())
                .ok_or_else(|| self.corrupt(at, "an unreadable owner"))
        };
        Ok(Member {
            link: ext.link.or_else(|| header.link_name_bytes().map(Into::into)).unwrap_or_default(),
            kind,
            mode: header.mode().map_err(|_| self.corrupt(at, "an unreadable mode"))? & 0o7777,
            uid: id(ext.uid, header.uid())?,
            gid: id(ext.gid, header.gid())?,
            size: real_size.unwrap_or(stored),
            offset,
            name,
        })
    }

    fn header(&mut self) -> Result<Header> {
        let mut header = Header::new_old();
        self.read(header.as_mut_bytes())?;
        Ok(header)
    }

    /// An old GNU sparse file's map goes on in blocks of its own, each saying if one more comes.
    fn skip_sparse_map(&mut self, mut more: bool) -> Result<()> {
        while more {
            let mut block = [0; BLOCK as usize];
            self.read(&mut block)?;
            more = block[504] != 0;
        }
        Ok(())
    }

    /// The data of a header that extends the next one.
    fn extension(&mut self, size: u64) -> Result<Vec<u8>> {
        if size > MAX_EXTENSION {
            return Err(self.corrupt(self.position, "an extended header of more than 1 MiB"));
        }
        let mut bytes = vec![0; size.next_multiple_of(BLOCK) as usize];
        self.read(&mut bytes)?;
        bytes.truncate(size as usize);
        Ok(bytes)
    }

    /// A GNU long name: up to its NUL.
    fn text(&mut self, size: u64) -> Result<Vec<u8>> {
        let mut bytes = self.extension(size)?;
        bytes.truncate(bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len()));
        Ok(bytes)
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<()> {
        let at = self.position;
        self.position += buf.len() as u64;
        if self.position > self.end {
            return Err(self.broken_off(b"its end mark"));
        }
        self.file
            .read_exact_at(buf, at)
            .map_err(|e| TargetError::io(format!("reading the archive at byte {at}"), e))
    }

    fn corrupt(&self, at: u64, what: &str) -> TargetError {
        TargetError::Corrupt(format!("damaged tar archive: at byte {at}: {what}"))
    }

    fn broken_off(&self, what: &[u8]) -> TargetError {
        TargetError::Corrupt(format!(
            "truncated tar archive: it ends at byte {}, before the end of {}",
            self.end,
            String::from_utf8_lossy(what)
        ))
    }
}

impl Extensions {
    fn read_pax(&mut self, bytes: &[u8]) -> Result<()> {
        let damaged = || TargetError::Corrupt("damaged tar archive: PAX header".into());
        let mut rest = bytes;
        while !rest.is_empty() {
            let (key, value, tail) = pax_record(rest).ok_or_else(damaged)?;
            rest = tail;
            let number = || {
                let text = std::str::from_utf8(value).ok();
                text.and_then(|t| t.parse().ok()).ok_or_else(damaged)
            };
            match key {
                b"path" if !self.sparse || self.name.is_none() => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => self.size = Some(number()?),
                b"uid" => self.uid = Some(number()?),
                b"gid" => self.gid = Some(number()?),
                // GNU's three PAX sparse formats; the name of the member itself is made up.
                b"GNU.sparse.name" => {
                    self.name = Some(value.to_vec());
                    self.sparse = true;
                }
                b"GNU.sparse.realsize" | b"GNU.sparse.size" => {
                    self.real_size = Some(number()?);
                    self.sparse = true;
                }
                other => self.sparse |= other.starts_with(b"GNU.sparse."),
            }
        }
        Ok(())
    }

    fn changes_members(&self) -> bool {
        let Self { name, link, size, uid, gid, sparse, real_size } = self;
        *sparse || name.is_some() || link.is_some() || [size, uid, gid, real_size].iter().any(|n| n.is_some())
    }
}

/// The first of several PAX records `LENGTH KEY=VALUE\n`: key, value, and what follows. The
/// length counts, not the line end: values such as file capabilities may hold one.
fn pax_record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().position(|b| *b == b' ')?;
    let len: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let (record, rest) = bytes.split_at_checked(len)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|b| *b == b'=')?;
    Some((&record[..equals], &record[equals + 1..], rest))
}

/// Whether a header's bytes add up to the sum it holds; the sum's own bytes count as spaces.
pub fn verify_checksum(header: &Header) -> Option<()> {
    let bytes = header.as_bytes();
    let sum: u32 = bytes[..148].iter().chain(&bytes[156..]).map(|b| u32::from(*b)).sum();
    (header.cksum().ok()? == sum + 8 * u32::from(b' ')).then_some(())
}
