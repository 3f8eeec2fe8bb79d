//! Checks that the defaults of an Avro definition are values of their fields' types.
//!
//! A default isn't expanded: a record's default may leave out the fields that have defaults of their
//! own, which are checked where they stand.

use super::avro::{AvroSchema, Node, NodeId};
use serde_json::Value;

/// Steps per byte of the definition. A default that a union's branches are tried for takes one step
/// per branch, and with unions within that as many as their product.
const STEPS_PER_BYTE_MAX: usize = 16;

pub(super) struct Defaults<'a> {
    schema: &'a AvroSchema,
    steps_left: usize,
}

/// The steps are used up.
struct TooManySteps;

impl<'a> Defaults<'a> {
    /// For the defaults of a definition of so many bytes.
    pub(super) fn new(schema: &'a AvroSchema, definition_bytes: usize) -> Self {
        Self {
            schema,
            steps_left: definition_bytes * STEPS_PER_BYTE_MAX,
        }
    }

    /// Checks one field's default.
    pub(super) fn check(&mut self, field: &str, node: NodeId, value: &Value) -> Result<(), String> {
        let field: String = field.chars().take(64).collect();
        match self.fits(node, value) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!(
                "the default of the field {field:?} isn't of its type"
            )),
            Err(TooManySteps) => Err(format!(
                "the defaults of unions are too involved, at the field {field:?}"
            )),
        }
    }

    fn fits(&mut self, id: NodeId, value: &Value) -> Result<bool, TooManySteps> {
        // Texts are looked at as a whole.
        let steps = 1 + value.as_str().map_or(0, str::len) / 8;
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(TooManySteps)?;
        Ok(match (self.schema.node(id), value) {
            (Node::Null, Value::Null)
            | (Node::Boolean, Value::Bool(_))
            | (Node::Float | Node::Double, Value::Number(_))
            | (Node::String, Value::String(_)) => true,
            (Node::Float | Node::Double, Value::String(text)) => {
                matches!(
                    &**text,
                    "NaN" | "Infinity" | "-Infinity" | "INF" | "-INF" | "inf" | "-inf"
                )
            }
            (Node::Int, Value::Number(number)) => number
                .as_i64()
                .is_some_and(|number| i32::try_from(number).is_ok()),
            (Node::Long, Value::Number(number)) => number.is_i64(),
            (Node::Bytes, Value::String(text)) => text.chars().all(|char| u32::from(char) <= 0xff),
            (Node::Fixed(size), Value::String(text)) => {
                text.chars().all(|char| u32::from(char) <= 0xff) && text.chars().count() == *size
            }
            (Node::Enum(symbols), Value::String(text)) => symbols.contains_key(text),
            (Node::Array(item), Value::Array(items)) => {
                self.all(items.iter().map(|value| (*item, value)))?
            }
            (Node::Map(of), Value::Object(members)) => {
                self.all(members.values().map(|value| (*of, value)))?
            }
            (Node::Union(union), value) => {
                for branch in &union.branches {
                    if self.fits(branch.node, value)? {
                        return Ok(true);
                    }
                }
                false
            }
            (Node::Record(record), Value::Object(members)) => {
                let mut missing = record.without_default;
                for (name, value) in members {
                    // Others are ignored, as every reader of definitions does.
                    let Some(place) = record.places.get(name) else {
                        continue;
                    };
                    let field = &record.fields[*place];
                    missing -= usize::from(!field.has_default);
                    if !self.fits(field.node, value)? {
                        return Ok(false);
                    }
                }
                missing == 0
            }
            _ => false,
        })
    }

    fn all<'v>(
        &mut self,
        values: impl Iterator<Item = (NodeId, &'v Value)>,
    ) -> Result<bool, TooManySteps> {
        for (id, value) in values {
            if !self.fits(id, value)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
