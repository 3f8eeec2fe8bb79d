//! Definitions and messages of schemas.

use super::ordeal::{Bounds, endure, rest_ok, server};
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

#[test]
fn millions_of_empty_messages_with_many_optional_fields() {
    let server = server();
    let mut client = server.pubsub_client();
    let mut fields = String::new();
    for number in 1..=9_000 {
        write!(fields, "optional int32 f{number}={number};").unwrap();
    }
    let definition =
        format!("syntax=\"proto2\"; message A {{ message B {{ {fields} }} repeated B b=1; }}");
    rest_ok(
        &mut client,
        "POST",
        "/v1/projects/p/schemas?schemaId=wide",
        &json!({"type": "PROTOCOL_BUFFER", "definition": definition}),
    );
    rest_ok(
        &mut client,
        "PUT",
        "/v1/projects/p/topics/wide",
        &json!({"schemaSettings": {"schema": "projects/p/schemas/wide", "encoding": "BINARY"}}),
    );
    // 0a 00, three million times, in base64.
    let request = json!({"messages": [{"data": "CgAKAAoA".repeat(1_000_000)}]});
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
