use super::*;
use std::fmt::Write;

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

#[test]
fn an_avro_record_in_json() {
    let state = avro(STATE);
    takes(&state, r#"{"name":"Alaska","post_abbr":"AK"}"#);
    takes(&state, r#" {"post_abbr":"AK","name":"Alaska"} "#);
    assert!(rejects(&state, r#"{"name":"Alaska"}"#).contains("post_abbr"));
    assert!(rejects(&state, r#"{"name":"Alaska","post_abbr":"AK","x":1}"#).contains('x'));
    assert!(rejects(&state, r#"{"name":"A","name":"B","post_abbr":"AK"}"#).contains("twice"));
    assert!(rejects(&state, r#"{"name":"Alaska","post_abbr":7}"#).contains("a string"));
    for broken in [
        "",
        "{",
        "7",
        "null",
        "[]",
        r#"{"name":"A","post_abbr":"B"} x"#,
    ] {
        rejects(&state, broken);
    }
}

#[test]
fn an_avro_record_in_binary() {
    let state = avro(STATE);
    assert_eq!(binary(&state, b"\x0cAlaska\x04AK"), Ok(()));
    assert_eq!(binary(&state, b"\x00\x00"), Ok(()));
    assert!(binary(&state, b"\x0cAlaska\x04AKx").is_err(), "bytes left");
    assert!(binary(&state, b"\x0cAlaska\x04A").is_err(), "too short");
    assert!(binary(&state, b"").is_err());
    assert!(binary(&state, b"\x02\xff\x00").is_err(), "not UTF-8");
    assert!(binary(&state, b"\x01\x00").is_err(), "a negative length");
    assert!(binary(&state, &[0xff; 11]).is_err(), "an endless number");
}

#[test]
fn every_avro_type_in_both_encodings() {
    let all = avro(
        r#"{"type":"record","name":"All","fields":[
            {"name":"null","type":"null"}, {"name":"bool","type":"boolean"},
            {"name":"int","type":"int"}, {"name":"long","type":"long"},
            {"name":"float","type":"float"}, {"name":"double","type":"double"},
            {"name":"bytes","type":"bytes"},
            {"name":"fixed","type":{"type":"fixed","name":"Two","size":2}},
            {"name":"enum","type":{"type":"enum","name":"Colour","symbols":["RED","BLUE"]}},
            {"name":"array","type":{"type":"array","items":"int"}},
            {"name":"map","type":{"type":"map","values":"string"}},
            {"name":"union","type":["null","string","Two"]},
            {"name":"day","type":{"type":"int","logicalType":"date"}},
            {"name":"money","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
            {"name":"id","type":{"type":"string","logicalType":"uuid"}}
        ]}"#,
    );
    let json = |change: &[(&str, &str)]| {
        let mut fields = vec![
            ("null", "null"),
            ("bool", "true"),
            ("int", "-2147483648"),
            ("long", "9223372036854775807"),
            ("float", "1.5"),
            ("double", "2"),
            ("bytes", r#""\u0000\u00ff""#),
            ("fixed", r#""\u00e9\u0001""#),
            ("enum", r#""BLUE""#),
            ("array", "[1,2]"),
            ("map", r#"{"a":"b"}"#),
            ("union", r#"{"string":"x"}"#),
            ("day", "20000"),
            ("money", r#""\u0001""#),
            ("id", r#""0b1e6a12-63c0-4a4e-9f0b-1d2a3b4c5d6e""#),
        ];
        for (name, value) in change {
            let place = fields.iter().position(|field| field.0 == *name);
            fields[place.expect("a field")].1 = value;
        }
        let fields: Vec<String> = fields
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    };
    takes(&all, &json(&[]));
    for good in [
        ("union", "null"),
        ("union", r#"{"Two":"ab"}"#),
        ("float", r#""NaN""#),
        ("double", "-3"),
        ("array", "[]"),
        ("map", "{}"),
    ] {
        takes(&all, &json(&[good]));
    }
    for bad in [
        ("null", "0"),
        ("bool", "1"),
        ("int", "2147483648"),
        ("int", "1.0"),
        ("long", "9223372036854775808"),
        ("float", r#""x""#),
        ("bytes", r#""\u0100""#),
        ("fixed", r#""a""#),
        ("fixed", r#""abc""#),
        ("enum", r#""GREEN""#),
        ("array", r#"["1"]"#),
        ("map", r#"{"a":1}"#),
        ("union", r#""x""#),
        ("union", r#"{"int":1}"#),
        ("union", r#"{"null":null}"#),
        ("union", r#"{"string":"x","Two":"ab"}"#),
        ("union", "{}"),
        ("day", r#""2020-01-01""#),
    ] {
        rejects(&all, &json(&[bad]));
    }
    let mut data = vec![1, 0xff, 0xff, 0xff, 0xff, 0x0f];
    data.extend([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);
    data.extend([0; 4]);
    data.extend([0; 8]);
    data.extend(b"\x04\x00\xff");
    data.extend(b"\xe9\x01");
    data.push(2);
    // One block of two with its size, one of one without.
    data.extend([3, 4, 2, 4, 2, 6, 0]);
    data.extend(b"\x02\x02a\x02b\x00");
    data.extend(b"\x02\x02x");
    data.extend([0xc0, 0xb8, 0x02]);
    data.extend(b"\x02\x01");
    data.extend(b"\x00");
    assert_eq!(binary(&all, &data), Ok(()));
    for length in 0..data.len() {
        assert!(binary(&all, &data[..length]).is_err(), "{length} bytes");
    }
}

#[test]
fn recursive_avro_types() {
    let list = avro(
        r#"{"type":"record","name":"Node","namespace":"a.b","fields":[
            {"name":"value","type":"int"},{"name":"next","type":["null","Node"]}]}"#,
    );
    takes(
        &list,
        r#"{"value":1,"next":{"a.b.Node":{"value":2,"next":null}}}"#,
    );
    rejects(
        &list,
        r#"{"value":1,"next":{"Node":{"value":2,"next":null}}}"#,
    );
    assert_eq!(binary(&list, &[2, 2, 4, 0]), Ok(()));
    // A hundred nodes are fine, ten million must neither pass nor overflow the stack.
    let nodes = |count: usize| [[2_u8, 2].repeat(count), vec![2, 0]].concat();
    assert_eq!(binary(&list, &nodes(100)), Ok(()));
    let error = binary(&list, &nodes(5_000_000)).expect_err("too deep");
    assert!(error.0.contains("deep"), "{error}");
    rejects(&list, &r#"{"value":1,"next":{"a.b.Node":"#.repeat(10_000));
}

#[test]
fn avro_values_without_bytes_are_bounded() {
    let nulls = avro(r#"{"type":"array","items":"null"}"#);
    assert_eq!(binary(&nulls, &[20, 0]), Ok(()));
    let many = [
        0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0,
    ];
    assert!(binary(&nulls, &many).is_err());
    // Doubles with every level, in no bytes at all.
    let mut definition = r#"{"type":"record","name":"R0","fields":[]}"#.to_owned();
    for level in 1..60 {
        let inner = level - 1;
        definition = format!(
            r#"{{"type":"record","name":"R{level}","fields":[
                {{"name":"a","type":{definition}}},{{"name":"b","type":"R{inner}"}}]}}"#
        );
    }
    if let Ok(schema) = CompiledSchema::compile(SchemaKind::Avro, &definition) {
        assert!(binary(&schema, b"").is_err());
    }
    let endless = avro(r#"{"type":"record","name":"A","fields":[{"name":"a","type":"A"}]}"#);
    assert!(binary(&endless, b"").is_err());
}

#[test]
fn bad_avro_definitions() {
    for definition in [
        "",
        "{",
        "{}",
        r#"{"type":"record"}"#,
        r#"{"type":"record","name":"A","fields":[{"name":"a","type":"B"}]}"#,
        r#"{"type":"enum","name":"E","symbols":["A","A"]}"#,
        r#"["null","null"]"#,
        &"[".repeat(200_000),
    ] {
        assert!(!refused(SchemaKind::Avro, definition).is_empty());
    }
    let large = format!(
        r#"{{"type":"string","doc":"{}"}}"#,
        "x".repeat(DEFINITION_BYTES_MAX)
    );
    assert!(refused(SchemaKind::Avro, &large).contains("300000"));
}

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
fn a_protobuf_message_in_json() {
    let event = protobuf(PROTO);
    takes(&event, "{}");
    takes(
        &event,
        r#"{"name":"x","count":"12","numbers":[1,2],"flags":{"a":true},"kind":"SOME",
            "part":{"text":"t","inner":{}},"raw":"AAE=","ratio":0.5,
            "at":"2024-01-02T03:04:05Z","left":"l"}"#,
    );
    takes(&event, r#"{"count":7,"kind":1}"#);
    assert!(rejects(&event, r#"{"nome":"x"}"#).contains("nome"));
    for bad in [
        "",
        "[]",
        r#"{"name":7}"#,
        r#"{"count":"x"}"#,
        r#"{"raw":"*"}"#,
        r#"{"at":"yesterday"}"#,
        r#"{"left":"l","right":1}"#,
        "{} {}",
    ] {
        rejects(&event, bad);
    }
    rejects(&event, &r#"{"part":{"inner":"#.repeat(50_000));
}

#[test]
fn a_protobuf_message_in_binary() {
    let event = protobuf(PROTO);
    assert_eq!(binary(&event, b""), Ok(()));
    assert_eq!(binary(&event, b"\x0a\x01x\x10\x0c"), Ok(()));
    assert_eq!(binary(&event, b"\x1a\x02\x01\x02"), Ok(()), "packed");
    assert_eq!(binary(&event, b"\x18\x01\x18\x02"), Ok(()), "not packed");
    assert_eq!(
        binary(&event, b"\x22\x05\x0a\x01a\x10\x01"),
        Ok(()),
        "a map"
    );
    assert_eq!(
        binary(&event, b"\x32\x05\x0a\x01t\x12\x00"),
        Ok(()),
        "nested"
    );
    assert_eq!(
        binary(&event, b"\xa2\x06\x01x\xa8\x06\x01"),
        Ok(()),
        "unknown"
    );
    assert_eq!(
        binary(&event, b"\xa3\x06\x08\x01\xa4\x06"),
        Ok(()),
        "a group"
    );
    for (bad, what) in [
        (&b"\x0a\x02x"[..], "too short"),
        (b"\x08\x01", "a wire type that isn't the field's"),
        (b"\x0a\x01\xff", "not UTF-8"),
        (b"\x1a\x01\x80", "a broken packed number"),
        (b"\xa3\x06\x08\x01", "an open group"),
        (b"\xa4\x06", "a group's end only"),
        (b"\x00\x01", "field 0"),
        (b"\x0f", "wire type 7"),
        (b"\x22\x02\x08\x01", "a broken map entry"),
        (b"{\"name\":\"x\"}", "JSON"),
    ] {
        assert!(binary(&event, bad).is_err(), "{what}");
    }
    assert!(binary(&event, &[0xa3, 0x06].repeat(100_000)).is_err());
    let mut deep = Vec::new();
    for _ in 0..200 {
        let length = deep.len();
        let mut outer = vec![0x12];
        if length >= 128 {
            outer.extend([(length as u8 & 0x7f) | 0x80, (length >> 7) as u8]);
        } else {
            outer.push(length as u8);
        }
        outer.extend(deep);
        deep = outer;
    }
    let mut part = vec![
        0x32,
        (deep.len() as u8 & 0x7f) | 0x80,
        (deep.len() >> 7) as u8,
    ];
    part.extend(deep);
    assert!(
        binary(&event, &part)
            .expect_err("too deep")
            .0
            .contains("deep")
    );
}

#[test]
fn required_fields_of_proto2() {
    let old =
        protobuf("syntax = \"proto2\"; message M { required string a = 1; optional int32 b = 2; }");
    takes(&old, r#"{"a":"x"}"#);
    assert!(rejects(&old, r#"{"b":1}"#).contains("required field a"));
    assert_eq!(binary(&old, b"\x0a\x00"), Ok(()));
    assert!(binary(&old, b"\x10\x01").is_err());
}

#[test]
fn bad_protobuf_definitions() {
    let refuse = |definition: &str| refused(SchemaKind::ProtocolBuffer, definition);
    assert!(refuse("syntax = \"proto3\"; message A {} message B {}").contains("2 messages"));
    assert!(refuse("syntax = \"proto3\"; message A {} enum E { X = 0; }").contains("1 enums"));
    assert!(refuse("syntax = \"proto3\";").contains("0 messages"));
    let import = refuse("syntax = \"proto3\"; import \"other.proto\"; message A {}");
    assert!(import.contains("other.proto"), "{import}");
    refuse("syntax = \"proto3\"; import \"schema.proto\"; message A {}");
    refuse("syntax = \"proto3\"; message A { B b = 1; }");
    refuse("syntax = \"proto3\"; message A { int32 a = 1; int32 b = 1; }");
    refuse("not a definition");
    let deep = format!(
        "syntax = \"proto3\"; {} {}",
        "message A {".repeat(9_000),
        "}".repeat(9_000)
    );
    refuse(&deep);
}

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
fn definitions_are_taken_as_the_usual_parser_takes_them() {
    let field = |field: &str| format!(r#"{{"type":"record","name":"R","fields":[{field}]}}"#);
    let with = |of: &str, default: &str| {
        field(&format!(
            r#"{{"name":"f","type":{of},"default":{default}}}"#
        ))
    };
    let enumeration = r#"{"type":"enum","name":"E","symbols":["A","B"]}"#;
    let inner = r#"{"type":"record","name":"I","fields":[
        {"name":"a","type":"int"},{"name":"b","type":"string","default":"x"}]}"#;
    for definition in [
        r#""int""#.to_owned(),
        r#""no""#.to_owned(),
        r#"{"type":"int"}"#.to_owned(),
        r#"{"type":{"type":"string"}}"#.to_owned(),
        r#"{"type":["null","int"]}"#.to_owned(),
        r#"["null",["int"]]"#.to_owned(),
        r#"["int","long","int"]"#.to_owned(),
        r#"[{"type":"array","items":"int"},{"type":"array","items":"long"}]"#.to_owned(),
        r#"{"type":"array"}"#.to_owned(),
        r#"{"type":"map","values":7}"#.to_owned(),
        r#"{"type":"fixed","name":"F","size":3}"#.to_owned(),
        r#"{"type":"fixed","name":"F","size":-3}"#.to_owned(),
        r#"{"type":"fixed","size":3}"#.to_owned(),
        r#"{"type":"fixed","name":"a.b-c","size":3}"#.to_owned(),
        r#"{"type":"fixed","name":"1a","size":3}"#.to_owned(),
        r#"{"type":"enum","name":"E","symbols":["A","1"]}"#.to_owned(),
        r#"{"type":"enum","name":"E","symbols":["A","B"],"default":"B"}"#.to_owned(),
        r#"{"type":"enum","name":"E","symbols":["A","B"],"default":"C"}"#.to_owned(),
        r#"{"type":"enum","name":"E"}"#.to_owned(),
        r#"{"type":"int","logicalType":"date"}"#.to_owned(),
        r#"{"type":"int","logicalType":7}"#.to_owned(),
        r#"{"type":"string","logicalType":"no-such"}"#.to_owned(),
        r#"{"type":"bytes","logicalType":"decimal","precision":1,"scale":5}"#.to_owned(),
        r#"{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}"#.to_owned(),
        r#"{"type":"record","name":"R","fields":7}"#.to_owned(),
        field(r#"{"name":"f","type":"int"},{"name":"f","type":"int"}"#),
        field(r#"{"name":"f.g","type":"int"}"#),
        field(r#"{"type":"int"}"#),
        field(r#"{"name":"f"}"#),
        field(r#"{"name":"f","type":["null","R"]}"#),
        field(&format!(
            r#"{{"name":"f","type":{enumeration}}},{{"name":"g","type":"E"}}"#
        )),
        // Namespaces, and aliases as names.
        r#"{"type":"record","name":"R","namespace":"n","fields":[
            {"name":"f","type":{"type":"fixed","name":"F","size":1}},
            {"name":"g","type":"n.F"},{"name":"h","type":"F"}]}"#
            .to_owned(),
        r#"{"type":"record","name":"m.R","namespace":"n","fields":[
            {"name":"f","type":["null","m.R"]},{"name":"g","type":["null","R"]}]}"#
            .to_owned(),
        r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"f","type":"o.R"}]}"#
            .to_owned(),
        r#"{"type":"record","name":"R","aliases":["S"],"fields":[
            {"name":"f","type":["null","S"]}]}"#
            .to_owned(),
        r#"{"type":"record","name":"R","aliases":["S!"],"fields":[]}"#.to_owned(),
        with(r#""null""#, "null"),
        with(r#""null""#, "0"),
        with(r#""int""#, "7"),
        with(r#""int""#, "2147483648"),
        with(r#""int""#, r#""7""#),
        with(r#""long""#, "2147483648"),
        with(r#""double""#, "7"),
        with(r#""double""#, "7.5"),
        with(r#""double""#, "true"),
        with(r#""boolean""#, "true"),
        with(r#""string""#, r#""x""#),
        with(r#""string""#, "null"),
        with(r#""bytes""#, r#""x""#),
        with(r#"{"type":"array","items":"int"}"#, "[1,2]"),
        with(r#"{"type":"array","items":"int"}"#, r#"[1,"2"]"#),
        with(r#"{"type":"map","values":"int"}"#, r#"{"a":1}"#),
        with(r#"{"type":"map","values":"int"}"#, r#"{"a":"b"}"#),
        with(r#"["null","int"]"#, "null"),
        with(r#"["null","int"]"#, "7"),
        with(r#"["null","int"]"#, r#""x""#),
        with(enumeration, r#""A""#),
        with(enumeration, r#""C""#),
        with(inner, r#"{"a":1}"#),
        with(inner, r#"{"a":1,"b":"y"}"#),
        with(inner, r#"{"b":"y"}"#),
        with(inner, r#"{"a":"x"}"#),
    ] {
        let usual = apache_avro::Schema::parse_str(&definition);
        let ours = CompiledSchema::compile(SchemaKind::Avro, &definition);
        assert_eq!(
            usual.is_ok(),
            ours.is_ok(),
            "{definition}: {:?}, {:?}",
            usual.err(),
            ours.err()
        );
    }
    // The usual parser takes the second for the first, and readers of the language don't.
    let twice = r#"[{"type":"fixed","name":"F","size":1},
        {"type":"record","name":"R","fields":[{"name":"f","type":{"type":"fixed","name":"F","size":2}}]}]"#;
    assert!(refused(SchemaKind::Avro, twice).contains("twice"));
}

#[test]
fn defaults_of_unions_within_unions_are_bounded() {
    let mut definition =
        r#"{"type":"record","name":"A","fields":[{"name":"x","type":"int"}]}"#.to_owned();
    definition =
        format!(r#"{{"type":"record","name":"R","fields":[{{"name":"last","type":{definition}}}"#);
    for name in ["S", "T"] {
        write!(
            definition,
            r#",{{"name":"{name}","type":{{"type":"record","name":"{name}","fields":[
                {{"name":"n","type":["null","R","S"{}]}}]}}}}"#,
            if name == "T" { r#","T""# } else { "" }
        )
        .unwrap();
    }
    let deep = |levels: usize| format!("{}7{}", r#"{"n":"#.repeat(levels), "}".repeat(levels));
    let with = |levels: usize| {
        let default = deep(levels);
        format!(r#"{definition},{{"name":"d","type":["S","T"],"default":{default}}}]}}"#)
    };
    let started = std::time::Instant::now();
    for levels in [2, 30, 100] {
        refused(SchemaKind::Avro, &with(levels));
    }
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

#[test]
fn work_per_byte_does_not_grow_with_the_definition() {
    // One byte per item, and as many steps as there are fields without bytes if all are walked.
    let nulls: String = (0..5_000)
        .map(|n| format!(r#"{{"name":"n{n}","type":"null"}},"#))
        .collect();
    let wide = avro(&format!(
        r#"{{"type":"array","items":{{"type":"record","name":"R","fields":[{nulls}
            {{"name":"one","type":"boolean"}}]}}}}"#
    ));
    let mut data = [2, 1].repeat(100_000);
    data.push(0);
    let started = std::time::Instant::now();
    assert_eq!(binary(&wide, &data), Ok(()));
    assert!(started.elapsed() < std::time::Duration::from_secs(2));
    // A record of a record of a record... of one byte.
    let mut chain =
        r#"{"type":"record","name":"R0","fields":[{"name":"f","type":"int"}]}"#.to_owned();
    for n in 1..30 {
        chain = format!(
            r#"{{"type":"record","name":"R{n}","fields":[{{"name":"f","type":{chain}}}]}}"#
        );
    }
    assert_eq!(binary(&avro(&chain), &[2]), Ok(()));
}

#[test]
#[allow(
    clippy::too_many_lines,
    reason = "one table of what is taken and what not"
)]
fn json_is_taken_as_the_usual_parser_takes_it() {
    use prost_reflect::{DescriptorPool, DynamicMessage};
    let definition = r#"
        syntax = "proto3";
        package t;
        import "google/protobuf/any.proto";
        import "google/protobuf/duration.proto";
        import "google/protobuf/empty.proto";
        import "google/protobuf/field_mask.proto";
        import "google/protobuf/struct.proto";
        import "google/protobuf/timestamp.proto";
        import "google/protobuf/wrappers.proto";
        message M {
          enum E { A = 0; B = 5; }
          double d = 1; float f = 2; int32 i = 3; int64 l = 4; uint32 u = 5; uint64 ul = 6;
          bool b = 7; string s = 8; bytes y = 9; E e = 10; M m = 11;
          repeated int32 many = 12; repeated M ms = 13; map<int32, M> by = 14;
          map<bool, string> flags = 15; oneof o { int32 x = 16; M z = 17; }
          google.protobuf.Any any = 18; google.protobuf.Duration dur = 19;
          google.protobuf.Empty nothing = 20; google.protobuf.FieldMask mask = 21;
          google.protobuf.Struct struct = 22; google.protobuf.Value value = 23;
          google.protobuf.ListValue list = 24; google.protobuf.Timestamp at = 25;
          google.protobuf.Int64Value wl = 26; google.protobuf.StringValue ws = 27;
          google.protobuf.NullValue none = 28; repeated E es = 29; string two_words = 30;
          repeated google.protobuf.Value values = 31; google.protobuf.BytesValue wy = 32;
          fixed32 x32 = 33; sint64 s64 = 34; map<string, google.protobuf.Value> free = 35;
        }"#;
    let ours = protobuf(definition);
    let resolver = protox::file::GoogleFileResolver::new();
    let mut files = vec![];
    for name in [
        "any",
        "duration",
        "empty",
        "field_mask",
        "struct",
        "timestamp",
        "wrappers",
    ] {
        let name = format!("google/protobuf/{name}.proto");
        let file = protox::file::FileResolver::open_file(&resolver, &name).unwrap();
        files.push(file.into());
    }
    files.push(
        protox::file::File::from_source("m.proto", definition)
            .unwrap()
            .into(),
    );
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_protos(files).unwrap();
    let message = pool.get_message_by_name("t.M").unwrap();
    let usual = |json: &str| {
        let mut json = serde_json::Deserializer::from_str(json);
        let message = DynamicMessage::deserialize(message.clone(), &mut json);
        message.is_ok() && json.end().is_ok()
    };
    for (field, values) in [
        (
            "d",
            &[
                "1",
                "-1.5",
                "1e400",
                r#""NaN""#,
                r#""-Infinity""#,
                r#""1.5""#,
                r#""x""#,
                "true",
                "null",
                "[]",
                "{}",
            ][..],
        ),
        (
            "f",
            &["1", "1e39", "-1.5", r#""Infinity""#, "18446744073709551615"],
        ),
        (
            "i",
            &[
                "1",
                "-1",
                "2147483647",
                "2147483648",
                "1.0",
                "1.5",
                "1e3",
                r#""7""#,
                r#""7.0""#,
                r#"" 7""#,
                "null",
                "[]",
                "true",
            ],
        ),
        (
            "l",
            &[
                "9223372036854775807",
                "9223372036854775808",
                r#""-9223372036854775808""#,
                "1e18",
                "1e19",
            ],
        ),
        (
            "u",
            &[
                "0",
                "-1",
                "4294967295",
                "4294967296",
                r#""4294967295""#,
                r#""-1""#,
                "1e2",
            ],
        ),
        (
            "ul",
            &[
                "18446744073709551615",
                "-1",
                "1e19",
                "1e20",
                r#""18446744073709551615""#,
            ],
        ),
        ("x32", &["7", "-7"]),
        ("s64", &["-7", r#""-7""#]),
        ("b", &["true", "false", "1", r#""true""#, "null"]),
        ("s", &[r#""x""#, r#""\u00e9""#, "1", "null", "[]", "{}"]),
        (
            "y",
            &[
                r#""""#,
                r#""AAE=""#,
                r#""AAE""#,
                r#""AA==""#,
                r#""AA""#,
                r#""A""#,
                r#""-_-_""#,
                r#""+/+/""#,
                r#""-/""#,
                r#""A A""#,
                "1",
            ],
        ),
        (
            "e",
            &[
                r#""A""#,
                r#""B""#,
                r#""C""#,
                "5",
                "77",
                "1.0",
                "2147483648",
                "null",
                "true",
            ],
        ),
        (
            "m",
            &[
                "{}",
                r#"{"i":1}"#,
                r#"{"nope":1}"#,
                "null",
                "[]",
                r#""x""#,
                "1",
            ],
        ),
        (
            "many",
            &["[]", "[1,2]", r#"["1"]"#, "[null]", "1", "{}", "null"],
        ),
        ("ms", &["[{}]", "[null]", "[[]]", r#"[{"i":"x"}]"#]),
        (
            "by",
            &[
                "{}",
                r#"{"1":{}}"#,
                r#"{"x":{}}"#,
                r#"{"1":null}"#,
                "[]",
                r#"{"1":{"i":true}}"#,
            ],
        ),
        (
            "flags",
            &[r#"{"true":"x"}"#, r#"{"True":"x"}"#, r#"{"false":1}"#],
        ),
        (
            "any",
            &[
                "{}",
                "null",
                "[]",
                r#"{"@type":"type.googleapis.com/t.M","i":1}"#,
                r#"{"@type":"type.googleapis.com/t.M","i":"x"}"#,
                r#"{"@type":"type.googleapis.com/no.such"}"#,
                r#"{"@type":"nowhere"}"#,
                r#"{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}"#,
                r#"{"@type":"type.googleapis.com/google.protobuf.Duration","value":"x"}"#,
                r#"{"@type":"type.googleapis.com/google.protobuf.Duration"}"#,
            ],
        ),
        (
            "dur",
            &[r#""1s""#, r#""-1.5s""#, r#""1""#, "1", "null", "{}"],
        ),
        ("nothing", &["{}", r#"{"a":1}"#, "null", "[]"]),
        ("mask", &[r#""""#, r#""a,bC.d""#, r#""a_b""#, "1", "null"]),
        (
            "struct",
            &["{}", r#"{"a":[1,{"b":null}]}"#, "[]", "null", "1"],
        ),
        (
            "value",
            &["{}", "[1]", "1", "1.5", "-1", r#""x""#, "true", "null"],
        ),
        ("list", &["[]", r#"[1,"x",null,{}]"#, "{}", "null", "1"]),
        (
            "at",
            &[
                r#""2024-01-02T03:04:05Z""#,
                r#""2024-01-02T03:04:05.5+01:00""#,
                r#""2024-01-02""#,
                "1",
                "null",
            ],
        ),
        ("wl", &["1", r#""1""#, "null", "true", "{}", "1.5"]),
        ("ws", &[r#""x""#, "1", "null", r#"{"value":"x"}"#]),
        ("wy", &[r#""AAE=""#, r#""A""#]),
        ("none", &["null", r#""NULL_VALUE""#, r#""X""#]),
        ("es", &[r#"["A",5]"#, r#"["C"]"#, "[null]"]),
        ("twoWords", &[r#""x""#, "1"]),
        ("two_words", &[r#""x""#, "1"]),
        ("values", &["[null,1,{}]", "null"]),
        ("free", &[r#"{"a":null,"b":[{}]}"#]),
        ("nope", &["1", "null"]),
    ] {
        for value in values {
            let json = format!("{{\"{field}\":{value}}}");
            let result = ours.validate(MessageEncoding::Json, json.as_bytes());
            // An Any without a type is empty, as the mapping's own conformance tests have it.
            let expected = usual(&json) || json == r#"{"any":{}}"#;
            assert_eq!(result.is_ok(), expected, "{json}: {result:?}");
        }
    }
    for json in [
        r#"{"x":1,"z":{}}"#,
        r#"{"x":1,"z":null}"#,
        r#"{"x":1,"i":2}"#,
        r#"{"i":1,"i":2}"#,
        r#"{"m":{"m":{"m":{"x":1}}}}"#,
        "[]",
        "null",
        r#"{"i":1"#,
        "{} x",
    ] {
        let result = ours.validate(MessageEncoding::Json, json.as_bytes());
        assert_eq!(result.is_ok(), usual(json), "{json}: {result:?}");
    }
}

#[test]
fn a_binary_message_is_shown_as_json() {
    let definition = "syntax = \"proto3\"; message M { string name = 1; Size size = 2; repeated int32 n = 3; \
                      enum Size { S = 0; L = 1; } }";
    let data = [10, 1, b'a', 16, 1, 26, 2, 1, 2, 0x98, 6, 1];
    assert_eq!(
        shown(SchemaKind::ProtocolBuffer, definition, &data),
        Ok(serde_json::json!({"name": "a", "size": "L", "n": [1, 2]}))
    );
    assert!(shown(SchemaKind::ProtocolBuffer, definition, &data[..4]).is_err());
    assert!(shown(SchemaKind::ProtocolBuffer, "nothing", &data).is_err());
    assert_eq!(
        shown(SchemaKind::Avro, "\"string\"", b"\x02a"),
        Ok("a".into())
    );
}
