//! Pieces as they would be had all happened later.

use super::Piece;
use crate::Millis;

/// How much later, ms.
#[derive(Clone, Copy, Debug)]
pub struct Shift(pub Millis);

impl Shift {
    /// The same piece with all its times moved on.
    pub fn later(self, mut piece: Piece) -> Piece {
        if self.0 == 0 {
            return piece;
        }
        let by = self.0;
        // 0 stands for never, or for at once.
        let move_on = |time: &mut Millis| {
            if *time > 0 {
                *time += by;
            }
        };
        match &mut piece {
            Piece::Queue(queue) => {
                move_on(&mut queue.created_at);
                move_on(&mut queue.modified_at);
                for task in &mut queue.moves {
                    move_on(&mut task.started_at);
                }
            }
            Piece::Topic(topic) => move_on(&mut topic.created_at),
            Piece::Subscription(found) => {
                move_on(&mut found.created_at);
                if let Some(expires_at) = &mut found.snapshot_expires_at {
                    move_on(expires_at);
                }
            }
            Piece::Schema(schema) => move_on(&mut schema.created_at),
            Piece::Dedup { entry, .. } => move_on(&mut entry.expires_at),
            Piece::Message { message, .. } => {
                let sent_at = message.payload.sent_at();
                message.payload.set_sent_at(sent_at + by);
                move_on(&mut message.available_at);
                move_on(&mut message.in_flight_until);
                move_on(&mut message.first_received_at);
            }
            Piece::Published { message, .. } => {
                move_on(&mut message.published_at);
                for holder in &mut message.holders {
                    move_on(&mut holder.until);
                }
            }
            Piece::Transfer(transfer) => {
                let sent_at = transfer.payload.sent_at();
                transfer.payload.set_sent_at(sent_at + by);
                move_on(&mut transfer.first_received_at);
            }
        }
        piece
    }
}

impl Piece {
    /// Bytes of what clients gave in it.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Queue(_) | Self::Dedup { .. } => 0,
            Self::Topic(topic) => topic.spec.len() + topic.policy.len(),
            Self::Subscription(found) => found.spec.len() + found.policy.len(),
            Self::Schema(schema) => schema.spec.len() + schema.policy.len(),
            Self::Message { message, .. } => message.payload.memory_bytes(),
            Self::Published { message, .. } => {
                message.bytes.len() + message.holders.len() * size_of::<super::Holder>()
            }
            Self::Transfer(transfer) => transfer.payload.memory_bytes(),
        }
    }
}
