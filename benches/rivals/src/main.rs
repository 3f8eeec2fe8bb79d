//! Times what lclq uses beside what could have served in its place. lclq's own code is compiled from
//! where it is. `benches/rivals/run` builds and runs this, and counts instructions too.

#![allow(dead_code)]

#[path = "../../../src/sqs"]
mod sqs {
    mod body;
    pub mod decode;
    pub mod encode;
    pub mod request;

    mod error {
        //! Stands for lclq's, which knows the service's errors.
        pub type SqsResult<T> = Result<T, String>;

        pub fn serialization(detail: impl std::fmt::Display) -> String {
            detail.to_string()
        }

        pub fn invalid_parameter(
            name: &str,
            value: impl std::fmt::Display,
            reason: &str,
        ) -> String {
            format!("{name} {value} {reason}")
        }
    }
}
mod queues;

use simd_json::Buffers;
use sqs::decode::from_json;
use sqs::request::{SendMessage, SendMessageBatch};
use std::hint::black_box;
use std::time::Instant;

/// Measurements of each side, by turns; the median counts.
const ROUNDS: usize = 15;
/// Operations of a measurement.
const OPERATIONS: usize = 20_000;

/// callgrind counts what happens in here, and writes a dump when it is left.
#[inline(never)]
fn measured(operations: usize, operation: &mut dyn FnMut()) {
    for _ in 0..operations {
        operation();
    }
    black_box(());
}

/// Runs both sides by turns and prints the medians, in nanoseconds per operation.
fn compare<'a>(name: &str, ours: &'a mut dyn FnMut(), rival: &'a mut dyn FnMut()) {
    // Under callgrind, once: its counts don't vary, and it is slow.
    let (rounds, operations) = match std::env::var_os("COUNTED") {
        Some(_) => (1, OPERATIONS / 20),
        None => (ROUNDS, OPERATIONS),
    };
    let mut sides = [ours, rival];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        for (times, operation) in times.iter_mut().zip(&mut sides) {
            // So that nothing is done for the first time.
            for _ in 0..operations / 20 {
                operation();
            }
            let began = Instant::now();
            measured(operations, operation);
            times.push(began.elapsed().as_nanos() as f64 / operations as f64);
        }
    }
    let [ours, rival] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("case {operations} {ours:.1} {rival:.1} {name}");
}

fn message(bytes: usize) -> String {
    const TEXT: &str = "The quick brown fox jumps over the lazy dog. 0123456789 ";
    TEXT.chars().cycle().take(bytes).collect()
}

const URL: &str = "http://127.0.0.1:9324/000000000000/queue";

fn json() {
    // simd-json parses in place, so what is shared with the connection has to be copied first.
    let mut copy = Vec::new();
    let mut buffers = Buffers::new(1 << 20);
    for bytes in [100, 1000, 10_000, 100_000] {
        let body = format!(
            r#"{{"QueueUrl":"{URL}","MessageBody":"{}"}}"#,
            message(bytes)
        );
        let body = body.into_bytes();
        compare(
            &format!("SendMessage of {bytes} B: serde_json / simd-json"),
            &mut || {
                let input: SendMessage<'_> = from_json(black_box(&body)).unwrap();
                assert!(input.message_body.is_some());
            },
            &mut || {
                copy.clear();
                copy.extend_from_slice(black_box(&body));
                let input: SendMessage<'_> =
                    simd_json::serde::from_slice_with_buffers(&mut copy, &mut buffers).unwrap();
                assert!(input.message_body.is_some());
            },
        );
    }
    let escaped = message(1000).replace("fox", r#"\"fox\"\n"#);
    let body = format!(r#"{{"QueueUrl":"{URL}","MessageBody":"{escaped}"}}"#).into_bytes();
    compare(
        "SendMessage of 1000 B with escapes: serde_json / simd-json",
        &mut || {
            let input: SendMessage<'_> = from_json(black_box(&body)).unwrap();
            assert!(input.message_body.is_some());
        },
        &mut || {
            copy.clear();
            copy.extend_from_slice(black_box(&body));
            let input: SendMessage<'_> =
                simd_json::serde::from_slice_with_buffers(&mut copy, &mut buffers).unwrap();
            assert!(input.message_body.is_some());
        },
    );
    let entry = |at: usize| format!(r#"{{"Id":"m{at}","MessageBody":"{}"}}"#, message(200));
    let entries: Vec<String> = (0..10).map(entry).collect();
    let body = format!(
        r#"{{"QueueUrl":"{URL}","Entries":[{}]}}"#,
        entries.join(",")
    );
    let body = body.into_bytes();
    compare(
        "SendMessageBatch of 10 x 200 B: serde_json / simd-json",
        &mut || {
            let input: SendMessageBatch<'_> = from_json(black_box(&body)).unwrap();
            assert_eq!(input.entries.map(|entries| entries.len()), Some(10));
        },
        &mut || {
            copy.clear();
            copy.extend_from_slice(black_box(&body));
            let input: SendMessageBatch<'_> =
                simd_json::serde::from_slice_with_buffers(&mut copy, &mut buffers).unwrap();
            assert_eq!(input.entries.map(|entries| entries.len()), Some(10));
        },
    );
}

fn xml() {
    use quick_xml::Writer;
    use quick_xml::events::{BytesEnd, BytesStart, BytesText, Event};
    for bytes in [100, 1000] {
        let text = message(bytes);
        let mut ours = Vec::with_capacity(4 * bytes);
        let mut theirs = Vec::with_capacity(4 * bytes);
        compare(
            &format!("<Body> of {bytes} B: own writer / quick-xml"),
            &mut || {
                ours.clear();
                ours.extend_from_slice(b"<Body>");
                sqs::encode::xml_text(&mut ours, black_box(&text));
                ours.extend_from_slice(b"</Body>");
                black_box(&ours);
            },
            &mut || {
                theirs.clear();
                let mut writer = Writer::new(&mut theirs);
                let parts = [
                    Event::Start(BytesStart::new("Body")),
                    Event::Text(BytesText::new(black_box(&text))),
                    Event::End(BytesEnd::new("Body")),
                ];
                for part in parts {
                    writer.write_event(part).unwrap();
                }
                black_box(&theirs);
            },
        );
        assert_eq!(ours, theirs);
    }
}

fn locks() {
    let ours = std::sync::Mutex::new(0u64);
    let rival = parking_lot::Mutex::new(0u64);
    compare(
        "a lock that nobody else has: std / parking_lot",
        &mut || *black_box(&ours).lock().unwrap() += 1,
        &mut || *black_box(&rival).lock() += 1,
    );
}

fn main() {
    json();
    xml();
    locks();
    queues::queues();
    if std::env::var_os("COUNTED").is_none() {
        queues::allocators();
    }
}
