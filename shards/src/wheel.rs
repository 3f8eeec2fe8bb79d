//! Deadlines: a hierarchical timing wheel with millisecond ticks.
//!
//! Arming and disarming are O(1) whatever the number of deadlines, which matters because nearly
//! every lease ends by a delete, not by its deadline. Six levels of 64 slots reach 2^36 ms (two
//! years); later deadlines wait in the outermost slot and are sorted in again when it comes round.

use crate::Millis;
use crate::slab::{NONE, Slab};

const LEVELS: usize = 6;
const SLOT_BITS: u32 = 6;
const SLOTS: usize = 1 << SLOT_BITS;
const REACH_MS: u64 = 1 << (SLOT_BITS * LEVELS as u32);

struct Node<T> {
    deadline: Millis,
    prev: u32,
    next: u32,
    /// Level and slot that hold the node, so that disarming needs no search.
    place: u16,
    what: T,
}

/// An armed deadline; give it back to [`Wheel::disarm`].
pub type TimerId = u32;

/// Deadlines, each with a value that says what it is for.
pub struct Wheel<T> {
    nodes: Slab<Node<T>>,
    heads: [[u32; SLOTS]; LEVELS],
    occupied: [u64; LEVELS],
    now: Millis,
    /// No deadline fires before this; a cheap test for callers that tick on every command.
    next_due: Millis,
}

impl<T: Copy> Wheel<T> {
    /// An empty wheel that stands at `now`.
    pub fn new(now: Millis) -> Self {
        Self {
            nodes: Slab::default(),
            heads: [[NONE; SLOTS]; LEVELS],
            occupied: [0; LEVELS],
            now,
            next_due: Millis::MAX,
        }
    }

    /// Number of armed deadlines.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether nothing is armed.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The earliest time at which [`Wheel::advance`] may have something to do, if anything is
    /// armed. It may be early (an outer slot has to be sorted in), never late.
    #[inline]
    pub fn next_due(&self) -> Option<Millis> {
        (self.next_due != Millis::MAX).then_some(self.next_due)
    }

    /// Arms a deadline. One in the past fires at the next advance.
    #[inline]
    pub fn arm(&mut self, deadline: Millis, what: T) -> TimerId {
        let id = self.nodes.insert(Node {
            deadline,
            prev: NONE,
            next: NONE,
            place: 0,
            what,
        });
        self.link(id);
        id
    }

    /// Takes a deadline back.
    ///
    /// # Panics
    /// When `id` is not armed.
    #[inline]
    pub fn disarm(&mut self, id: TimerId) -> T {
        self.unlink(id);
        self.nodes.remove(id).what
    }

    /// The deadline of an armed timer.
    pub fn deadline(&self, id: TimerId) -> Millis {
        self.nodes[id].deadline
    }

    /// Moves to `now` and pushes what is due onto `fired`, at most `fired_max` at once.
    ///
    /// The order among deadlines that fire together is by deadline millisecond. Answers whether
    /// more is due that did not fit.
    pub fn advance(&mut self, now: Millis, fired_max: usize, fired: &mut Vec<T>) -> bool {
        let mut room = fired_max;
        while self.next_due <= now {
            let Some((level, slot, start)) = self.earliest_slot() else {
                self.next_due = Millis::MAX;
                break;
            };
            if start > now {
                self.next_due = start;
                break;
            }
            self.now = self.now.max(start);
            if level == 0 {
                while self.heads[0][slot] != NONE {
                    if room == 0 {
                        return true;
                    }
                    room -= 1;
                    let id = self.heads[0][slot];
                    fired.push(self.disarm(id));
                }
            } else {
                // Sort the slot's deadlines into the inner levels.
                let mut id = self.heads[level][slot];
                self.heads[level][slot] = NONE;
                self.occupied[level] &= !(1 << slot);
                while id != NONE {
                    let next = self.nodes[id].next;
                    self.link(id);
                    id = next;
                }
            }
            self.refresh_next_due();
        }
        self.now = self.now.max(now);
        false
    }

    fn refresh_next_due(&mut self) {
        self.next_due = self
            .earliest_slot()
            .map_or(Millis::MAX, |(_, _, start)| start);
    }

    /// The occupied slot that comes round first, with the time at which it does.
    fn earliest_slot(&self) -> Option<(usize, usize, Millis)> {
        let mut best: Option<(usize, usize, Millis)> = None;
        for level in 0..LEVELS {
            let bits = self.occupied[level];
            if bits == 0 {
                continue;
            }
            let shift = SLOT_BITS * level as u32;
            let position = (self.now >> shift) as usize % SLOTS;
            // Slots from the present position on belong to this round, those before it to the next.
            let ahead = bits.rotate_right(position as u32).trailing_zeros() as usize;
            let slot = (position + ahead) % SLOTS;
            let start = ((self.now >> shift) + ahead as u64) << shift;
            let start = start.max(self.now);
            if best.is_none_or(|(_, _, earliest)| start < earliest) {
                best = Some((level, slot, start));
            }
        }
        best
    }

