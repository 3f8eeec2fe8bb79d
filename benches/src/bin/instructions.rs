//! Runs each case once under callgrind, which counts the instructions; `benches/gate` runs it and
//! compares the counts with the committed ones.
//!
//! Only what runs inside of [`measured`] counts. Each case prints its name and how many operations
//! it did, in the order in which callgrind writes its dumps.

use lclq::proto::google::pubsub::v1::{publisher, subscriber};
use lclq_benches::dialect::{Asked, Dialect, bodies, with_dialect};
use lclq_benches::engine::{Engine, Kind};
use lclq_benches::pubsub::{self, LONELY_TOPIC, Services, TOPIC, with_services};
use lclq_benches::topics::{Topics, message};
use lclq_shards::pubsub::Filter;
use lclq_shards::{Receipt, ReceiptSigner, Wheel};
use std::hint::black_box;

/// Operations of a case. Enough that what happens now and then, a slab's new chunk or a table that
/// grows, counts for its share.
const OPERATIONS: usize = 2000;
/// Operations before, so that nothing is done for the first time.
const WARM_UP: usize = 200;

fn main() {
    engine_cases();
    topic_cases();
    with_dialect(dialect_cases);
    with_services(service_cases);
}

/// callgrind starts counting when this is entered and writes a dump when it is left.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
    black_box(());
}

fn case(name: &str, operations: usize, mut operation: impl FnMut()) {
    for _ in 0..WARM_UP.min(operations) {
        operation();
    }
    measured(&mut || {
        for _ in 0..operations {
            operation();
        }
    });
    println!("case {name} {operations}");
}

/// A case whose every operation takes something that was made ready before.
fn case_with<T>(name: &str, mut made: Vec<T>, mut operation: impl FnMut(T)) {
    let ready = made.split_off(made.len() / 10);
    made.into_iter().for_each(&mut operation);
    let operations = ready.len();
    let mut ready = ready.into_iter();
    measured(&mut || {
        for one in ready.by_ref() {
            operation(one);
        }
    });
    println!("case {name} {operations}");
}

fn engine_cases() {
    for batch in [1, 10] {
        let mut engine = Engine::new(Kind::Standard, 1, 100);
        let queue = engine.queues[0];
        case(&format!("engine/send/{batch}"), OPERATIONS, || {
            engine.send(queue, batch);
        });
        let mut received = Vec::with_capacity(OPERATIONS);
        case(&format!("engine/receive/{batch}"), OPERATIONS / 2, || {
            received.push(engine.receive(queue, batch));
        });
        case_with(&format!("engine/delete/{batch}"), received, |deliveries| {
            engine.delete(queue, deliveries);
        });
    }
    for kind in [Kind::Standard, Kind::Fair, Kind::Fifo] {
        let mut engine = Engine::new(kind, 1, 100);
        engine.fill(1000);
        let queue = engine.queues[0];
        case(&format!("engine/cycle/{kind:?}"), OPERATIONS, || {
            engine.cycle(queue, 1);
        });
    }
    let mut engine = Engine::new(Kind::Standard, 1, 100_000);
    let queue = engine.queues[0];
    case("engine/cycle/100KB", OPERATIONS, || engine.cycle(queue, 1));

    let mut wheel = Wheel::new(0);
    let mut at = 0u64;
    case("wheel/arm and disarm", OPERATIONS, || {
        at += 1;
        let id = wheel.arm(at * 7919 % 30_000, at);
        wheel.disarm(id);
    });

    let signer = ReceiptSigner::new(&[7; 32]);
    let mut sequence = 0;
    let mut handles = Vec::with_capacity(OPERATIONS);
    case("receipt/seal", OPERATIONS, || {
        sequence += 1;
        let mut text = Vec::with_capacity(lclq_shards::HANDLE_CHARS);
        let receipt = Receipt {
            shard: 0,
            queue_id: 1,
            sequence,
            slot: 5,
            receive_count: 1,
            received_at: 1_700_000_000_000,
        };
        signer.seal(&receipt, &mut text);
        handles.push(text);
    });
    case_with("receipt/open", handles, |handle| {
        let text = std::str::from_utf8(&handle).expect("base64 is ASCII");
        assert!(signer.open(text).is_some());
    });
}

fn topic_cases() {
    for subscriptions in [0, 1, 100] {
        let mut topics = Topics::new(subscriptions, "", 100);
        let name = format!("topics/publish/{subscriptions} subscriptions");
        case(&name, OPERATIONS / 10, || topics.publish(1));
    }
    let mut topics = Topics::new(1, "", 100);
    case("topics/cycle/1", OPERATIONS, || topics.cycle(1));
    case("topics/cycle/100", OPERATIONS / 10, || topics.cycle(100));

    let text = r#"attributes.kind = "order" AND NOT hasPrefix(attributes.origin, "test-")"#;
    case("filter/parse", OPERATIONS / 10, || {
        assert!(Filter::parse(black_box(text)).is_ok());
    });
    let (filter, message) = (Filter::parse(text).expect("a filter"), message(100));
    case("filter/matches", OPERATIONS, || {
        assert!(filter.matches(black_box(&message)));
    });
}

