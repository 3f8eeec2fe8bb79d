//! A message on its way out: read from its stored form and transformed as its subscription says.

use crate::pubsub::civil_time::CivilTime;
use crate::pubsub::core::{Pubsub, SubscriptionInfo};
use crate::pubsub::proto::PubsubMessage;
use crate::pubsub::transform::{TransformError, TransformMessage, TransformMetadata};
use bytes::Bytes;
use lclq_shards::command::Command;
use lclq_shards::pubsub::command::{PubsubCommand, Pulled};
use prost::Message;

/// A message as a subscriber is to see it.
pub(in crate::pubsub) struct Outgoing {
    pub data: Bytes,
    pub attributes: Vec<(String, String)>,
    pub ordering_key: String,
    pub message_id: String,
}

/// Time after which a message that a client's subscription can't transform is tried again, s. It
/// counts as a failed delivery then.
const TRANSFORM_RETRY_S: u32 = 1;

impl Pubsub {
    /// Applies a subscription's transforms to what a client is about to be given. What they filter
    /// out is acknowledged, and what they fail for is left out.
    pub(in crate::pubsub) async fn transformed(
        &self,
        info: &SubscriptionInfo,
        pulled: Vec<Pulled>,
    ) -> Vec<Pulled> {
        if info.transforms.is_empty() || pulled.is_empty() {
            return pulled;
        }
        let outcomes = self.outgoing(info, &pulled).await;
        let (mut kept, mut filtered, mut failed) = (Vec::new(), Vec::new(), Vec::new());
        for (outcome, pulled) in outcomes.into_iter().zip(pulled) {
            match outcome {
                Ok(Some(message)) => {
                    let message = PubsubMessage {
                        data: message.data,
                        attributes: message.attributes.into_iter().collect(),
                        ordering_key: message.ordering_key,
                        ..PubsubMessage::default()
                    };
                    kept.push(Pulled {
                        bytes: message.encode_to_vec().into(),
                        ..pulled
                    });
                }
                Ok(None) => filtered.push(pulled.lease),
                Err(error) => {
                    tracing::debug!(subscription = info.spec.name, %error, "not transformed");
                    failed.push((pulled.lease, TRANSFORM_RETRY_S));
                }
            }
        }
        let subscription = info.reference;
        // Nobody waits for these: at worst their messages are given out again.
        if !filtered.is_empty() {
            let leases = filtered;
            self.send_off(PubsubCommand::Acknowledge {
                subscription,
                leases,
            });
        }
        if !failed.is_empty() {
            let leases = failed;
            self.send_off(PubsubCommand::ModifyDeadline {
                subscription,
                leases,
            });
        }
        kept
    }

    /// Sends a command whose answer doesn't matter.
    fn send_off(&self, command: PubsubCommand) {
        let shard = match &command {
            PubsubCommand::Acknowledge { subscription, .. }
            | PubsubCommand::ModifyDeadline { subscription, .. } => subscription.shard,
            _ => return,
        };
        drop(self.mesh.call(shard, Command::Pubsub(Box::new(command))));
    }

    /// Reads messages and applies the subscription's transforms. `None` was filtered out by them.
    pub(in crate::pubsub) async fn outgoing(
        &self,
        info: &SubscriptionInfo,
        pulled: &[Pulled],
    ) -> Vec<Result<Option<Outgoing>, TransformError>> {
        let read = |pulled: &Pulled| {
            // It was checked when it was published.
            let message = PubsubMessage::decode(&*pulled.bytes).unwrap_or_default();
            let id = self.message_id(info.reference.shard, pulled.lease.sequence);
            Outgoing {
                data: message.data,
                attributes: message.attributes.into_iter().collect(),
                ordering_key: message.ordering_key,
                message_id: id.iter().map(|digit| char::from(*digit)).collect(),
            }
        };
        let messages = pulled.iter().map(read);
        if info.transforms.is_empty() {
            return messages.map(|message| Ok(Some(message))).collect();
        }
        let (mut inputs, mut ids) = (Vec::new(), Vec::new());
        for (message, pulled) in messages.zip(pulled) {
            ids.push(message.message_id.clone());
            inputs.push(TransformMessage {
                data: message.data,
                attributes: message.attributes,
                metadata: TransformMetadata {
                    message_id: message.message_id,
                    publish_time: CivilTime::from_millis(pulled.published_at).rfc3339_seconds(),
                    ordering_key: message.ordering_key,
                },
            });
        }
        let outcomes = self.transformer.run(&info.transforms, inputs).await;
        outcomes
            .into_iter()
            .zip(ids)
            .map(|(outcome, message_id)| {
                Ok(outcome?.map(|message| Outgoing {
                    data: message.data,
                    attributes: message.attributes,
                    ordering_key: message.metadata.ordering_key,
                    message_id,
                }))
            })
            .collect()
    }
}
