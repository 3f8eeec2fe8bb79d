//! From JSON to an encoded message, in one pass and without anything in between: a body can't take
//! more memory than its own length.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

use super::super::error::violations;
use super::problems::{Problems, Step};
use super::scalar::{Place, Refused, Scalar, put};
use super::types::{Field, Form, Kind, MessageId, MessageType, Shape, Types};
use super::wire::{begin, end};

/// Messages inside of one another. Decoders take no more.
const DEPTH_MAX: usize = 100;
/// How much of a broken body an error shows, before and after the place, in bytes.
const CONTEXT_BYTES: usize = 20;

/// Appends the message that `json` is to `out`. What is wrong goes to `problems`.
///
/// Fields of the outermost message whose numbers are in `fixed` are looked at but not written.
pub fn read_json<'t>(
    types: &'t Types,
    message: MessageId,
    json: &[u8],
    fixed: &[u32],
    problems: &mut Problems<'t>,
    out: &mut Vec<u8>,
) {
    let mut reader = Reader {
        types,
        problems,
        out,
        depth: 0,
    };
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let root = Root {
        reader: &mut reader,
        message,
        fixed,
    };
    let result = deserializer
        .deserialize_any(root)
        .and_then(|()| deserializer.end());
    if let Err(error) = result {
        problems.malformed(&describe(&error, json));
    }
}

/// Where the body is broken, as the service shows it.
fn describe(error: &serde_json::Error, json: &[u8]) -> String {
    let why = if error.is_eof() {
        violations::ENDS_EARLY
    } else if error.to_string().starts_with("recursion limit") {
        violations::TOO_DEEP
    } else {
        violations::UNEXPECTED_TOKEN
    };
    let line_start = match error.line() {
        0 | 1 => 0,
        line => json
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .nth(line - 2)
            .map_or(0, |(at, _)| at + 1),
    };
    let at = if error.is_eof() {
        json.len()
    } else {
        (line_start + error.column().saturating_sub(1)).min(json.len())
    };
    let shown = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes).replace(|letter: char| letter.is_control(), " ")
    };
    let before = shown(&json[at.saturating_sub(CONTEXT_BYTES)..at]);
    let after = shown(&json[at..json.len().min(at + CONTEXT_BYTES)]);
    let indent = " ".repeat(before.chars().count());
    format!("{why}\n{before}{after}\n{indent}^")
}

struct Reader<'r, 't> {
    types: &'t Types,
    problems: &'r mut Problems<'t>,
    out: &'r mut Vec<u8>,
    depth: usize,
}

impl<'t> Reader<'_, 't> {
    /// Writes the fields of a message's object.
    fn fields<'de, A: MapAccess<'de>>(
        &mut self,
        message: &'t MessageType,
        fixed: &[u32],
        map: &mut A,
    ) -> Result<(), A::Error> {
        let (mut seen, mut oneofs) = (0_u64, 0_u64);
        while let Some(key) = map.next_key_seed(Name { message })? {
            let at = match key {
                Key::Field(at) => at,
                Key::Unknown(name) => {
                    self.problems.unknown_name(&name, violations::NO_SUCH_FIELD);
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let field = &message.fields[at];
            if seen & (1 << at) != 0 {
                self.problems
                    .unknown_name(&field.json_name, violations::FIELD_TWICE);
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            seen |= 1 << at;
            self.problems.enter(Step::Field(&field.name));
            let start = self.out.len();
            let present = map.next_value_seed(Slot {
                reader: self,
                field,
                whole: true,
                packed: false,
            })?;
            if let (true, Some((oneof, name))) = (present, &field.oneof) {
                if oneofs & (1 << oneof) != 0 {
                    let what = violations::oneof_taken(name, &field.json_name);
                    self.problems.invalid_value("oneof", &what);
                }
                oneofs |= 1 << oneof;
            }
            if fixed.contains(&field.number) {
                self.out.truncate(start);
            }
            self.problems.leave();
        }
        Ok(())
    }

    /// Runs `write` between a field's head and its length, one level deeper.
    fn nested<E>(
        &mut self,
        number: u32,
        write: impl FnOnce(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = begin(number, self.out);
        self.depth += 1;
        let result = write(self);
        self.depth -= 1;
        end(start, self.out);
        result
    }

    /// Whether there is room for `levels` more. Says so otherwise.
    fn may_go_deeper(&mut self, levels: usize) -> bool {
        let may = self.depth + levels <= DEPTH_MAX;
        if !may {
            self.problems.malformed(violations::TOO_DEEP);
        }
        may
    }

    /// Writes the entries of a `google.protobuf.Struct`.
    fn struct_entries<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if !self.may_go_deeper(2) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            self.nested(1, |reader| {
                super::wire::put_bytes(1, key.as_bytes(), reader.out);
                reader.nested(2, |reader| map.next_value_seed(Anything { reader }))
            })?;
        }
        Ok(())
    }

    /// Writes the elements of a `google.protobuf.ListValue`.
    fn list_elements<'de, A: SeqAccess<'de>>(&mut self, list: &mut A) -> Result<(), A::Error> {
        loop {
            if !self.may_go_deeper(1) {
                return drain_list(list);
            }
            let (start, mut more) = (self.out.len(), false);
            self.nested(1, |reader| {
                more = list.next_element_seed(Anything { reader })?.is_some();
                Ok(())
            })?;
            if !more {
                self.out.truncate(start);
                return Ok(());
            }
        }
    }
}

fn drain_map<'de, A: MapAccess<'de>>(map: &mut A) -> Result<(), A::Error> {
    while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
    Ok(())
}

fn drain_list<'de, A: SeqAccess<'de>>(list: &mut A) -> Result<(), A::Error> {
    while list.next_element::<IgnoredAny>()?.is_some() {}
    Ok(())
}

/// The whole body.
struct Root<'a, 'r, 't> {
    reader: &'a mut Reader<'r, 't>,
    message: MessageId,
    fixed: &'a [u32],
}

