//! Subscriptions.

use lclq_shards::pubsub::command::{AdminCommand, Kind, Resource};
use lclq_shards::pubsub::{DeadLetterSettings, Filter, RetrySettings, SubscriptionSettings};
use prost_types::Duration as ProtoDuration;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::delivery::check_delivery;
use super::masks::{Fields, take_field, take_part};
use super::resources::{random_u64, spec};
use super::rules::{check_duration, check_labels, check_retention, millis, to_std};
use super::transforms::check_transforms;
use crate::pubsub::core::{Pubsub, decode_spec, leaf, pubsub_refused};
use crate::pubsub::error::{
    PubsubError, PubsubResult, backoff_order, expiration_too_short, invalid_ack_deadline,
    invalid_filter, not_found, retention_beyond_expiration, too_large, too_small,
    wrong_subscription_type,
};
use crate::pubsub::limits::{
    ACK_DEADLINE_S_MAX, ACK_DEADLINE_S_MIN, BACKOFF_MAX, DAY, DELIVERY_ATTEMPTS_MAX,
    DELIVERY_ATTEMPTS_MIN, EXPIRATION_MIN,
};
use crate::pubsub::names;
use crate::pubsub::proto::subscription::State;
use crate::pubsub::proto::{
    DeadLetterPolicy, DeleteSubscriptionRequest, ExpirationPolicy, GetSubscriptionRequest,
    ListSubscriptionsRequest, ListSubscriptionsResponse, ModifyPushConfigRequest, RetryPolicy,
    Subscription, UpdateSubscriptionRequest,
};
use lclq_shards::pubsub::command::PubsubRefusal;

const ACK_DEADLINE_S_DEFAULT: i32 = 10;
const RETENTION_DAYS_DEFAULT: u32 = 7;
const EXPIRATION_DAYS_DEFAULT: u32 = 31;
const ATTEMPTS_DEFAULT: i32 = 5;
const MINIMUM_BACKOFF_S_DEFAULT: i64 = 10;
const MAXIMUM_BACKOFF_S_DEFAULT: i64 = 600;

const FIELDS: Fields = Fields {
    request: "UpdateSubscriptionRequest",
    resource: "Subscription",
    immutable: &[
        "name",
        "topic",
        "filter",
        "enable_message_ordering",
        "detached",
        "topic_message_retention_duration",
        "state",
        "analytics_hub_subscription_info",
        "tags",
    ],
};

fn seconds(seconds: i64) -> ProtoDuration {
    ProtoDuration { seconds, nanos: 0 }
}

fn days(days: u32) -> ProtoDuration {
    seconds((days * DAY.as_secs() as u32).into())
}

/// Checks everything that a subscription alone tells, fills in the defaults that read back, and
/// clears what only the server sets. Answers what the engine acts on.
fn normalise(subscription: &mut Subscription) -> PubsubResult<SubscriptionSettings> {
    subscription.detached = false;
    subscription.topic_message_retention_duration = None;
    subscription.state = State::Unspecified.into();
    subscription.analytics_hub_subscription_info = None;
    check_labels(&subscription.labels)?;
    let ack_deadline_s = check_ack_deadline(&mut subscription.ack_deadline_seconds)?;
    let expiration = check_expiration(&mut subscription.expiration_policy)?;
    let retention = check_retention_within(subscription, expiration)?;
    if !subscription.filter.is_empty() {
        Filter::parse(&subscription.filter).map_err(|why| invalid_filter(&why))?;
    }
    let dead_letter = subscription
        .dead_letter_policy
        .as_mut()
        .map(check_dead_letter)
        .transpose()?;
    let retry = subscription
        .retry_policy
        .as_mut()
        .map(check_retry)
        .transpose()?;
    check_delivery(subscription)?;
    check_transforms(&subscription.message_transforms)?;
    Ok(SubscriptionSettings {
        ack_deadline_s,
        ordering: subscription.enable_message_ordering,
        exactly_once: subscription.enable_exactly_once_delivery,
        filter: (*subscription.filter).into(),
        retention_ms: millis(retention),
        retain_acked: subscription.retain_acked_messages,
        expiration_ms: expiration.map(millis),
        dead_letter,
        retry,
        detached: false,
    })
}

