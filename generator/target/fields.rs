//! Numbers in stored structures. A structure that is cut off is damage, never a panic.

use crate::target::{Result, TargetError};

/// `N` bytes at a place.
///
/// # Errors
/// They reach beyond the end.
pub fn array<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N]> {
    let taken = at.checked_add(N).and_then(|end| bytes.get(at..end)?.try_into().ok());
    taken.ok_or_else(|| TargetError::Corrupt(format!("a structure of {} bytes is cut off", bytes.len())))
}

/// `len` bytes at a place.
///
/// # Errors
/// They reach beyond the end.
pub fn slice(bytes: &[u8], at: usize, len: usize) -> Result<&[u8]> {
    let taken = at.checked_add(len).and_then(|end| bytes.get(at..end));
    taken.ok_or_else(|| TargetError::Corrupt(format!("a structure of {} bytes is cut off", bytes.len())))
}

/// The byte at a place.
pub fn byte(bytes: &[u8], at: usize) -> Result<u8> {
    Ok(array::<1>(bytes, at)?[0])
}

macro_rules! numbers {
    ($($name:ident $type:ty, $from:ident;)*) => {$(
        /// The number at a place, in the byte order that the name says.
        pub fn $name(bytes: &[u8], at: usize) -> Result<$type> {
            Ok(<$type>::$from(array(bytes, at)?))
        }
    )*};
}

numbers! {
    be16 u16, from_be_bytes;
    be32 u32, from_be_bytes;
    be64 u64, from_be_bytes;
    le16 u16, from_le_bytes;
    le32 u32, from_le_bytes;
    le64 u64, from_le_bytes;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_end_is_an_error() {
        assert_eq!(be32(&[0, 1, 2, 3, 4], 1).unwrap(), 0x0102_0304);
        assert_eq!(le16(&[1, 2], 0).unwrap(), 0x0201);
        assert!(le16(&[1, 2], 1).is_err());
        assert!(array::<4>(&[0; 8], usize::MAX - 1).is_err());
        assert!(slice(&[0; 8], 4, usize::MAX).is_err());
    }
}
