//! Topics, subscriptions and snapshots: the engine under the Pub/Sub dialect.
//!
//! A message is stored once, in its topic; each subscription that it is for holds an entry for it.
//! A snapshot is a subscription that nobody pulls from. What nobody holds any more and the topic
//! need not retain is dropped at once.

mod ack_id;
pub mod command;
mod filter;
mod record;
mod wire;

pub use ack_id::{ACK_ID_CHARS, AckId, AckIdSigner};
pub use filter::{FILTER_BYTES_MAX, Filter, FilterError};
pub use record::{
    DeadLetterSettings, RetrySettings, SchemaRecord, SubscriptionRecord, SubscriptionSettings,
    TopicRecord, TopicSettings,
};

use crate::command::{Refusal, Token};
use crate::shard::Shard;

impl Shard {
    pub(crate) fn pubsub_command(&mut self, token: Token, _command: command::PubsubCommand) {
        self.refuse(token, Refusal::Pubsub(command::PubsubRefusal::NotFound));
    }
}
