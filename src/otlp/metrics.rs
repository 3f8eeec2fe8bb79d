//! Metrics as OTLP has them, made of what a scrape reads (`admin::metrics`, Prometheus' text format).

use super::span::key_value;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// A sample's name, labels and value.
struct Sample<'t> {
    name: &'t str,
    labels: Vec<(&'t str, String)>,
    value: f64,
}

/// Reads a text of ours. Counters and histograms count from `start_ns`; all are as of `at_ns`.
pub(super) fn metrics_of(text: &str, start_ns: u64, at_ns: u64) -> Vec<Metric> {
    let mut metrics: Vec<Metric> = Vec::new();
    let mut help = "";
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map_or("", |(_, help)| help);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or((rest, "gauge"));
            metrics.push(Metric {
                name: name.to_owned(),
                description: help.to_owned(),
                unit: unit_of(name).to_owned(),
                data: Some(match kind {
                    "counter" => Data::Sum(Sum {
                        aggregation_temporality: CUMULATIVE,
                        is_monotonic: true,
                        ..Sum::default()
                    }),
                    "histogram" => Data::Histogram(Histogram {
                        aggregation_temporality: CUMULATIVE,
                        ..Histogram::default()
                    }),
                    _ => Data::Gauge(Gauge::default()),
                }),
                ..Metric::default()
            });
        } else if let (Some(sample), Some(metric)) = (sample_of(line), metrics.last_mut()) {
            add(metric, sample, start_ns, at_ns);
        }
    }
    metrics
}

/// The unit as UCUM has it, which a name of ours tells.
fn unit_of(name: &str) -> &'static str {
    let name = name.strip_suffix("_total").unwrap_or(name);
    if name.ends_with("_seconds") || name.ends_with("_age") {
        "s"
    } else if name.contains("_bytes") {
        "By"
    } else {
        ""
    }
}

fn attributes(labels: Vec<(&str, String)>) -> Vec<KeyValue> {
    let labels = labels.into_iter();
    labels
        .map(|(name, value)| key_value(name, Value::StringValue(value)))
        .collect()
}

fn add(metric: &mut Metric, sample: Sample<'_>, start_ns: u64, at_ns: u64) {
    let point = |labels, start| NumberDataPoint {
        attributes: attributes(labels),
        start_time_unix_nano: start,
        time_unix_nano: at_ns,
        value: Some(Number::AsDouble(sample.value)),
        ..NumberDataPoint::default()
    };
    match &mut metric.data {
        Some(Data::Sum(sum)) => sum.data_points.push(point(sample.labels, start_ns)),
        Some(Data::Gauge(gauge)) => gauge.data_points.push(point(sample.labels, 0)),
        Some(Data::Histogram(histogram)) => {
            let part = sample.name.strip_prefix(metric.name.as_str());
            add_to(histogram, part.unwrap_or_default(), sample, start_ns, at_ns);
        }
        _ => {}
    }
}

/// A histogram's samples come bucket by bucket, then its sum, then its count.
fn add_to(
    histogram: &mut Histogram,
    part: &str,
    mut sample: Sample<'_>,
    start_ns: u64,
    at_ns: u64,
) {
    let points = &mut histogram.data_points;
    match part {
        "_bucket" => {
            let bound = sample
                .labels
                .pop()
                .map_or(String::new(), |(_, bound)| bound);
            let begins = points.last().is_none_or(|point| point.sum.is_some());
            if begins {
                points.push(HistogramDataPoint {
                    attributes: attributes(sample.labels),
                    start_time_unix_nano: start_ns,
                    time_unix_nano: at_ns,
                    ..HistogramDataPoint::default()
                });
            }
            if let Some(point) = points.last_mut() {
                let before: u64 = point.bucket_counts.iter().sum();
                point.bucket_counts.push(sample.value as u64 - before);
                if let Ok(bound) = bound.parse::<f64>()
                    && bound.is_finite()
                {
                    point.explicit_bounds.push(bound);
                }
            }
        }
        "_sum" => {
            if let Some(point) = points.last_mut() {
                point.sum = Some(sample.value);
            }
        }
        _ => {
            if let Some(point) = points.last_mut() {
                point.count = sample.value as u64;
            }
        }
    }
}

