//! Writing what is delivered: a stored message with its ack id, its id and its time.

use super::core::Pubsub;
use super::error::{PubsubResult, invalid_ack_id};
use super::protobuf::{put_bytes, put_head, put_integer, put_varint, varint_bytes};
use super::publish::MESSAGE_ID_DIGITS;
use bytes::{BufMut, BytesMut};
use lclq_shards::Millis;
use lclq_shards::command::LeaseRef;
use lclq_shards::pubsub::command::{Pulled, SubscriptionRef};
use lclq_shards::pubsub::{ACK_ID_CHARS, AckId};

/// Field numbers of `PubsubMessage`.
const MESSAGE_ID: u8 = 3;
const PUBLISH_TIME: u8 = 4;

/// The most that a delivery takes beside the stored message.
const OVERHEAD_BYTES_MAX: usize = 160;

impl Pubsub {
    /// Room for so many deliveries.
    pub(super) fn deliveries_bytes(pulled: &[Pulled]) -> usize {
        let messages: usize = pulled.iter().map(|pulled| pulled.bytes.len()).sum();
        messages + pulled.len() * OVERHEAD_BYTES_MAX
    }

    /// Writes deliveries as field 1, `received_messages`, of a pull's or stream's response.
    pub(super) fn put_deliveries(
        &self,
        out: &mut BytesMut,
        subscription: SubscriptionRef,
        pulled: &[Pulled],
    ) {
        for delivery in pulled {
            let ack_id = self.signer.seal(&AckId {
                shard: subscription.shard,
                subscription_id: subscription.id,
                lease: delivery.lease,
            });
            let (seconds, nanos) = timestamp(delivery.published_at);
            let time_bytes = integer_bytes(seconds) + integer_bytes(nanos);
            let message_bytes = delivery.bytes.len() + (2 + MESSAGE_ID_DIGITS) + (2 + time_bytes);
            let attempt = u64::from(delivery.attempt);
            let whole = (1 + varint_bytes(ACK_ID_CHARS as u64) + ACK_ID_CHARS)
                + (1 + varint_bytes(message_bytes as u64) + message_bytes)
                + integer_bytes(attempt);
            put_head(out, 1, whole);
            put_bytes(out, 1, &ack_id);
            put_head(out, 2, message_bytes);
            out.put_slice(&delivery.bytes);
            let id = self.message_id(subscription.shard, delivery.lease.sequence);
            put_bytes(out, MESSAGE_ID, &id);
            put_head(out, PUBLISH_TIME, time_bytes);
            put_integer(out, 1, seconds);
            put_integer(out, 2, nanos);
            put_integer(out, 3, attempt);
        }
    }

    /// Reads an ack id. `None` for one of another subscription, which can't be acknowledged here.
    pub(super) fn open_ack_id(
        &self,
        subscription: SubscriptionRef,
        ack_id: &[u8],
    ) -> PubsubResult<Option<LeaseRef>> {
        let Some(id) = self.signer.open(ack_id) else {
            return Err(invalid_ack_id(&String::from_utf8_lossy(ack_id)));
        };
        let own = id.shard == subscription.shard && id.subscription_id == subscription.id;
        Ok(own.then_some(id.lease))
    }
}

/// Seconds and nanoseconds of a `Timestamp`.
pub(super) fn timestamp(at: Millis) -> (u64, u64) {
    (at / 1000, at % 1000 * 1_000_000)
}

fn integer_bytes(value: u64) -> usize {
    if value == 0 {
        0
    } else {
        1 + varint_bytes(value)
    }
}

/// Writes a packed or plain boolean of a nested message: `SubscriptionProperties`.
pub(super) fn put_properties(out: &mut BytesMut, number: u8, exactly_once: bool, ordering: bool) {
    let bytes = 2 * (usize::from(exactly_once) + usize::from(ordering));
    put_head(out, number, bytes);
    for (field, set) in [(1, exactly_once), (2, ordering)] {
        if set {
            out.put_u8(field << 3);
            put_varint(out, 1);
        }
    }
}