fn check_ack_deadline(given: &mut i32) -> PubsubResult<u32> {
    if *given == 0 {
        *given = ACK_DEADLINE_S_DEFAULT;
    }
    if !(ACK_DEADLINE_S_MIN..=ACK_DEADLINE_S_MAX).contains(given) {
        return Err(invalid_ack_deadline(
            *given,
            ACK_DEADLINE_S_MIN,
            ACK_DEADLINE_S_MAX,
        ));
    }
    Ok(given.unsigned_abs())
}

/// Time of inactivity after which the subscription goes; `None` is never.
fn check_expiration(policy: &mut Option<ExpirationPolicy>) -> PubsubResult<Option<Duration>> {
    let policy = policy.get_or_insert_with(|| ExpirationPolicy {
        ttl: Some(days(EXPIRATION_DAYS_DEFAULT)),
    });
    let Some(ttl) = &policy.ttl else {
        return Ok(None);
    };
    match to_std(ttl) {
        Some(ttl) if ttl >= EXPIRATION_MIN => Ok(Some(ttl)),
        _ => Err(expiration_too_short(ttl)),
    }
}

fn check_retention_within(
    subscription: &mut Subscription,
    expiration: Option<Duration>,
) -> PubsubResult<Duration> {
    let retention = match &subscription.message_retention_duration {
        Some(retention) => check_retention(retention)?,
        None => {
            // One that lives shorter than the default keeps messages for as long as it lives.
            let default = DAY * RETENTION_DAYS_DEFAULT;
            let retention = expiration.map_or(default, |ttl| ttl.min(default));
            subscription.message_retention_duration = Some(ProtoDuration {
                seconds: retention.as_secs() as i64,
                nanos: retention.subsec_nanos() as i32,
            });
            retention
        }
    };
    if expiration.is_some_and(|ttl| retention > ttl) {
        let ttl = subscription.expiration_policy.as_ref();
        return Err(retention_beyond_expiration(
            &subscription.message_retention_duration.unwrap_or_default(),
            &ttl.and_then(|policy| policy.ttl).unwrap_or_default(),
        ));
    }
    Ok(retention)
}

fn check_dead_letter(policy: &mut DeadLetterPolicy) -> PubsubResult<DeadLetterSettings> {
    names::parse(names::Kind::Topic, &policy.dead_letter_topic)?;
    let attempts = &mut policy.max_delivery_attempts;
    if *attempts == 0 {
        *attempts = ATTEMPTS_DEFAULT;
    }
    const ATTEMPTS: &str = "max_delivery_attempts";
    if *attempts < DELIVERY_ATTEMPTS_MIN {
        return Err(too_small(ATTEMPTS, *attempts, DELIVERY_ATTEMPTS_MIN));
    }
    if *attempts > DELIVERY_ATTEMPTS_MAX {
        return Err(too_large(ATTEMPTS, *attempts, DELIVERY_ATTEMPTS_MAX));
    }
    Ok(DeadLetterSettings {
        topic: (*policy.dead_letter_topic).into(),
        attempts_max: attempts.unsigned_abs(),
    })
}

fn check_retry(policy: &mut RetryPolicy) -> PubsubResult<RetrySettings> {
    let bound = |what: &str, given: &ProtoDuration| {
        check_duration(what, given, Duration::ZERO, BACKOFF_MAX)
    };
    if let Some(maximum) = &policy.maximum_backoff {
        bound("maximum_backoff", maximum)?;
    }
    let maximum = *policy
        .maximum_backoff
        .get_or_insert(seconds(MAXIMUM_BACKOFF_S_DEFAULT));
    let minimum = *policy.minimum_backoff.get_or_insert_with(|| {
        // A maximum below the default minimum is meant.
        let default = seconds(MINIMUM_BACKOFF_S_DEFAULT);
        if to_std(&maximum) < to_std(&default) {
            maximum
        } else {
            default
        }
    });
    let least = bound("minimum_backoff", &minimum)?;
    let most = bound("maximum_backoff", &maximum)?;
    if most < least {
        return Err(backoff_order(&minimum, &maximum));
    }
    Ok(RetrySettings {
        backoff_ms_min: millis(least),
        backoff_ms_max: millis(most),
    })
}

