//! The reference of all series, as Markdown.

use super::families::{self, Family};
use super::{cloudwatch, monitoring};
use std::fmt::Write;

/// Before the table of our own names.
const BEGINNING: &str = "\
# Metrics

Printed by `lclq generate metrics`.

`GET /metrics` on the admin port (9000), and on a port of its own with `--metrics-port` (9090 by
custom), answers in Prometheus' text format, or in OpenMetrics to those who ask for it.

Queues, topics and subscriptions have series of their own, of each the first 1,000 in order of name,
spread over shards (`--metrics-series-max`). The others of a kind are summed in one series that is
named `(others)`; ages have no such sum. Series of what was deleted end. Counters begin at 0 with the
server. `queue_id` is a queue's ARN, or the full name of a topic or a subscription.

Histograms of times have bounds from 10 us to 60 s.
";

const CLOUDWATCH: &str = "
## CloudWatch's names

`/metrics?names=cloudwatch` has SQS' metrics as CloudWatch has them, under the names and labels that
yet-another-cloudwatch-exporter and cloudwatch_exporter give them. `names=lclq,cloudwatch` has both. Sums
over the last minute count from the first scrape that asks for these names.
";

const MONITORING: &str = "
## Cloud Monitoring's names

`/metrics?names=monitoring` has Pub/Sub's metrics as Cloud Monitoring has them, under the names that
stackdriver_exporter gives them.
";

/// What series there are.
pub fn reference() -> String {
    let mut out = BEGINNING.to_owned();
    table(&mut out, families::ALL);
    out.push_str(CLOUDWATCH);
    table(&mut out, cloudwatch::ALL);
    out.push_str(MONITORING);
    table(&mut out, monitoring::ALL);
    out
}

fn table(out: &mut String, families: &[&Family]) {
    out.push_str("\n| Name | Type | Labels | Unit | Meaning |\n|---|---|---|---|---|\n");
    for family in families {
        let labels: Vec<String> = family
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        // Writing to a String can't fail.
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            family.name,
            family.kind.name(),
            labels.join(", "),
            family.unit(),
            family.help
        );
    }
}