    fn link(&mut self, id: u32) {
        let deadline = self.nodes[id].deadline.max(self.now);
        let distance = deadline - self.now;
        let outer_slot_ms = REACH_MS >> SLOT_BITS;
        let (level, at) = if distance >= REACH_MS - outer_slot_ms {
            // One slot short of a full round: a slot must never stand for two rounds at once.
            (LEVELS - 1, self.now + REACH_MS - 2 * outer_slot_ms)
        } else {
            // The level is that of the highest bit in which the deadline differs from now: so a
            // slot never holds deadlines of two rounds.
            let differing = (deadline ^ self.now) | 1;
            let level = (63 - differing.leading_zeros()) / SLOT_BITS;
            if level as usize >= LEVELS {
                (LEVELS - 1, deadline)
            } else {
                (level as usize, deadline)
            }
        };
        let shift = SLOT_BITS * level as u32;
        let slot = (at >> shift) as usize % SLOTS;
        let head = self.heads[level][slot];
        {
            let node = &mut self.nodes[id];
            node.place = (level * SLOTS + slot) as u16;
            node.prev = NONE;
            node.next = head;
        }
        if head != NONE {
            self.nodes[head].prev = id;
        }
        self.heads[level][slot] = id;
        self.occupied[level] |= 1 << slot;
        let start = ((at >> shift) << shift).max(self.now);
        if start < self.next_due {
            self.next_due = start;
        }
    }

    fn unlink(&mut self, id: u32) {
        let (prev, next, place) = {
            let node = &self.nodes[id];
            (node.prev, node.next, node.place as usize)
        };
        if next != NONE {
            self.nodes[next].prev = prev;
        }
        if prev != NONE {
            self.nodes[prev].next = next;
        } else {
            let (level, slot) = (place / SLOTS, place % SLOTS);
            self.heads[level][slot] = next;
            if next == NONE {
                self.occupied[level] &= !(1 << slot);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(wheel: &mut Wheel<u64>, now: Millis) -> Vec<u64> {
        let mut fired = Vec::new();
        while wheel.advance(now, 3, &mut fired) {}
        fired
    }

    #[test]
    fn fires_at_the_deadline_and_not_before() {
        let mut wheel = Wheel::new(1_000_000);
        let deadlines = [
            1_000_000, 1_000_001, 1_000_063, 1_000_064, 1_005_000, 87_400_000,
        ];
        for deadline in deadlines {
            wheel.arm(deadline, deadline);
        }
        for deadline in deadlines {
            if deadline > 1_000_000 {
                assert_eq!(
                    run(&mut wheel, deadline - 1),
                    Vec::<u64>::new(),
                    "before {deadline}"
                );
            }
            assert_eq!(run(&mut wheel, deadline), vec![deadline]);
        }
        assert!(wheel.is_empty());
        assert_eq!(wheel.next_due(), None);
    }

    #[test]
    fn disarmed_deadlines_do_not_fire() {
        let mut wheel = Wheel::new(0);
        let a = wheel.arm(10, 1);
        wheel.arm(10, 2);
        assert_eq!(wheel.disarm(a), 1);
        assert_eq!(run(&mut wheel, 20), vec![2]);
    }

    proptest! {
        #[test]
        fn same_as_a_sorted_list(
            start in 0u64..1 << 41,
            steps in prop::collection::vec((0u64..1 << 38, 0u64..1 << 22, any::<bool>()), 1..60),
        ) {
            let mut wheel = Wheel::new(start);
            let mut now = start;
            let mut plain: Vec<(u64, u64, TimerId)> = Vec::new();
            for (n, (delay, step, drop_one)) in steps.into_iter().enumerate() {
                let n = n as u64;
                let delay = delay >> (n % 38);
                let id = wheel.arm(now + delay, n);
                plain.push((now + delay, n, id));
                if drop_one && plain.len() > 2 {
                    let (_, what, id) = plain.remove(plain.len() / 2);
                    prop_assert_eq!(wheel.disarm(id), what);
                }
                now += step;
                if let Some(due) = wheel.next_due() {
                    let first = plain.iter().map(|(at, _, _)| *at).min().unwrap();
                    prop_assert!(due <= first, "next_due is late");
                }
                let mut fired = run(&mut wheel, now);
                fired.sort_unstable();
                let mut expected: Vec<u64> =
                    plain.iter().filter(|(at, _, _)| *at <= now).map(|(_, n, _)| *n).collect();
                expected.sort_unstable();
                plain.retain(|(at, _, _)| *at > now);
                prop_assert_eq!(fired, expected);
            }
            prop_assert_eq!(wheel.len(), plain.len());
        }
    }
}
