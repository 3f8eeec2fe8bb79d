//! Protocol buffers' binary encoding, walked without building values.
//!
//! Unknown fields are fine, as they are to any reader of this encoding.

use super::MismatchError;
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor, Syntax};

/// Levels of nesting, the usual bound of protocol buffer readers.
const DEPTH_MAX: usize = 100;

pub(super) fn validate(message: &MessageDescriptor, data: &[u8]) -> Result<(), MismatchError> {
    let mut walk = Walk { rest: data };
    walk.message(Some(message), None, 0)
}

/// Wire types that aren't sized by their field's kind.
const VARINT: u8 = 0;
const FIXED64: u8 = 1;
const SIZED: u8 = 2;
const GROUP: u8 = 3;
const GROUP_END: u8 = 4;
const FIXED32: u8 = 5;

struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    /// A message up to the end of the data, or up to the end of `group`. One that the definition
    /// doesn't know has no descriptor.
    fn message(
        &mut self,
        message: Option<&MessageDescriptor>,
        group: Option<u32>,
        depth: usize,
    ) -> Result<(), MismatchError> {
        if depth > DEPTH_MAX {
            return Err(MismatchError::new("the message is nested too deeply"));
        }
        let mut required: Vec<u32> = match message {
            Some(message) if message.parent_file().syntax() == Syntax::Proto2 => message
                .fields()
                .filter(|field| field.cardinality() == Cardinality::Required)
                .map(|field| field.number())
                .collect(),
            _ => Vec::new(),
        };
        while !self.rest.is_empty() {
            let (number, wire) = self.key()?;
            if wire == GROUP_END {
                if group == Some(number) {
                    return self.end(message, &required);
                }
                return Err(MismatchError::new("a group ends that didn't begin"));
            }
            required.retain(|missing| *missing != number);
            let field = message.and_then(|message| message.get_field(number));
            match field {
                Some(field) => self.field(&field, wire, depth).map_err(|error| {
                    if error.0.starts_with("field ") {
                        error
                    } else {
                        MismatchError(format!("field {}: {}", field.name(), error.0))
                    }
                })?,
                None => self.unknown(number, wire, depth)?,
            }
        }
        match group {
            None => self.end(message, &required),
            Some(_) => Err(ends_early()),
        }
    }

    fn end(
        &self,
        message: Option<&MessageDescriptor>,
        required: &[u32],
    ) -> Result<(), MismatchError> {
        match (message, required.first()) {
            (Some(message), Some(missing)) => {
                let field = message.get_field(*missing);
                let name = field.as_ref().map_or("", |field| field.name());
                Err(MismatchError(format!(
                    "required field {name} of {} is missing",
                    message.name()
                )))
            }
            _ => Ok(()),
        }
    }

    fn key(&mut self) -> Result<(u32, u8), MismatchError> {
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).unwrap_or(u32::MAX);
        if number == 0 || number >= 1 << 29 {
            return Err(MismatchError::new("a field's number is out of range"));
        }
        Ok((number, (key & 7) as u8))
    }

    fn field(
        &mut self,
        field: &FieldDescriptor,
        wire: u8,
        depth: usize,
    ) -> Result<(), MismatchError> {
        let kind = field.kind();
        let own = wire_type(&kind, field.is_group());
        if wire == own {
            return match &kind {
                Kind::Message(message) if field.is_group() => {
                    self.message(Some(message), Some(field.number()), depth + 1)
                }
                Kind::Message(message) => {
                    let data = self.sized()?;
                    Walk { rest: data }.message(Some(message), None, depth + 1)
                }
                Kind::String => {
                    let text = self.sized()?;
                    let proto2 = field.parent_file().syntax() == Syntax::Proto2;
                    if proto2 || std::str::from_utf8(text).is_ok() {
                        Ok(())
                    } else {
                        Err(MismatchError::new("a string isn't UTF-8"))
                    }
                }
                Kind::Bytes => self.sized().map(drop),
                _ => self.scalar(own),
            };
        }
        if wire == SIZED && field.is_list() && matches!(own, VARINT | FIXED32 | FIXED64) {
            let mut packed = Walk {
                rest: self.sized()?,
            };
            while !packed.rest.is_empty() {
                packed.scalar(own)?;
            }
            return Ok(());
        }
        Err(MismatchError(format!(
            "wire type {wire} where {own} is expected"
        )))
    }

    fn unknown(&mut self, number: u32, wire: u8, depth: usize) -> Result<(), MismatchError> {
        match wire {
            SIZED => self.sized().map(drop),
            GROUP => self.message(None, Some(number), depth + 1),
            _ => self.scalar(wire),
        }
    }

    fn scalar(&mut self, wire: u8) -> Result<(), MismatchError> {
        match wire {
            VARINT => self.varint().map(drop),
            FIXED64 => self.take(8).map(drop),
            FIXED32 => self.take(4).map(drop),
            _ => Err(MismatchError(format!("there is no wire type {wire}"))),
        }
    }

    fn varint(&mut self) -> Result<u64, MismatchError> {
        let mut value = 0_u64;
        for place in 0..10 {
            let byte = self.take(1)?[0];
            if place == 9 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(MismatchError::new("a number is longer than 64 bits"))
    }

    fn sized(&mut self) -> Result<&'a [u8], MismatchError> {
        let size = usize::try_from(self.varint()?).map_err(|_| ends_early())?;
        self.take(size)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], MismatchError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(ends_early)?;
        self.rest = rest;
        Ok(taken)
    }
}

fn ends_early() -> MismatchError {
    MismatchError::new("the data ends within the message")
}

fn wire_type(kind: &Kind, group: bool) -> u8 {
    match kind {
        Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => FIXED64,
        Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => FIXED32,
        Kind::Message(_) if group => GROUP,
        Kind::String | Kind::Bytes | Kind::Message(_) => SIZED,
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Bool
        | Kind::Enum(_) => VARINT,
    }
}
