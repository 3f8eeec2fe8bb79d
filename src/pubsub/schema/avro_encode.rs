//! From Avro's JSON encoding to its binary one, for messages that conform.

use super::MismatchError;
use super::avro::{AvroSchema, Node, NodeId, Record};
use super::avro_json::validate;
use serde_json::Value;

/// A message in the binary encoding.
///
/// # Errors
/// If it isn't one value of the schema in the JSON encoding.
pub(super) fn encode_json(schema: &AvroSchema, data: &[u8]) -> Result<Vec<u8>, MismatchError> {
    validate(schema, data)?;
    let value: Value =
        serde_json::from_slice(data).map_err(|error| MismatchError(error.to_string()))?;
    let mut out = Vec::with_capacity(data.len());
    put(schema, schema.root(), &value, &mut out)?;
    Ok(out)
}

/// Writes an Avro `long`, which is how lengths and counts are written, too.
pub(in crate::pubsub) fn put_long(out: &mut Vec<u8>, value: i64) {
    let mut left = ((value << 1) ^ (value >> 63)) as u64;
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// Writes Avro `bytes` or a `string`.
pub(in crate::pubsub) fn put_text(out: &mut Vec<u8>, bytes: &[u8]) {
    put_long(out, bytes.len() as i64);
    out.extend_from_slice(bytes);
}

fn mismatch() -> MismatchError {
    MismatchError::new("not a value of the schema")
}

/// As deep as the value is, which has serde_json's bound.
fn put(
    schema: &AvroSchema,
    id: NodeId,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), MismatchError> {
    match (schema.node(id), value) {
        (Node::Null, Value::Null) => {}
        (Node::Boolean, Value::Bool(value)) => out.push(u8::from(*value)),
        (Node::Int | Node::Long, Value::Number(value)) => {
            put_long(out, value.as_i64().ok_or_else(mismatch)?);
        }
        (Node::Float, value) => {
            out.extend_from_slice(&(float(value)? as f32).to_le_bytes());
        }
        (Node::Double, value) => out.extend_from_slice(&float(value)?.to_le_bytes()),
        (Node::String, Value::String(text)) => put_text(out, text.as_bytes()),
        (Node::Bytes, Value::String(text)) => put_text(out, &raw(text)?),
        (Node::Fixed(_), Value::String(text)) => out.extend_from_slice(&raw(text)?),
        (Node::Enum(symbols), Value::String(text)) => {
            put_long(out, *symbols.get(text).ok_or_else(mismatch)? as i64);
        }
        (Node::Array(item), Value::Array(values)) => {
            if !values.is_empty() {
                put_long(out, values.len() as i64);
            }
            for value in values {
                put(schema, *item, value, out)?;
            }
            put_long(out, 0);
        }
        (Node::Map(item), Value::Object(entries)) => {
            if !entries.is_empty() {
                put_long(out, entries.len() as i64);
            }
            for (key, value) in entries {
                put_text(out, key.as_bytes());
                put(schema, *item, value, out)?;
            }
            put_long(out, 0);
        }
        (Node::Union(union), value) => {
            let (label, value) = match value {
                Value::Object(entries) => {
                    let (label, value) = entries.iter().next().ok_or_else(mismatch)?;
                    (label.as_str(), value)
                }
                _ => ("null", value),
            };
            let place = *union.places.get(label).ok_or_else(mismatch)?;
            put_long(out, place as i64);
            put(schema, union.branches[place].node, value, out)?;
        }
        (Node::Record(record), Value::Object(entries)) => {
            put_record(schema, record, entries, out)?;
        }
        _ => return Err(mismatch()),
    }
    Ok(())
}

fn put_record(
    schema: &AvroSchema,
    record: &Record,
    entries: &serde_json::Map<String, Value>,
    out: &mut Vec<u8>,
) -> Result<(), MismatchError> {
    for field in &record.fields {
        let value = entries.get(&field.name).ok_or_else(mismatch)?;
        put(schema, field.node, value, out)?;
    }
    Ok(())
}

/// JSON has no numbers for some.
fn float(value: &Value) -> Result<f64, MismatchError> {
    match value {
        Value::Number(number) => number.as_f64().ok_or_else(mismatch),
        Value::String(text) if text == "NaN" => Ok(f64::NAN),
        Value::String(text) if text == "Infinity" => Ok(f64::INFINITY),
        Value::String(text) if text == "-Infinity" => Ok(f64::NEG_INFINITY),
        _ => Err(mismatch()),
    }
}

/// Bytes, each a code point.
fn raw(text: &str) -> Result<Vec<u8>, MismatchError> {
    text.chars()
        .map(|char| u8::try_from(u32::from(char)).map_err(|_| mismatch()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pubsub::schema::avro_binary;
    use apache_avro::Schema;
    use apache_avro::reader::datum::GenericDatumReader;
    use apache_avro::types::Value as Avro;

    const DEFINITION: &str = r#"{
        "type": "record", "name": "R", "namespace": "n", "fields": [
            {"name": "i", "type": "int"},
            {"name": "d", "type": "double"},
            {"name": "b", "type": "bytes"},
            {"name": "e", "type": {"type": "enum", "name": "E", "symbols": ["x", "y"]}},
            {"name": "l", "type": {"type": "array", "items": "long"}},
            {"name": "m", "type": {"type": "map", "values": "boolean"}},
            {"name": "f", "type": {"type": "fixed", "name": "F", "size": 2}},
            {"name": "next", "type": ["null", "R"]}
        ]
    }"#;

    #[test]
    fn what_is_written_reads_back() {
        let schema = AvroSchema::compile(DEFINITION).unwrap();
        let inner = r#"{"next": null, "i": -3, "d": "NaN", "b": "", "e": "x", "l": [], "m": {},
                        "f": "\u0000\u00ff"}"#;
        let outer = format!(
            r#"{{"i": 2147483647, "d": 1, "b": "\u00ff1", "e": "y", "l": [-1, 9007199254740993],
                 "m": {{"k": true}}, "f": "ab", "next": {{"n.R": {inner}}}}}"#
        );
        let bytes = encode_json(&schema, outer.as_bytes()).unwrap();
        avro_binary::validate(&schema, &bytes).unwrap();
        let theirs = Schema::parse_str(DEFINITION).unwrap();
        let reader = GenericDatumReader::builder(&theirs).build().unwrap();
        let read = reader.read_value(&mut &bytes[..]).unwrap();
        let Avro::Record(fields) = read else {
            panic!("{read:?}")
        };
        assert_eq!(fields[0].1, Avro::Int(i32::MAX));
        assert_eq!(fields[1].1, Avro::Double(1.0));
        assert_eq!(fields[2].1, Avro::Bytes(vec![0xff, b'1']));
        assert_eq!(fields[3].1, Avro::Enum(1, "y".to_owned()));
        assert_eq!(
            fields[4].1,
            Avro::Array(vec![Avro::Long(-1), Avro::Long(9_007_199_254_740_993)])
        );
        assert_eq!(fields[6].1, Avro::Fixed(2, b"ab".to_vec()));
        assert!(matches!(&fields[7].1, Avro::Union(1, _)));
        assert!(encode_json(&schema, b"{}").is_err());
        assert!(encode_json(&schema, &outer.as_bytes()[1..]).is_err());
    }
}
