//! The same answers as the parsers that others use.

use super::*;

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
