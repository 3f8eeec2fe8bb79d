//! Message attributes: checks, MD5, and the form in which they travel with a message.

use super::body::as_text;
use super::decode::Pairs;
use super::encode::Encoder;
use super::error::{
    SqsResult, invalid_message_attribute_name, invalid_message_attribute_type,
    message_attribute_empty, message_attribute_illegal, message_attribute_no_base64,
    message_attribute_no_number, message_attribute_repeated, message_attribute_without_type,
    system_attribute_no_text, too_many_message_attributes, unknown_system_attribute,
};
use super::limits::{ATTRIBUTE_NAME_CHARS_MAX, MESSAGE_ATTRIBUTES_MAX};
use super::request::AttributeValue;
use md5::{Digest, Md5};
use std::borrow::Cow;

/// How a value is carried.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Carrier {
    String = 1,
    Binary = 2,
}

/// One attribute after its checks.
#[derive(Clone, Debug)]
struct Attribute<'a> {
    name: Cow<'a, str>,
    data_type: Cow<'a, str>,
    carrier: Carrier,
    value: Cow<'a, [u8]>,
}

/// The attributes of a message, sorted by name as their MD5 wants them.
#[derive(Clone, Debug, Default)]
pub struct Attributes<'a>(Vec<Attribute<'a>>);

impl<'a> Attributes<'a> {
    /// Checks what a sender gave.
    pub fn check(given: &'a Pairs<'a, AttributeValue<'a>>) -> SqsResult<Self> {
        if given.0.len() > MESSAGE_ATTRIBUTES_MAX {
            return Err(too_many_message_attributes(given.0.len()));
        }
        let mut attributes = Vec::with_capacity(given.0.len());
        for (name, value) in &given.0 {
            check_name(name)?;
            attributes.push(check_value(name, value)?);
        }
        attributes.sort_by(|one, other| one.name.cmp(&other.name));
        if let Some(pair) = attributes
            .windows(2)
            .find(|pair| pair[0].name == pair[1].name)
        {
            return Err(message_attribute_repeated(&pair[0].name));
        }
        Ok(Self(attributes))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes that count against the message's size: names, types and values.
    pub fn counted_bytes(&self) -> usize {
        self.0
            .iter()
            .map(|attribute| {
                attribute.name.len() + attribute.data_type.len() + attribute.value.len()
            })
            .sum()
    }

    /// The MD5 that clients check.
    pub fn md5(&self) -> [u8; 16] {
        let mut digest = Md5::new();
        let part = |digest: &mut Md5, bytes: &[u8]| {
            digest.update((bytes.len() as u32).to_be_bytes());
            digest.update(bytes);
        };
        for attribute in &self.0 {
            part(&mut digest, attribute.name.as_bytes());
            part(&mut digest, attribute.data_type.as_bytes());
            digest.update([attribute.carrier as u8]);
            part(&mut digest, &attribute.value);
        }
        digest.finalize().into()
    }

    /// The bytes that travel with the message.
    pub fn packed(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.counted_bytes() + self.0.len() * 13);
        let mut part = |bytes: &[u8]| {
            out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            out.extend_from_slice(bytes);
        };
        for attribute in &self.0 {
            part(&[attribute.carrier as u8]);
            part(attribute.name.as_bytes());
            part(attribute.data_type.as_bytes());
            part(&attribute.value);
        }
        out
    }

