//! From an encoded message to JSON: an object of the fields that are set, in the order of their
//! numbers.

use prost::Message;
use prost::encoding::WireType;
use prost_types::{Duration, FieldMask, Timestamp};
use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};
use smallvec::SmallVec;
use std::borrow::Cow;

use super::text_forms::{show_duration, show_field_mask, show_timestamp};
use super::types::{Field, Form, Kind, MessageId, Shape, Types};
use super::wire::{Malformed, Raw, next_field, next_raw};
use crate::protobuf::Reader;

/// Messages inside of one another. What encoders write for us has less.
const DEPTH_MAX: usize = 110;

/// Up to here every whole number has a float of its own.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// How to write JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// One member a line, indented by two spaces.
    pub pretty: bool,
    /// Enums are numbers.
    pub enum_numbers: bool,
}

impl Default for Style {
    fn default() -> Self {
        Style {
            pretty: true,
            enum_numbers: false,
        }
    }
}

/// Writes a message as JSON, with a newline at the end.
pub fn write_json(
    types: &Types,
    message: MessageId,
    bytes: &[u8],
    style: Style,
) -> Result<Vec<u8>, serde_json::Error> {
    let shown = Shown {
        types,
        message,
        bytes,
        style,
        depth: 0,
    };
    let mut out = Vec::with_capacity(bytes.len() * 3 / 2 + 64);
    if style.pretty {
        serde_json::to_writer_pretty(&mut out, &shown)?;
    } else {
        serde_json::to_writer(&mut out, &shown)?;
    }
    out.push(b'\n');
    Ok(out)
}

/// An encoded message, to be written.
#[derive(Clone, Copy)]
struct Shown<'a> {
    types: &'a Types,
    message: MessageId,
    bytes: &'a [u8],
    style: Style,
    depth: usize,
}

impl<'a> Shown<'a> {
    /// A message inside.
    fn inside<E: Error>(&self, message: MessageId, bytes: &'a [u8]) -> Result<Shown<'a>, E> {
        if self.depth == DEPTH_MAX {
            return Err(E::custom("too many messages inside of one another"));
        }
        Ok(Shown {
            message,
            bytes,
            depth: self.depth + 1,
            ..*self
        })
    }

    /// The fields that are set, by their places in the message's type, then as they stand.
    fn fields(&self) -> Result<SmallVec<[(usize, Raw<'a>); 12]>, Malformed> {
        let message = self.types.message(self.message);
        let mut fields = SmallVec::new();
        let mut rest = Reader::of(self.bytes);
        let mut sorted = true;
        while let Some((number, raw)) = next_field(&mut rest)? {
            // What isn't known isn't shown.
            if let Some(at) = message.find_number(number) {
                sorted &= fields.last().is_none_or(|(last, _)| *last <= at);
                fields.push((at, raw));
            }
        }
        if !sorted {
            fields.sort_by_key(|(at, _)| *at);
        }
        Ok(fields)
    }

    /// The bytes of a single message field: if it was written in pieces, they belong together.
    fn joined(values: &[(usize, Raw<'a>)]) -> Result<Cow<'a, [u8]>, Malformed> {
        let mut pieces = values.iter().map(|(_, raw)| bytes_of(*raw));
        match (values.len(), pieces.next()) {
            (1, Some(piece)) => Ok(Cow::Borrowed(piece?)),
            (_, first) => {
                let mut whole = Vec::new();
                for piece in first.into_iter().chain(pieces) {
                    whole.extend_from_slice(piece?);
                }
                Ok(Cow::Owned(whole))
            }
        }
    }
}

fn malformed<E: Error>(_: Malformed) -> E {
    E::custom("not a message")
}

fn bytes_of(raw: Raw<'_>) -> Result<&[u8], Malformed> {
    match raw {
        Raw::Bytes(bytes) => Ok(bytes),
        _ => Err(Malformed),
    }
}

fn text_of(raw: Raw<'_>) -> Result<&str, Malformed> {
    std::str::from_utf8(bytes_of(raw)?).map_err(|_| Malformed)
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const BEYOND: &str = "a time beyond all bounds";
        match self.types.message(self.message).form {
            Form::Fields => self.object(serializer),
            Form::Duration => {
                let duration = Duration::decode(self.bytes).map_err(S::Error::custom)?;
                let text = show_duration(&duration).ok_or_else(|| S::Error::custom(BEYOND))?;
                serializer.serialize_str(&text)
            }
            Form::Timestamp => {
                let time = Timestamp::decode(self.bytes).map_err(S::Error::custom)?;
                let text = show_timestamp(&time).ok_or_else(|| S::Error::custom(BEYOND))?;
                serializer.serialize_str(&text)
            }
            Form::FieldMask => {
                let mask = FieldMask::decode(self.bytes).map_err(S::Error::custom)?;
                serializer.serialize_str(&show_field_mask(&mask))
            }
            Form::Struct | Form::ListValue => {
                // Both have one field, which is all they are.
                let fields = self.fields().map_err(malformed)?;
                let field = &self.types.message(self.message).fields[0];
                self.many(field, &fields).serialize(serializer)
            }
            Form::Value => self.value(serializer),
        }
    }
}

impl<'a> Shown<'a> {
    fn object<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.types.message(self.message);
        let fields = self.fields().map_err(malformed)?;
        let mut map = serializer.serialize_map(None)?;
        for group in fields.chunk_by(|one, other| one.0 == other.0) {
            let field = &message.fields[group[0].0];
            if let (Shape::Single, Kind::Message(id)) = (field.shape, field.kind) {
                let bytes = Shown::joined(group).map_err(malformed)?;
                let inside: Shown<'_> = Shown {
                    bytes: &bytes,
                    ..self.inside(id, &[])?
                };
                map.serialize_entry(&field.json_name, &inside)?;
            } else if field.shape == Shape::Single {
                // The last one counts.
                let (_, raw) = group[group.len() - 1];
                if field.presence || !is_default(raw) {
                    map.serialize_entry(&field.json_name, &self.one(field, raw))?;
                }
            } else {
                let many = self.many(field, group);
                if !many.is_empty() {
                    map.serialize_entry(&field.json_name, &many)?;
                }
            }
        }
        map.end()
    }

    /// A `google.protobuf.Value`: whatever was set last.
    fn value<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.types.message(self.message);
        let (mut rest, mut last) = (Reader::of(self.bytes), None);
        while let Some((number, raw)) = next_field(&mut rest).map_err(malformed)? {
            last = message.find_number(number).map(|at| (at, raw)).or(last);
        }
        match last {
            // The first is the null, whose only value is null.
            None | Some((0, _)) => serializer.serialize_unit(),
            Some((at, raw)) => self.one(&message.fields[at], raw).serialize(serializer),
        }
    }

    fn one(&self, field: &'a Field, raw: Raw<'a>) -> One<'a> {
        One {
            outer: *self,
            field,
            raw,
        }
    }

