//! Messages of this simulation, which say their number.

use super::oracle::Group;
use crate::machine::Violation;
use lclq_shards::{Draft, Millis, Payload, Section};
use std::io::Write;

pub struct Message {
    pub number: u64,
    /// Bytes of the body beyond the number.
    pub padding_bytes: usize,
    pub group: Option<Group>,
    /// The number in its deduplication id.
    pub dedup: Option<u64>,
}

/// A number as text, with something before and after it.
fn text(before: &str, number: u64, after: &str, padding_bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(32 + padding_bytes);
    write!(text, "{before}{number}{after}").expect("memory takes it");
    text.resize(text.len() + padding_bytes, b'x');
    text
}

impl Message {
    pub fn payload(&self, sent_at: Millis) -> Payload {
        let body = text("", self.number, ":", self.padding_bytes);
        let group = self.group.map(|group| text("g", group.into(), "", 0));
        let dedup = self.dedup.map(|of| text("d", of, "", 0));
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.number.to_be_bytes());
        let mut draft = Draft {
            id,
            sent_at,
            body: &body,
            ..Draft::default()
        };
        for (section, text) in [(Section::Group, &group), (Section::Deduplication, &dedup)] {
            draft
                .sections
                .extend(text.iter().map(|text| (section, &text[..])));
        }
        draft.build()
    }
}

/// The number of the message with an id.
pub fn number_of(id: [u8; 16]) -> u64 {
    u64::from_be_bytes(id[..8].try_into().expect("8 bytes"))
}

/// The number that a body says.
pub fn number_in(body: &[u8]) -> Result<u64, Violation> {
    let digits = body.split(|byte| *byte == b':').next().unwrap_or_default();
    let number = std::str::from_utf8(digits)
        .ok()
        .and_then(|text| text.parse().ok());
    number.ok_or_else(|| "a body that nobody sent".to_owned())
}
