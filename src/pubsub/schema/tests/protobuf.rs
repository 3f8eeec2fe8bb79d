//! Protocol buffers: definitions, and data in both encodings.

use super::*;

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
