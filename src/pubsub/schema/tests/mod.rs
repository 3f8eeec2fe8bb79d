//! What schemas take and refuse: by kind, beside parsers that others use, and whatever comes.

mod avro;
mod protobuf;
mod usual_parsers;

use super::*;

fn avro(definition: &str) -> CompiledSchema {
    CompiledSchema::compile(SchemaKind::Avro, definition).expect("a valid definition")
}

fn protobuf(definition: &str) -> CompiledSchema {
    CompiledSchema::compile(SchemaKind::ProtocolBuffer, definition).expect("a valid definition")
}

fn refused(kind: SchemaKind, definition: &str) -> String {
    CompiledSchema::compile(kind, definition)
        .expect_err("must be refused")
        .0
}

#[track_caller]
fn takes(schema: &CompiledSchema, data: &str) {
    if let Err(error) = schema.validate(MessageEncoding::Json, data.as_bytes()) {
        panic!("{data}: {error}");
    }
}

#[track_caller]
fn rejects(schema: &CompiledSchema, data: &str) -> String {
    match schema.validate(MessageEncoding::Json, data.as_bytes()) {
        Ok(()) => panic!("{data} must be rejected"),
        Err(error) => error.0,
    }
}

fn binary(schema: &CompiledSchema, data: &[u8]) -> Result<(), MismatchError> {
    schema.validate(MessageEncoding::Binary, data)
}

const STATE: &str = r#"{
    "type": "record", "name": "State", "namespace": "utilities",
    "fields": [
        {"name": "name", "type": "string", "doc": "The common name of the state."},
        {"name": "post_abbr", "type": "string"}
    ]
}"#;

const PROTO: &str = r#"
    syntax = "proto3";
    package test;
    import "google/protobuf/timestamp.proto";
    message Event {
        enum Kind { NONE = 0; SOME = 1; }
        message Part { string text = 1; Part inner = 2; }
        string name = 1;
        int64 count = 2;
        repeated int32 numbers = 3;
        map<string, bool> flags = 4;
        Kind kind = 5;
        Part part = 6;
        bytes raw = 7;
        double ratio = 8;
        google.protobuf.Timestamp at = 9;
        oneof choice { string left = 10; fixed32 right = 11; }
    }"#;

#[test]
fn arbitrary_bytes_never_panic() {
    use proptest::prelude::*;
    let schemas = [
        avro(STATE),
        avro(r#"["null",{"type":"map","values":{"type":"array","items":"long"}}]"#),
        protobuf(PROTO),
    ];
    let mut runner = proptest::test_runner::TestRunner::default();
    runner
        .run(&prop::collection::vec(any::<u8>(), 0..64), |data| {
            for schema in &schemas {
                let _ = schema.validate(MessageEncoding::Binary, &data);
                let _ = schema.validate(MessageEncoding::Json, &data);
            }
            Ok(())
        })
        .expect("no panic");
}

#[test]
fn a_binary_message_is_shown_as_json() {
    let definition = "syntax = \"proto3\"; message M { string name = 1; Size size = 2; repeated int32 n = 3; \
                      enum Size { S = 0; L = 1; } }";
    let data = [10, 1, b'a', 16, 1, 26, 2, 1, 2, 0x98, 6, 1];
    let schema = ShownSchema::compile(SchemaKind::ProtocolBuffer, definition).unwrap();
    assert_eq!(
        schema.show(&data),
        Ok(serde_json::json!({"name": "a", "size": "L", "n": [1, 2]}))
    );
    assert!(schema.show(&data[..4]).is_err());
    assert!(ShownSchema::compile(SchemaKind::ProtocolBuffer, "nothing").is_err());
    let schema = ShownSchema::compile(SchemaKind::Avro, "\"string\"").unwrap();
    assert_eq!(schema.show(b"\x02a"), Ok("a".into()));
    assert!(ShownSchema::compile(SchemaKind::Avro, "nothing").is_err());
}
