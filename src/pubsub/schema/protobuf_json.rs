//! Protocol buffers' JSON mapping, checked while it is parsed: nothing is built, so a message takes
//! no more memory than its own bytes. Unknown names are errors.
//!
//! Source: the mapping as protobuf.dev documents it. One thing is narrower: the `@type` of an Any
//! comes first, as every printer writes it, since what comes before it can't be checked yet.

use super::MismatchError;
use super::protobuf_layout::{FieldLayout, Form, Holds, Layout, MessageId, Scalar};
use super::protobuf_required::Required;
use crate::pubsub::rest::text_forms::{read_duration, read_timestamp};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt;

pub(super) fn validate(layout: &Layout, data: &[u8]) -> Result<(), MismatchError> {
    let mut json = serde_json::Deserializer::from_slice(data);
    let root = Message { layout, id: 0 };
    root.deserialize(&mut json)
        .and_then(|()| json.end())
        .map_err(|error| MismatchError(error.to_string()))
}

/// A message to come.
#[derive(Clone, Copy)]
struct Message<'a> {
    layout: &'a Layout,
    id: MessageId,
}

impl<'a> Message<'a> {
    fn form(self) -> Form {
        self.layout.message(self.id).form
    }

    /// The only field of a wrapper.
    fn wrapped(self) -> Option<Slot<'a>> {
        let field = self.layout.message(self.id).fields.get(&1)?;
        Some(Slot {
            layout: self.layout,
            field,
            whole: false,
        })
    }

    /// The members of its object.
    fn fields<'de, A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let message = self.layout.message(self.id);
        let mut required = Required::of(Some(message));
        // Those that are set, rather than a place for each that there is.
        let mut oneofs = SmallVec::<[usize; 8]>::new();
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            let number = message.numbers.get(&*name);
            let field = number.and_then(|number| message.fields.get(number));
            let Some(field) = field.or_else(|| message.extensions.get(&*name)) else {
                return Err(A::Error::custom(format_args!(
                    "message {} has no field {}",
                    message.name,
                    shortened(&name)
                )));
            };
            let is_set = members.next_value_seed(Slot {
                layout: self.layout,
                field,
                whole: true,
            })?;
            if !is_set {
                continue;
            }
            if let Some(place) = field.required {
                required.note(place);
            }
            if let Some(oneof) = field.oneof {
                match oneofs.binary_search(&oneof) {
                    Ok(_) => {
                        return Err(A::Error::custom(format_args!(
                            "field {}: another one of its oneof is set",
                            field.name
                        )));
                    }
                    Err(place) => oneofs.insert(place, oneof),
                }
            }
        }
        required.check(Some(message)).map_err(A::Error::custom)
    }

    fn any<'de, A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let Some(first) = members.next_key::<Cow<'de, str>>()? else {
            return Ok(());
        };
        if first != "@type" {
            return Err(A::Error::custom("the @type of an Any must come first"));
        }
        let url: Cow<'de, str> = members.next_value()?;
        let name = url.rsplit_once('/').map(|(_, name)| name);
        let Some(id) = name.and_then(|name| self.layout.find(name)) else {
            return Err(A::Error::custom(format_args!(
                "the type {} of an Any isn't known",
                shortened(&url)
            )));
        };
        let within = Message { id, ..self };
        if within.form() == Form::Object {
            return within.fields(members);
        }
        match members.next_key::<Cow<'de, str>>()? {
            Some(name) if name == "value" => members.next_value_seed(within)?,
            _ => return Err(A::Error::custom("an Any of this type must have a value")),
        }
        match members.next_key::<IgnoredAny>()? {
            None => Ok(()),
            Some(_) => Err(A::Error::custom("an Any of this type has a value only")),
        }
    }

    fn text<E: Error>(self, text: &str) -> Result<(), E> {
        match self.form() {
            Form::Timestamp => read_timestamp(text).map(drop).map_err(E::custom),
            Form::Duration => read_duration(text).map(drop).map_err(E::custom),
            Form::FieldMask if !text.contains('_') => Ok(()),
            Form::Value => Ok(()),
            _ => Err(E::custom(format_args!("a string where {self} is expected"))),
        }
    }

    fn other<E: Error>(self, what: &str) -> Result<(), E> {
        match self.form() {
            Form::Value => Ok(()),
            _ => Err(E::custom(format_args!("{what} where {self} is expected"))),
        }
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a {}", self.layout.message(self.id).name)
    }
}

