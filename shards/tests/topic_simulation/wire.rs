//! Messages of this simulation in protobuf, as the dialect would encode them.

use lclq_shards::pubsub::command::SharedBytes;

fn field(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    out.push(u8::try_from(bytes.len()).expect("short texts only"));
    out.extend_from_slice(bytes);
}

/// A message that says its number.
pub fn message(number: u64, key: &str, class: &str) -> SharedBytes {
    let mut out = Vec::new();
    field(&mut out, 0x0a, number.to_string().as_bytes());
    let mut entry = Vec::new();
    field(&mut entry, 0x0a, b"c");
    field(&mut entry, 0x12, class.as_bytes());
    field(&mut out, 0x12, &entry);
    if !key.is_empty() {
        field(&mut out, 0x2a, key.as_bytes());
    }
    out.into()
}

/// The fields of a message; all are texts or messages.
fn fields(mut bytes: &[u8]) -> Option<Vec<(u8, &[u8])>> {
    let mut out = Vec::new();
    while let Some((tag, rest)) = bytes.split_first() {
        let (mut length, mut shift, mut rest) = (0usize, 0, rest);
        loop {
            let (byte, after) = rest.split_first()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            rest = after;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let (value, after) = rest.split_at_checked(length)?;
        out.push((*tag, value));
        bytes = after;
    }
    Some(out)
}

/// Number of a message, and the subscription whose dead letter it is.
pub fn read(bytes: &[u8]) -> Option<(u64, Option<usize>)> {
    let fields_of = fields(bytes)?;
    let data = fields_of.iter().find(|(tag, _)| *tag == 0x0a)?.1;
    let number = std::str::from_utf8(data).ok()?.parse().ok()?;
    let mut dead_of = None;
    for (_, entry) in fields_of.iter().filter(|(tag, _)| *tag == 0x12) {
        let parts = fields(entry)?;
        let part = |wanted| {
            parts
                .iter()
                .find(|(tag, _)| *tag == wanted)
                .map(|(_, text)| *text)
        };
        if part(0x0a) == Some(b"CloudPubSubDeadLetterSourceSubscription") {
            let name = std::str::from_utf8(part(0x12)?).ok()?;
            dead_of = Some(name.strip_prefix('s')?.parse().ok()?);
        }
    }
    Some((number, dead_of))
}
