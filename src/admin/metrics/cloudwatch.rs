//! CloudWatch's metrics of SQS, named as Prometheus' usual exporters name them, so that dashboards and
//! scalers made for production work here. Source of the metrics:
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>.
//!
//! Labels are those of yet-another-cloudwatch-exporter (`name`, `dimension_QueueName`) and of
//! cloudwatch_exporter (`queue_name`) together.

use super::families::{Family, families};
use super::pace::Pace;
use super::resources::{Shown, age_s};
use super::text::Text;
use super::{Metrics, Scrape};
use lclq_shards::QueueName;
use lclq_shards::figures::Traffic;

families! {
    VISIBLE_AVERAGE = Gauge "aws_sqs_approximate_number_of_messages_visible_average" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "ApproximateNumberOfMessagesVisible.";
    VISIBLE_MAXIMUM = Gauge "aws_sqs_approximate_number_of_messages_visible_maximum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "The same: a moment has one value.";
    NOT_VISIBLE_AVERAGE = Gauge "aws_sqs_approximate_number_of_messages_not_visible_average" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "ApproximateNumberOfMessagesNotVisible: messages in flight.";
    NOT_VISIBLE_MAXIMUM = Gauge "aws_sqs_approximate_number_of_messages_not_visible_maximum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "The same: a moment has one value.";
    DELAYED_AVERAGE = Gauge "aws_sqs_approximate_number_of_messages_delayed_average" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "ApproximateNumberOfMessagesDelayed.";
    DELAYED_MAXIMUM = Gauge "aws_sqs_approximate_number_of_messages_delayed_maximum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "The same: a moment has one value.";
    AGE_AVERAGE = Gauge "aws_sqs_approximate_age_of_oldest_message_average" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "ApproximateAgeOfOldestMessage, s.";
    AGE_MAXIMUM = Gauge "aws_sqs_approximate_age_of_oldest_message_maximum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "The same: a moment has one value.";
    SENT_SUM = Gauge "aws_sqs_number_of_messages_sent_sum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "NumberOfMessagesSent in the last minute.";
    RECEIVED_SUM = Gauge "aws_sqs_number_of_messages_received_sum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "NumberOfMessagesReceived in the last minute.";
    DELETED_SUM = Gauge "aws_sqs_number_of_messages_deleted_sum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "NumberOfMessagesDeleted in the last minute.";
    EMPTY_SUM = Gauge "aws_sqs_number_of_empty_receives_sum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "NumberOfEmptyReceives in the last minute.";
    SIZE_AVERAGE = Gauge "aws_sqs_sent_message_size_average" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "SentMessageSize of the last minute, bytes.";
    SIZE_SUM = Gauge "aws_sqs_sent_message_size_sum" ["account_id", "dimension_QueueName", "name", "queue_name", "region"]
        "Bytes of all messages sent in the last minute.";
}

/// Writes a family: one series for each queue for which there is a value.
async fn each(
    text: &mut Text,
    pace: &mut Pace<'_>,
    family: &'static Family,
    queues: &[(&Shown, QueueName)],
    value: impl Fn(usize, &Shown) -> Option<f64>,
) {
    text.family(family);
    for (at, (shown, name)) in queues.iter().enumerate() {
        if let Some(value) = value(at, shown) {
            let (account, queue, region) = (&*name.account, &*name.name, &*name.region);
            let arn = &*shown.figures.id;
            text.sample(&[account, queue, arn, queue, region], value);
        }
        if at % super::resources::STEP_SERIES_MAX == 0 {
            pace.step().await;
        }
    }
}

/// Queues under CloudWatch's names.
pub(super) async fn write(
    metrics: &Metrics,
    scrape: &Scrape,
    text: &mut Text,
    pace: &mut Pace<'_>,
) {
    type Gauge = (&'static Family, fn(&Scrape, &Shown) -> f64);
    let gauges: [Gauge; 8] = [
        (&VISIBLE_AVERAGE, |_, q| q.figures.counts.visible as f64),
        (&VISIBLE_MAXIMUM, |_, q| q.figures.counts.visible as f64),
        (&NOT_VISIBLE_AVERAGE, |_, q| {
            q.figures.counts.in_flight as f64
        }),
        (&NOT_VISIBLE_MAXIMUM, |_, q| {
            q.figures.counts.in_flight as f64
        }),
        (&DELAYED_AVERAGE, |_, q| q.figures.counts.delayed as f64),
        (&DELAYED_MAXIMUM, |_, q| q.figures.counts.delayed as f64),
        (&AGE_AVERAGE, |scrape, q| {
            age_s(scrape.now, q.figures.oldest_at)
        }),
        (&AGE_MAXIMUM, |scrape, q| {
            age_s(scrape.now, q.figures.oldest_at)
        }),
    ];
    let shown = &scrape.queues.shown;
    let named = shown.iter().filter_map(|shown| {
        let name = QueueName::from_arn(&shown.figures.id)?;
        Some((shown, name))
    });
    let queues: Vec<_> = named.collect();
    debug_assert_eq!(queues.len(), shown.len(), "the ids are ARNs");
    for (family, value) in gauges {
        each(text, pace, family, &queues, |_, queue| {
            Some(value(scrape, queue))
        })
        .await;
    }
    type Sum = (&'static Family, fn(&Traffic) -> Option<f64>);
    let sums: [Sum; 6] = [
        (&SENT_SUM, |passed| Some(passed.sent as f64)),
        (&RECEIVED_SUM, |passed| Some(passed.received as f64)),
        (&DELETED_SUM, |passed| Some(passed.deleted as f64)),
        (&EMPTY_SUM, |passed| Some(passed.empty_receives as f64)),
        (&SIZE_AVERAGE, |passed| {
            (passed.sent > 0).then(|| passed.sent_bytes as f64 / passed.sent as f64)
        }),
        (&SIZE_SUM, |passed| Some(passed.sent_bytes as f64)),
    ];
    let passed = metrics.settings.periods.of(shown);
    for (family, value) in sums {
        each(text, pace, family, &queues, |at, _| {
            passed.get(at)?.as_ref().and_then(value)
        })
        .await;
    }
}
