//! How fast one subscription's messages go out: a window that grows while the endpoint
//! acknowledges and shrinks when it doesn't, and pauses after failures.

use std::time::{Duration, Instant};

/// Requests under way at the beginning.
const WINDOW_START: usize = 8;

/// Requests under way at most.
const WINDOW_MAX: usize = 1000;

/// Pause after a first failure, ms.
const PAUSE_MS_MIN: u64 = 100;

/// Pause after many failures in a row, ms.
const PAUSE_MS_MAX: u64 = 60_000;

/// The state of one subscription's endpoint. Knows no clock: callers say what time it is.
#[derive(Debug)]
pub struct Pace {
    window: usize,
    in_flight: usize,
    /// Failures since the last success. Those of requests that began before a pause count once.
    failures: u32,
    paused_until: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            window: WINDOW_START,
            in_flight: 0,
            failures: 0,
            paused_until: None,
        }
    }
}

impl Pace {
    /// Requests that may start now.
    pub fn room(&self, now: Instant) -> usize {
        match self.resume_at(now) {
            Some(_) => 0,
            // After a failure one request finds out whether the endpoint is back.
            None if self.failures > 0 => 1_usize.saturating_sub(self.in_flight),
            None => self.window.saturating_sub(self.in_flight),
        }
    }

    /// When requests may start again, if there is a pause.
    pub fn resume_at(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| *until > now)
    }

    /// Requests under way.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A request starts.
    pub fn started(&mut self) {
        self.in_flight += 1;
    }

    /// A request was given up without an outcome.
    pub fn given_up(&mut self) {
        self.in_flight -= 1;
    }

    /// The endpoint acknowledged: it is there, so any pause ends.
    pub fn succeeded(&mut self) {
        self.in_flight -= 1;
        self.failures = 0;
        self.paused_until = None;
        self.window = (self.window + 1).min(WINDOW_MAX);
    }

    /// The endpoint answered otherwise, too late or not at all.
    pub fn failed(&mut self, now: Instant) {
        self.in_flight -= 1;
        if self.resume_at(now).is_some() {
            return;
        }
        self.window = (self.window / 2).max(1);
        self.failures = self.failures.saturating_add(1);
        let doublings = (self.failures - 1).min(16);
        let pause = (PAUSE_MS_MIN << doublings).min(PAUSE_MS_MAX);
        self.paused_until = Some(now + Duration::from_millis(pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(pace: &mut Pace, count: usize) {
        for _ in 0..count {
            pace.started();
        }
    }

    #[test]
    fn the_window_doubles_with_every_round_of_successes() {
        let now = Instant::now();
        let mut pace = Pace::default();
        let mut rooms = Vec::new();
        for _ in 0..9 {
            let room = pace.room(now);
            rooms.push(room);
            start(&mut pace, room);
            assert_eq!(pace.room(now), 0);
            for _ in 0..room {
                pace.succeeded();
            }
        }
        assert_eq!(rooms, [8, 16, 32, 64, 128, 256, 512, 1000, 1000]);
        assert_eq!(pace.in_flight(), 0);
    }

    #[test]
    fn pauses_double_up_to_a_minute_and_probe_with_one_request() {
        let mut now = Instant::now();
        let mut pace = Pace::default();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            assert!(pace.room(now) >= 1);
            pace.started();
            pace.failed(now);
            let until = pace.resume_at(now).expect("a pause");
            assert_eq!(pace.room(now), 0);
            pauses.push((until - now).as_millis());
            now = until;
            assert_eq!(pace.room(now), 1);
        }
        let expected = [
            100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000,
        ];
        assert_eq!(pauses, expected);
        pace.started();
        assert_eq!(pace.room(now), 0, "one probe at a time");
        pace.succeeded();
        assert_eq!(pace.room(now), 2, "the window begins again small");
    }

    #[test]
    fn failures_of_one_burst_count_once() {
        let now = Instant::now();
        let mut pace = Pace::default();
        start(&mut pace, 8);
        for _ in 0..8 {
            pace.failed(now);
        }
        let until = pace.resume_at(now).expect("a pause");
        assert_eq!((until - now).as_millis(), 100);
    }

    #[test]
    fn a_success_ends_a_pause() {
        let now = Instant::now();
        let mut pace = Pace::default();
        start(&mut pace, 2);
        pace.failed(now);
        assert_eq!(pace.room(now), 0);
        pace.succeeded();
        assert_eq!(pace.resume_at(now), None);
        assert_eq!(pace.room(now), 5);
    }
}
