//! The SQS dialect: reading requests, writing answers, digests, and whole requests from decoded
//! head to encoded answer, engine included.
//!
//!     cargo bench -p lclq-benches --bench dialect

mod quick;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lclq::sqs::measure;
use lclq_benches::dialect::{Asked, HOST, bodies, with_dialect};
use quick::quick;
use std::hint::black_box;

fn decode(c: &mut Criterion) {
    let url = format!("http://{HOST}/000000000000/queue");
    let mut group = c.benchmark_group("decode");
    for bytes in [100, 1_000, 10_000, 100_000] {
        group.throughput(Throughput::Bytes(bytes as u64));
        let json = bodies::send_json(&url, bytes);
        group.bench_function(BenchmarkId::new("SendMessage/JSON", bytes), |b| {
            b.iter(|| assert!(measure::decode_send_json(black_box(json.as_bytes()))));
        });
        let query = bodies::send_query(&url, bytes);
        group.bench_function(BenchmarkId::new("SendMessage/Query", bytes), |b| {
            b.iter(|| assert!(measure::decode_send_query(black_box(query.as_bytes()))));
        });
    }
    group.throughput(Throughput::Elements(10));
    let json = bodies::send_batch_json(&url, 200, 10);
    group.bench_function("SendMessageBatch/JSON", |b| {
        b.iter(|| measure::decode_send_batch_json(black_box(json.as_bytes())));
    });
    let query = bodies::send_batch_query(&url, 200, 10);
    group.bench_function("SendMessageBatch/Query", |b| {
        b.iter(|| measure::decode_send_batch_query(black_box(query.as_bytes())));
    });
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    for bytes in [100, 1_000, 10_000, 100_000] {
        group.throughput(Throughput::Bytes(bytes as u64));
        let text = bodies::message(bytes);
        let mut out = Vec::with_capacity(2 * bytes);
        group.bench_function(BenchmarkId::new("JSON text", bytes), |b| {
            b.iter(|| {
                out.clear();
                measure::encode_json_text(&mut out, black_box(&text));
            });
        });
        group.bench_function(BenchmarkId::new("XML text", bytes), |b| {
            b.iter(|| {
                out.clear();
                measure::encode_xml_text(&mut out, black_box(&text));
            });
        });
        group.bench_function(BenchmarkId::new("MD5", bytes), |b| {
            b.iter(|| {
                out.clear();
                measure::encode_md5(&mut out, black_box(text.as_bytes()));
            });
        });
    }
}

/// Messages in the queue that receives are measured on.
const FILLED: usize = 10_000;

/// These run on a core's thread, each with an endpoint of its own.
fn answer(_: &mut Criterion) {
    with_dialect(|dialect| {
        let mut c = quick();
        let mut group = c.benchmark_group("answer");
        let url = dialect.create("queue");
        let mut bench = |name: &str, messages: u64, asked: Asked| {
            group.throughput(Throughput::Elements(messages));
            group.bench_function(name, |b| {
                b.iter_batched(
                    || asked.clone(),
                    |asked| dialect.answer(asked),
                    BatchSize::SmallInput,
                );
            });
        };
        let send = bodies::send_json(&url, 200);
        bench("SendMessage/JSON", 1, Asked::json("SendMessage", send));
        let send = bodies::send_query(&url, 200);
        bench("SendMessage/Query", 1, Asked::query(send));
        let batch = bodies::send_batch_json(&url, 200, 10);
        bench(
            "SendMessageBatch/JSON",
            10,
            Asked::json("SendMessageBatch", batch),
        );
        let batch = bodies::send_batch_query(&url, 200, 10);
        bench("SendMessageBatch/Query", 10, Asked::query(batch));
        group.finish();
        c.final_summary();
    });
    with_dialect(|dialect| {
        let mut c = quick();
        let mut group = c.benchmark_group("answer");
        group.throughput(Throughput::Elements(10));
        let url = dialect.create("queue");
        // Each answer gives its messages back at once, so that the queue stays as it is.
        let fill = Asked::json("SendMessageBatch", bodies::send_batch_json(&url, 200, 10));
        for _ in 0..FILLED / 10 {
            dialect.answer(fill.clone());
        }
        let json = bodies::receive_json(&url).replace('}', r#","VisibilityTimeout":0}"#);
        let query = bodies::receive_query(&url) + "&VisibilityTimeout=0";
        for (name, asked) in [
            ("ReceiveMessage/JSON", Asked::json("ReceiveMessage", json)),
            ("ReceiveMessage/Query", Asked::query(query)),
        ] {
            group.bench_function(name, |b| {
                b.iter_batched(
                    || asked.clone(),
                    |asked| dialect.answer(asked),
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
        c.final_summary();
    });
}

criterion_group! {
    name = benches;
    config = quick();
    targets = decode, encode, answer
}
criterion_main!(benches);
