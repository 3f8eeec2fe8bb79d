//! What a message carries, in one shared allocation.
//!
//! The bytes are written once where the request is decoded and from then on only shared: by the
//! engine, the journal (which stores them as they are) and every delivery. Layout, little endian:
//!
//! | bytes | what |
//! |---|---|
//! | 0-15 | message id (UUID) |
//! | 16-31 | MD5 of the body |
//! | 32-37 | time of sending, ms since 1970 |
//! | 38.. | length of all sections, 7 bits per byte, the lowest first |
//! | then | sections: tag (1), length (4), bytes |
//! | end | the body |
//!
//! Every byte counts: with 200 bytes of body and no sections a payload just fits an allocation of
//! 256 bytes.

use crate::Millis;
use std::sync::Arc;

/// The encoded messages and specs that shards, journal and dialect share.
pub type SharedBytes = Arc<[u8]>;

const FIXED_BYTES: usize = 38;
/// Bytes of the time of sending: enough for 8,000 years.
const TIME_BYTES: usize = 6;
/// Bytes of the sections' length at most.
const LENGTH_BYTES_MAX: usize = 5;

/// What an optional section of a payload holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Section {
    /// Message group id, UTF-8.
    Group = 1,
    /// Message deduplication id, UTF-8.
    Deduplication = 2,
    /// `AWSTraceHeader`, UTF-8.
    Trace = 3,
    /// ARN of the queue the message was dead-lettered from, UTF-8.
    DeadLetterSource = 4,
    /// MD5 of all message attributes, 16 bytes.
    AttributesMd5 = 5,
    /// Message attributes as the dialect encodes them; opaque to the engine.
    Attributes = 6,
    /// MD5 of the message system attributes, 16 bytes.
    SystemAttributesMd5 = 7,
    /// Sequence number by which clients know an imported message, 8 bytes, little-endian.
    Sequence = 8,
}

/// A message's bytes, shared and immutable.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(Arc<[u8]>);

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the body: payloads end up in logs through other types' Debug.
        write!(f, "Payload({} bytes)", self.0.len())
    }
}

/// The parts of a payload before they are put together.
#[derive(Clone, Default)]
pub struct Draft<'a> {
    /// UUID of the message.
    pub id: [u8; 16],
    /// MD5 of `body`.
    pub body_md5: [u8; 16],
    /// Time of sending, ms since 1970.
    pub sent_at: Millis,
    /// The body.
    pub body: &'a [u8],
    /// Optional sections; empty ones should be left out.
    pub sections: smallvec::SmallVec<[(Section, &'a [u8]); 4]>,
}

impl Draft<'_> {
    /// Puts the parts into one allocation.
    pub fn build(&self) -> Payload {
        let sections: usize = self.sections.iter().map(|(_, bytes)| 5 + bytes.len()).sum();
        let mut length = [0; LENGTH_BYTES_MAX];
        let length = write_length(sections as u32, &mut length);
        let total = FIXED_BYTES + length.len() + sections + self.body.len();
        // Straight into the shared allocation: a `Vec` would be copied into it.
        let mut shared = Arc::<[u8]>::new_uninit_slice(total);
        let mut rest = Arc::get_mut(&mut shared).expect("not shared yet");
        let mut put = |bytes: &[u8]| {
            let (part, after) = std::mem::take(&mut rest).split_at_mut(bytes.len());
            for (place, byte) in part.iter_mut().zip(bytes) {
                place.write(*byte);
            }
            rest = after;
        };
        put(&self.id);
        put(&self.body_md5);
        put(&self.sent_at.to_le_bytes()[..TIME_BYTES]);
        put(length);
        for (tag, section) in &self.sections {
            put(&[*tag as u8]);
            put(&(section.len() as u32).to_le_bytes());
            put(section);
        }
        put(self.body);
        assert!(rest.is_empty(), "the parts are as long as they were before");
        // SAFETY: `put` writes what it takes off the front, and nothing is left.
        Payload(unsafe { shared.assume_init() })
    }
}

