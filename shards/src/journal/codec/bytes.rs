//! Numbers, texts and blobs as records have them, written and read back.
//!
//! Reading believes nothing: a length is held against what is left before anything is taken, so what
//! is read never needs more memory than a few times its bytes.

use super::Malformed;

/// Bytes of a 64-bit number at most, 7 bits in each.
const NUMBER_BYTES_MAX: usize = 10;

/// Writes a number, 7 bits per byte, the lowest first.
pub(super) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Writes the distance from `base`, which is short on both sides of it.
pub(super) fn put_near(out: &mut Vec<u8>, base: u64, number: u64) {
    let distance = number.wrapping_sub(base) as i64;
    put_number(out, ((distance << 1) ^ (distance >> 63)) as u64);
}

/// Writes a length and so many bytes.
pub(super) fn put_blob(out: &mut Vec<u8>, blob: &[u8]) {
    put_number(out, blob.len() as u64);
    out.extend_from_slice(blob);
}

/// What is left to read.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub fn take(&mut self, bytes: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self
            .rest
            .split_at_checked(bytes)
            .ok_or(Malformed("it ends early"))?;
        self.rest = rest;
        Ok(taken)
    }

    pub fn array<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], Malformed> {
        let (taken, rest) = self
            .rest
            .split_first_chunk()
            .ok_or(Malformed("it ends early"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub fn byte(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("a flag is neither 0 nor 1")),
        }
    }

    pub fn number(&mut self) -> Result<u64, Malformed> {
        let mut number = 0u64;
        for at in 0..NUMBER_BYTES_MAX {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if at == NUMBER_BYTES_MAX - 1 && bits > 1 {
                break;
            }
            number |= bits << (7 * at);
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Malformed("a number has more than 64 bits"))
    }

    pub fn near(&mut self, base: u64) -> Result<u64, Malformed> {
        let coded = self.number()?;
        let distance = (coded >> 1) ^ (coded & 1).wrapping_neg();
        Ok(base.wrapping_add(distance))
    }

    pub fn narrow<N: TryFrom<u64>>(&mut self) -> Result<N, Malformed> {
        N::try_from(self.number()?).map_err(|_| Malformed("a number is too large for its place"))
    }

    pub fn blob(&mut self) -> Result<&'a [u8], Malformed> {
        let bytes = self.narrow()?;
        self.take(bytes)
    }

    pub fn text(&mut self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.blob()?).map_err(|_| Malformed("a text is not UTF-8"))
    }
}