fn apply(path: &str, from: &Subscription, to: &mut Subscription) -> bool {
    match path {
        "push_config" => take_field!(from, to, push_config),
        "push_config.push_endpoint" => take_part!(from, to, push_config.push_endpoint),
        "push_config.attributes" => take_part!(from, to, push_config.attributes),
        "push_config.oidc_token" => take_part!(from, to, push_config.authentication_method),
        "push_config.pubsub_wrapper" | "push_config.no_wrapper" => {
            take_part!(from, to, push_config.wrapper)
        }
        "bigquery_config" => take_field!(from, to, bigquery_config),
        "cloud_storage_config" => take_field!(from, to, cloud_storage_config),
        "bigtable_config" => take_field!(from, to, bigtable_config),
        "ack_deadline_seconds" => take_field!(from, to, ack_deadline_seconds),
        "retain_acked_messages" => take_field!(from, to, retain_acked_messages),
        "message_retention_duration" => take_field!(from, to, message_retention_duration),
        "labels" => take_field!(from, to, labels),
        "expiration_policy" => take_field!(from, to, expiration_policy),
        "expiration_policy.ttl" => take_part!(from, to, expiration_policy.ttl),
        "dead_letter_policy" => take_field!(from, to, dead_letter_policy),
        "dead_letter_policy.dead_letter_topic" => {
            take_part!(from, to, dead_letter_policy.dead_letter_topic)
        }
        "dead_letter_policy.max_delivery_attempts" => {
            take_part!(from, to, dead_letter_policy.max_delivery_attempts)
        }
        "retry_policy" => take_field!(from, to, retry_policy),
        "retry_policy.minimum_backoff" => take_part!(from, to, retry_policy.minimum_backoff),
        "retry_policy.maximum_backoff" => take_part!(from, to, retry_policy.maximum_backoff),
        "enable_exactly_once_delivery" => take_field!(from, to, enable_exactly_once_delivery),
        "message_transforms" => take_field!(from, to, message_transforms),
        _ => false,
    }
}

/// Retention of topics that one answer asks for more than once.
type SeenTopics = BTreeMap<Box<str>, Option<ProtoDuration>>;

impl Pubsub {
    pub(super) async fn create_subscription(
        self: Rc<Self>,
        mut subscription: Subscription,
    ) -> PubsubResult<Subscription> {
        let project = names::parse(names::Kind::Topic, &subscription.topic)?.project;
        if subscription.name.is_empty() {
            let id = format!("subscription-{:016x}", random_u64()?);
            subscription.name = names::join(names::Kind::Subscription, project, &id);
        }
        names::parse(names::Kind::Subscription, &subscription.name)?;
        // What doesn't exist is told before what is wrong.
        let shard = self.existing(Kind::Topic, &subscription.topic).await?.shard;
        self.check_dead_letter_topic(&subscription).await?;
        let settings = normalise(&mut subscription)?;
        self.try_transforms(&subscription.message_transforms)
            .await?;
        let command = AdminCommand::CreateSubscription {
            name: (*subscription.name).into(),
            topic: (*subscription.topic).into(),
            spec: spec(&subscription),
            settings,
        };
        let Subscription { name, topic, .. } = subscription;
        let resource = self
            .clone()
            .create_under_name(Kind::Subscription, shard, name.clone(), command)
            .await?
            .map_err(|refusal| match refusal {
                PubsubRefusal::TopicNotFound => not_found(leaf(&topic)),
                refusal => pubsub_refused(refusal, &name),
            })?;
        self.show_subscription(&resource, &mut SeenTopics::new())
            .await
    }

    pub(super) async fn get_subscription(
        &self,
        request: GetSubscriptionRequest,
    ) -> PubsubResult<Subscription> {
        names::parse(names::Kind::Subscription, &request.subscription)?;
        let resource = self
            .existing(Kind::Subscription, &request.subscription)
            .await?;
        self.show_subscription(&resource, &mut SeenTopics::new())
            .await
    }

    pub(super) async fn update_subscription(
        &self,
        request: UpdateSubscriptionRequest,
    ) -> PubsubResult<Subscription> {
        let update = &request.subscription.unwrap_or_default();
        names::parse(names::Kind::Subscription, &update.name)?;
        let mask = request.update_mask.as_ref();
        let change = |subscription: &mut Subscription| {
            FIELDS.apply(mask, |path| apply(path, update, subscription))
        };
        let resource = self.change_subscription(&update.name, change).await?;
        self.show_subscription(&resource, &mut SeenTopics::new())
            .await
    }