    fn many<'v>(&self, field: &'a Field, values: &'v [(usize, Raw<'a>)]) -> Many<'a, 'v> {
        Many {
            outer: *self,
            field,
            values,
        }
    }
}

fn is_default(raw: Raw<'_>) -> bool {
    match raw {
        Raw::Varint(value) => value == 0,
        Raw::Fixed32(value) => value == 0,
        Raw::Fixed64(value) => value == 0,
        Raw::Bytes(bytes) => bytes.is_empty(),
    }
}

/// One value of a field.
struct One<'a> {
    outer: Shown<'a>,
    field: &'a Field,
    raw: Raw<'a>,
}

impl Serialize for One<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.field.kind, self.raw) {
            (Kind::Int32, Raw::Varint(value)) => serializer.serialize_i32(value as i32),
            (Kind::Uint32, Raw::Varint(value)) => serializer.serialize_u32(value as u32),
            (Kind::Sint32, Raw::Varint(value)) => {
                serializer.serialize_i32(unzigzag(u64::from(value as u32)) as i32)
            }
            (Kind::Int64, Raw::Varint(value)) => serializer.collect_str(&(value as i64)),
            (Kind::Uint64, Raw::Varint(value)) => serializer.collect_str(&value),
            (Kind::Sint64, Raw::Varint(value)) => serializer.collect_str(&unzigzag(value)),
            (Kind::Fixed32, Raw::Fixed32(value)) => serializer.serialize_u32(value),
            (Kind::Sfixed32, Raw::Fixed32(value)) => serializer.serialize_i32(value as i32),
            (Kind::Fixed64, Raw::Fixed64(value)) => serializer.collect_str(&value),
            (Kind::Sfixed64, Raw::Fixed64(value)) => serializer.collect_str(&(value as i64)),
            (Kind::Float, Raw::Fixed32(value)) => match f32::from_bits(value) {
                value if value.is_finite() => serializer.serialize_f32(value),
                value => serializer.serialize_str(endless(value.into())),
            },
            (Kind::Double, Raw::Fixed64(value)) => match f64::from_bits(value) {
                // A whole number has no fraction to show.
                value if value.fract() == 0.0 && value.abs() < WHOLE_MAX => {
                    serializer.serialize_i64(value as i64)
                }
                value if value.is_finite() => serializer.serialize_f64(value),
                value => serializer.serialize_str(endless(value)),
            },
            (Kind::Bool, Raw::Varint(value)) => serializer.serialize_bool(value != 0),
            (Kind::String, raw) => serializer.serialize_str(text_of(raw).map_err(malformed)?),
            (Kind::Bytes, Raw::Bytes(bytes)) => {
                serializer.serialize_str(&base64_simd::STANDARD.encode_to_string(bytes))
            }
            (Kind::Enum(id), Raw::Varint(value)) => {
                let number = value as i32;
                match self.outer.types.enumeration(id).name_of(number) {
                    Some(name) if !self.outer.style.enum_numbers => serializer.serialize_str(name),
                    _ => serializer.serialize_i32(number),
                }
            }
            (Kind::Message(id), Raw::Bytes(bytes)) => {
                self.outer.inside(id, bytes)?.serialize(serializer)
            }
            _ => Err(malformed(Malformed)),
        }
    }
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn endless(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// The values of a list or the entries of a map.
struct Many<'a, 'v> {
    outer: Shown<'a>,
    field: &'a Field,
    values: &'v [(usize, Raw<'a>)],
}

