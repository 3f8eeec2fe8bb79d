//! Definitions and messages of schemas.

use super::ordeal::{Bounds, endure, rest_ok, server};
use super::support::Client;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

const MIB: u64 = 1 << 20;

/// Records, each with two fields of the one before it, all with a default of `{}`: what the defaults
/// stand for doubles with every level.
fn doubling_defaults(levels: usize) -> Value {
    let mut record = json!({"type": "record", "name": "R0", "fields": [
        {"name": "a", "type": "int", "default": 0}]});
    for level in 1..levels {
        let inner = format!("R{}", level - 1);
        record = json!({"type": "record", "name": format!("R{level}"), "fields": [
            {"name": "a", "type": record, "default": {}},
            {"name": "b", "type": inner, "default": {}}]});
    }
    record
}

#[test]
fn defaults_of_avro_that_double_with_every_level() {
    let server = server();
    let bounds = Bounds {
        within: Duration::from_secs(1),
        growth_bytes_max: 64 * MIB,
    };
    let path = "/v1/projects/p/schemas:validate";
    endure(&server, &bounds, || {
        let mut client = server.pubsub_client();
        for levels in [2, 22, 40] {
            let definition = doubling_defaults(levels).to_string();
            let request = json!({"schema": {"type": "AVRO", "definition": definition}});
            let answer = client.rest("POST", path, &request).expect("an answer");
            let text = String::from_utf8_lossy(&answer.body);
            assert_eq!(answer.status, 200, "{levels} levels: {text}");
        }
    });
}

/// Makes a topic `wide` whose messages have parts of many optional fields. A request that publishes
/// millions of such parts to it.
pub fn wide_topic(client: &mut Client) -> Value {
    let mut fields = String::new();
    for number in 1..=9_000 {
        write!(fields, "optional int32 f{number}={number};").unwrap();
    }
    let definition =
        format!("syntax=\"proto2\"; message A {{ message B {{ {fields} }} repeated B b=1; }}");
    rest_ok(
        client,
        "POST",
        "/v1/projects/p/schemas?schemaId=wide",
        &json!({"type": "PROTOCOL_BUFFER", "definition": definition}),
    );
    rest_ok(
        client,
        "PUT",
        "/v1/projects/p/topics/wide",
        &json!({"schemaSettings": {"schema": "projects/p/schemas/wide", "encoding": "BINARY"}}),
    );
    // 0a 00, three million times, in base64.
    json!({"messages": [{"data": "CgAKAAoA".repeat(1_000_000)}]})
}

#[test]
fn millions_of_empty_messages_with_many_optional_fields() {
    let server = server();
    let mut client = server.pubsub_client();
    let request = wide_topic(&mut client);
    let bounds = Bounds {
        within: Duration::from_secs(2),
        growth_bytes_max: 160 * MIB,
    };
    endure(&server, &bounds, || {
        let path = "/v1/projects/p/topics/wide:publish";
        rest_ok(&mut client, "POST", path, &request);
    });
    server.stop();
}

fn validate(server: &super::support::Server, kind: &str, definition: &str) -> u16 {
    let request = json!({"schema": {"type": kind, "definition": definition}});
    let path = "/v1/projects/p/schemas:validate";
    let answer = server.pubsub_client().rest("POST", path, &request);
    answer.expect("an answer").status
}

/// Text of `bytes` bytes or less: `parts` by number, between a beginning and an end.
fn filled(begin: &str, part: impl Fn(usize) -> String, end: &str, bytes: usize) -> String {
    let mut text = begin.to_owned();
    for number in 1.. {
        let next = part(number);
        if text.len() + next.len() + end.len() > bytes {
            break;
        }
        text.push_str(&next);
    }
    text + end
}