impl Payload {
    /// Takes bytes that a journal stored, or `None` where they are not a payload.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let (mut at, body_start) = section_bounds(bytes)?;
        if body_start > bytes.len() {
            return None;
        }
        while at < body_start {
            let length = bytes.get(at + 1..at + 5)?;
            at += 5 + u32::from_le_bytes(length.try_into().ok()?) as usize;
        }
        (at == body_start).then(|| Self(bytes.into()))
    }

    /// The bytes as a journal stores them.
    pub fn stored(&self) -> &[u8] {
        &self.0
    }

    /// UUID of the message.
    pub fn id(&self) -> [u8; 16] {
        self.0[..16].try_into().expect("payload has a header")
    }

    /// MD5 of the body.
    pub fn body_md5(&self) -> [u8; 16] {
        self.0[16..32].try_into().expect("payload has a header")
    }

    /// Time of sending, ms since 1970.
    #[inline]
    pub fn sent_at(&self) -> Millis {
        let mut bytes = [0; 8];
        bytes[..TIME_BYTES].copy_from_slice(&self.0[32..FIXED_BYTES]);
        Millis::from_le_bytes(bytes)
    }

    /// Changes the time of sending. Copies a payload that is shared.
    pub fn set_sent_at(&mut self, sent_at: Millis) {
        let bytes = Arc::make_mut(&mut self.0);
        bytes[32..FIXED_BYTES].copy_from_slice(&sent_at.to_le_bytes()[..TIME_BYTES]);
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.0[self.section_bounds().1..]
    }

    /// One section, if the message has it.
    pub fn section(&self, wanted: Section) -> Option<&[u8]> {
        self.sections()
            .find(|(tag, _)| *tag == wanted as u8)
            .map(|(_, bytes)| bytes)
    }

    /// The same message with the number that its shard gives it.
    pub fn renumbered(self) -> Self {
        match self.section(Section::Sequence) {
            None => self,
            Some(_) => self.with_section(Section::Sequence, None, None),
        }
    }

    /// The sequence number by which clients know the message, which has `own` in its shard.
    pub fn shown_sequence(&self, own: u64) -> u64 {
        let section = self.section(Section::Sequence);
        let shown = section.and_then(|bytes| bytes.try_into().ok());
        shown.map_or(own, u64::from_le_bytes)
    }

    /// One section that holds text.
    pub fn text(&self, wanted: Section) -> Option<&str> {
        self.section(wanted)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    /// The same message with one section set or, given `None`, left out, and optionally a new
    /// identity (id and time of sending).
    pub fn with_section(
        &self,
        changed: Section,
        value: Option<&[u8]>,
        identity: Option<([u8; 16], Millis)>,
    ) -> Self {
        let (id, sent_at) = identity.unwrap_or((self.id(), self.sent_at()));
        let mut sections: smallvec::SmallVec<[(Section, &[u8]); 4]> = self
            .sections()
            .filter_map(|(tag, bytes)| Some((Section::from_tag(tag)?, bytes)))
            .filter(|(tag, _)| *tag != changed)
            .collect();
        if let Some(value) = value {
            sections.push((changed, value));
        }
        Draft {
            id,
            body_md5: self.body_md5(),
            sent_at,
            body: self.body(),
            sections,
        }
        .build()
    }

    /// Bytes of memory the payload takes, its reference counts included.
    #[inline]
    pub fn memory_bytes(&self) -> usize {
        self.0.len() + 16
    }

    fn section_bounds(&self) -> (usize, usize) {
        section_bounds(&self.0).expect("payload has a header")
    }

    fn sections(&self) -> impl Iterator<Item = (u8, &[u8])> {
        let (start, end) = self.section_bounds();
        let mut rest = &self.0[start..end];
        std::iter::from_fn(move || {
            let (tag, after) = rest.split_first()?;
            let (length, after) = after.split_first_chunk::<4>()?;
            let (bytes, after) = after.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            rest = after;
            Some((*tag, bytes))
        })
    }
}

/// Where sections begin and where they end.
#[inline]
fn section_bounds(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut length = 0usize;
    for at in 0..LENGTH_BYTES_MAX {
        let byte = *bytes.get(FIXED_BYTES + at)?;
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let start = FIXED_BYTES + at + 1;
            return Some((start, start.checked_add(length)?));
        }
    }
    None
}

fn write_length(mut length: u32, out: &mut [u8; LENGTH_BYTES_MAX]) -> &[u8] {
    let mut at = 0;
    while length >= 0x80 {
        out[at] = length as u8 | 0x80;
        length >>= 7;
        at += 1;
    }
    out[at] = length as u8;
    &out[..=at]
}

impl Section {
    fn from_tag(tag: u8) -> Option<Self> {
        use Section::*;
        [
            Group,
            Deduplication,
            Trace,
            DeadLetterSource,
            AttributesMd5,
            Attributes,
            SystemAttributesMd5,
            Sequence,
        ]
        .into_iter()
        .find(|section| *section as u8 == tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sample() -> Payload {
        Draft {
            id: [7; 16],
            body_md5: [9; 16],
            sent_at: 1234,
            body: b"hello",
            sections: [(Section::Group, &b"g"[..]), (Section::Trace, b"Root=1")]
                .into_iter()
                .collect(),
        }
        .build()
    }

    #[test]
    fn reads_back_what_was_written() {
        let payload = sample();
        assert_eq!(payload.id(), [7; 16]);
        assert_eq!(payload.body_md5(), [9; 16]);
        assert_eq!(payload.sent_at(), 1234);
        assert_eq!(payload.body(), b"hello");
        assert_eq!(payload.text(Section::Group), Some("g"));
        assert_eq!(payload.text(Section::Trace), Some("Root=1"));
        assert_eq!(payload.section(Section::Attributes), None);
        assert_eq!(Payload::from_stored(payload.stored()), Some(payload));
    }

    #[test]
    fn long_sections_are_found_again() {
        for length in [0, 100, 122, 123, 200, 20_000, 3_000_000] {
            let section = vec![b's'; length];
            let payload = Draft {
                sent_at: 1_700_000_000_123,
                body: b"body",
                sections: [(Section::Attributes, &section[..])].into_iter().collect(),
                ..Draft::default()
            }
            .build();
            assert_eq!(payload.section(Section::Attributes), Some(&section[..]));
            assert_eq!(payload.body(), b"body");
            assert_eq!(payload.sent_at(), 1_700_000_000_123);
            assert_eq!(Payload::from_stored(payload.stored()), Some(payload));
        }
    }

    #[test]
    fn a_section_is_replaced_or_left_out() {
        let moved = sample().with_section(Section::DeadLetterSource, Some(b"arn"), None);
        assert_eq!(moved.text(Section::DeadLetterSource), Some("arn"));
        assert_eq!(moved.text(Section::Group), Some("g"));
        assert_eq!(moved.body(), b"hello");
        let back = moved.with_section(Section::DeadLetterSource, None, Some(([1; 16], 5)));
        assert_eq!(back.section(Section::DeadLetterSource), None);
        assert_eq!((back.id(), back.sent_at()), ([1; 16], 5));
    }

    proptest! {
        #[test]
        fn stored_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(payload) = Payload::from_stored(&bytes) {
                let _ = (payload.body().len(), payload.section(Section::Attributes));
            }
        }
    }
}
