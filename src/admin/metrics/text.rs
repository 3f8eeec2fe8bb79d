//! The text as it is written. Source of the formats:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use super::families::{Family, Kind};
use lclq_shards::figures::Buckets;
use std::fmt::Write;

/// Metrics in one of the two formats.
pub(super) struct Text {
    out: String,
    open: bool,
    family: Option<&'static Family>,
}

impl Text {
    /// Nothing yet; `open` is OpenMetrics.
    pub fn new(open: bool) -> Self {
        Self {
            out: String::new(),
            open,
            family: None,
        }
    }

    /// Begins a family. All of its samples follow before the next one.
    pub fn family(&mut self, family: &'static Family) {
        self.family = Some(family);
        let name = family.name;
        // OpenMetrics names a counter's family without the suffix that its samples have, and knows no
        // counters without it.
        let (name, kind) = match (self.open, family.kind) {
            (true, Kind::Counter) => match name.strip_suffix("_total") {
                Some(name) => (name, "counter"),
                None => (name, "unknown"),
            },
            (_, kind) => (name, kind.name()),
        };
        let help = family.help;
        // Writing to a String can't fail.
        let _ = writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    /// A sample of the family with values of its labels, in their order.
    pub fn sample(&mut self, values: &[&str], value: f64) {
        let Some(family) = self.family else {
            return;
        };
        debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
        self.out.push_str(family.name);
        if !values.is_empty() {
            self.out.push('{');
            labels(&mut self.out, family.labels, values);
            self.out.push('}');
        }
        self.value(value);
    }

    /// A sample whose labels are written already, as [`labels`] does, with values of what labels are
    /// left.
    pub fn sample_of(&mut self, written: &str, rest: &[&str], value: f64) {
        let Some(family) = self.family else {
            return;
        };
        self.out.push_str(family.name);
        self.out.push('{');
        self.out.push_str(written);
        if !rest.is_empty() {
            self.out.push(',');
            let from = family.labels.len() - rest.len();
            labels(&mut self.out, &family.labels[from..], rest);
        }
        self.out.push('}');
        self.value(value);
    }

    /// A histogram; its counted values are so many times the unit of the family.
    pub fn histogram<const N: usize>(
        &mut self,
        values: &[&str],
        buckets: &Buckets<N>,
        bounds: &[u64; N],
        units: f64,
    ) {
        let Some(family) = self.family else {
            return;
        };
        debug_assert_eq!(family.labels.len(), values.len(), "{}", family.name);
        let mut written = String::new();
        labels(&mut written, family.labels, values);
        let mut so_far = 0;
        let separator = if written.is_empty() { "" } else { "," };
        let name = family.name;
        for (bound, count) in bounds.iter().zip(&buckets.counts) {
            so_far += count;
            let le = *bound as f64 / units;
            // OpenMetrics wants a point in it.
            let le = if self.open && le.fract() == 0.0 {
                format!("{le:.1}")
            } else {
                le.to_string()
            };
            let _ = write!(self.out, "{name}_bucket{{{written}{separator}le=\"{le}\"}}");
            self.value(so_far as f64);
        }
        let total = buckets.total() as f64;
        let _ = write!(self.out, "{name}_bucket{{{written}{separator}le=\"+Inf\"}}");
        self.value(total);
        for (suffix, value) in [("_sum", buckets.sum as f64 / units), ("_count", total)] {
            let _ = write!(self.out, "{name}{suffix}");
            if !written.is_empty() {
                let _ = write!(self.out, "{{{written}}}");
            }
            self.value(value);
        }
    }

    fn value(&mut self, value: f64) {
        let _ = writeln!(self.out, " {value}");
    }

    pub fn finish(mut self) -> String {
        if self.open {
            self.out.push_str("# EOF\n");
        }
        self.out
    }
}

/// Writes labels with their values, without what stands around all of them.
pub(super) fn labels(out: &mut String, names: &[&str], values: &[&str]) {
    for (at, (name, value)) in names.iter().zip(values).enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        for char in value.chars() {
            match char {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                char => out.push(char),
            }
        }
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SENT: Family = Family {
        name: "lclq_sent_total",
        kind: Kind::Counter,
        labels: &["queue", "x"],
        help: "Sent.",
    };
    static TIMES: Family = Family {
        name: "lclq_times_seconds",
        kind: Kind::Histogram,
        labels: &[],
        help: "Times.",
    };

    fn written(open: bool) -> String {
        let mut text = Text::new(open);
        text.family(&SENT);
        text.sample(&["a\"b\\c\nd", ""], 3.0);
        text.sample_of("queue=\"q\"", &["y"], 0.5);
        text.family(&TIMES);
        let mut buckets = Buckets::<2>::default();
        for us in [900_000, 1_500_000, 9_000_000] {
            buckets.add(&[1_000_000, 2_000_000], us);
        }
        text.histogram(&[], &buckets, &[1_000_000, 2_000_000], 1e6);
        text.finish()
    }

    #[test]
    fn both_formats() {
        assert_eq!(
            written(false),
            "# HELP lclq_sent_total Sent.\n# TYPE lclq_sent_total counter\n\
             lclq_sent_total{queue=\"a\\\"b\\\\c\\nd\",x=\"\"} 3\n\
             lclq_sent_total{queue=\"q\",x=\"y\"} 0.5\n\
             # HELP lclq_times_seconds Times.\n# TYPE lclq_times_seconds histogram\n\
             lclq_times_seconds_bucket{le=\"1\"} 1\nlclq_times_seconds_bucket{le=\"2\"} 2\n\
             lclq_times_seconds_bucket{le=\"+Inf\"} 3\nlclq_times_seconds_sum 11.4\n\
             lclq_times_seconds_count 3\n"
        );
        let open = written(true);
        assert!(
            open.starts_with("# HELP lclq_sent Sent.\n# TYPE lclq_sent counter\nlclq_sent_total{")
        );
        assert!(
            open.contains("le=\"1.0\"") && open.ends_with("# EOF\n"),
            "{open}"
        );
    }
}
