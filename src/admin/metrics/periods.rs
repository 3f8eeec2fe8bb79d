//! What has passed in the last minute, for names whose series are sums over a period.

use super::resources::Shown;
use lclq_shards::figures::Traffic;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The period, s: CloudWatch's for queues.
const PERIOD_S: u64 = 60;
/// Scrapes that come sooner after one that is remembered are not.
const REMEMBER_EVERY: Duration = Duration::from_secs(10);
/// Scrapes that are remembered: enough for the period.
const REMEMBERED_MAX: usize = 7;

type Totals = HashMap<Box<str>, Traffic>;

/// Traffic at earlier scrapes that asked for it.
#[derive(Default, Debug)]
pub struct Periods(Mutex<VecDeque<(Instant, Totals)>>);

impl Periods {
    /// What has passed through each in the last minute, or since it was first asked for if that is
    /// less ago; `None` for those that were not known then. Longer ago is brought down to a minute.
    pub(super) fn of(&self, shown: &[Shown]) -> Vec<Option<Traffic>> {
        self.at(Instant::now(), shown)
    }

    fn at(&self, now: Instant, shown: &[Shown]) -> Vec<Option<Traffic>> {
        let mut remembered = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let age = |since: &Instant| now.saturating_duration_since(*since);
        // The latest that is a period old, or else the first.
        let period = Duration::from_secs(PERIOD_S);
        let old_enough = remembered.iter().rev().find(|(at, _)| age(at) >= period);
        let before = old_enough.or(remembered.front());
        let passed = shown.iter().map(|shown| {
            let (at, totals) = before?;
            let then = totals.get(&shown.figures.id)?;
            let seconds = age(at).as_secs_f64().max(PERIOD_S as f64);
            Some(since(
                &shown.figures.traffic,
                then,
                PERIOD_S as f64 / seconds,
            ))
        });
        let passed = passed.collect();
        if remembered
            .back()
            .is_none_or(|(at, _)| age(at) >= REMEMBER_EVERY)
        {
            let totals = shown
                .iter()
                .map(|shown| (shown.figures.id.clone(), shown.figures.traffic));
            remembered.push_back((now, totals.collect()));
            if remembered.len() > REMEMBERED_MAX {
                remembered.pop_front();
            }
        }
        passed
    }
}

fn since(now: &Traffic, then: &Traffic, share: f64) -> Traffic {
    // A queue that was made anew under its name begins at 0.
    let passed = |now: u64, then: u64| (now.saturating_sub(then) as f64 * share).round() as u64;
    Traffic {
        sent: passed(now.sent, then.sent),
        sent_bytes: passed(now.sent_bytes, then.sent_bytes),
        received: passed(now.received, then.received),
        empty_receives: passed(now.empty_receives, then.empty_receives),
        deleted: passed(now.deleted, then.deleted),
        returned: passed(now.returned, then.returned),
        expired: passed(now.expired, then.expired),
        dead_lettered: passed(now.dead_lettered, then.dead_lettered),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_shards::figures::{FiguresOf, ResourceFigures};

    fn queue(sent: u64) -> Vec<Shown> {
        vec![Shown::new(
            FiguresOf::Queues,
            ResourceFigures {
                id: "arn:aws:sqs:r:1:q".into(),
                counts: Default::default(),
                bytes: 0,
                oldest_at: None,
                groups: 0,
                streams: 0,
                traffic: Traffic {
                    sent,
                    ..Traffic::default()
                },
            },
        )]
    }

    #[test]
    fn a_minute_is_a_minute_however_often_it_is_asked_for() {
        let periods = Periods::default();
        let start = Instant::now();
        let sent = |at_s: u64, sent: u64| {
            let passed = periods.at(start + Duration::from_secs(at_s), &queue(sent));
            passed[0].map(|passed| passed.sent)
        };
        assert_eq!(sent(0, 1000), None, "nothing is known of before");
        assert_eq!(sent(30, 1010), Some(10), "less than a minute is what it is");
        assert_eq!(sent(60, 1040), Some(40));
        assert_eq!(sent(90, 1070), Some(60), "since the scrape at 30 s");
        assert_eq!(sent(210, 1310), Some(120), "240 in two minutes");
        assert!(periods.0.lock().unwrap().len() <= REMEMBERED_MAX);
    }
}
