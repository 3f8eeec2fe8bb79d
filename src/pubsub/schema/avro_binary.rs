//! Avro's binary encoding, walked without building values.

use super::avro::{AvroSchema, Node, NodeId};
use super::{DEPTH_MAX, MismatchError};

/// Items without bytes, such as nulls, that an array may hold.
const EMPTY_ITEMS_MAX: i64 = 1 << 20;

/// Values per byte of a message: a record of a record of a number is three values in one byte.
const VALUES_PER_BYTE_MAX: usize = 64;

/// Values that a message may hold however small it is.
const VALUES_MIN: usize = 4096;

pub(super) fn validate(schema: &AvroSchema, data: &[u8]) -> Result<(), MismatchError> {
    let mut walk = Walk::of(schema, data);
    walk.value(schema.root(), 0)?;
    if walk.rest.is_empty() {
        Ok(())
    } else {
        Err(MismatchError(format!(
            "{} bytes are left after the Avro value",
            walk.rest.len()
        )))
    }
}

pub(super) struct Walk<'a> {
    schema: &'a AvroSchema,
    pub(super) rest: &'a [u8],
    values_left: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn of(schema: &'a AvroSchema, data: &'a [u8]) -> Self {
        Self {
            schema,
            rest: data,
            values_left: VALUES_MIN + data.len() * VALUES_PER_BYTE_MAX,
        }
    }

    fn value(&mut self, id: NodeId, depth: usize) -> Result<(), MismatchError> {
        if depth > DEPTH_MAX {
            return Err(MismatchError::new("the Avro value is nested too deeply"));
        }
        let Some(left) = self.values_left.checked_sub(1) else {
            return Err(MismatchError::new(
                "the Avro value has too many values for its size",
            ));
        };
        self.values_left = left;
        if self.schema.is_empty(id) {
            return Ok(());
        }
        match self.schema.node(id) {
            Node::Null => {}
            Node::Boolean => match self.take(1)? {
                [0 | 1] => {}
                _ => return Err(MismatchError::new("a boolean must be 0 or 1")),
            },
            Node::Int => {
                let value = self.long()?;
                if i32::try_from(value).is_err() {
                    return Err(MismatchError(format!("{value} doesn't fit an int")));
                }
            }
            Node::Long => drop(self.long()?),
            Node::Float => drop(self.take(4)?),
            Node::Double => drop(self.take(8)?),
            Node::Bytes => drop(self.sized()?),
            Node::String => self.text()?,
            Node::Fixed(size) => drop(self.take(*size)?),
            Node::Enum(symbols) => {
                let place = self.long()?;
                if usize::try_from(place).map_or(true, |place| place >= symbols.len()) {
                    return Err(MismatchError(format!("an enum has no symbol {place}")));
                }
            }
            Node::Array(item) => {
                let empty = self.schema.is_empty(*item);
                self.blocks(empty, |walk| walk.value(*item, depth + 1))?;
            }
            Node::Map(value) => self.blocks(false, |walk| {
                walk.text()?;
                walk.value(*value, depth + 1)
            })?,
            Node::Union(union) => {
                let place = self.long()?;
                let branch = usize::try_from(place)
                    .ok()
                    .and_then(|place| union.branches.get(place))
                    .ok_or_else(|| MismatchError(format!("a union has no branch {place}")))?;
                self.value(branch.node, depth + 1)?;
            }
            Node::Record(record) => {
                for place in &record.with_bytes {
                    let field = &record.fields[*place];
                    self.value(field.node, depth + 1)
                        .map_err(|error| MismatchError(in_field(&field.name, error)))?;
                }
            }
        }
        Ok(())
    }

    /// Items of an array or a map, which come in counted blocks until an empty one. Those that are
    /// `empty` of bytes aren't looked at one by one: three bytes may say that there are millions.
    fn blocks(
        &mut self,
        empty: bool,
        mut item: impl FnMut(&mut Self) -> Result<(), MismatchError>,
    ) -> Result<(), MismatchError> {
        let mut empty_items = 0_i64;
        loop {
            let mut count = self.long()?;
            if count == 0 {
                return Ok(());
            }
            // A negative count is followed by the block's size in bytes, for readers that skip.
            let size = if count < 0 {
                count = count.checked_neg().ok_or_else(bad_count)?;
                Some(usize::try_from(self.long()?).map_err(|_| bad_count())?)
            } else {
                None
            };
            let before = self.rest.len();
            if empty {
                empty_items = empty_items.saturating_add(count);
                if empty_items > EMPTY_ITEMS_MAX {
                    return Err(MismatchError::new("an array has too many empty items"));
                }
            } else {
                for _ in 0..count {
                    item(self)?;
                }
            }
            if size.is_some_and(|size| size != before - self.rest.len()) {
                return Err(MismatchError::new("a block's size is wrong"));
            }
        }
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], MismatchError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or_else(|| MismatchError::new("the data ends within the Avro value"))?;
        self.rest = rest;
        Ok(taken)
    }

    /// A zigzag variable-length number.
    pub(super) fn long(&mut self) -> Result<i64, MismatchError> {
        let mut bits = 0_u64;
        for place in 0..10 {
            let byte = self.take(1)?[0];
            if place == 9 && byte > 1 {
                break;
            }
            bits |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok((bits >> 1) as i64 ^ -((bits & 1) as i64));
            }
        }
        Err(MismatchError::new("a number is longer than 64 bits"))
    }

    pub(super) fn sized(&mut self) -> Result<&'a [u8], MismatchError> {
        let size = self.long()?;
        let size = usize::try_from(size)
            .map_err(|_| MismatchError::new("a length must not be negative"))?;
        self.take(size)
    }

    fn text(&mut self) -> Result<(), MismatchError> {
        let bytes = self.sized()?;
        match std::str::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(_) => Err(MismatchError::new("a string isn't UTF-8")),
        }
    }
}

fn bad_count() -> MismatchError {
    MismatchError::new("a block's count or size is wrong")
}

/// Names the innermost field only: the message must not grow with the nesting.
fn in_field(name: &str, error: MismatchError) -> String {
    if error.0.starts_with("field ") {
        error.0
    } else {
        format!("field {name}: {}", error.0)
    }
}