#[test]
fn definitions_as_long_as_they_may_be() {
    let server = server();
    let proto = |part: &dyn Fn(usize) -> String| {
        let begin = "syntax=\"proto3\";message A{";
        ("PROTOCOL_BUFFER", filled(begin, part, "}", 299_000))
    };
    let record = r#"{"type":"record","name":"A","fields":["#;
    let avro = |part: &dyn Fn(usize) -> String| {
        let last = r#"{"name":"last","type":"int"}]}"#;
        ("AVRO", filled(record, part, last, 299_000))
    };
    let name = "B".repeat(128);
    let aliases: String = (0..15_000).map(|n| format!("\"b{n}\",")).collect();
    let definitions = [
        // Mistakes, each of which was looked up in a list of all that there is.
        proto(&|n| format!("Unknown f{n}={n};")),
        proto(&|_| "int32 f=1;".to_owned()),
        proto(&|n| format!("int32 f{n}={n}[json_name=\"a\"];")),
        proto(&|n| format!("option o{n}=1;")),
        proto(&|n| format!("message {name}{n}{{int32 f=1;}}")),
        (
            "PROTOCOL_BUFFER",
            format!(
                "syntax=\"proto3\";package {}a;message A{{}}",
                "a.".repeat(149_000)
            ),
        ),
        (
            "PROTOCOL_BUFFER",
            format!("syntax=\"proto3\";{}", "message A{".repeat(29_000)),
        ),
        avro(&|n| format!(r#"{{"name":"f{n}","type":"int"}},"#)),
        avro(&|n| {
            format!(r#"{{"name":"f{n}","type":{{"type":"fixed","name":"F{n}","size":1}}}},"#)
        }),
        avro(&|n| format!(r#"{{"name":"f{n}","type":"A","default":{{"last":0}}}},"#)),
        // Each alias was a copy of all fields.
        (
            "AVRO",
            filled(
                &format!(r#"{{"type":"record","name":"A","aliases":[{aliases}"b"],"fields":["#),
                |n| format!(r#"{{"name":"f{n}","type":"int"}},"#),
                r#"{"name":"last","type":"int"}]}"#,
                299_000,
            ),
        ),
    ];
    for (kind, definition) in definitions {
        let start: String = definition.chars().take(80).collect();
        println!("{kind}: {start}");
        // Parsed once, and both languages are in much less than what the first fall took.
        let bounds = Bounds {
            within: Duration::from_millis(800),
            growth_bytes_max: 256 * MIB,
        };
        endure(&server, &bounds, || {
            let status = validate(&server, kind, &definition);
            assert!(matches!(status, 200 | 400), "{status}");
        });
    }
}

#[test]
fn messages_whose_parts_are_many_against_definitions_whose_parts_are_many() {
    let server = server();
    let mut client = server.pubsub_client();
    let branches: String = (0..6_000)
        .map(|n| format!(r#",{{"type":"fixed","name":"F{n}","size":1}}"#))
        .collect();
    let union = format!(r#"{{"type":"array","items":["null"{branches}]}}"#);
    let nulls: String = (0..9_000)
        .map(|n| format!(r#"{{"name":"f{n}","type":"null"}},"#))
        .collect();
    let empty = format!(
        r#"{{"type":"array","items":{{"type":"record","name":"A","fields":[{nulls}
            {{"name":"one","type":"boolean"}}]}}}}"#
    );
    let mut oneof = String::new();
    for number in 1..=9_000 {
        write!(oneof, "int32 f{number}={number};").unwrap();
    }
    let oneof =
        format!("syntax=\"proto3\";message A{{message B{{oneof o{{{oneof}}}}}repeated B b=1;}}");
    let base64 = |data: &str| base64_simd::STANDARD.encode_to_string(data.as_bytes());
    let cases = [
        (
            "union",
            "AVRO",
            union,
            "JSON",
            format!("[{}null]", r#"{"F5999":"x"},"#.repeat(400_000)),
        ),
        // Blocks of one record each, which is nine thousand nulls and a boolean.
        (
            "nulls",
            "AVRO",
            empty,
            "BINARY",
            format!("{}\0", "\u{2}\u{1}".repeat(3_000_000)),
        ),
        (
            "oneof",
            "PROTOCOL_BUFFER",
            oneof,
            "JSON",
            format!(r#"{{"b":[{}{{}}]}}"#, r#"{"f9":1},"#.repeat(600_000)),
        ),
    ];
    for (name, kind, definition, encoding, data) in cases {
        rest_ok(
            &mut client,
            "POST",
            &format!("/v1/projects/p/schemas?schemaId={name}"),
            &json!({"type": kind, "definition": definition}),
        );
        rest_ok(
            &mut client,
            "PUT",
            &format!("/v1/projects/p/topics/{name}"),
            &json!({"schemaSettings": {
                "schema": format!("projects/p/schemas/{name}"), "encoding": encoding}}),
        );
        let request = json!({"messages": [{"data": base64(&data)}]});
        println!("{name}: {} bytes", data.len());
        let bounds = Bounds {
            within: Duration::from_secs(2),
            growth_bytes_max: 160 * MIB,
        };
        endure(&server, &bounds, || {
            let path = format!("/v1/projects/p/topics/{name}:publish");
            rest_ok(&mut client, "POST", &path, &request);
        });
    }
}