fn sample_of(line: &str) -> Option<Sample<'_>> {
    let (series, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let Some((name, labels)) = series.split_once('{') else {
        return Some(Sample {
            name: series,
            labels: Vec::new(),
            value,
        });
    };
    Some(Sample {
        name,
        labels: labels_of(labels.strip_suffix('}')?)?,
        value,
    })
}

/// Reads `name="value",…`, in which backslashes stand before quotes, backslashes and line ends.
fn labels_of(mut rest: &str) -> Option<Vec<(&str, String)>> {
    let mut labels = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    char => char,
                }),
                (_, char) => value.push(char),
            }
        };
        labels.push((name, value));
        rest = &after[end + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# HELP lclq_sent_total Sent.\n# TYPE lclq_sent_total counter\n\
        lclq_sent_total{queue=\"a\\\"b\\\\c\\nd\",x=\"\"} 3\n\
        # HELP lclq_messages Messages.\n# TYPE lclq_messages gauge\nlclq_messages 5.5\n\
        # HELP lclq_times_seconds Times.\n# TYPE lclq_times_seconds histogram\n\
        lclq_times_seconds_bucket{m=\"a\",le=\"1\"} 1\nlclq_times_seconds_bucket{m=\"a\",le=\"2\"} 2\n\
        lclq_times_seconds_bucket{m=\"a\",le=\"+Inf\"} 3\nlclq_times_seconds_sum{m=\"a\"} 11.4\n\
        lclq_times_seconds_count{m=\"a\"} 3\n\
        lclq_times_seconds_bucket{m=\"b\",le=\"1\"} 0\nlclq_times_seconds_bucket{m=\"b\",le=\"+Inf\"} 4\n\
        lclq_times_seconds_sum{m=\"b\"} 9\nlclq_times_seconds_count{m=\"b\"} 4\n";

    #[test]
    fn text_becomes_metrics() {
        let metrics = metrics_of(TEXT, 1, 2);
        let [sent, messages, times] = &metrics[..] else {
            panic!("{metrics:?}");
        };
        assert_eq!(
            (sent.name.as_str(), sent.description.as_str()),
            ("lclq_sent_total", "Sent.")
        );
        let Some(Data::Sum(sum)) = &sent.data else {
            panic!("{sent:?}");
        };
        let point = &sum.data_points[0];
        assert_eq!((point.start_time_unix_nano, point.time_unix_nano), (1, 2));
        assert_eq!(point.value, Some(Number::AsDouble(3.0)));
        let expected = key_value("queue", Value::StringValue("a\"b\\c\nd".to_owned()));
        assert_eq!(point.attributes[0], expected);
        assert_eq!(point.attributes.len(), 2);
        let Some(Data::Gauge(gauge)) = &messages.data else {
            panic!("{messages:?}");
        };
        assert_eq!(gauge.data_points[0].value, Some(Number::AsDouble(5.5)));
        let Some(Data::Histogram(histogram)) = &times.data else {
            panic!("{times:?}");
        };
        let [a, b] = &histogram.data_points[..] else {
            panic!("{histogram:?}");
        };
        assert_eq!(times.unit, "s");
        assert_eq!(
            (&a.bucket_counts[..], &a.explicit_bounds[..]),
            (&[1, 1, 1][..], &[1.0, 2.0][..])
        );
        assert_eq!((a.sum, a.count, a.attributes.len()), (Some(11.4), 3, 1));
        assert_eq!((&b.bucket_counts[..], b.count), (&[0, 4][..], 4));
    }
}
