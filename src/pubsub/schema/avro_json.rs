//! Avro's JSON encoding, checked while it is parsed.
//!
//! It isn't the obvious mapping: a union's value is wrapped in an object that names its branch
//! (`{"string": "x"}`) unless it is null, and bytes are strings of code points up to U+00FF.

use super::MismatchError;
use super::avro::{AvroSchema, Branch, Node, NodeId, Record, Union};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Branches of a union that an error names.
const BRANCHES_SHOWN_MAX: usize = 16;

pub(super) fn validate(schema: &AvroSchema, data: &[u8]) -> Result<(), MismatchError> {
    let mut json = serde_json::Deserializer::from_slice(data);
    let root = Value {
        schema,
        id: schema.root(),
    };
    root.deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| MismatchError(error.to_string()))
}

/// One value to come, and the type that it must have.
#[derive(Clone, Copy)]
struct Value<'a> {
    schema: &'a AvroSchema,
    id: NodeId,
}

impl<'a> Value<'a> {
    fn node(self) -> &'a Node {
        self.schema.node(self.id)
    }

    fn of(self, id: NodeId) -> Self {
        Self { id, ..self }
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node() {
            Node::Null => f.write_str("null"),
            Node::Boolean => f.write_str("a boolean"),
            Node::Int => f.write_str("an int"),
            Node::Long => f.write_str("a long"),
            Node::Float => f.write_str("a float"),
            Node::Double => f.write_str("a double"),
            Node::Bytes => f.write_str("bytes as a string of code points up to U+00FF"),
            Node::String => f.write_str("a string"),
            Node::Fixed(size) => write!(f, "{size} bytes as code points up to U+00FF"),
            Node::Enum(_) => f.write_str("a symbol of the enum"),
            Node::Array(_) => f.write_str("an array"),
            Node::Map(_) => f.write_str("a map"),
            Node::Union(union) => {
                f.write_str("a union's value: null, or an object with one key of")?;
                let named = |branch: &&Branch| branch.label != "null";
                for branch in union.branches.iter().filter(named).take(BRANCHES_SHOWN_MAX) {
                    write!(f, " {}", branch.label)?;
                }
                Ok(())
            }
            Node::Record(record) => write!(f, "an object of record {}", record.name),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        match self.node() {
            Node::Null => Ok(()),
            Node::Union(union) if union.takes_null() => Ok(()),
            _ => Err(E::invalid_type(serde::de::Unexpected::Unit, &self)),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        match self.node() {
            Node::Boolean => Ok(()),
            _ => Err(E::invalid_type(serde::de::Unexpected::Bool(value), &self)),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        match self.node() {
            Node::Int if i32::try_from(value).is_ok() => Ok(()),
            Node::Long | Node::Float | Node::Double => Ok(()),
            _ => Err(E::invalid_type(serde::de::Unexpected::Signed(value), &self)),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) if matches!(self.node(), Node::Float | Node::Double) => Ok(()),
            Err(_) => Err(E::invalid_value(
                serde::de::Unexpected::Unsigned(value),
                &self,
            )),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        match self.node() {
            Node::Float | Node::Double => Ok(()),
            _ => Err(E::invalid_type(serde::de::Unexpected::Float(value), &self)),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let fits = match self.node() {
            Node::String => true,
            Node::Bytes => text.chars().all(is_byte),
            Node::Fixed(size) => text.chars().all(is_byte) && text.chars().count() == *size,
            Node::Enum(symbols) => symbols.contains_key(text),
            // JSON has no numbers for these.
            Node::Float | Node::Double => matches!(text, "NaN" | "Infinity" | "-Infinity"),
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(E::custom(format_args!(
                "a string where {Expected} is expected",
                Expected = Expected(self)
            )))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Node::Array(item) = self.node() else {
            return Err(A::Error::invalid_type(serde::de::Unexpected::Seq, &self));
        };
        while items.next_element_seed(self.of(*item))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<(), A::Error> {
        match self.node() {
            Node::Map(value) => self.map(*value, entries),
            Node::Union(union) => self.union(union, entries),
            Node::Record(record) => self.record(record, entries),
            _ => Err(A::Error::invalid_type(serde::de::Unexpected::Map, &self)),
        }
    }
}

impl Value<'_> {
    fn map<'de, A: MapAccess<'de>>(self, value: NodeId, mut entries: A) -> Result<(), A::Error> {
        while entries.next_key_seed(Key(|_: &str| ()))?.is_some() {
            entries.next_value_seed(self.of(value))?;
        }
        Ok(())
    }

    fn union<'de, A: MapAccess<'de>>(self, union: &Union, mut entries: A) -> Result<(), A::Error> {
        let find = |key: &str| union.branch(key);
        match entries.next_key_seed(Key(find))? {
            Some(Some(branch)) if branch.label != "null" => {
                entries.next_value_seed(self.of(branch.node))?;
            }
            _ => {
                return Err(A::Error::custom(format_args!(
                    "an object where {} is expected",
                    Expected(self)
                )));
            }
        }
        match entries.next_key_seed(Key(|_: &str| ()))? {
            None => Ok(()),
            Some(()) => Err(A::Error::custom("a union's value must name one branch")),
        }
    }

    fn record<'de, A: MapAccess<'de>>(
        self,
        record: &Record,
        mut entries: A,
    ) -> Result<(), A::Error> {
        let mut seen = vec![false; record.fields.len()];
        let place = |key: &str| {
            let place = record.places.get(key).copied();
            place.ok_or_else(|| shortened(key))
        };
        while let Some(place) = entries.next_key_seed(Key(place))? {
            let place = place.map_err(|key| {
                A::Error::custom(format_args!("record {} has no field {key}", record.name))
            })?;
            let field = &record.fields[place];
            if std::mem::replace(&mut seen[place], true) {
                return Err(A::Error::custom(format_args!(
                    "field {} comes twice",
                    field.name
                )));
            }
            entries.next_value_seed(self.of(field.node))?;
        }
        match seen.iter().position(|seen| !seen) {
            None => Ok(()),
            Some(place) => Err(A::Error::custom(format_args!(
                "field {} of record {} is missing",
                record.fields[place].name, record.name
            ))),
        }
    }
}

/// Shows what a value should have been.
struct Expected<'a>(Value<'a>);

impl fmt::Display for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }
}

/// An object's key, turned into something without keeping the text.
struct Key<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Key<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de, T, F: FnOnce(&str) -> T> Visitor<'de> for Key<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok((self.0)(text))
    }
}

fn is_byte(char: char) -> bool {
    u32::from(char) <= 0xff
}

/// An error's text must not be as long as a message.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
