//! Fields of an export's lines in their texts.

use lclq_shards::pubsub::command::SharedBytes;
use lclq_shards::{Draft, Millis, Payload, Section};
use md5::{Digest, Md5};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes as base64.
#[derive(Clone, Debug)]
pub struct Base64(SharedBytes);

impl Base64 {
    pub fn shared(self) -> SharedBytes {
        self.0
    }
}

impl From<SharedBytes> for Base64 {
    fn from(bytes: SharedBytes) -> Self {
        Self(bytes)
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&base64_simd::STANDARD.encode_to_string(&*self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes = base64_simd::STANDARD.decode_to_vec(text.as_bytes());
        let bytes = bytes.map_err(|_| D::Error::custom("base64 is expected"))?;
        Ok(Self(bytes.into()))
    }
}

/// Sixteen bytes in hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct Hex16(pub [u8; 16]);

impl From<[u8; 16]> for Hex16 {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Serialize for Hex16 {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("{:032x}", u128::from_be_bytes(self.0)))
    }
}

impl<'de> Deserialize<'de> for Hex16 {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let number = u128::from_str_radix(&text, 16).ok();
        let number = number.filter(|_| text.len() == 32);
        let number =
            number.ok_or_else(|| D::Error::custom("32 hexadecimal digits are expected"))?;
        Ok(Self(number.to_be_bytes()))
    }
}

/// A message's or task's id.
#[derive(Clone, Copy, Debug)]
pub struct Uuid(pub [u8; 16]);

impl Serialize for Uuid {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&uuid::Uuid::from_bytes(self.0).hyphenated())
    }
}

impl<'de> Deserialize<'de> for Uuid {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let id = uuid::Uuid::try_parse(&text).map_err(D::Error::custom)?;
        Ok(Self(id.into_bytes()))
    }
}

/// What a payload holds.
#[derive(Serialize, Deserialize, Debug)]
pub struct Body {
    id: Uuid,
    sent_at: Millis,
    /// Where it is text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    /// Where it isn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body_base64: Option<Base64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deduplication_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trace_header: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dead_letter_source: Option<String>,
    /// Carrier, name, type and value of each, with their lengths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attributes: Option<Base64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    attributes_md5: Option<Hex16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    system_attributes_md5: Option<Hex16>,
}

impl Body {
    pub fn of(payload: &Payload) -> Self {
        let text = |section| payload.text(section).map(str::to_owned);
        let md5 = |section| {
            let bytes = payload.section(section)?;
            bytes.try_into().ok().map(Hex16)
        };
        let body = std::str::from_utf8(payload.body()).ok();
        let base64 = |bytes: &[u8]| Base64(bytes.into());
        Self {
            id: Uuid(payload.id()),
            sent_at: payload.sent_at(),
            body: body.map(str::to_owned),
            body_base64: body.is_none().then(|| base64(payload.body())),
            group: text(Section::Group),
            deduplication_id: text(Section::Deduplication),
            trace_header: text(Section::Trace),
            dead_letter_source: text(Section::DeadLetterSource),
            attributes: payload.section(Section::Attributes).map(base64),
            attributes_md5: md5(Section::AttributesMd5),
            system_attributes_md5: md5(Section::SystemAttributesMd5),
        }
    }

    pub fn payload(&self) -> Payload {
        let body = match (&self.body, &self.body_base64) {
            (Some(body), _) => body.as_bytes(),
            (None, Some(body)) => &body.0,
            (None, None) => &[],
        };
        let text = |section, text: &'_ Option<String>| {
            text.as_ref()
                .map(|text| (section, text.as_bytes().to_vec()))
        };
        let md5 = |section, md5: &Option<Hex16>| md5.map(|md5| (section, md5.0.to_vec()));
        let attributes = self.attributes.as_ref();
        let sections: Vec<(Section, Vec<u8>)> = [
            text(Section::Group, &self.group),
            text(Section::Deduplication, &self.deduplication_id),
            text(Section::Trace, &self.trace_header),
            text(Section::DeadLetterSource, &self.dead_letter_source),
            md5(Section::AttributesMd5, &self.attributes_md5),
            attributes.map(|bytes| (Section::Attributes, bytes.0.to_vec())),
            md5(Section::SystemAttributesMd5, &self.system_attributes_md5),
        ]
        .into_iter()
        .flatten()
        .collect();
        Draft {
            id: self.id.0,
            body_md5: Md5::digest(body).into(),
            sent_at: self.sent_at,
            body,
            sections: sections
                .iter()
                .map(|(section, bytes)| (*section, &bytes[..]))
                .collect(),
        }
        .build()
    }
}