fn service_cases(services: &Services) {
    use publisher::Method::Publish;
    use subscriber::Method::{Acknowledge, Pull};

    let publish = |topic: &str, count: usize| {
        let request = pubsub::publish(topic, 200, count);
        move || drop(black_box(services.publisher(Publish, request.clone())))
    };
    case("call/Publish/1", OPERATIONS, publish(LONELY_TOPIC, 1));
    case(
        "call/Publish/100",
        OPERATIONS / 10,
        publish(LONELY_TOPIC, 100),
    );
    let json = pubsub::publish_json(200, 1);
    case("call/Publish/REST", OPERATIONS, || {
        black_box(services.publish_rest(json.clone()));
    });
    case("call/Publish/subscribed", OPERATIONS, publish(TOPIC, 1));
    let pull = pubsub::pull(100);
    case("call/Pull/100", OPERATIONS / 200, || {
        black_box(services.subscriber(Pull, pull.clone()));
    });
    let acknowledges: Vec<_> = (0..OPERATIONS / 200)
        .map(|_| {
            let ack_ids = services.pull(100);
            assert_eq!(ack_ids.len(), 100, "enough was published");
            pubsub::acknowledge(ack_ids)
        })
        .collect();
    case_with("call/Acknowledge/100", acknowledges, |request| {
        services.subscriber(Acknowledge, request);
    });
}

fn dialect_cases(dialect: &Dialect) {
    use lclq::sqs::measure;

    let url = dialect.create("instructions");
    let send = bodies::send_json(&url, 200);
    let send_batch = bodies::send_batch_json(&url, 200, 10);
    let send_query = bodies::send_query(&url, 200);
    let send_batch_query = bodies::send_batch_query(&url, 200, 10);
    case("decode/SendMessage/JSON", OPERATIONS, || {
        assert!(measure::decode_send_json(black_box(send.as_bytes())));
    });
    case("decode/SendMessageBatch/JSON", OPERATIONS / 10, || {
        assert_eq!(
            measure::decode_send_batch_json(black_box(send_batch.as_bytes())),
            10
        );
    });
    case("decode/SendMessage/Query", OPERATIONS, || {
        assert!(measure::decode_send_query(black_box(send_query.as_bytes())));
    });
    case("decode/SendMessageBatch/Query", OPERATIONS / 10, || {
        let body = black_box(send_batch_query.as_bytes());
        assert_eq!(measure::decode_send_batch_query(body), 10);
    });
    let text = bodies::message(10_000);
    let mut out = Vec::with_capacity(20_000);
    case("encode/JSON text/10KB", OPERATIONS / 10, || {
        out.clear();
        measure::encode_json_text(&mut out, black_box(&text));
    });
    case("encode/XML text/10KB", OPERATIONS / 10, || {
        out.clear();
        measure::encode_xml_text(&mut out, black_box(&text));
    });
    case("encode/MD5/200B", OPERATIONS, || {
        out.clear();
        measure::encode_md5(&mut out, black_box(&text.as_bytes()[..200]));
    });

    let asked = |count: usize, asked: Asked| vec![asked; count];
    let answer = |asked: Asked| {
        black_box(dialect.answer(asked));
    };
    case_with(
        "answer/SendMessage/JSON",
        asked(OPERATIONS, Asked::json("SendMessage", send)),
        answer,
    );
    case_with(
        "answer/SendMessage/Query",
        asked(OPERATIONS, Asked::query(send_query)),
        answer,
    );
    case_with(
        "answer/SendMessageBatch/JSON",
        asked(OPERATIONS / 10, Asked::json("SendMessageBatch", send_batch)),
        answer,
    );
    case_with(
        "answer/SendMessageBatch/Query",
        asked(OPERATIONS / 10, Asked::query(send_batch_query)),
        answer,
    );
    let receive = Asked::json("ReceiveMessage", bodies::receive_json(&url));
    case_with(
        "answer/ReceiveMessage/JSON",
        asked(OPERATIONS / 20, receive.clone()),
        answer,
    );
    let receive_query = Asked::query(bodies::receive_query(&url));
    case_with(
        "answer/ReceiveMessage/Query",
        asked(OPERATIONS / 20, receive_query),
        answer,
    );
    let deletes: Vec<Asked> = (0..OPERATIONS / 20)
        .map(|_| {
            let handles = dialect.receive(&url, |_| receive.clone());
            assert_eq!(handles.len(), 10, "enough was sent");
            let body = bodies::delete_batch_json(&url, &handles);
            Asked::json("DeleteMessageBatch", body)
        })
        .collect();
    case_with("answer/DeleteMessageBatch/JSON", deletes, answer);

    let fifo = dialect.create("instructions.fifo");
    let message = bodies::message(200);
    let sends: Vec<Asked> = (0..OPERATIONS)
        .map(|at| {
            let body = format!(
                r#"{{"QueueUrl":"{fifo}","MessageBody":"{message}","MessageGroupId":"g{}",
                    "MessageDeduplicationId":"d{at}"}}"#,
                at % 100
            );
            Asked::json("SendMessage", body)
        })
        .collect();
    case_with("answer/SendMessage/FIFO", sends, answer);
}