    /// Reads what [`Attributes::packed`] wrote; what can't be read is left out.
    pub fn unpack(mut bytes: &'a [u8]) -> Self {
        let mut attributes = Vec::new();
        let mut part = || {
            let (length, rest) = bytes.split_first_chunk::<4>()?;
            let (part, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            bytes = rest;
            Some(part)
        };
        while let (Some(carrier), Some(name), Some(data_type), Some(value)) =
            (part(), part(), part(), part())
        {
            attributes.push(Attribute {
                name: as_text(name),
                data_type: as_text(data_type),
                carrier: if carrier == [Carrier::Binary as u8] {
                    Carrier::Binary
                } else {
                    Carrier::String
                },
                value: Cow::Borrowed(value),
            });
        }
        Self(attributes)
    }

    /// Keeps what a receiver asked for by `MessageAttributeNames`.
    pub fn select<T: AsRef<str>>(mut self, wanted: &[T]) -> Self {
        self.0.retain(|attribute| {
            wanted.iter().any(|pattern| match pattern.as_ref() {
                "All" | ".*" | "*" => true,
                pattern => match pattern.strip_suffix(".*") {
                    // `prefix.*` stands for all that starts with the prefix.
                    Some(prefix) => attribute.name.starts_with(prefix),
                    None => attribute.name == pattern,
                },
            })
        });
        self
    }

    /// Writes them as a member of a message.
    pub fn write(&self, encoder: &mut impl Encoder) {
        self.write_as(encoder, "MessageAttributes");
    }

    /// The same under another name in JSON.
    pub fn write_as(&self, encoder: &mut impl Encoder, name: &str) {
        encoder.structure_map(
            name,
            "MessageAttribute",
            self.0.iter().map(|attribute| (&*attribute.name, attribute)),
            |encoder, attribute| {
                match attribute.carrier {
                    Carrier::String => {
                        encoder.text("StringValue", &as_text(&attribute.value));
                        encoder.absent("BinaryValue");
                    }
                    Carrier::Binary => {
                        encoder.absent("StringValue");
                        encoder.plain("BinaryValue", |out| {
                            let text = base64_simd::STANDARD.encode_to_string(&*attribute.value);
                            out.extend_from_slice(text.as_bytes());
                        });
                    }
                }
                encoder.absent("StringListValues");
                encoder.absent("BinaryListValues");
                encoder.text("DataType", &attribute.data_type);
            },
        );
    }
}

/// The one system attribute that a sender can set.
pub const TRACE_HEADER: &str = "AWSTraceHeader";

/// Checks system attributes; answers the trace header.
pub fn check_system<'a>(given: &'a Pairs<'a, AttributeValue<'a>>) -> SqsResult<Attributes<'a>> {
    for (name, value) in &given.0 {
        if &**name != TRACE_HEADER {
            return Err(unknown_system_attribute(name));
        }
        if value.data_type.as_deref() != Some("String") {
            return Err(system_attribute_no_text(TRACE_HEADER));
        }
    }
    Attributes::check(given)
}

impl Attributes<'_> {
    /// The first value as text; for the trace header.
    pub fn first_text(&self) -> Option<&[u8]> {
        self.0.first().map(|attribute| &*attribute.value)
    }
}

fn check_name(name: &str) -> SqsResult<()> {
    let lower = name.to_ascii_lowercase();
    let legal = !name.is_empty()
        && name.len() <= ATTRIBUTE_NAME_CHARS_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && !lower.starts_with("aws.")
        && !lower.starts_with("amazon.");
    if legal {
        return Ok(());
    }
    Err(invalid_message_attribute_name(name))
}

fn check_value<'a>(name: &'a str, value: &'a AttributeValue<'a>) -> SqsResult<Attribute<'a>> {
    let data_type = value.data_type.as_deref().unwrap_or("");
    if data_type.is_empty() {
        return Err(message_attribute_without_type(name));
    }
    let base = data_type.split('.').next().unwrap_or(data_type);
    let wrong_type = || invalid_message_attribute_type(name);
    if data_type.len() > ATTRIBUTE_NAME_CHARS_MAX || super::body::has_illegal(data_type) {
        return Err(wrong_type());
    }
    let empty = || message_attribute_empty(name, base);
    let (carrier, bytes): (Carrier, Cow<'a, [u8]>) = match base {
        "String" | "Number" => {
            let text = value.string_value.as_deref().ok_or_else(empty)?;
            if base == "Number" && !text.is_empty() && !is_number(text) {
                return Err(message_attribute_no_number(name));
            }
            if super::body::has_illegal(text) {
                return Err(message_attribute_illegal(name));
            }
            (Carrier::String, Cow::Borrowed(text.as_bytes()))
        }
        "Binary" => {
            let text = value.binary_value.as_deref().ok_or_else(empty)?;
            let bytes = base64_simd::STANDARD
                .decode_to_vec(text)
                .map_err(|_| message_attribute_no_base64(name))?;
            (Carrier::Binary, Cow::Owned(bytes))
        }
        _ => return Err(wrong_type()),
    };
    if bytes.is_empty() {
        return Err(empty());
    }
    Ok(Attribute {
        name: Cow::Borrowed(name),
        data_type: Cow::Borrowed(data_type),
        carrier,
        value: bytes,
    })
}

