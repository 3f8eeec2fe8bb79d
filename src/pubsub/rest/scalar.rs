//! From a value as JSON or a query has it to protobuf's encoding.

use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use std::borrow::Cow;
use std::fmt;

use super::super::error::violations;
use super::text_forms::{read_duration, read_field_mask, read_timestamp};
use super::types::{Field, Form, Kind, Shape, Types};
use super::wire::{begin, end, put_bytes};

/// A value without parts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(&'a str),
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(value) => value.fmt(f),
            Scalar::Int(value) => value.fmt(f),
            Scalar::Uint(value) => value.fmt(f),
            Scalar::Float(value) => value.fmt(f),
            Scalar::Text(value) => write!(f, "\"{value}\""),
        }
    }
}

/// Why a value isn't taken.
#[derive(Debug, PartialEq)]
pub enum Refused {
    /// The kind has no such value.
    Value,
    /// For a reason that can be told.
    Because(Cow<'static, str>),
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The field's only value.
    Only,
    /// One of a list's, or an entry's.
    Element,
    /// One of a list's that has one head for all of them.
    Packed,
}

/// Writes a field's value. Nothing is written if it is refused.
pub fn put(
    types: &Types,
    field: &Field,
    place: Place,
    scalar: Scalar<'_>,
    out: &mut Vec<u8>,
) -> Result<(), Refused> {
    let number = field.number;
    let implicit = !field.presence && field.shape == Shape::Single;
    let varint = |value: u64, out: &mut Vec<u8>| {
        if implicit && value == 0 {
            return;
        }
        if place != Place::Packed {
            encode_key(number, WireType::Varint, out);
        }
        encode_varint(value, out);
    };
    let fixed = |wire_type: WireType, bytes: &[u8], out: &mut Vec<u8>| {
        if implicit && bytes.iter().all(|byte| *byte == 0) {
            return;
        }
        if place != Place::Packed {
            encode_key(number, wire_type, out);
        }
        out.extend_from_slice(bytes);
    };
    match field.kind {
        Kind::Int32 => varint(i64::from(int::<i32>(scalar)?) as u64, out),
        Kind::Int64 => varint(int::<i64>(scalar)? as u64, out),
        Kind::Uint32 => varint(u64::from(int::<u32>(scalar)?), out),
        Kind::Uint64 => varint(int::<u64>(scalar)?, out),
        Kind::Sint32 => {
            let value = int::<i32>(scalar)?;
            varint(u64::from(((value << 1) ^ (value >> 31)) as u32), out);
        }
        Kind::Sint64 => {
            let value = int::<i64>(scalar)?;
            varint(((value << 1) ^ (value >> 63)) as u64, out);
        }
        Kind::Fixed32 => {
            let bytes = int::<u32>(scalar)?.to_le_bytes();
            fixed(WireType::ThirtyTwoBit, &bytes, out);
        }
        Kind::Sfixed32 => {
            let bytes = int::<i32>(scalar)?.to_le_bytes();
            fixed(WireType::ThirtyTwoBit, &bytes, out);
        }
        Kind::Fixed64 => {
            let bytes = int::<u64>(scalar)?.to_le_bytes();
            fixed(WireType::SixtyFourBit, &bytes, out);
        }
        Kind::Sfixed64 => {
            let bytes = int::<i64>(scalar)?.to_le_bytes();
            fixed(WireType::SixtyFourBit, &bytes, out);
        }
        Kind::Float => {
            let wide = float(scalar)?;
            let value = wide as f32;
            if value.is_infinite() && wide.is_finite() {
                return Err(Refused::Value);
            }
            fixed(WireType::ThirtyTwoBit, &value.to_le_bytes(), out);
        }
        Kind::Double => {
            let bytes = float(scalar)?.to_le_bytes();
            fixed(WireType::SixtyFourBit, &bytes, out);
        }
        Kind::Bool => match scalar {
            Scalar::Bool(value) => varint(value.into(), out),
            Scalar::Text("true") => varint(1, out),
            Scalar::Text("false") => varint(0, out),
            _ => return Err(Refused::Value),
        },
        Kind::String => match scalar {
            Scalar::Text("") if implicit => {}
            Scalar::Text(text) => put_bytes(number, text.as_bytes(), out),
            _ => return Err(Refused::Value),
        },
        Kind::Bytes => match scalar {
            Scalar::Text("") if implicit => {}
            Scalar::Text(text) => put_base64(number, text, out)?,
            _ => return Err(Refused::Value),
        },
        Kind::Enum(id) => {
            let named = match scalar {
                Scalar::Text(name) => types.enumeration(id).number(name),
                _ => None,
            };
            let value = match named {
                Some(value) => value,
                // Values that we don't know are kept: the service has newer ones.
                None => int::<i32>(scalar)?,
            };
            varint(i64::from(value) as u64, out);
        }
        Kind::Message(id) => {
            let message = types.message(id);
            match (message.form, scalar) {
                (Form::Duration, Scalar::Text(text)) => {
                    put_message(number, &read_duration(text).map_err(because)?, out);
                }
                (Form::Timestamp, Scalar::Text(text)) => {
                    put_message(number, &read_timestamp(text).map_err(because)?, out);
                }
                (Form::FieldMask, Scalar::Text(text)) => {
                    put_message(number, &read_field_mask(text).map_err(because)?, out);
                }
                (Form::Value, scalar) => {
                    let start = begin(number, out);
                    put_value(scalar, out);
                    end(start, out);
                }
                _ => return Err(Refused::Value),
            }
        }
    }
    Ok(())
}

fn because(why: &'static str) -> Refused {
    Refused::Because(why.into())
}

fn put_message(number: u32, message: &impl Message, out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(message.encoded_len() as u64, out);
    message.encode_raw(out);
}

/// Writes the inside of a `google.protobuf.Value`.
pub fn put_value(scalar: Scalar<'_>, out: &mut Vec<u8>) {
    let number = match scalar {
        Scalar::Bool(value) => {
            encode_key(4, WireType::Varint, out);
            encode_varint(value.into(), out);
            return;
        }
        Scalar::Text(text) => {
            put_bytes(3, text.as_bytes(), out);
            return;
        }
        Scalar::Int(value) => value as f64,
        Scalar::Uint(value) => value as f64,
        Scalar::Float(value) => value,
    };
    encode_key(2, WireType::SixtyFourBit, out);
    out.extend_from_slice(&number.to_le_bytes());
}

/// A whole number, also one written as `1.0`, `1e3` or `"1"`.
fn int<T: TryFrom<i128>>(scalar: Scalar<'_>) -> Result<T, Refused> {
    let whole = match scalar {
        Scalar::Int(value) => Some(i128::from(value)),
        Scalar::Uint(value) => Some(i128::from(value)),
        Scalar::Float(value) => whole(value),
        Scalar::Text(text) => text
            .parse::<i64>()
            .map(i128::from)
            .or_else(|_| text.parse::<u64>().map(i128::from))
            .ok()
            .or_else(|| whole(parse_float(text)?)),
        Scalar::Bool(_) => None,
    };
    whole
        .and_then(|value| T::try_from(value).ok())
        .ok_or(Refused::Value)
}

fn whole(value: f64) -> Option<i128> {
    (value.fract() == 0.0 && value.abs() < 2e19).then_some(value as i128)
}

fn float(scalar: Scalar<'_>) -> Result<f64, Refused> {
    match scalar {
        Scalar::Int(value) => Ok(value as f64),
        Scalar::Uint(value) => Ok(value as f64),
        Scalar::Float(value) => Ok(value),
        Scalar::Text("NaN") => Ok(f64::NAN),
        Scalar::Text("Infinity") => Ok(f64::INFINITY),
        Scalar::Text("-Infinity") => Ok(f64::NEG_INFINITY),
        Scalar::Text(text) => parse_float(text).ok_or(Refused::Value),
        Scalar::Bool(_) => Err(Refused::Value),
    }
}

/// A number as JSON writes it, so neither `inf` nor `.5`.
fn parse_float(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = digits.starts_with(|first: char| first.is_ascii_digit()) && !text.ends_with('.');
    let value: f64 = plain.then(|| text.parse().ok())??;
    value.is_finite().then_some(value)
}

/// Either alphabet, padded or not.
fn put_base64(number: u32, text: &str, out: &mut Vec<u8>) -> Result<(), Refused> {
    let refused = || Refused::Because(violations::NO_BASE64.into());
    let digits = text.strip_suffix('=').unwrap_or(text);
    let digits = digits.strip_suffix('=').unwrap_or(digits);
    if digits.len() != text.len() && !text.len().is_multiple_of(4) {
        return Err(refused());
    }
    let alphabet = if digits.bytes().any(|byte| matches!(byte, b'-' | b'_')) {
        base64_simd::URL_SAFE_NO_PAD
    } else {
        base64_simd::STANDARD_NO_PAD
    };
    let start = out.len();
    encode_key(number, WireType::LengthDelimited, out);
    let length = digits.len() / 4 * 3 + digits.len() % 4 * 3 / 4;
    encode_varint(length as u64, out);
    let head = out.len();
    match alphabet.decode_append(digits, out) {
        Ok(()) if out.len() - head == length => Ok(()),
        _ => {
            out.truncate(start);
            Err(refused())
        }
    }
}
