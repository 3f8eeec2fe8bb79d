//! Does what clients define, and what they send against it, at one size and at twice that size, for
//! `benches/linear`, which counts the instructions of both.
//!
//! Only what runs inside of [`measured`] counts. Each case prints its name and its input's bytes, in
//! the order in which callgrind writes its dumps; two of one name are a size and its double.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use lclq::http::HttpLimits;
use lclq::pubsub::error::PubsubResult;
use lclq::pubsub::rest::{Rest, Sender, UnaryCaller};
use lclq::pubsub::schema::{CompiledSchema, MessageEncoding, SchemaKind};
use lclq::pubsub::transform::{Transform, TransformMessage, measure};
use lclq_benches::at_once;
use lclq_benches::dialect::{Asked, Dialect, with_dialect};
use lclq_shards::pubsub::Filter;
use std::fmt::Write;
use std::hint::black_box;

/// Parts of the smaller input. Enough that what is done once per input doesn't count.
const PARTS: usize = 400;

/// Generated inputs of each kind.
const SEEDS: u64 = 2;

fn main() {
    for seed in 1..=SEEDS {
        definitions(seed);
        messages(seed);
        transforms(seed);
        rest(seed);
    }
    filters();
    with_dialect(sqs);
}

/// callgrind starts counting when this is entered and writes a dump when it is left.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
    black_box(());
}

/// Does the work for an input and for its double, each once before it counts.
fn double<I>(
    name: &str,
    parts: usize,
    make: impl Fn(usize) -> I,
    bytes: impl Fn(&I) -> usize,
    mut work: impl FnMut(&I),
) {
    for parts in [parts, 2 * parts] {
        let input = make(parts);
        work(&input);
        measured(&mut || work(black_box(&input)));
        println!("case {name} {}", bytes(&input));
    }
}

/// Numbers that look random and are the same every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

fn definitions(seed: u64) {
    let compile = |kind: SchemaKind| {
        move |definition: &String| drop(black_box(CompiledSchema::compile(kind, definition)))
    };
    let avro = compile(SchemaKind::Avro);
    let name = format!("avro definition/{seed}");
    double(
        &name,
        PARTS,
        |n| avro_definition(seed, n),
        String::len,
        avro,
    );
    let proto = compile(SchemaKind::ProtocolBuffer);
    let name = format!("protobuf definition/{seed}");
    double(
        &name,
        PARTS,
        |n| proto_definition(seed, n, false),
        String::len,
        proto,
    );
    let name = format!("protobuf definition with mistakes/{seed}");
    double(
        &name,
        PARTS,
        |n| proto_definition(seed, n, true),
        String::len,
        proto,
    );
}

