//! Cloud Monitoring's metrics of Pub/Sub, named as stackdriver_exporter names them (with
//! `--monitoring.aggregate-deltas`, so that what is counted goes on counting). Source of the metrics:
//! <https://cloud.google.com/monitoring/api/metrics_gcp_p_z#gcp-pubsub>.

use super::families::{Family, families};
use super::pace::Pace;
use super::resources::{STEP_SERIES_MAX, Shown, age_s};
use super::text::Text;
use super::{Metrics, Scrape};
use crate::pubsub::push::PushOutcome;
use lclq_shards::figures::ResourceFigures;

families! {
    UNDELIVERED = Gauge "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_num_undelivered_messages" ["project_id", "subscription_id"]
        "subscription/num_undelivered_messages: messages that are not acknowledged.";
    OUTSTANDING = Gauge "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_num_outstanding_messages" ["project_id", "subscription_id"]
        "subscription/num_outstanding_messages: messages that are delivered and not acknowledged.";
    OLDEST = Gauge "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_oldest_unacked_message_age" ["project_id", "subscription_id"]
        "subscription/oldest_unacked_message_age, s.";
    STREAMS = Gauge "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_open_streaming_pulls" ["project_id", "subscription_id"]
        "subscription/open_streaming_pulls.";
    SENT = Counter "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_sent_message_count" ["project_id", "subscription_id"]
        "subscription/sent_message_count: messages delivered, each time.";
    ACKS = Counter "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_ack_message_count" ["project_id", "subscription_id"]
        "subscription/ack_message_count.";
    NACKS = Counter "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_nack_requests" ["project_id", "subscription_id"]
        "subscription/nack_requests.";
    EXPIRED = Counter "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_expired_ack_deadlines_count" ["project_id", "subscription_id"]
        "subscription/expired_ack_deadlines_count.";
    DEAD_LETTERS = Counter "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_dead_letter_message_count" ["project_id", "subscription_id"]
        "subscription/dead_letter_message_count.";
    PUSHES = Counter "stackdriver_pubsub_subscription_pubsub_googleapis_com_subscription_push_request_count" ["project_id", "subscription_id", "response_class"]
        "subscription/push_request_count.";
    PUBLISHED = Counter "stackdriver_pubsub_topic_pubsub_googleapis_com_topic_send_message_operation_count" ["project_id", "topic_id"]
        "topic/send_message_operation_count: messages published.";
    PUBLISHED_BYTES = Counter "stackdriver_pubsub_topic_pubsub_googleapis_com_topic_byte_cost" ["project_id", "topic_id"]
        "topic/byte_cost: bytes published.";
}

/// The project and the last part of `projects/P/topics/T`.
fn labels(shown: &Shown) -> [&str; 2] {
    [
        shown.figures.id.split('/').nth(1).unwrap_or_default(),
        shown.name(),
    ]
}

async fn each(
    text: &mut Text,
    pace: &mut Pace<'_>,
    family: &'static Family,
    shown: &[Shown],
    value: impl Fn(&ResourceFigures) -> f64,
) {
    text.family(family);
    for (at, shown) in shown.iter().enumerate() {
        text.sample(&labels(shown), value(&shown.figures));
        if at % STEP_SERIES_MAX == 0 {
            pace.step().await;
        }
    }
}

/// Topics and subscriptions under Cloud Monitoring's names.
pub(super) async fn write(
    metrics: &Metrics,
    scrape: &Scrape,
    text: &mut Text,
    pace: &mut Pace<'_>,
) {
    type Figure = (&'static Family, fn(&ResourceFigures) -> u64);
    let of_subscriptions: [Figure; 8] = [
        (&UNDELIVERED, |figures| {
            figures.counts.visible + figures.counts.in_flight
        }),
        (&OUTSTANDING, |figures| figures.counts.in_flight),
        (&STREAMS, |figures| figures.streams),
        (&SENT, |figures| figures.traffic.received),
        (&ACKS, |figures| figures.traffic.deleted),
        (&NACKS, |figures| figures.traffic.returned),
        (&EXPIRED, |figures| figures.traffic.expired),
        (&DEAD_LETTERS, |figures| figures.traffic.dead_lettered),
    ];
    let subscriptions = &scrape.subscriptions.shown;
    for (family, value) in of_subscriptions {
        each(text, pace, family, subscriptions, |figures| {
            value(figures) as f64
        })
        .await;
    }
    each(text, pace, &OLDEST, subscriptions, |figures| {
        age_s(scrape.now, figures.oldest_at)
    })
    .await;
    if let Some(pubsub) = &metrics.pubsub {
        text.family(&PUSHES);
        for shown in subscriptions {
            let Some(pushed) = pubsub.push_seen().seen(&shown.figures.id) else {
                continue;
            };
            let [project, subscription] = labels(shown);
            for outcome in PushOutcome::ALL {
                let values = [project, subscription, outcome.name()];
                text.sample(&values, pushed[outcome as usize] as f64);
            }
            pace.step().await;
        }
    }
    let of_topics: [Figure; 2] = [
        (&PUBLISHED, |figures| figures.traffic.sent),
        (&PUBLISHED_BYTES, |figures| figures.traffic.sent_bytes),
    ];
    for (family, value) in of_topics {
        let topics = &scrape.topics.shown;
        each(text, pace, family, topics, |figures| value(figures) as f64).await;
    }
}
