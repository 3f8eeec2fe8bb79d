//! Times that a journal kept, brought in line with the clock of this run.
//!
//! Hazard: the clock may have been set back between two runs. What was kept then lies in the
//! future, and a delay, a retention or a deduplication window that counts from there would last for
//! as long as the clock was set back. So nothing kept has happened later than now, and nothing due
//! is further off than it can be from now. Order is kept: of what was written by one clock, what
//! came later never gets an earlier time. Times stay on the disk as they were written, so each start
//! at which the clock is still behind has them count from there. A clock that was set forward needs
//! nothing: what is due by it is due.

use crate::Millis;
use crate::dedup::WINDOW_MS;
use crate::portable::IN_FLIGHT_MS_MAX;
use crate::records::Op;

/// The longest delay of a message, ms: 15 minutes
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>).
const DELAY_MS_MAX: Millis = 15 * 60 * 1000;
/// The longest life of a snapshot, ms: 7 days
/// (<https://cloud.google.com/pubsub/quotas>).
const SNAPSHOT_MS_MAX: Millis = 7 * 24 * 60 * 60 * 1000;

/// Moves the times in `op` that lie ahead of `now` to where they can be.
pub(crate) fn bring_in_line(op: &mut Op, now: Millis) {
    let past = |time: &mut Millis| *time = (*time).min(now);
    match op {
        Op::PutQueue(queue) => {
            past(&mut queue.created_at);
            past(&mut queue.modified_at);
            for task in &mut queue.moves {
                past(&mut task.started_at);
            }
        }
        Op::Insert(message) => {
            let ahead = message.payload.sent_at().saturating_sub(now);
            if ahead > 0 {
                message.payload.set_sent_at(now);
            }
            // 0 says that it wasn't delayed, and stays 0.
            message.available_at = message
                .available_at
                .saturating_sub(ahead)
                .min(now + DELAY_MS_MAX);
            past(&mut message.first_received_at);
        }
        Op::Dedup { entry, .. } => entry.expires_at = entry.expires_at.min(now + WINDOW_MS),
        Op::OutboxPut(transfer) => {
            if transfer.payload.sent_at() > now {
                transfer.payload.set_sent_at(now);
            }
            past(&mut transfer.first_received_at);
        }
        Op::PutTopic(topic) => past(&mut topic.created_at),
        Op::PutSubscription(subscription) => {
            past(&mut subscription.created_at);
            if let Some(expires_at) = &mut subscription.snapshot_expires_at {
                *expires_at = (*expires_at).min(now + SNAPSHOT_MS_MAX);
            }
        }
        Op::PutSchema(schema) => past(&mut schema.created_at),
        Op::Publish(message) => past(&mut message.published_at),
        Op::Received {
            first_received_at, ..
        } => past(first_received_at),
        Op::Leased {
            received_at, until, ..
        } => {
            past(received_at);
            *until = (*until).min(now + IN_FLIGHT_MS_MAX);
        }
        Op::DropQueue(_)
        | Op::Delete(_)
        | Op::OutboxDelete { .. }
        | Op::Inbox { .. }
        | Op::Reserve { .. }
        | Op::DropTopic(_)
        | Op::DropSubscription(_)
        | Op::DropSchema(_)
        | Op::Unpublish { .. }
        | Op::Delivery { .. }
        | Op::ResetDeliveries { .. }
        | Op::Nothing => {}
    }
}
