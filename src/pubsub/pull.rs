//! Pull, Acknowledge and ModifyAckDeadline.

use super::access::waits;
use super::core::{Pubsub, SubscriptionInfo, unexpected};
use super::error::{
    AckFailure, PubsubResult, ack_failures, invalid_ack_deadline, invalid_argument, no_ack_ids,
    request_too_large, undecodable, wrong_subscription_type,
};
use super::limits::{ACK_DEADLINE_S_MAX, ACK_REQUEST_BYTES_MAX};
use super::protobuf::{Fields, Value, text};
use crate::grpc::{Encoded, EncodedBuf};
use crate::interceptors::asker;
use bytes::Bytes;
use lclq_shards::command::{LeaseRef, Reply};
use lclq_shards::pubsub::command::{PubsubCommand, Settled};

/// How long a pull waits for a first message.
const PULL_WAIT_MS: u32 = 20_000;
/// Messages that one pull gets at most, whatever it asks for.
const PULL_MESSAGES_MAX: u32 = 10_000;
/// Bytes of messages that one pull gets at most, unless a single one is longer.
const PULL_BYTES_MAX: u64 = 10 << 20;

impl Pubsub {
    /// Leases messages for an encoded `PullRequest`; answers a `PullResponse`.
    pub(super) async fn pull_encoded(&self, request: Bytes) -> PubsubResult<Encoded> {
        let _waits = waits("Pull")?;
        let (mut subscription, mut return_immediately, mut messages_max) = ("", false, 0);
        let mut fields = Fields::of(&request);
        while let Some((number, value)) = fields.next().map_err(undecodable)? {
            match (number, value) {
                (1, Value::Bytes(name)) => subscription = text(name).map_err(undecodable)?,
                (2, Value::Varint(value)) => return_immediately = value != 0,
                (3, Value::Varint(value)) => messages_max = value as i32,
                _ => {}
            }
        }
        let info = self.subscription(subscription).await?;
        if messages_max <= 0 {
            return Err(invalid_argument("max_messages"));
        }
        let asked = (messages_max as u32).min(PULL_MESSAGES_MAX);
        let messages_max = self.pulls_at_most(subscription, asked, !return_immediately);
        if messages_max == 0 && info.is_pull() {
            return Ok(Encoded::EMPTY);
        }
        let mut delivering = None;
        let reply = self
            .on_subscription(subscription, info, |info| {
                if !info.is_pull() {
                    return Err(wrong_subscription_type());
                }
                delivering = Some(info.clone());
                Ok(PubsubCommand::Pull {
                    subscription: info.reference,
                    messages_max,
                    bytes_max: PULL_BYTES_MAX,
                    wait_ms: if return_immediately { 0 } else { PULL_WAIT_MS },
                    client: asker(),
                })
            })
            .await?;
        let pulled = match reply {
            Reply::Pulled(pulled) => pulled,
            reply => return Err(unexpected(&reply)),
        };
        let Some(mut info) = delivering else {
            return Ok(Encoded::EMPTY);
        };
        let of = info.reference;
        // The wait may have been long: what has been set up meanwhile holds for these messages.
        if !self.is_current(&info)
            && let Ok(now) = self.subscription(subscription).await
            && now.is_same(of)
        {
            info = now;
        }
        let pulled = self.transformed(&info, pulled).await;
        self.deliver_again(&info, &pulled);
        let mut out = EncodedBuf::with_capacity(Self::deliveries_bytes(&pulled));
        self.put_deliveries(&mut out, of, &pulled);
        Ok(out.finish())
    }

    /// Acknowledges for an encoded `AcknowledgeRequest`.
    pub(super) async fn acknowledge_encoded(&self, request: Bytes) -> PubsubResult<Encoded> {
        check_size(&request)?;
        let (mut subscription, mut ack_ids) = ("", Vec::new());
        let mut fields = Fields::of(&request);
        while let Some((number, value)) = fields.next().map_err(undecodable)? {
            match (number, value) {
                (1, Value::Bytes(name)) => subscription = text(name).map_err(undecodable)?,
                (2, Value::Bytes(ack_id)) => ack_ids.push(ack_id),
                _ => {}
            }
        }
        let results = self.acknowledge_ids(subscription, &ack_ids).await?;
        confirm(&ack_ids, &results)
    }

