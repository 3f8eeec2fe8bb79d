//! What the view shows, as the admin API has it at one moment.

use crate::operate::Failure;
use crate::operate::client::Client;
use serde_json::Value;
use std::time::Instant;

/// Queues and subscriptions that are asked for: more than a terminal has lines.
const ROWS_MAX: &str = "200";

/// What queues and subscriptions are sorted by, the greatest first; names the other way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sort {
    Visible,
    InFlight,
    Delayed,
    OldestAge,
    Name,
}

impl Sort {
    pub fn next(self) -> Self {
        match self {
            Self::Visible => Self::InFlight,
            Self::InFlight => Self::Delayed,
            Self::Delayed => Self::OldestAge,
            Self::OldestAge => Self::Name,
            Self::Name => Self::Visible,
        }
    }

    pub fn shown(self) -> &'static str {
        match self {
            Self::Visible => "backlog",
            Self::InFlight => "in flight",
            Self::Delayed => "delayed",
            Self::OldestAge => "oldest",
            Self::Name => "name",
        }
    }

    fn of_queues(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::InFlight => "in_flight",
            Self::Delayed => "delayed",
            Self::OldestAge => "oldest_age_ms",
            Self::Name => "name",
        }
    }

    fn of_subscriptions(self) -> &'static str {
        match self {
            Self::Visible | Self::Delayed => "available",
            Self::InFlight => "outstanding",
            Self::OldestAge => "oldest_age_ms",
            Self::Name => "name",
        }
    }
}

pub(super) struct Sample {
    pub taken: Instant,
    pub stats: Value,
    pub queues: Vec<Value>,
    pub subscriptions: Vec<Value>,
    pub shards: Vec<Value>,
    pub cores: Vec<Value>,
    pub bounds_us: Vec<u64>,
    pub operations: Vec<Value>,
}

impl Sample {
    pub fn take(client: &Client, sort: Sort) -> Result<Self, Failure> {
        let listed = |path: &str, member: &str, by: &str| {
            let mut query = vec![("limit", ROWS_MAX), ("sort", by)];
            if sort != Sort::Name {
                query.push(("descending", "true"));
            }
            let mut answer = match client.get(path, &query) {
                // Too many to be sorted.
                Err(Failure::Refused(_)) => client.get(path, &[("limit", ROWS_MAX)])?,
                other => other?,
            };
            Ok::<_, Failure>(rows(&mut answer, member))
        };
        let mut operations = client.get("operations", &[])?;
        let bounds_us = operations["bounds_us"].as_array().into_iter().flatten();
        Ok(Self {
            taken: Instant::now(),
            stats: client.get("stats", &[])?,
            queues: listed("queues", "queues", sort.of_queues())?,
            subscriptions: listed("subscriptions", "resources", sort.of_subscriptions())?,
            shards: rows(&mut client.get("shards", &[])?, "shards"),
            cores: rows(&mut client.get("cores", &[])?, "cores"),
            bounds_us: bounds_us.filter_map(Value::as_u64).collect(),
            operations: rows(&mut operations, "operations"),
        })
    }
}

fn rows(answer: &mut Value, member: &str) -> Vec<Value> {
    match answer[member].take() {
        Value::Array(rows) => rows,
        _ => Vec::new(),
    }
}

/// The bound that so many of a hundred answers were within, of those between two looks.
pub(super) fn quantile(
    bounds_us: &[u64],
    now: &Value,
    before: Option<&Value>,
    of_hundred: u64,
) -> Option<u64> {
    let count = |operation: &Value, at: usize| operation["buckets"][at].as_u64().unwrap_or(0);
    let passed = |at: usize| {
        let before = before.map_or(0, |before| count(before, at));
        count(now, at).saturating_sub(before)
    };
    let all = passed(bounds_us.len());
    if all == 0 {
        return None;
    }
    let wanted = (all * of_hundred).div_ceil(100);
    let at = (0..bounds_us.len()).find(|at| passed(*at) >= wanted)?;
    Some(bounds_us[at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn times_are_of_what_was_answered_in_between() {
        let bounds = [10, 100, 1000];
        let before = json!({ "buckets": [5, 5, 5, 5] });
        let now = json!({ "buckets": [5, 103, 104, 105] });
        let of = |before, of_hundred| quantile(&bounds, &now, before, of_hundred);
        assert_eq!(of(Some(&before), 50), Some(100));
        assert_eq!(of(Some(&before), 99), Some(1000));
        assert_eq!(of(Some(&before), 100), None, "longer than any bound");
        assert_eq!(of(Some(&now), 50), None);
    }
}
