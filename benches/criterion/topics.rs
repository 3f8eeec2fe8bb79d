//! Topics: publishing to many subscriptions, acknowledging, filters, and whole calls from encoded
//! request to encoded reply, over gRPC and REST.
//!
//!     cargo bench -p lclq-benches --bench topics

mod quick;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use lclq::proto::google::pubsub::v1::{publisher, subscriber};
use lclq_benches::pubsub::{self, LONELY_TOPIC, TOPIC, with_services};
use lclq_benches::topics::{Topics, message};
use lclq_shards::pubsub::Filter;
use quick::quick;
use std::hint::black_box;
use std::time::{Duration, Instant};

const FILTER: &str = r#"attributes.kind = "order" AND NOT hasPrefix(attributes.origin, "test-")"#;

fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("topics/publish");
    for subscriptions in [0, 1, 10, 100, 1000] {
        for batch in [1, 100] {
            // What is published is taken out again outside of the time.
            let deliveries = batch * subscriptions.max(1);
            group.throughput(Throughput::Elements(deliveries as u64));
            let mut topics = Topics::new(subscriptions, "", 100);
            group.bench_function(
                BenchmarkId::new(format!("{subscriptions} subscriptions"), batch),
                |b| {
                    b.iter_custom(|rounds| {
                        let mut spent = Duration::ZERO;
                        for _ in 0..rounds {
                            let began = Instant::now();
                            topics.publish(batch);
                            spent += began.elapsed();
                            for at in 0..subscriptions {
                                let subscription = topics.subscriptions[at];
                                let pulled = topics.pull(subscription, batch);
                                topics.acknowledge(subscription, &pulled);
                            }
                        }
                        spent
                    });
                },
            );
        }
    }
    group.finish();
    let mut group = c.benchmark_group("topics/acknowledge");
    for batch in [1, 10, 100, 1000] {
        group.throughput(Throughput::Elements(batch as u64));
        let mut topics = Topics::new(1, "", 100);
        group.bench_function(BenchmarkId::from_parameter(batch), |b| {
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    topics.publish(batch);
                    let subscription = topics.subscriptions[0];
                    let pulled = topics.pull(subscription, batch);
                    let began = Instant::now();
                    topics.acknowledge(subscription, &pulled);
                    spent += began.elapsed();
                }
                spent
            });
        });
    }
    group.finish();
    let mut group = c.benchmark_group("topics/cycle");
    for (name, filter) in [("plain", ""), ("filtered", FILTER)] {
        group.throughput(Throughput::Elements(1));
        let mut topics = Topics::new(1, filter, 100);
        group.bench_function(name, |b| b.iter(|| topics.cycle(1)));
    }
}

fn filter(c: &mut Criterion) {
    let mut group = c.benchmark_group("filter");
    group.bench_function("parse", |b| b.iter(|| Filter::parse(black_box(FILTER))));
    let filter = Filter::parse(FILTER).expect("a filter");
    let message = message(100);
    group.bench_function("matches", |b| {
        b.iter(|| assert!(filter.matches(black_box(&message))));
    });
}

/// These run on a core's thread.
fn calls(_: &mut Criterion) {
    with_services(|services| {
        let mut c = quick();
        let mut group = c.benchmark_group("call");
        for count in [1, 100] {
            group.throughput(Throughput::Elements(count as u64));
            let request = pubsub::publish(LONELY_TOPIC, 200, count);
            group.bench_function(BenchmarkId::new("Publish", count), |b| {
                let method = publisher::Method::Publish;
                b.iter_batched(
                    || request.clone(),
                    |request| services.publisher(method, request),
                    BatchSize::SmallInput,
                );
            });
            // Published, pulled and acknowledged, so that nothing gathers.
            let request = pubsub::publish(TOPIC, 200, count);
            group.bench_function(BenchmarkId::new("Publish, Pull, Acknowledge", count), |b| {
                b.iter(|| {
                    services.publisher(publisher::Method::Publish, request.clone());
                    let ack_ids = services.pull(count);
                    assert_eq!(ack_ids.len(), count);
                    let acknowledge = pubsub::acknowledge(ack_ids);
                    services.subscriber(subscriber::Method::Acknowledge, acknowledge)
                });
            });
            let json = pubsub::publish_json(200, count);
            group.bench_function(
                BenchmarkId::new("Publish over REST, Pull, Acknowledge", count),
                |b| {
                    b.iter(|| {
                        services.publish_rest(json.clone());
                        let acknowledge = pubsub::acknowledge(services.pull(count));
                        services.subscriber(subscriber::Method::Acknowledge, acknowledge)
                    });
                },
            );
        }
        group.finish();
        c.final_summary();
    });
}

criterion_group! {
    name = benches;
    config = quick();
    targets = engine, filter, calls
}
criterion_main!(benches);
