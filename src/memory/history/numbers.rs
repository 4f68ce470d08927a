//! Numbers and texts as bytes: numbers in as few as they need, texts with their length before them.

use thiserror::Error;

/// Seven bits a byte, lowest first; the eighth says that another follows.
pub(super) fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n.to_le_bytes()[0] | 0x80);
        n >>= 7;
    }
    out.push(n.to_le_bytes()[0]);
}

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

/// Why bytes are not what was put there.
#[derive(Debug, Error)]
pub(super) enum BytesError {
    /// There are too few.
    #[error("bytes that break off")]
    BreaksOff,
    /// A number has more bytes than any.
    #[error("a number without an end")]
    Endless,
    /// A number is too large.
    #[error("a number out of range")]
    Range(#[from] std::num::TryFromIntError),
    /// A text is none.
    #[error(transparent)]
    Text(#[from] std::str::Utf8Error),
}

/// Takes from the front what was put there.
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn take(&mut self, length: usize) -> Result<&'a [u8], BytesError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(BytesError::BreaksOff)?;
        self.0 = rest;
        Ok(taken)
    }

    pub fn eight(&mut self) -> Result<[u8; 8], BytesError> {
        self.take(8)?.try_into().map_err(|_| BytesError::BreaksOff)
    }

    pub fn number(&mut self) -> Result<u64, BytesError> {
        let mut n = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            n |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(BytesError::Endless)
    }

    pub fn small(&mut self) -> Result<u32, BytesError> {
        Ok(u32::try_from(self.number()?)?)
    }

    pub fn text(&mut self) -> Result<&'a str, BytesError> {
        let length = usize::try_from(self.number()?)?;
        Ok(std::str::from_utf8(self.take(length)?)?)
    }
}