impl<'de> DeserializeSeed<'de> for Message<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.form() == Form::Wrapper
            && let Some(slot) = self.wrapped()
        {
            return slot.deserialize(deserializer).map(drop);
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        match self.form() {
            Form::Object => self.fields(members),
            Form::Any => self.any(members),
            Form::Struct | Form::Value => {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(())
            }
            Form::Empty => match members.next_key::<IgnoredAny>()? {
                None => Ok(()),
                Some(_) => Err(A::Error::custom("an Empty has no fields")),
            },
            _ => self.other("an object"),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        if self.form() != Form::List {
            self.other::<A::Error>("an array")?;
        }
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.text(text)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        self.other("a boolean")
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.other("a number")
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.other("a number")
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.other("a number")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.other("null")
    }
}

/// A value to come, for a field. Gives whether there is one: null is none.
#[derive(Clone, Copy)]
struct Slot<'a> {
    layout: &'a Layout,
    field: &'a FieldLayout,
    /// All that the field has, rather than one item of it.
    whole: bool,
}

impl<'a> Slot<'a> {
    fn is_many(self) -> bool {
        self.whole && (self.field.is_list || self.field.is_map)
    }

    fn message(self) -> Option<Message<'a>> {
        match self.field.holds {
            Holds::Message(id) if !self.is_many() => Some(Message {
                layout: self.layout,
                id,
            }),
            _ => None,
        }
    }

    fn mismatch<E: Error>(self, what: &str) -> E {
        E::custom(format_args!(
            "field {}: {what} where {} is expected",
            self.field.name,
            self.expected()
        ))
    }

    fn expected(self) -> &'static str {
        match &self.field.scalar {
            _ if self.whole && self.field.is_map => "a map",
            _ if self.whole && self.field.is_list => "an array",
            Scalar::Double | Scalar::Float => "a number",
            Scalar::Int32 | Scalar::Uint32 => "a 32-bit integer",
            Scalar::Int64 | Scalar::Uint64 => "a 64-bit integer",
            Scalar::Bool => "a boolean",
            Scalar::Text => "a string",
            Scalar::Bytes => "a base64 string",
            Scalar::Enum(_) => "a name or number of the enum",
            Scalar::Null => "null",
            Scalar::Message => "a message",
        }
    }

    fn integer<E: Error>(self, value: i128, what: &str) -> Result<bool, E> {
        let fits = match &self.field.scalar {
            _ if self.is_many() => false,
            Scalar::Double | Scalar::Float => true,
            Scalar::Int32 | Scalar::Enum(_) => i32::try_from(value).is_ok(),
            Scalar::Uint32 => u32::try_from(value).is_ok(),
            Scalar::Int64 => i64::try_from(value).is_ok(),
            Scalar::Uint64 => u64::try_from(value).is_ok(),
            _ => false,
        };
        if fits {
            Ok(true)
        } else {
            Err(self.mismatch(what))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Slot<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected())
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        match (&self.field.scalar, self.message()) {
            (Scalar::Null, _) if !self.is_many() => Ok(true),
            (_, Some(message)) if message.form() == Form::Value => Ok(true),
            _ if self.whole => Ok(false),
            _ => Err(self.mismatch("null")),
        }
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        match (&self.field.scalar, self.message()) {
            (Scalar::Bool, _) if !self.is_many() => Ok(true),
            (_, Some(message)) => {
                message.visit_or_wrapped(|slot| slot.visit_bool(value), "a boolean")
            }
            _ => Err(self.mismatch("a boolean")),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<bool, E> {
        match self.message() {
            Some(message) => message.visit_or_wrapped(|slot| slot.visit_i64(value), "a number"),
            None => self.integer(value.into(), "another number"),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<bool, E> {
        match self.message() {
            Some(message) => message.visit_or_wrapped(|slot| slot.visit_u64(value), "a number"),
            None => self.integer(value.into(), "another number"),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<bool, E> {
        match (&self.field.scalar, self.message()) {
            (_, Some(message)) => {
                message.visit_or_wrapped(|slot| slot.visit_f64(value), "a number")
            }
            (Scalar::Double, _) if !self.is_many() => Ok(true),
            (Scalar::Float, _) if !self.is_many() && value.abs() <= f64::from(f32::MAX) => Ok(true),
            (Scalar::Enum(_), _) => Err(self.mismatch("a fraction")),
            // 1e3 is an integer too; beyond 2^64 none is.
            _ if value.fract() == 0.0 && value.abs() < 2e19 => {
                self.integer(value as i128, "another number")
            }
            _ => Err(self.mismatch("another number")),
        }
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<bool, E> {
        if let Some(message) = self.message() {
            return match message.form() {
                Form::Wrapper => message.visit_or_wrapped(|slot| slot.visit_str(text), "a string"),
                _ => message.text(text).map(|()| true),
            };
        }
        let fits = match &self.field.scalar {
            _ if self.is_many() => false,
            Scalar::Text => true,
            Scalar::Bytes => is_base64(text.as_bytes()),
            Scalar::Enum(names) => names.contains(text),
            Scalar::Null => text == "NULL_VALUE",
            Scalar::Double => text.parse::<f64>().is_ok(),
            Scalar::Float => text.parse::<f32>().is_ok(),
            Scalar::Int32 => text.parse::<i32>().is_ok(),
            Scalar::Int64 => text.parse::<i64>().is_ok(),
            Scalar::Uint32 => text.parse::<u32>().is_ok(),
            Scalar::Uint64 => text.parse::<u64>().is_ok(),
            Scalar::Bool | Scalar::Message => false,
        };
        if fits {
            Ok(true)
        } else {
            Err(self.mismatch("another string"))
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<bool, A::Error> {
        if let Some(message) = self.message() {
            return message.visit_seq(items).map(|()| true);
        }
        if !self.whole || !self.field.is_list || self.field.is_map {
            return Err(self.mismatch("an array"));
        }
        let item = Slot {
            whole: false,
            ..self
        };
        while items.next_element_seed(item)?.is_some() {}
        Ok(true)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        if let Some(message) = self.message() {
            return message.visit_map(members).map(|()| true);
        }
        let (true, true, Holds::Message(entry)) = (self.whole, self.field.is_map, self.field.holds)
        else {
            return Err(self.mismatch("an object"));
        };
        let entry = &self.layout.message(entry).fields;
        let (Some(key), Some(value)) = (entry.get(&1), entry.get(&2)) else {
            return Err(self.mismatch("an object"));
        };
        let value = Slot {
            layout: self.layout,
            field: value,
            whole: false,
        };
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            let fits = match &key.scalar {
                Scalar::Bool => matches!(&*name, "true" | "false"),
                Scalar::Int32 => name.parse::<i32>().is_ok(),
                Scalar::Int64 => name.parse::<i64>().is_ok(),
                Scalar::Uint32 => name.parse::<u32>().is_ok(),
                Scalar::Uint64 => name.parse::<u64>().is_ok(),
                _ => true,
            };
            if !fits {
                return Err(A::Error::custom(format_args!(
                    "field {}: {} can't be a key",
                    self.field.name,
                    shortened(&name)
                )));
            }
            members.next_value_seed(value)?;
        }
        Ok(true)
    }
}

impl<'a> Message<'a> {
    /// Leads a value without parts to what a wrapper holds.
    fn visit_or_wrapped<E: Error>(
        self,
        visit: impl FnOnce(Slot<'a>) -> Result<bool, E>,
        what: &str,
    ) -> Result<bool, E> {
        match self.wrapped() {
            Some(slot) if self.form() == Form::Wrapper => visit(slot),
            _ => self.other(what).map(|()| true),
        }
    }
}

/// In either alphabet, with its padding or without.
fn is_base64(text: &[u8]) -> bool {
    let digits = text.iter().position(|byte| *byte == b'=');
    let (digits, padding) = text.split_at(digits.unwrap_or(text.len()));
    let standard = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let for_urls = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    digits.len() % 4 != 1
        && (padding.is_empty() || text.len().is_multiple_of(4) && padding.len() <= 2)
        && padding.iter().all(|byte| *byte == b'=')
        && (digits.iter().all(standard) || digits.iter().all(for_urls))
}

/// An error's text must not be as long as a message.
fn shortened(text: &str) -> String {
    text.chars().take(64).collect()
}