    pub(super) async fn modify_push_config(
        &self,
        request: ModifyPushConfigRequest,
    ) -> PubsubResult<()> {
        names::parse(names::Kind::Subscription, &request.subscription)?;
        let change = |subscription: &mut Subscription| {
            if subscription.bigquery_config.is_some()
                || subscription.bigtable_config.is_some()
                || subscription.cloud_storage_config.is_some()
            {
                return Err(wrong_subscription_type());
            }
            subscription.push_config = request.push_config.clone();
            Ok(())
        };
        self.change_subscription(&request.subscription, change)
            .await
            .map(drop)
    }

    async fn change_subscription(
        &self,
        name: &str,
        change: impl Fn(&mut Subscription) -> Result<(), PubsubError>,
    ) -> PubsubResult<Resource> {
        let change = &change;
        let derive = async |resource: Resource| {
            let mut subscription: Subscription = decode_spec(&resource)?;
            let dead_letter = subscription.dead_letter_policy.clone();
            let transforms = subscription.message_transforms.clone();
            change(&mut subscription)?;
            if subscription.dead_letter_policy != dead_letter {
                self.check_dead_letter_topic(&subscription).await?;
            }
            let mut settings = normalise(&mut subscription)?;
            settings.detached = resource
                .subscription
                .as_ref()
                .is_some_and(|settings| settings.detached);
            if subscription.message_transforms != transforms {
                self.try_transforms(&subscription.message_transforms)
                    .await?;
            }
            Ok(AdminCommand::UpdateSubscription {
                name: resource.name,
                version: resource.version,
                spec: spec(&subscription),
                settings,
            })
        };
        self.change(Kind::Subscription, name, derive).await
    }

    pub(super) async fn list_subscriptions(
        &self,
        request: ListSubscriptionsRequest,
    ) -> PubsubResult<ListSubscriptionsResponse> {
        let (found, next_page_token) = self
            .list(
                Kind::Subscription,
                &request.project,
                request.page_size,
                &request.page_token,
            )
            .await?;
        let mut seen = SeenTopics::new();
        let mut subscriptions = Vec::with_capacity(found.len());
        for resource in &found {
            subscriptions.push(self.show_subscription(resource, &mut seen).await?);
        }
        Ok(ListSubscriptionsResponse {
            subscriptions,
            next_page_token,
        })
    }

    pub(super) async fn delete_subscription(
        &self,
        request: DeleteSubscriptionRequest,
    ) -> PubsubResult<()> {
        names::parse(names::Kind::Subscription, &request.subscription)?;
        self.delete(Kind::Subscription, &request.subscription).await
    }

    async fn check_dead_letter_topic(&self, subscription: &Subscription) -> PubsubResult<()> {
        if let Some(policy) = &subscription.dead_letter_policy {
            names::parse(names::Kind::Topic, &policy.dead_letter_topic)?;
            self.existing(Kind::Topic, &policy.dead_letter_topic)
                .await?;
        }
        Ok(())
    }

    /// A subscription as it is answered.
    async fn show_subscription(
        &self,
        resource: &Resource,
        seen: &mut SeenTopics,
    ) -> PubsubResult<Subscription> {
        let mut subscription: Subscription = decode_spec(resource)?;
        subscription.state = State::Active.into();
        // Only ever given, never shown.
        subscription.tags.clear();
        subscription.detached = resource
            .subscription
            .as_ref()
            .is_some_and(|settings| settings.detached);
        let Some(topic) = &resource.topic else {
            subscription.topic = names::DELETED_TOPIC.into();
            return Ok(subscription);
        };
        subscription.topic_message_retention_duration = match seen.get(topic) {
            Some(retention) => *retention,
            None => {
                let retention = self.topic_retention(topic).await?;
                seen.insert(topic.clone(), retention);
                retention
            }
        };
        Ok(subscription)
    }