impl<'a> Many<'a, '_> {
    fn is_packed(&self, raw: Raw<'_>) -> bool {
        matches!(raw, Raw::Bytes(_)) && wire_type(self.field.kind) != WireType::LengthDelimited
    }

    fn is_empty(&self) -> bool {
        self.values
            .iter()
            .all(|(_, raw)| self.is_packed(*raw) && is_default(*raw))
    }

    fn list<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for (_, raw) in self.values {
            match *raw {
                Raw::Bytes(bytes) if self.is_packed(*raw) => {
                    let mut rest = Reader::of(bytes);
                    while !rest.is_empty() {
                        let wire = wire_type(self.field.kind) as u8;
                        let raw = next_raw(wire, &mut rest).map_err(malformed)?;
                        list.serialize_element(&self.outer.one(self.field, raw))?;
                    }
                }
                raw => list.serialize_element(&self.outer.one(self.field, raw))?,
            }
        }
        list.end()
    }

    fn map<S: Serializer>(&self, entry: MessageId, serializer: S) -> Result<S::Ok, S::Error> {
        let [key_field, value_field] = &self.outer.types.message(entry).fields[..] else {
            return Err(S::Error::custom("a map without entries"));
        };
        let mut entries: SmallVec<[_; 8]> = SmallVec::new();
        for (_, raw) in self.values {
            let bytes = bytes_of(*raw).map_err(malformed)?;
            let inside: Shown<'a> = self.outer.inside(entry, bytes)?;
            let (mut key, mut value) = (absent(key_field.kind), absent(value_field.kind));
            for (at, raw) in inside.fields().map_err(malformed)? {
                match at {
                    0 => key = raw,
                    _ => value = raw,
                }
            }
            let key = key_text(key_field.kind, key).map_err(malformed)?;
            entries.push((key, inside.one(value_field, value)));
        }
        // By keys; of equal ones the last counts.
        entries.sort_by(|one, other| one.0.cmp(&other.0));
        let mut map = serializer.serialize_map(None)?;
        for (at, (key, value)) in entries.iter().enumerate() {
            if entries.get(at + 1).is_none_or(|(next, _)| next != key) {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

impl Serialize for Many<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.field.shape, self.field.kind) {
            (Shape::Map, Kind::Message(entry)) => self.map(entry, serializer),
            _ => self.list(serializer),
        }
    }
}

/// What an entry has that has no key or no value.
fn absent(kind: Kind) -> Raw<'static> {
    match wire_type(kind) {
        WireType::Varint => Raw::Varint(0),
        WireType::ThirtyTwoBit => Raw::Fixed32(0),
        WireType::SixtyFourBit => Raw::Fixed64(0),
        _ => Raw::Bytes(&[]),
    }
}

fn key_text(kind: Kind, raw: Raw<'_>) -> Result<Cow<'_, str>, Malformed> {
    Ok(match (kind, raw) {
        (Kind::String, raw) => Cow::Borrowed(text_of(raw)?),
        (Kind::Bool, Raw::Varint(value)) => (value != 0).to_string().into(),
        (Kind::Int32, Raw::Varint(value)) => (value as i32).to_string().into(),
        (Kind::Int64, Raw::Varint(value)) => (value as i64).to_string().into(),
        (Kind::Uint32, Raw::Varint(value)) => (value as u32).to_string().into(),
        (Kind::Uint64, Raw::Varint(value)) => value.to_string().into(),
        // Nobody has maps with other keys; a test looks.
        _ => return Err(Malformed),
    })
}

fn wire_type(kind: Kind) -> WireType {
    match kind {
        Kind::Int32
        | Kind::Int64
        | Kind::Uint32
        | Kind::Uint64
        | Kind::Sint32
        | Kind::Sint64
        | Kind::Bool
        | Kind::Enum(_) => WireType::Varint,
        Kind::Fixed32 | Kind::Sfixed32 | Kind::Float => WireType::ThirtyTwoBit,
        Kind::Fixed64 | Kind::Sfixed64 | Kind::Double => WireType::SixtyFourBit,
        Kind::String | Kind::Bytes | Kind::Message(_) => WireType::LengthDelimited,
    }
}
