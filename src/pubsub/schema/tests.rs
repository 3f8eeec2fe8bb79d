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
#[ignore]
fn probe() {
    use std::time::Instant;
    let gens: Vec<(&str, Box<dyn Fn(usize) -> String>)> = vec![
        ("fields", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (1..=n/14).map(|i| format!("int32 f{i}={i};")).collect::<String>()))),
        ("nested", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (0..n/12).map(|i| format!("message B{i}{{}}")).collect::<String>()))),
        ("reserved", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (0..n/20).map(|i| format!("reserved {};", 2*i+1)).collect::<String>()))),
        ("extranges", Box::new(|n| format!("syntax=\"proto2\";message A{{{}}}", (0..n/20).map(|i| format!("extensions {};", 2*i+1)).collect::<String>()))),
        ("enum", Box::new(|n| format!("syntax=\"proto3\";message A{{enum E{{Z=0;{}}}}}", (1..n/12).map(|i| format!("A{i}={i};")).collect::<String>()))),
        ("enumres", Box::new(|n| format!("syntax=\"proto3\";message A{{enum E{{Z=0;{}}}}}", (1..n/20).map(|i| format!("reserved {};", 2*i+1)).collect::<String>()))),
        ("oneofs", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (1..=n/30).map(|i| format!("oneof o{i}{{int32 f{i}={i};}}")).collect::<String>()))),
        ("options", Box::new(|n| format!("syntax=\"proto3\";message A{{int32 f=1[{}];}}", vec!["deprecated=true"; n/16].join(",")))),
        ("comments", Box::new(|n| format!("syntax=\"proto3\";{}message A{{}}", "// x\n".repeat(n/5)))),
        ("braces", Box::new(|n| format!("syntax=\"proto3\";option (x)={}{};message A{{}}", "{a:".repeat(n/4), "}".repeat(n/4)))),
        ("brackets", Box::new(|n| format!("syntax=\"proto3\";option (x)={{a:{}{}}};message A{{}}", "[".repeat(n/2), "]".repeat(n/2)))),
        ("imports", Box::new(|n| format!("syntax=\"proto3\";{}message A{{}}", "import \"google/protobuf/any.proto\";".repeat(n/37)))),
        ("deepnames", Box::new(|n| format!("syntax=\"proto3\";package {};message A{{}}", vec!["a"; n/2].join(".")))),
        ("msgopts", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", "option deprecated=true;".repeat(n/24)))),
        ("msgopts2", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (0..n/14).map(|i| format!("option a{i}=1;")).collect::<String>()))),
        ("dotopts", Box::new(|n| format!("syntax=\"proto3\";message A{{option a{}=1;}}", ".a".repeat(n/2)))),
        ("dottype", Box::new(|n| format!("syntax=\"proto3\";message A{{a{} x=1;}}", ".a".repeat(n/2)))),
        ("manydottype", Box::new(|n| format!("syntax=\"proto3\";package {};message A{{{}}}", vec!["p"; 30].join("."), (1..n/20).map(|i| format!("p.p.p.A a{i}={i};")).collect::<String>()))),
        ("longname", Box::new(|n| format!("syntax=\"proto3\";message A{{message {} {{ {} }} }}", "B".repeat(n/2), (1..n/28).map(|i| format!("int32 a{i}={i};")).collect::<String>()))),
        ("deepmsgs", Box::new(|n| { let d = 60; let k = n/ 14 / 2; format!("syntax=\"proto3\";{} message B{{ }} {} {}", "message A{".repeat(d), (1..=k).map(|i| format!("B f{i}={i};")).collect::<String>(), "}".repeat(d)) })),
        ("groups", Box::new(|n| format!("syntax=\"proto2\";message A{{{}}}", (1..=n/30).map(|i| format!("optional group G{i}={i}{{}}")).collect::<String>()))),
        ("errors", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (1..=n/14).map(|i| format!("Xyz f{i}={i};")).collect::<String>()))),
        ("dups", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (1..=n/14).map(|_| "int32 f=1;".to_string()).collect::<String>()))),
        ("semis", Box::new(|n| format!("syntax=\"proto3\";message A{{}}{}", ";".repeat(n)))),
        ("json_names", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (1..=n/30).map(|i| format!("int32 f{i}={i}[json_name=\"a\"];")).collect::<String>()))),
        ("map", Box::new(|n| format!("syntax=\"proto3\";message A{{{}}}", (1..=n/24).map(|i| format!("map<int32,A>f{i}={i};")).collect::<String>()))),
        ("ranges1", Box::new(|n| format!("syntax=\"proto2\";message A{{extensions {};}}", (1..=n/10).map(|i| (2*i).to_string()).collect::<Vec<_>>().join(",")))),
        ("garbage", Box::new(|n| "@".repeat(n))),
        ("string", Box::new(|n| format!("syntax=\"proto3\";option (x)={};message A{{}}", "\"a\"".repeat(n/3)))),
    ];
    for (name, g) in gens {
        for n in [10_000usize, 20_000, 40_000] {
            let d = g(n);
            let t = Instant::now();
            let r = CompiledSchema::compile(SchemaKind::ProtocolBuffer, &d);
            eprintln!("{name} {n} {} {:?} {}", d.len(), t.elapsed(), match &r { Ok(_) => "ok".to_string(), Err(e) => format!("{} {}", e.0.len(), e.0.chars().take(80).collect::<String>()) });
        }
    }
}