impl Root<'_, '_, '_> {
    fn refuse(self) {
        self.reader
            .problems
            .unknown_name("", violations::ROOT_NO_MESSAGE);
    }
}

impl<'de> Visitor<'de> for Root<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let message = self.reader.types.message(self.message);
        self.reader.fields(message, self.fixed, &mut map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.refuse();
        drain_list(&mut list)
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.refuse();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.refuse();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.refuse();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.refuse();
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        self.refuse();
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        self.refuse();
        Ok(())
    }
}

/// A member's name.
struct Name<'t> {
    message: &'t MessageType,
}

enum Key {
    Field(usize),
    Unknown(String),
}

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field's name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(match self.message.find(name) {
            Some(at) => Key::Field(at),
            None => Key::Unknown(name.to_owned()),
        })
    }
}

/// A value, for a field. Gives whether there was one.
struct Slot<'a, 'r, 't> {
    reader: &'a mut Reader<'r, 't>,
    field: &'t Field,
    /// Everything that the field has, rather than one element of it.
    whole: bool,
    packed: bool,
}

impl<'t> Slot<'_, '_, 't> {
    fn place(&self) -> Place {
        match (self.whole, self.packed) {
            (true, _) => Place::Only,
            (false, false) => Place::Element,
            (false, true) => Place::Packed,
        }
    }

    fn is_many(&self) -> bool {
        self.whole && self.field.shape != Shape::Single
    }

    fn form(&self) -> Option<Form> {
        match self.field.kind {
            Kind::Message(id) => Some(self.reader.types.message(id).form),
            _ => None,
        }
    }

    fn invalid(self, what: &str) -> bool {
        let name = self.reader.types.kind_name(self.field.kind);
        self.reader.problems.invalid_value(&name, what);
        true
    }

    fn scalar(self, scalar: Scalar<'_>) -> bool {
        if self.is_many() {
            return self.invalid(&scalar.to_string());
        }
        let result = put(
            self.reader.types,
            self.field,
            self.place(),
            scalar,
            self.reader.out,
        );
        match result {
            Ok(()) => true,
            Err(Refused::Value) => self.invalid(&scalar.to_string()),
            Err(Refused::Because(why)) => match scalar {
                // What was meant to be base64 can be long, and isn't worth repeating at length.
                Scalar::Text(text) if self.field.kind == Kind::Bytes => {
                    let start: String = text.chars().take(64).collect();
                    self.invalid(&violations::no_base64(&why, &start))
                }
                _ => self.invalid(&why),
            },
        }
    }

