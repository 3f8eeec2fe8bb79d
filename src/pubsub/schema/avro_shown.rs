//! Avro's binary encoding as its JSON encoding, for people who look at messages.

use super::avro::{AvroSchema, Node, NodeId};
use super::avro_binary::{Walk, validate};
use super::{MismatchError, VALUES_SHOWN_MAX};
use hashbrown::HashMap;
use serde_json::{Map, Value};

/// Levels of nesting that are shown.
const DEPTH_SHOWN_MAX: usize = 100;

/// A message's value.
///
/// # Errors
/// If it isn't one value of the schema, or too large to be shown.
pub(super) fn shown(schema: &AvroSchema, data: &[u8]) -> Result<Value, MismatchError> {
    validate(schema, data)?;
    let mut show = Show {
        schema,
        walk: Walk::of(schema, data),
        symbols: HashMap::new(),
        values_left: VALUES_SHOWN_MAX,
    };
    show.value(schema.root(), 0)
}

struct Show<'a> {
    schema: &'a AvroSchema,
    walk: Walk<'a>,
    /// Symbols of the enumerations that were met, in their order.
    symbols: HashMap<NodeId, Vec<&'a str>>,
    values_left: usize,
}

impl<'a> Show<'a> {
    fn value(&mut self, id: NodeId, depth: usize) -> Result<Value, MismatchError> {
        let left = self.values_left.checked_sub(1);
        self.values_left = left.ok_or_else(|| MismatchError::new("too many values to show"))?;
        if depth > DEPTH_SHOWN_MAX {
            return Err(MismatchError::new("nested too deeply to show"));
        }
        let schema = self.schema;
        Ok(match schema.node(id) {
            Node::Null => Value::Null,
            Node::Boolean => (self.walk.take(1)? == [1]).into(),
            Node::Int | Node::Long => self.walk.long()?.into(),
            Node::Float => number(f64::from(f32::from_le_bytes(self.fixed()?))),
            Node::Double => number(f64::from_le_bytes(self.fixed()?)),
            Node::Bytes => latin(self.walk.sized()?),
            Node::Fixed(size) => latin(self.walk.take(*size)?),
            Node::String => self.text()?.into(),
            Node::Enum(symbols) => {
                let place = self.place()?;
                let in_order = self.symbols.entry(id).or_insert_with(|| {
                    let mut all: Vec<_> = symbols.iter().collect();
                    all.sort_unstable_by_key(|(_, place)| **place);
                    all.into_iter().map(|(symbol, _)| symbol.as_str()).collect()
                });
                in_order.get(place).copied().into()
            }
            Node::Array(item) => {
                let mut all = Vec::new();
                self.blocks(|show| {
                    all.push(show.value(*item, depth + 1)?);
                    Ok(())
                })?;
                Value::Array(all)
            }
            Node::Map(item) => {
                let mut all = Map::new();
                self.blocks(|show| {
                    let key = show.text()?;
                    all.insert(key, show.value(*item, depth + 1)?);
                    Ok(())
                })?;
                Value::Object(all)
            }
            Node::Union(union) => {
                let place = self.place()?;
                let branch = union.branches.get(place);
                let branch = branch.ok_or_else(|| MismatchError::new("no such branch"))?;
                let value = self.value(branch.node, depth + 1)?;
                if matches!(schema.node(branch.node), Node::Null) {
                    return Ok(value);
                }
                Value::Object(Map::from_iter([(branch.label.clone(), value)]))
            }
            Node::Record(record) => {
                let mut all = Map::new();
                for field in &record.fields {
                    all.insert(field.name.clone(), self.value(field.node, depth + 1)?);
                }
                Value::Object(all)
            }
        })
    }

    fn blocks(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<(), MismatchError>,
    ) -> Result<(), MismatchError> {
        loop {
            let count = self.walk.long()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 {
                self.walk.long()?;
            }
            for _ in 0..count.unsigned_abs() {
                item(self)?;
            }
        }
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], MismatchError> {
        let bytes = self.walk.take(N)?.try_into();
        bytes.map_err(|_| MismatchError::new("the data ends within the Avro value"))
    }

    fn place(&mut self) -> Result<usize, MismatchError> {
        let place = usize::try_from(self.walk.long()?);
        place.map_err(|_| MismatchError::new("a place is negative"))
    }

    fn text(&mut self) -> Result<String, MismatchError> {
        Ok(String::from_utf8_lossy(self.walk.sized()?).into_owned())
    }
}

/// JSON has no numbers for some.
fn number(value: f64) -> Value {
    if value.is_finite() {
        return value.into();
    }
    let text = match value {
        value if value.is_nan() => "NaN",
        value if value > 0.0 => "Infinity",
        _ => "-Infinity",
    };
    text.into()
}

/// Bytes, each as a code point.
fn latin(bytes: &[u8]) -> Value {
    bytes
        .iter()
        .copied()
        .map(char::from)
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use super::super::avro_encode::encode_json;
    use super::*;

    fn schema(definition: &str) -> AvroSchema {
        AvroSchema::compile(definition).expect("a valid definition")
    }

    #[test]
    fn what_was_written_is_shown() {
        let schema = schema(
            r#"{"type":"record","name":"All","fields":[
                {"name":"n","type":"null"},{"name":"yes","type":"boolean"},{"name":"l","type":"long"},
                {"name":"f","type":"float"},{"name":"d","type":"double"},{"name":"b","type":"bytes"},
                {"name":"x","type":{"type":"fixed","name":"Two","size":2}},{"name":"s","type":"string"},
                {"name":"e","type":{"type":"enum","name":"Size","symbols":["S","M","L"]}},
                {"name":"a","type":{"type":"array","items":"int"}},
                {"name":"m","type":{"type":"map","values":"string"}},
                {"name":"u","type":["null","string"]},{"name":"v","type":["null","string"]}]}"#,
        );
        let text = r#"{"n":null,"yes":true,"l":-7,"f":1.5,"d":"NaN","b":"\u00ff","x":"ab","s":"ü",
            "e":"L","a":[1,-2],"m":{"k":"v"},"u":null,"v":{"string":"w"}}"#;
        let bytes = encode_json(&schema, text.as_bytes()).expect("a value of the schema");
        let expected: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(shown(&schema, &bytes), Ok(expected));
        assert!(shown(&schema, &bytes[1..]).is_err());
    }

    #[test]
    fn what_takes_more_than_it_looks_is_not_shown() {
        let nulls = schema(r#"{"type":"array","items":"null"}"#);
        let mut bytes = Vec::new();
        super::super::put_long(&mut bytes, 1 << 19);
        bytes.push(0);
        assert_eq!(
            shown(&nulls, &bytes),
            Err(MismatchError::new("too many values to show"))
        );
    }
}
