//! What has just been sent to a queue or published to a topic, for those who follow it without taking
//! it: a bounded ring for each that is followed, and nothing where nobody does.

use crate::payload::SharedBytes;
use crate::{Millis, Payload};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Queues and topics of a shard that can be followed at once. Another takes the place of the one that
/// was asked for least recently.
pub const TAPS_MAX: usize = 16;
/// Messages that are kept for a follower who hasn't asked for them yet.
pub const TAP_MESSAGES_MAX: usize = 1024;
/// Bytes of them; one is kept however large.
pub const TAP_BYTES_MAX: usize = 1 << 20;
/// Time without a question after which nobody follows any more, ms.
pub const TAP_IDLE_MS_MAX: Millis = 30_000;

/// A message that has passed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Passed {
    /// Into a queue: sent, or moved there.
    Sent {
        /// Its sequence number.
        sequence: u64,
        /// Its bytes.
        payload: Payload,
        /// When, ms since 1970.
        at: Millis,
    },
    /// Through a topic.
    Published {
        /// Its sequence number.
        sequence: u64,
        /// `PubsubMessage` in protobuf, without id and time of publishing.
        #[serde(with = "crate::wire::bytes")]
        bytes: SharedBytes,
        /// When, ms since 1970.
        at: Millis,
    },
}

impl Passed {
    fn bytes(&self) -> usize {
        match self {
            Self::Sent { payload, .. } => payload.memory_bytes(),
            Self::Published { bytes, .. } => bytes.len(),
        }
    }
}

/// How far somebody has followed. Where they begin, they have none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TapPosition {
    /// Which tap; each has another number.
    pub tap: u64,
    /// Messages that had passed.
    pub passed: u64,
}

/// What has passed since somebody asked last.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PassedPage {
    /// Messages in the order in which they passed.
    pub messages: Vec<Passed>,
    /// Where to go on.
    pub position: TapPosition,
    /// Messages for which there was no room; `None` where nobody counted them.
    pub missed: Option<u64>,
}

/// What is followed, by its id: those of queues and topics are of one count.
struct Tap {
    number: u64,
    of: u64,
    /// Messages that passed in all.
    passed: u64,
    kept: VecDeque<Passed>,
    kept_bytes: usize,
    asked_at: Millis,
}

#[derive(Default)]
pub(crate) struct Taps {
    open: Vec<Tap>,
    next_number: u64,
}

impl Taps {
    /// Whether anything is followed.
    #[inline]
    pub fn any(&self) -> bool {
        !self.open.is_empty()
    }

    #[cold]
    pub fn note(&mut self, of: u64, now: Millis, passed: impl FnOnce() -> Passed) {
        self.open
            .retain(|tap| now.saturating_sub(tap.asked_at) <= TAP_IDLE_MS_MAX);
        let Some(tap) = self.open.iter_mut().find(|tap| tap.of == of) else {
            return;
        };
        let passed = passed();
        tap.passed += 1;
        tap.kept_bytes += passed.bytes();
        tap.kept.push_back(passed);
        while tap.kept.len() > TAP_MESSAGES_MAX
            || (tap.kept_bytes > TAP_BYTES_MAX && tap.kept.len() > 1)
        {
            let Some(first) = tap.kept.pop_front() else {
                break;
            };
            tap.kept_bytes -= first.bytes();
        }
    }

    /// What has passed since `from`; nothing for those who begin.
    pub fn follow(
        &mut self,
        of: u64,
        now: Millis,
        from: Option<TapPosition>,
        messages_max: usize,
    ) -> PassedPage {
        let found = self.open.iter().position(|tap| tap.of == of);
        let at = found.unwrap_or_else(|| self.make(of));
        let tap = &mut self.open[at];
        tap.asked_at = now;
        let first = tap.passed - tap.kept.len() as u64;
        let (from, missed) = match from {
            None => (tap.passed, Some(0)),
            Some(from) if from.tap == tap.number && from.passed <= tap.passed => {
                let start = from.passed.max(first);
                (start, Some(start - from.passed))
            }
            Some(_) => (first, None),
        };
        let skipped = (from - first) as usize;
        let messages: Vec<Passed> = tap
            .kept
            .iter()
            .skip(skipped)
            .take(messages_max)
            .cloned()
            .collect();
        PassedPage {
            position: TapPosition {
                tap: tap.number,
                passed: from + messages.len() as u64,
            },
            messages,
            missed,
        }
    }

    fn make(&mut self, of: u64) -> usize {
        if self.open.len() >= TAPS_MAX {
            let longest = self.open.iter().enumerate();
            let longest = longest.min_by_key(|(_, tap)| tap.asked_at);
            if let Some((at, _)) = longest {
                self.open.swap_remove(at);
            }
        }
        self.next_number += 1;
        self.open.push(Tap {
            number: self.next_number,
            of,
            passed: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            asked_at: 0,
        });
        self.open.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(taps: &mut Taps, of: u64, now: Millis, sequence: u64, bytes: usize) {
        taps.note(of, now, || Passed::Published {
            sequence,
            bytes: vec![0; bytes].into(),
            at: now,
        });
    }

    fn sequences(page: &PassedPage) -> Vec<u64> {
        let messages = page.messages.iter();
        messages
            .map(|passed| match passed {
                Passed::Sent { sequence, .. } | Passed::Published { sequence, .. } => *sequence,
            })
            .collect()
    }

    #[test]
    fn a_follower_gets_what_passed_since_and_hears_what_was_lost() {
        let mut taps = Taps::default();
        assert!(!taps.any());
        let begun = taps.follow(1, 0, None, 10);
        assert!(begun.messages.is_empty() && taps.any());
        for sequence in 1..=5 {
            note(&mut taps, 1, 1, sequence, 10);
            note(&mut taps, 2, 1, 100 + sequence, 10);
        }
        let page = taps.follow(1, 2, Some(begun.position), 3);
        assert_eq!((sequences(&page), page.missed), (vec![1, 2, 3], Some(0)));
        let page = taps.follow(1, 2, Some(page.position), 3);
        assert_eq!(sequences(&page), [4, 5]);
        let position = page.position;
        for sequence in 0..TAP_MESSAGES_MAX as u64 + 7 {
            note(&mut taps, 1, 3, sequence, 10);
        }
        let page = taps.follow(1, 4, Some(position), 1);
        assert_eq!((sequences(&page), page.missed), (vec![7], Some(7)));
    }

    #[test]
    fn what_is_kept_is_bounded_in_bytes_and_time_and_number() {
        let mut taps = Taps::default();
        let begun = taps.follow(1, 0, None, 10).position;
        for sequence in 0..4 {
            note(&mut taps, 1, 1, sequence, TAP_BYTES_MAX);
        }
        assert!(taps.open[0].kept_bytes <= TAP_BYTES_MAX);
        let page = taps.follow(1, 1, Some(begun), 10);
        assert_eq!((sequences(&page), page.missed), (vec![3], Some(3)));
        // Nobody asks any more.
        note(&mut taps, 1, 2 + TAP_IDLE_MS_MAX, 9, 1);
        assert!(!taps.any());
        // Whoever comes back learns that something may be missing.
        assert_eq!(taps.follow(1, 40_000, Some(page.position), 10).missed, None);
        for of in 0..100 {
            taps.follow(of, 40_000 + of, None, 1);
        }
        assert_eq!(taps.open.len(), TAPS_MAX);
        assert!(taps.open.iter().any(|tap| tap.of == 99));
    }
}