/// A decimal number, with a sign, a fraction and an exponent if it likes.
fn is_number(text: &str) -> bool {
    let text = text.trim();
    text.bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::super::decode::from_json;
    use super::super::garbage;
    use super::*;
    use proptest::prelude::*;

    fn md5_of(json: &str) -> String {
        let given: Pairs<'_, AttributeValue<'_>> = from_json(json.as_bytes()).unwrap();
        let mut out = Vec::new();
        crate::hex::write(&mut out, &Attributes::check(&given).unwrap().md5());
        String::from_utf8(out).unwrap()
    }

    /// Figures recorded from the service, as emulators' tests and the documentation give them.
    #[test]
    fn md5_is_that_of_the_service() {
        assert_eq!(
            md5_of(
                r#"{"AWSTraceHeader":{"DataType":"String",
                    "StringValue":"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"}}"#
            )
            .len(),
            32
        );
        assert_eq!(
            md5_of(r#"{"timestamp":{"DataType":"Number","StringValue":"1493147359900"}}"#),
            "235c5c510d26fb653d073faed50ae77c"
        );
    }

    #[test]
    fn packed_attributes_are_read_back_and_selected() {
        let json = r#"{"b.x":{"DataType":"String","StringValue":"1"},
            "a":{"DataType":"Binary.png","BinaryValue":"AQI="},
            "b.y":{"DataType":"Number","StringValue":"-1.5e3"}}"#;
        let given: Pairs<'_, AttributeValue<'_>> = from_json(json.as_bytes()).unwrap();
        let attributes = Attributes::check(&given).unwrap();
        let packed = attributes.packed();
        let back = Attributes::unpack(&packed);
        assert_eq!(back.md5(), attributes.md5());
        assert_eq!(back.clone().select(&["All"]).0.len(), 3);
        assert_eq!(back.clone().select(&["*"]).md5(), attributes.md5());
        assert_eq!(back.clone().select(&["b.*"]).0.len(), 2);
        assert_eq!(back.clone().select(&["a", "c"]).0.len(), 1);
        assert!(back.select::<&str>(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn what_is_checked_is_packed_and_read_back(
            values in prop::collection::btree_map(
                "[A-Za-z0-9_.-]{1,12}",
                (prop::sample::select(&["String", "Number", "Binary", "String.x", "bad"][..]), garbage::text()),
                0..12,
            ),
        ) {
            let object: serde_json::Map<String, serde_json::Value> = values
                .into_iter()
                .map(|(name, (data_type, value))| {
                    let member = if data_type == "Binary" { "BinaryValue" } else { "StringValue" };
                    (name, serde_json::json!({"DataType": data_type, member: value}))
                })
                .collect();
            let json = serde_json::to_vec(&object).unwrap();
            let given: Pairs<'_, AttributeValue<'_>> = from_json(&json).unwrap();
            let _ = check_system(&given);
            if let Ok(attributes) = Attributes::check(&given) {
                let packed = attributes.packed();
                let back = Attributes::unpack(&packed);
                prop_assert_eq!(back.md5(), attributes.md5());
                prop_assert_eq!(back.0.len(), object.len());
            }
        }

        #[test]
        fn no_attributes_panic(json in garbage::json_bytes()) {
            if let Ok(given) = from_json::<Pairs<'_, AttributeValue<'_>>>(&json) {
                let _ = Attributes::check(&given);
                let _ = check_system(&given);
            }
        }

        #[test]
        fn no_packed_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Attributes::unpack(&bytes).md5();
        }
    }
}
