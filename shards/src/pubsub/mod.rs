//! Topics, subscriptions and snapshots: the engine under the Pub/Sub dialect.
//!
//! A message is stored once, in its topic; each subscription that it is for holds an entry for it.
//! A snapshot is a subscription that nobody pulls from. What nobody holds any more and the topic
//! need not retain is dropped at once.

mod ack_id;
mod acking;
mod dead_letters;
mod delivering;
mod filter;
mod lifetimes;
mod publishing;
mod resources;
mod restoring;
mod schemas;
mod seeking;
pub(crate) mod state;
mod streams;
mod subscriptions;
mod topics;
mod wire;

pub use crate::command::pubsub as command;
pub use crate::records::{
    DeadLetterSettings, RetrySettings, SchemaRecord, SubscriptionRecord, SubscriptionSettings,
    TopicRecord, TopicSettings,
};
pub use ack_id::{ACK_ID_CHARS, AckId, AckIdSigner};
pub use filter::{FILTER_BYTES_MAX, Filter, FilterError};
pub use wire::ordering_key;

use crate::command::{Command, Token};
use crate::shard::Shard;
use command::PubsubCommand;

impl Shard {
    pub(crate) fn pubsub_command(&mut self, token: Token, command: PubsubCommand) {
        use PubsubCommand::*;
        let slot = match &command {
            Publish { topic, .. } => self.topic_slot(*topic),
            Pull { subscription, .. }
            | Acknowledge { subscription, .. }
            | ModifyDeadline { subscription, .. }
            | OpenStream { subscription, .. } => self.subscription_slot(*subscription),
            StreamPull { .. }
            | SetStreamDeadline { .. }
            | CloseStream { .. }
            | ReturnDeliveries { .. }
            | Admin(_) => Some(0),
        };
        let Some(slot) = slot else {
            return self.stale(token, Command::Pubsub(Box::new(command)));
        };
        match command {
            Publish { messages, .. } => self.publish(token, slot, messages),
            Pull {
                messages_max,
                bytes_max,
                wait_ms,
                client,
                ..
            } => {
                self.journeys.client = client;
                self.pull(token, slot, messages_max, bytes_max, wait_ms);
            }
            Acknowledge { leases, .. } => self.acknowledge(token, slot, &leases),
            ModifyDeadline { leases, .. } => self.modify_deadline(token, slot, &leases),
            ReturnDeliveries { leases } => self.return_deliveries(token, &leases),
            OpenStream { limits, client, .. } => self.open_stream(token, slot, limits, client),
            StreamPull {
                stream,
                messages_max,
                bytes_max,
            } => self.stream_pull(token, stream, messages_max, bytes_max),
            SetStreamDeadline {
                stream,
                ack_deadline_s,
            } => self.set_stream_deadline(token, stream, ack_deadline_s),
            CloseStream { stream } => self.close_stream(token, stream),
            Admin(command) => self.admin(token, *command),
        }
    }
}