    async fn topic_retention(&self, topic: &str) -> PubsubResult<Option<ProtoDuration>> {
        let Some(topic) = self.find(Kind::Topic, topic).await? else {
            // Deleted a moment ago.
            return Ok(None);
        };
        let topic: crate::pubsub::proto::Topic = decode_spec(&topic)?;
        Ok(topic.message_retention_duration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::proto::PushConfig;

    fn subscription(change: impl FnOnce(&mut Subscription)) -> Subscription {
        let mut subscription = Subscription {
            name: "projects/p/subscriptions/sub".into(),
            topic: "projects/p/topics/top".into(),
            ..Default::default()
        };
        change(&mut subscription);
        subscription
    }

    fn refused(change: impl FnOnce(&mut Subscription)) -> String {
        let error = normalise(&mut subscription(change)).unwrap_err();
        error.message.into_owned()
    }

    #[test]
    fn defaults_read_back() {
        let mut plain = subscription(|_| {});
        let settings = normalise(&mut plain).unwrap();
        assert_eq!(settings, SubscriptionSettings::default());
        assert_eq!(plain.ack_deadline_seconds, 10);
        assert_eq!(plain.push_config, Some(PushConfig::default()));
        assert_eq!(plain.message_retention_duration, Some(seconds(604_800)));
        let ttl = plain.expiration_policy.unwrap().ttl;
        assert_eq!(ttl, Some(seconds(2_678_400)));
    }

    #[test]
    fn an_expiration_policy_without_a_ttl_is_never() {
        let mut never = subscription(|sub| sub.expiration_policy = Some(Default::default()));
        let settings = normalise(&mut never).unwrap();
        assert_eq!(settings.expiration_ms, None);
        assert_eq!(never.expiration_policy, Some(ExpirationPolicy::default()));
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        let mut once = subscription(|sub| {
            sub.retry_policy = Some(Default::default());
            sub.dead_letter_policy = Some(DeadLetterPolicy {
                dead_letter_topic: "projects/p/topics/dead".into(),
                max_delivery_attempts: 0,
            });
            sub.push_config = Some(PushConfig {
                push_endpoint: "http://127.0.0.1:1/push".into(),
                ..Default::default()
            });
        });
        let first = normalise(&mut once).unwrap();
        let mut twice = once.clone();
        assert_eq!(normalise(&mut twice).unwrap(), first);
        assert_eq!(once, twice);
        let push = once.push_config.unwrap();
        assert_eq!(push.attributes["x-goog-version"], "v1");
        let policy = once.dead_letter_policy.unwrap();
        assert_eq!(policy.max_delivery_attempts, 5);
    }

    #[test]
    fn bounds_are_kept() {
        let error = refused(|sub| sub.ack_deadline_seconds = 9);
        assert!(error.starts_with("Invalid ack deadline given (ack_deadline=9)."));
        let error = refused(|sub| sub.message_retention_duration = Some(seconds(599)));
        assert!(error.ends_with(
            "You passed 9m59s in the request, but the value must be between 10m and 744h."
        ));
        let error = refused(|sub| {
            sub.expiration_policy = Some(ExpirationPolicy {
                ttl: Some(seconds(86_399)),
            });
        });
        assert!(error.contains("23h59m59s"), "{error}");
        let error = refused(|sub| {
            sub.retry_policy = Some(RetryPolicy {
                minimum_backoff: Some(seconds(20)),
                maximum_backoff: Some(seconds(10)),
            });
        });
        assert!(error.contains("cannot be smaller than minimum_backoff"));
        for (given, bound) in [
            (
                4,
                "small. You passed 4 in the request, but the minimum value is 5.",
            ),
            (
                101,
                "large. You passed 101 in the request, but the maximum value is 100.",
            ),
        ] {
            let error = refused(|sub| {
                sub.dead_letter_policy = Some(DeadLetterPolicy {
                    dead_letter_topic: "projects/p/topics/dead".into(),
                    max_delivery_attempts: given,
                });
            });
            let start = "The value for max_delivery_attempts is too";
            assert_eq!(error, format!("{start} {bound}"));
        }
        let error = refused(|sub| {
            sub.retry_policy = Some(RetryPolicy {
                minimum_backoff: Some(seconds(601)),
                ..Default::default()
            });
        });
        assert_eq!(
            error,
            "The value for minimum_backoff is out of bounds. You passed 10m1s in the request, but \
             the value must be between 0 and 10m."
        );
        refused(|sub| sub.filter = "attributes.a AND".into());
        refused(|sub| {
            sub.enable_exactly_once_delivery = true;
            sub.push_config = Some(PushConfig {
                push_endpoint: "http://127.0.0.1:1/push".into(),
                ..Default::default()
            });
        });
    }
}