    /// Changes deadlines for an encoded `ModifyAckDeadlineRequest`.
    pub(super) async fn modify_ack_deadline_encoded(
        &self,
        request: Bytes,
    ) -> PubsubResult<Encoded> {
        check_size(&request)?;
        let (mut subscription, mut ack_ids, mut seconds) = ("", Vec::new(), 0);
        let mut fields = Fields::of(&request);
        while let Some((number, value)) = fields.next().map_err(undecodable)? {
            match (number, value) {
                (1, Value::Bytes(name)) => subscription = text(name).map_err(undecodable)?,
                (4, Value::Bytes(ack_id)) => ack_ids.push((ack_id, 0)),
                (3, Value::Varint(value)) => seconds = value as i32,
                _ => {}
            }
        }
        let deadline = match check_deadline(seconds) {
            Ok(deadline) => deadline,
            Err(error) => {
                // What doesn't exist is the first thing to be told.
                self.subscription(subscription).await?;
                return Err(error);
            }
        };
        for (_, of_one) in &mut ack_ids {
            *of_one = deadline;
        }
        let results = self.modify_ids(subscription, &ack_ids).await?;
        let ack_ids: Vec<&[u8]> = ack_ids.iter().map(|(ack_id, _)| *ack_id).collect();
        confirm(&ack_ids, &results)
    }

    /// Acknowledges, and answers for each id whether it counted. Without exactly-once delivery all
    /// do.
    pub(super) async fn acknowledge_ids(
        &self,
        subscription: &str,
        ack_ids: &[&[u8]],
    ) -> PubsubResult<Vec<Settled>> {
        let ids: Vec<(&[u8], u32)> = ack_ids.iter().map(|ack_id| (*ack_id, 0)).collect();
        let lost = self.loses(subscription, ack_ids.len());
        self.settle(subscription, &ids, |info, leases| match &lost {
            Some(lost) if !info.settings.exactly_once => lost.instead(info.reference, leases),
            _ => PubsubCommand::Acknowledge {
                subscription: info.reference,
                leases: leases.iter().map(|(lease, _)| *lease).collect(),
            },
        })
        .await
    }

    /// Changes deadlines, s from now, and answers for each id whether it counted.
    pub(super) async fn modify_ids(
        &self,
        subscription: &str,
        ack_ids: &[(&[u8], u32)],
    ) -> PubsubResult<Vec<Settled>> {
        self.settle(subscription, ack_ids, |info, leases| {
            PubsubCommand::ModifyDeadline {
                subscription: info.reference,
                leases: leases.to_vec(),
            }
        })
        .await
    }

    async fn settle(
        &self,
        subscription: &str,
        ack_ids: &[(&[u8], u32)],
        command: impl Fn(&SubscriptionInfo, &[(LeaseRef, u32)]) -> PubsubCommand,
    ) -> PubsubResult<Vec<Settled>> {
        // What is wrong with the name comes first.
        let info = self.subscription(subscription).await?;
        if ack_ids.is_empty() {
            return Err(no_ack_ids());
        }
        // Ids of a subscription of the same name that was deleted: nothing to be done for them.
        let mut foreign = vec![false; ack_ids.len()];
        let mut exactly_once = false;
        let reply = self
            .on_subscription(subscription, info, |info| {
                exactly_once = info.settings.exactly_once;
                let mut leases = Vec::with_capacity(ack_ids.len());
                for (at, (ack_id, seconds)) in ack_ids.iter().enumerate() {
                    match self.open_ack_id(info.reference, ack_id)? {
                        Some(lease) => leases.push((lease, *seconds)),
                        None => foreign[at] = true,
                    }
                }
                Ok(command(info, &leases))
            })
            .await?;
        let Reply::Acknowledged(results) = reply else {
            return Err(unexpected(&reply));
        };
        let mut results = results.into_iter();
        Ok(foreign
            .into_iter()
            .map(|foreign| match foreign {
                false => results.next().unwrap_or(Settled::Invalid),
                true => Settled::Invalid,
            })
            .map(|result| {
                if exactly_once {
                    result
                } else {
                    Settled::Counted
                }
            })
            .collect())
    }
}

fn check_size(request: &[u8]) -> PubsubResult<()> {
    if request.len() > ACK_REQUEST_BYTES_MAX {
        return Err(request_too_large(ACK_REQUEST_BYTES_MAX));
    }
    Ok(())
}

/// An ack deadline that a client may ask for, s.
pub(super) fn check_deadline(seconds: i32) -> PubsubResult<u32> {
    if !(0..=ACK_DEADLINE_S_MAX).contains(&seconds) {
        return Err(invalid_ack_deadline(seconds, 0, ACK_DEADLINE_S_MAX));
    }
    Ok(seconds as u32)
}

/// An empty reply, or which ids did not count.
fn confirm(ack_ids: &[&[u8]], results: &[Settled]) -> PubsubResult<Encoded> {
    if results.iter().all(|result| *result == Settled::Counted) {
        return Ok(Encoded::EMPTY);
    }
    let failed = ack_ids.iter().zip(results).filter_map(|(ack_id, result)| {
        let failure = match result {
            Settled::Counted => return None,
            Settled::Invalid => AckFailure::InvalidAckId,
            Settled::Unordered => AckFailure::Unordered,
        };
        // An ack id that could be opened is ASCII.
        Some((std::str::from_utf8(ack_id).ok()?, failure))
    });
    Err(ack_failures(failed))
}