    fn list<'de, A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        let (field, number) = (self.field, self.field.number);
        let reader = self.reader;
        match (self.whole, field.shape) {
            (true, Shape::Repeated { packed }) => {
                let start = reader.out.len();
                let head = packed.then(|| begin(number, reader.out));
                let mut index = 0;
                loop {
                    reader.problems.enter(Step::Index(index));
                    let more = list.next_element_seed(Slot {
                        reader,
                        field,
                        whole: false,
                        packed,
                    })?;
                    reader.problems.leave();
                    if more.is_none() {
                        break;
                    }
                    index += 1;
                }
                match head {
                    Some(_) if index == 0 => reader.out.truncate(start),
                    Some(head) => end(head, reader.out),
                    None => {}
                }
                return Ok(index > 0);
            }
            (true, Shape::Map) => {
                let why = violations::list_for_map(&field.json_name);
                reader.problems.unknown_name(&field.json_name, &why);
            }
            _ => match field.kind {
                Kind::Message(id) if reader.types.message(id).form == Form::ListValue => {
                    if reader.may_go_deeper(1) {
                        reader.nested(number, |reader| reader.list_elements(&mut list))?;
                        return Ok(true);
                    }
                }
                Kind::Message(id) if reader.types.message(id).form == Form::Value => {
                    if reader.may_go_deeper(2) {
                        reader.nested(number, |reader| {
                            reader.nested(6, |reader| reader.list_elements(&mut list))
                        })?;
                        return Ok(true);
                    }
                }
                _ => reader
                    .problems
                    .unknown_name(&field.json_name, violations::LIST_FOR_ONE),
            },
        }
        drain_list(&mut list)?;
        Ok(true)
    }

    fn object<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        if self.whole && self.field.shape == Shape::Map {
            return self.entries(map);
        }
        let (types, number) = (self.reader.types, self.field.number);
        match self.field.kind {
            Kind::Message(id) if !self.is_many() => {
                let message = types.message(id);
                match message.form {
                    Form::Fields if self.reader.may_go_deeper(1) => {
                        self.reader
                            .nested(number, |reader| reader.fields(message, &[], &mut map))?;
                        return Ok(true);
                    }
                    Form::Struct if self.reader.may_go_deeper(1) => {
                        self.reader
                            .nested(number, |reader| reader.struct_entries(&mut map))?;
                        return Ok(true);
                    }
                    Form::Value if self.reader.may_go_deeper(2) => {
                        self.reader.nested(number, |reader| {
                            reader.nested(5, |reader| reader.struct_entries(&mut map))
                        })?;
                        return Ok(true);
                    }
                    // The depth was told of.
                    Form::Fields | Form::Struct | Form::Value => {}
                    _ => {
                        self.invalid(violations::OBJECT_FOR_TEXT);
                    }
                }
            }
            Kind::Message(_) => {
                self.invalid(violations::OBJECT_FOR_LIST);
            }
            _ => {
                self.invalid(violations::OBJECT_FOR_SCALAR);
            }
        }
        drain_map(&mut map)?;
        Ok(true)
    }

    /// Writes the entries of a map.
    fn entries<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let Kind::Message(entry) = self.field.kind else {
            return Err(A::Error::custom("a map without entries"));
        };
        let [key_field, value_field] = &self.reader.types.message(entry).fields[..] else {
            return Err(A::Error::custom("a map without entries"));
        };
        let reader = self.reader;
        let mut index = 0;
        loop {
            if !reader.may_go_deeper(1) {
                drain_map(&mut map)?;
                return Ok(true);
            }
            let (start, mut more) = (reader.out.len(), false);
            reader.problems.enter(Step::Index(index));
            reader.nested(self.field.number, |reader| {
                reader.problems.enter(Step::Field("key"));
                more = map
                    .next_key_seed(Slot {
                        reader,
                        field: key_field,
                        whole: false,
                        packed: false,
                    })?
                    .is_some();
                reader.problems.leave();
                if !more {
                    return Ok(());
                }
                reader.problems.enter(Step::Field("value"));
                map.next_value_seed(Slot {
                    reader,
                    field: value_field,
                    whole: false,
                    packed: false,
                })?;
                reader.problems.leave();
                Ok(())
            })?;
            reader.problems.leave();
            if !more {
                reader.out.truncate(start);
                return Ok(index > 0);
            }
            index += 1;
        }
    }
}

impl<'de> DeserializeSeed<'de> for Slot<'_, '_, '_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Slot<'_, '_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        let is_value = self.form() == Some(Form::Value);
        if is_value && !self.is_many() {
            let start = begin(self.field.number, self.reader.out);
            put_null(self.reader.out);
            end(start, self.reader.out);
            return Ok(true);
        }
        if self.whole {
            return Ok(false);
        }
        Ok(self.invalid("null"))
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        Ok(self.scalar(Scalar::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<bool, E> {
        Ok(self.scalar(Scalar::Int(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<bool, E> {
        Ok(self.scalar(Scalar::Uint(value)))
    }

    fn visit_f64<E>(self, value: f64) -> Result<bool, E> {
        Ok(self.scalar(Scalar::Float(value)))
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(self.scalar(Scalar::Text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<bool, A::Error> {
        self.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        self.object(map)
    }
}

/// The inside of a `google.protobuf.Value`.
struct Anything<'a, 'r, 't> {
    reader: &'a mut Reader<'r, 't>,
}

fn put_null(out: &mut Vec<u8>) {
    out.extend_from_slice(&[1 << 3, 0]);
}

impl Anything<'_, '_, '_> {
    fn scalar(self, scalar: Scalar<'_>) {
        super::scalar::put_value(scalar, self.reader.out);
    }
}

impl<'de> DeserializeSeed<'de> for Anything<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Anything<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        put_null(self.reader.out);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.scalar(Scalar::Bool(value));
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.scalar(Scalar::Int(value));
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.scalar(Scalar::Uint(value));
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.scalar(Scalar::Float(value));
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.scalar(Scalar::Text(text));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        if !self.reader.may_go_deeper(1) {
            return drain_list(&mut list);
        }
        self.reader
            .nested(6, |reader| reader.list_elements(&mut list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if !self.reader.may_go_deeper(1) {
            return drain_map(&mut map);
        }
        self.reader
            .nested(5, |reader| reader.struct_entries(&mut map))
    }
}
