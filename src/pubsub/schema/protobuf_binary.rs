//! Protocol buffers' binary encoding, walked without building values.
//!
//! Unknown fields are fine, as they are to any reader of this encoding.

use super::MismatchError;
use super::protobuf_layout::{FieldLayout, Holds, Layout, MessageId};
use super::protobuf_required::Required;
use crate::protobuf::wire::{FIXED32, FIXED64, GROUP, GROUP_END, SIZED, VARINT};
use crate::protobuf::{Fault, Reader, key_parts};

/// Levels of nesting, the usual bound of protocol buffer readers.
const DEPTH_MAX: usize = 100;

pub(super) fn validate(layout: &Layout, data: &[u8]) -> Result<(), MismatchError> {
    let rest = Reader::of(data);
    let mut walk = Walk { layout, rest };
    walk.message(Some(0), None, 0)
}

struct Walk<'a> {
    layout: &'a Layout,
    rest: Reader<'a>,
}

impl<'a> Walk<'a> {
    /// A message up to the end of the data, or up to the end of `group`. One that the definition
    /// doesn't know has no layout.
    fn message(
        &mut self,
        message: Option<MessageId>,
        group: Option<u32>,
        depth: usize,
    ) -> Result<(), MismatchError> {
        if depth > DEPTH_MAX {
            return Err(MismatchError::new("the message is nested too deeply"));
        }
        let layout = self.layout;
        let message = message.map(|id| layout.message(id));
        let mut required = Required::of(message);
        while !self.rest.is_empty() {
            let (number, wire) = self.key()?;
            if wire == GROUP_END {
                if group == Some(number) {
                    return required.check(message);
                }
                return Err(MismatchError::new("a group ends that didn't begin"));
            }
            match message.and_then(|message| message.fields.get(&number)) {
                Some(field) => {
                    if let Some(place) = field.required {
                        required.note(place);
                    }
                    self.field(number, field, wire, depth).map_err(|error| {
                        if error.0.starts_with("field ") {
                            error
                        } else {
                            MismatchError(format!("field {}: {}", field.name, error.0))
                        }
                    })?;
                }
                None => self.unknown(number, wire, depth)?,
            }
        }
        match group {
            None => required.check(message),
            Some(_) => Err(ends_early()),
        }
    }

    fn key(&mut self) -> Result<(u32, u8), MismatchError> {
        let (number, wire) = key_parts(self.rest.varint()?);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        if number == 0 || number >= 1 << 29 {
            return Err(MismatchError::new("a field's number is out of range"));
        }
        Ok((number, wire))
    }

    fn field(
        &mut self,
        number: u32,
        field: &FieldLayout,
        wire: u8,
        depth: usize,
    ) -> Result<(), MismatchError> {
        if wire == field.wire {
            return match field.holds {
                Holds::Message(message) if wire == GROUP => {
                    self.message(Some(message), Some(number), depth + 1)
                }
                Holds::Message(message) => {
                    let rest = Reader::of(self.rest.sized()?);
                    let layout = self.layout;
                    Walk { layout, rest }.message(Some(message), None, depth + 1)
                }
                Holds::Text { checked } => {
                    let text = self.rest.sized()?;
                    if !checked || std::str::from_utf8(text).is_ok() {
                        Ok(())
                    } else {
                        Err(MismatchError::new("a string isn't UTF-8"))
                    }
                }
                Holds::Bytes => Ok(self.rest.sized().map(drop)?),
                Holds::Scalar => self.scalar(wire),
            };
        }
        if wire == SIZED && field.is_list && matches!(field.wire, VARINT | FIXED32 | FIXED64) {
            let mut packed = Walk {
                layout: self.layout,
                rest: Reader::of(self.rest.sized()?),
            };
            while !packed.rest.is_empty() {
                packed.scalar(field.wire)?;
            }
            return Ok(());
        }
        Err(MismatchError(format!(
            "wire type {wire} where {} is expected",
            field.wire
        )))
    }

    fn unknown(&mut self, number: u32, wire: u8, depth: usize) -> Result<(), MismatchError> {
        match wire {
            SIZED => Ok(self.rest.sized().map(drop)?),
            GROUP => self.message(None, Some(number), depth + 1),
            _ => self.scalar(wire),
        }
    }

    fn scalar(&mut self, wire: u8) -> Result<(), MismatchError> {
        match wire {
            VARINT | FIXED64 | FIXED32 => Ok(self.rest.value(wire).map(drop)?),
            _ => Err(Fault::UnknownWire(wire).into()),
        }
    }
}

impl From<Fault> for MismatchError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::EndsEarly => ends_early(),
            Fault::TooLong => Self::new("a number is longer than 64 bits"),
            Fault::UnknownWire(wire) => Self(format!("there is no wire type {wire}")),
        }
    }
}

fn ends_early() -> MismatchError {
    MismatchError::new("the data ends within the message")
}
