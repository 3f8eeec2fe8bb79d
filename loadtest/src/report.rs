//! What was measured, as a table and as JSON.

use std::fmt::Write;

/// What a figure must be.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// Told, but nothing depends on it.
    None,
}

impl Bound {
    fn is_met(self, value: f64) -> bool {
        match self {
            Bound::AtMost(most) => value <= most,
            Bound::AtLeast(least) => value >= least,
            Bound::None => true,
        }
    }
}

struct Row {
    part: &'static str,
    name: String,
    value: f64,
    unit: &'static str,
    bound: Bound,
}

/// The figures so far.
#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Adds a figure and prints its line.
    pub fn add(
        &mut self,
        part: &'static str,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        bound: Bound,
    ) {
        let row = Row {
            part,
            name: name.into(),
            value,
            unit,
            bound,
        };
        let wanted = match bound {
            Bound::AtMost(most) => format!("<= {most}"),
            Bound::AtLeast(least) => format!(">= {least}"),
            Bound::None => String::new(),
        };
        let verdict = match bound {
            Bound::None => "",
            _ if bound.is_met(value) => "ok",
            _ => "MISSED",
        };
        println!(
            "{:<9} {:<58} {:>12.2} {:<12} {wanted:<10} {verdict}",
            row.part, row.name, row.value, row.unit
        );
        self.rows.push(row);
    }

    /// Whether every bound is met.
    pub fn all_met(&self) -> bool {
        self.rows.iter().all(|row| row.bound.is_met(row.value))
    }

    /// All figures in one line.
    pub fn json(&self) -> String {
        let mut text = format!("{{\"met\":{},\"figures\":[", self.all_met());
        for (at, row) in self.rows.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            let bound = match row.bound {
                Bound::AtMost(most) => format!(",\"at_most\":{most}"),
                Bound::AtLeast(least) => format!(",\"at_least\":{least}"),
                Bound::None => String::new(),
            };
            // Names and units are ours and need no escapes.
            let _ = write!(
                text,
                "{comma}{{\"part\":\"{}\",\"name\":\"{}\",\"value\":{:.3},\"unit\":\"{}\"{bound}}}",
                row.part, row.name, row.value, row.unit
            );
        }
        text.push_str("]}");
        text
    }
}
