//! Frames come through a lane whole, in order, all of them, and both ends sleep when they can't go
//! on. As `mesh/core.rs` does it: take what there is, ring back if the lane was crowded, keep what
//! doesn't fit.

use super::lane::{Receiver, Sender};
use crate::runtime::core::{Core, check};
use loom::cell::UnsafeCell;
use loom::thread;

/// Places in the lane: fewer than frames.
const PLACES: usize = 2;
const FRAMES: u32 = 3;
/// A frame that loom sees written and read.
struct Frame(Box<UnsafeCell<u32>>);

impl Frame {
    fn new(number: u32) -> Self {
        let cell = Box::new(UnsafeCell::new(0));
        // SAFETY: nobody else has it yet.
        cell.with_mut(|value| unsafe { *value = number });
        Frame(cell)
    }

    fn number(&self) -> u32 {
        // SAFETY: it came out of the lane, so its sender is done with it; loom checks just that.
        self.0.with(|value| unsafe { *value })
    }
}

#[test]
fn frames_arrive_in_order_though_the_lane_is_too_short() {
    check(|| {
        let (producer, consumer) = rtrb::RingBuffer::new(PLACES);
        let mut lane_in = Receiver::new(consumer);
        let (receiver, to_receiver) = Core::new();
        let (sender, to_sender) = Core::new();
        let sending = thread::spawn(move || {
            let mut lane = Sender::new(producer, to_receiver);
            for number in 0..FRAMES {
                lane.send(Frame::new(number));
            }
            // What is kept goes out when the receiver has made room, and rings for that.
            while lane.flush() {
                sender.wait();
            }
        });
        let mut next = 0;
        while next < FRAMES {
            while let Some(frame) = lane_in.pop() {
                assert_eq!(frame.number(), next);
                next += 1;
            }
            if lane_in.owes_ring() {
                to_sender.ring();
            }
            if next < FRAMES {
                receiver.wait();
            }
        }
        sending.join().unwrap();
    });
}

#[test]
fn what_is_still_in_the_lane_when_both_ends_go_is_dropped_once() {
    check(|| {
        let (producer, mut consumer) = rtrb::RingBuffer::new(PLACES);
        let (_core, to_receiver) = Core::new();
        let dropped = std::sync::Arc::new(());
        let frames = [dropped.clone(), dropped.clone()];
        let sending = thread::spawn(move || {
            let mut lane = Sender::new(producer, to_receiver);
            frames.into_iter().for_each(|frame| lane.send(frame));
            lane.flush();
        });
        drop(consumer.pop());
        drop(consumer);
        sending.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&dropped), 1);
    });
}
