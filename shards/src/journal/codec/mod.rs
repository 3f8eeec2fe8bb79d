//! Records of a log as bytes. It is a stored format: docs/log-format.md has its layout.
//!
//! A record says where it belongs (position and epoch) and ends with a checksum over all of it, so
//! neither a flipped bit nor a record that has come to another place passes for what was written.

mod bytes;
mod ops;
mod readable;
#[cfg(test)]
mod tests;

pub use readable::readable;

use crate::epochs::first_number;
use crate::records::Op;
use bytes::{Reader, put_blob, put_number};

/// The layout that is written. A record of another one is refused, not guessed at.
const FORMAT: u8 = 1;

const BATCH: u8 = 0;
const FENCE: u8 = 1;

const SUM_BYTES: usize = 4;

/// Bytes in which an owner says who it is, at most.
pub const OWNER_BYTES_MAX: usize = 1024;

/// Why bytes are no record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a record of a log: {0}")]
pub struct Malformed(pub &'static str);

/// What stands before a record's content.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// Place in the log; the first is 1.
    pub position: u64,
    /// Epoch of the owner that wrote it.
    pub epoch: u64,
    /// Records before this position are of no use to a reader of this one.
    pub low: u64,
    /// Position at which the lap began that this record is part of; 0 for none.
    pub lap: u64,
}

/// Writes the record of a batch: its changes, and what it carries along of the kept state.
pub fn write_batch(head: Head, changes: &[Op], carried: &[Op]) -> Vec<u8> {
    let mut changed = Vec::with_capacity(changes.iter().map(size_about).sum());
    // The distance of an epoch's numbers from there is short.
    let base = first_number(head.epoch);
    for op in changes {
        ops::put(&mut changed, base, op);
    }
    if carried.is_empty() {
        // The rest of the record is its changes: they need not be copied behind their length.
        let mut out = begin(head, BATCH, changed.len());
        put_number(&mut out, changed.len() as u64);
        out.append(&mut changed);
        return end(out);
    }
    let room: usize = carried.iter().map(size_about).sum();
    let mut out = begin(head, BATCH, changed.len() + room);
    put_blob(&mut out, &changed);
    for op in carried {
        ops::put(&mut out, base, op);
    }
    end(out)
}

/// Writes the record with which an owner begins. What `owner` has beyond [`OWNER_BYTES_MAX`] is left
/// out.
pub fn write_fence(head: Head, owner: &[u8]) -> Vec<u8> {
    let owner = &owner[..owner.len().min(OWNER_BYTES_MAX)];
    let mut out = begin(head, FENCE, owner.len());
    out.extend_from_slice(owner);
    end(out)
}

/// Most bytes of what stands before a record's content, and after it.
const HEAD_BYTES_MAX: usize = 2 + 5 * 10;

fn begin(head: Head, kind: u8, content: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD_BYTES_MAX + content + SUM_BYTES);
    out.extend_from_slice(&[FORMAT, kind]);
    for number in [head.position, head.epoch, head.low, head.lap] {
        put_number(&mut out, number);
    }
    out
}

fn end(mut out: Vec<u8>) -> Vec<u8> {
    let sum = crc32fast::hash(&out);
    out.extend_from_slice(&sum.to_le_bytes());
    out
}

/// About how many bytes a change takes in a record.
pub fn size_about(op: &Op) -> usize {
    const SMALL_BYTES: usize = 24;
    const DEFINITION_BYTES: usize = 512;
    match op {
        Op::Insert(record) => SMALL_BYTES + record.payload.stored().len(),
        Op::Publish(record) => SMALL_BYTES + record.bytes.len(),
        Op::OutboxPut(transfer) => DEFINITION_BYTES + transfer.payload.stored().len(),
        Op::Dedup { .. } => 2 * SMALL_BYTES,
        Op::PutQueue(_) => DEFINITION_BYTES,
        Op::PutTopic(record) => DEFINITION_BYTES + record.spec.len() + record.policy.len(),
        Op::PutSubscription(record) => DEFINITION_BYTES + record.spec.len() + record.policy.len(),
        Op::PutSchema(record) => DEFINITION_BYTES + record.spec.len() + record.policy.len(),
        Op::Nothing => 0,
        _ => SMALL_BYTES,
    }
}

/// A record whose checksum fits. What it holds is read when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What stands before the content.
    pub head: Head,
    content: Content<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Content<'a> {
    Batch {
        changes: &'a [u8],
        carried: &'a [u8],
    },
    Fence {
        owner: &'a [u8],
    },
}

impl<'a> Record<'a> {
    /// Reads what stands around a record's content. No bytes make it panic.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (body, sum) = bytes
            .split_last_chunk::<SUM_BYTES>()
            .ok_or(Malformed("it ends early"))?;
        let mut from = Reader::new(body);
        // Before the sum, which another format may have elsewhere.
        if from.byte()? != FORMAT {
            return Err(Malformed("it is of another format; use a newer lclq"));
        }
        if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
            return Err(Malformed("its checksum doesn't fit"));
        }
        let kind = from.byte()?;
        let head = Head {
            position: from.number()?,
            epoch: from.number()?,
            low: from.number()?,
            lap: from.number()?,
        };
        let content = match kind {
            BATCH => Content::Batch {
                changes: from.blob()?,
                carried: from.rest(),
            },
            FENCE => Content::Fence { owner: from.rest() },
            _ => return Err(Malformed("it is of an unknown kind")),
        };
        Ok(Self { head, content })
    }

    /// Visits the changes in order.
    pub fn changes(&self, visit: &mut dyn FnMut(Op)) -> Result<(), Malformed> {
        match self.content {
            Content::Batch { changes, .. } => self.visit(changes, visit),
            Content::Fence { .. } => Ok(()),
        }
    }

    /// Visits what the record carries along: pieces of the kept state as they were after its changes.
    pub fn carried(&self, visit: &mut dyn FnMut(Op)) -> Result<(), Malformed> {
        match self.content {
            Content::Batch { carried, .. } => self.visit(carried, visit),
            Content::Fence { .. } => Ok(()),
        }
    }

    /// Who says that it begins here, if somebody does.
    pub fn owner(&self) -> Option<&'a [u8]> {
        match self.content {
            Content::Batch { .. } => None,
            Content::Fence { owner } => Some(owner),
        }
    }

    fn visit(&self, bytes: &[u8], visit: &mut dyn FnMut(Op)) -> Result<(), Malformed> {
        let base = first_number(self.head.epoch);
        let mut from = Reader::new(bytes);
        while !from.is_at_end() {
            visit(ops::take(&mut from, base)?);
        }
        Ok(())
    }
}
