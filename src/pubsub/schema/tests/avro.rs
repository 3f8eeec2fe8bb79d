//! Avro: definitions, and data in both encodings.

use super::*;
use std::fmt::Write;

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
