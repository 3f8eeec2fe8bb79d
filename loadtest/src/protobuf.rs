//! The little protobuf that a load generator needs: reading what comes without copying it, and
//! writing fields in order.

/// The bytes are no protobuf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// Calls `on` with the number and bytes of every length-delimited field; other fields are skipped.
///
/// # Errors
/// If the message can't be read.
#[inline]
pub fn for_each_field<'m>(
    mut message: &'m [u8],
    mut on: impl FnMut(u32, &'m [u8]),
) -> Result<(), Malformed> {
    while !message.is_empty() {
        let tag = take_varint(&mut message)?;
        let length = match tag & 7 {
            0 => {
                take_varint(&mut message)?;
                continue;
            }
            1 => 8,
            5 => 4,
            2 => take_varint(&mut message)? as usize,
            _ => return Err(Malformed),
        };
        let (field, rest) = message.split_at_checked(length).ok_or(Malformed)?;
        message = rest;
        if tag & 7 == 2 {
            on((tag >> 3) as u32, field);
        }
    }
    Ok(())
}

#[inline]
fn take_varint(bytes: &mut &[u8]) -> Result<u64, Malformed> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Malformed)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed)
}

/// Writes a length-delimited field. Field numbers below 16.
#[inline]
pub fn put_field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Writes an integer field. Field numbers below 16.
pub fn put_integer(out: &mut Vec<u8>, number: u8, value: u64) {
    out.push(number << 3);
    put_varint(out, value);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back() {
        let mut message = Vec::new();
        put_field(&mut message, 1, &[7; 200]);
        put_integer(&mut message, 2, 300);
        put_field(&mut message, 15, b"end");
        let mut found = Vec::new();
        for_each_field(&message, |number, bytes| found.push((number, bytes.len()))).unwrap();
        assert_eq!(found, [(1, 200), (15, 3)]);
        let cut = for_each_field(&message[..100], |_, _| {});
        assert_eq!(cut, Err(Malformed));
    }
}