/// A record of fields of all kinds, some of types that stand before them, some with defaults.
fn avro_definition(seed: u64, fields: usize) -> String {
    let mut numbers = Numbers(seed);
    let mut text = r#"{"type":"record","name":"R","fields":[{"name":"f0","type":"int"}"#.to_owned();
    let mut records = vec!["R".to_owned()];
    for n in 1..=fields {
        let of = match numbers.below(8) {
            0 => r#""string""#.to_owned(),
            1 => r#"{"type":"array","items":"long"}"#.to_owned(),
            2 => format!(r#"{{"type":"enum","name":"E{n}","symbols":["A","B"]}}"#),
            3 => r#"["null","int",{"type":"map","values":"bytes"}]"#.to_owned(),
            4 => format!(r#"{{"type":"fixed","name":"F{n}","size":4}}"#),
            5 => {
                let before = &records[numbers.below(records.len())];
                let record = format!(
                    r#"{{"type":"record","name":"R{n}","fields":[
                        {{"name":"a","type":["null","{before}"],"default":null}},
                        {{"name":"b","type":["null","{before}"],"default":null}}]}}"#
                );
                records.push(format!("R{n}"));
                record
            }
            6 => format!(r#"["null","{}"]"#, records[numbers.below(records.len())]),
            _ => r#""double""#.to_owned(),
        };
        write!(text, r#",{{"name":"f{n}","type":{of}}}"#).expect("room");
    }
    let last = records.last().expect("one at least");
    if last != "R" {
        write!(text, r#",{{"name":"last","type":"{last}","default":{{}}}}"#).expect("room");
    }
    text + "]}"
}

fn proto_definition(seed: u64, fields: usize, mistakes: bool) -> String {
    let mut numbers = Numbers(seed);
    let mut text = "syntax = \"proto3\";\nmessage M {\n".to_owned();
    for n in 1..=fields {
        let _ = match numbers.below(if mistakes { 8 } else { 6 }) {
            0 => writeln!(text, "  string f{n} = {n};"),
            1 => writeln!(text, "  map<string, int64> f{n} = {n};"),
            2 => writeln!(text, "  message M{n} {{ M inner = 1; }} M{n} f{n} = {n};"),
            3 => writeln!(
                text,
                "  enum E{n} {{ A{n} = 0; B{n} = 1; }} repeated E{n} f{n} = {n};"
            ),
            4 => writeln!(text, "  oneof o{n} {{ bytes f{n} = {n}; }}"),
            5 => writeln!(text, "  repeated double f{n} = {n};"),
            6 => writeln!(text, "  Unknown f{n} = {n};"),
            _ => writeln!(text, "  int32 again = {n};"),
        };
    }
    text + "}\n"
}

fn messages(seed: u64) {
    let compile = |kind, definition: &str| {
        CompiledSchema::compile(kind, definition).expect("a sound definition")
    };
    // Wide, so that work per item that grows with the definition is seen as much of a total.
    let wide: String = (0..200)
        .map(|n| format!(r#",{{"name":"n{n}","type":"null"}}"#))
        .collect();
    let branches: String = (0..200)
        .map(|n| format!(r#",{{"type":"fixed","name":"F{n}","size":1}}"#))
        .collect();
    let avro = compile(
        SchemaKind::Avro,
        &format!(
            r#"{{"type":"array","items":{{"type":"record","name":"R","fields":[
                {{"name":"text","type":"string"}},{{"name":"u","type":["null"{branches}]}}{wide}]}}}}"#
        ),
    );
    let binary = |n: usize| {
        let mut numbers = Numbers(seed);
        let mut data = Vec::new();
        for _ in 0..n {
            let letters = numbers.below(50);
            // A block of one record: a text, and branch 1 of the union, which is one byte.
            data.extend([2, 2 * letters as u8]);
            data.resize(data.len() + letters, b'x');
            data.extend([2, 7]);
        }
        data.push(0);
        data
    };
    let check = |schema: &CompiledSchema, encoding, data: &[u8]| {
        schema.validate(encoding, data).expect("it conforms");
    };
    let name = format!("avro message in binary/{seed}");
    double(&name, PARTS, binary, Vec::len, |data| {
        check(&avro, MessageEncoding::Binary, data);
    });
    let nulls: String = (0..200).map(|n| format!(r#","n{n}":null"#)).collect();
    let json = |n: usize| {
        let mut numbers = Numbers(seed);
        let mut data = "[".to_owned();
        for item in 0..n {
            let comma = if item == 0 { "" } else { "," };
            let (letters, branch) = ("x".repeat(numbers.below(50)), numbers.below(200));
            let u = format!(r#"{{"F{branch}":"y"}}"#);
            write!(data, r#"{comma}{{"text":"{letters}","u":{u}{nulls}}}"#).expect("room");
        }
        (data + "]").into_bytes()
    };
    let name = format!("avro message in JSON/{seed}");
    double(&name, PARTS / 10, json, Vec::len, |data| {
        check(&avro, MessageEncoding::Json, data);
    });

    let fields: String = (2..500)
        .map(|n| format!("optional int32 f{n} = {n};"))
        .collect();
    let proto = compile(
        SchemaKind::ProtocolBuffer,
        &format!(
            "syntax = \"proto2\"; message M {{ message B {{ required string text = 1; {fields} }} \
             repeated B b = 1; }}"
        ),
    );
    let binary = |n: usize| {
        let mut numbers = Numbers(seed);
        let mut data = Vec::new();
        for _ in 0..n {
            let letters = numbers.below(50) as u8;
            data.extend([10, letters + 2, 10, letters]);
            data.resize(data.len() + usize::from(letters), b'x');
        }
        data
    };
    let name = format!("protobuf message in binary/{seed}");
    double(&name, PARTS, binary, Vec::len, |data| {
        check(&proto, MessageEncoding::Binary, data);
    });
    let json = |n: usize| {
        let mut numbers = Numbers(seed);
        let mut data = r#"{"b":[{"text":""}"#.to_owned();
        for _ in 0..n {
            let (letters, field) = ("x".repeat(numbers.below(50)), 2 + numbers.below(498));
            write!(data, r#",{{"text":"{letters}","f{field}":7}}"#).expect("room");
        }
        (data + "]}").into_bytes()
    };
    let name = format!("protobuf message in JSON/{seed}");
    double(&name, PARTS, json, Vec::len, |data| {
        check(&proto, MessageEncoding::Json, data);
    });
}

fn transforms(seed: u64) {
    let source = |n: usize| {
        let mut numbers = Numbers(seed);
        let mut code = "function f(m) {".to_owned();
        for line in 0..n {
            let (a, b) = (numbers.below(1000), numbers.below(1000));
            write!(code, "let v{line}={a};if(v{line}<{b})v{line}++;").expect("room");
        }
        code + "return m; }"
    };
    let run = |code: &String| {
        let transform = Transform::JavaScript {
            function_name: "f".to_owned(),
            code: code.clone(),
        };
        measure::apply_here(&[transform], TransformMessage::default()).expect("it works");
    };
    let name = format!("transform source/{seed}");
    double(&name, PARTS / 2, source, String::len, run);
}

/// Takes every call and does nothing.
struct Nothing;

impl UnaryCaller for Nothing {
    async fn call(&self, _: &str, _: Bytes, _: Sender) -> PubsubResult<Bytes> {
        Ok(Bytes::new())
    }

    fn failure(&self) -> Option<String> {
        None
    }

    async fn document(&self, _: &str, _: &str) -> Option<PubsubResult<Bytes>> {
        None
    }
}

fn rest(seed: u64) {
    let rest = Rest::new(Nothing, &HttpLimits::default());
    let ask = |path: &str, body: &String| {
        let request = Request::post(path)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
            .expect("a sound request");
        let reply = at_once(rest.clone().handle(request));
        assert!(reply.status().is_success(), "{}", reply.status());
    };
    let publish = |n: usize| {
        let mut numbers = Numbers(seed);
        let mut body = r#"{"messages":[{"data":"eA=="}"#.to_owned();
        for _ in 0..n {
            let data = "eHh4".repeat(numbers.below(20));
            write!(
                body,
                r#",{{"data":"{data}","attributes":{{"a":"\u00e9"}}}}"#
            )
            .expect("room");
        }
        body + "]}"
    };
    let name = format!("REST JSON/{seed}");
    double(&name, PARTS, publish, String::len, |body| {
        ask("/v1/projects/p/topics/topic:publish", body);
    });
    let policy = |n: usize| {
        let mut numbers = Numbers(seed);
        let mut body = r#"{"policy":{"bindings":[{"role":"r"}"#.to_owned();
        for _ in 0..n {
            let who = numbers.below(1_000_000);
            write!(body, r#",{{"role":"r","members":["user:{who}@x"]}}"#).expect("room");
        }
        body + "]}}"
    };
    let name = format!("IAM policy/{seed}");
    double(&name, PARTS, policy, String::len, |body| {
        ask("/v1/projects/p/topics/topic:setIamPolicy", body);
    });
}

fn filters() {
    let filter = |n: usize| vec![r#"attributes.a != "b""#; n].join(" AND ");
    double("filter", 5, filter, String::len, |text| {
        // The longest is 256 bytes: often enough to be more than a call's cost.
        for _ in 0..100 {
            assert!(Filter::parse(black_box(text)).is_ok());
        }
    });
    let parsed = Filter::parse(&filter(10)).expect("a filter");
    let message = |n: usize| {
        let attribute = |n: usize| format!("\u{12}\u{8}\u{a}\u{3}{n:03}\u{12}\u{1}x");
        (0..n).map(attribute).collect::<String>().into_bytes()
    };
    double("filtered message", 50, message, Vec::len, |message| {
        for _ in 0..20 {
            assert!(parsed.matches(black_box(message)));
        }
    });
}

fn sqs(dialect: &Dialect) {
    let url = "http://127.0.0.1:9324/000000000000/linear";
    let create = |attributes: &str| {
        let body = format!(r#"{{"QueueName":"linear","Attributes":{{{attributes}}}}}"#);
        dialect.answer(Asked::json("CreateQueue", body));
    };
    create("");
    let text = |n: usize| "a\u{e9}<&\\\"".repeat(n);
    let json = |n: usize| {
        let text = text(n).replace('\\', "\\\\").replace('"', "\\\"");
        format!(r#"{{"QueueUrl":"{url}","MessageBody":"{text}"}}"#)
    };
    double("SQS JSON", 10 * PARTS, json, String::len, |body| {
        dialect.answer(Asked::json("SendMessage", body.clone()));
    });
    let form = |n: usize| {
        let text: String = text(n).bytes().map(|byte| format!("%{byte:02X}")).collect();
        format!("Action=SendMessage&QueueUrl={url}&MessageBody={text}")
    };
    double("SQS form", 10 * PARTS, form, String::len, |body| {
        dialect.answer(Asked::query(body.clone()));
    });
    let policy = |n: usize| {
        let statement = r#"{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sqs:SendMessage\",\"Resource\":\"*\"}"#;
        let statements = vec![statement; n].join(",");
        format!(
            r#"{{"QueueUrl":"{url}","Attributes":{{"Policy":"{{\"Version\":\"2012-10-17\",\"Statement\":[{statements}]}}"}}}}"#
        )
    };
    double("queue policy", 9, policy, String::len, |body| {
        for _ in 0..20 {
            dialect.answer(Asked::json("SetQueueAttributes", body.clone()));
        }
    });
}
