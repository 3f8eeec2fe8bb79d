//! Reading requests: the JSON body or the query form, into the same structures.

use super::error::{SqsResult, not_an_integer, serialization, too_many_parameters};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

/// Parameters of one query request; more is refused, so that looking them up stays cheap.
const PARAMETERS_MAX: usize = 4096;

/// Text that borrows from the request where it can.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Text<'a>(pub Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Text<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor<'a>(PhantomData<&'a ()>);
        impl<'de: 'a, 'a> Visitor<'de> for TextVisitor<'a> {
            type Value = Text<'a>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
            fn visit_string<E: de::Error>(self, text: String) -> Result<Text<'a>, E> {
                Ok(Text(Cow::Owned(text)))
            }
        }
        deserializer.deserialize_str(TextVisitor(PhantomData))
    }
}

/// A whole number, or a string of digits as some clients send it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Int(pub i64);

impl<'de> Deserialize<'de> for Int {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IntVisitor;
        impl Visitor<'_> for IntVisitor {
            type Value = Int;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number")
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Int, E> {
                Ok(Int(number))
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Int, E> {
                i64::try_from(number)
                    .map(Int)
                    .map_err(|_| E::custom("number too large"))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Int, E> {
                if number.fract() == 0.0 && number.abs() < 1e15 {
                    Ok(Int(number as i64))
                } else {
                    Err(E::custom("not a whole number"))
                }
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Int, E> {
                text.parse()
                    .map(Int)
                    .map_err(|_| E::custom("not a whole number"))
            }
        }
        deserializer.deserialize_any(IntVisitor)
    }
}

/// A JSON object as pairs in the order of the request. A repeated key replaces the earlier one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pairs<'a, V>(pub Vec<(Text<'a>, V)>);

impl<V> Default for Pairs<'_, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de: 'a, 'a, V: Deserialize<'de> + 'a> Deserialize<'de> for Pairs<'a, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor<'a, V>(PhantomData<&'a V>);
        impl<'de: 'a, 'a, V: Deserialize<'de> + 'a> Visitor<'de> for PairsVisitor<'a, V> {
            type Value = Pairs<'a, V>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Pairs<'a, V>, M::Error> {
                let mut pairs: Vec<(Text<'a>, V)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<Text<'a>, V>()? {
                    if pairs.len() >= PARAMETERS_MAX {
                        return Err(de::Error::custom("too many entries"));
                    }
                    match pairs.iter_mut().find(|(before, _)| *before == key) {
                        Some((_, before)) => *before = value,
                        None => pairs.push((key, value)),
                    }
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

/// A JSON array, of no more elements than a query request could have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> std::ops::Deref for List<T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> IntoIterator for List<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }
            fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<List<T>, S::Error> {
                let mut list = Vec::new();
                while let Some(element) = seq.next_element()? {
                    // What is read takes many times the room of what was sent.
                    if list.len() >= PARAMETERS_MAX {
                        return Err(de::Error::custom("too many elements"));
                    }
                    list.push(element);
                }
                Ok(List(list))
            }
        }
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

/// The parameters of a query request.
pub struct Form<'a> {
    parameters: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

/// The parameters of one element of a list: what follows `Name.N.`, and the value.
pub type Element<'f> = Vec<(&'f str, &'f str)>;

impl<'a> Form<'a> {
    /// Reads form-encoded texts; of parameters that are there twice the first counts.
    pub fn parse(sources: &[&'a [u8]]) -> SqsResult<Self> {
        let mut parameters = Vec::new();
        for source in sources {
            let mut rest: &'a [u8] = source;
            while !rest.is_empty() {
                let end = memchr::memchr(b'&', rest).unwrap_or(rest.len());
                let pair = &rest[..end];
                rest = rest.get(end + 1..).unwrap_or_default();
                if pair.is_empty() {
                    continue;
                }
                if parameters.len() >= PARAMETERS_MAX {
                    return Err(too_many_parameters());
                }
                let equals = memchr::memchr(b'=', pair).unwrap_or(pair.len());
                let value = pair.get(equals + 1..).unwrap_or_default();
                parameters.push((form_text(&pair[..equals]), form_text(value)));
            }
        }
        Ok(Self { parameters })
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| &**value)
    }

    pub fn text(&self, name: &str) -> Option<Text<'_>> {
        self.get(name).map(|value| Text(Cow::Borrowed(value)))
    }

    pub fn int(&self, name: &str) -> SqsResult<Option<Int>> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        match value.parse() {
            Ok(number) => Ok(Some(Int(number))),
            Err(_) => Err(not_an_integer(name, value)),
        }
    }

    /// The elements of a flattened list in the order of their numbers. `names` are the spellings
    /// that clients use for it.
    pub fn list(&self, names: &[&str]) -> Vec<Element<'_>> {
        let parameters = &self.parameters;
        elements(
            parameters.iter().map(|(key, value)| (&**key, &**value)),
            names,
        )
    }

    /// A flattened list of texts.
    pub fn texts(&self, names: &[&str]) -> Vec<Text<'_>> {
        self.list(names)
            .into_iter()
            .filter_map(|element| member(&element, &[""]))
            .map(|value| Text(Cow::Borrowed(value)))
            .collect()
    }

    /// A flattened map of texts.
    pub fn map(&self, names: &[&str], key: &str, value: &str) -> Pairs<'_, Text<'_>> {
        Pairs(
            self.list(names)
                .into_iter()
                .filter_map(|element| {
                    let key = member(&element, &[key])?;
                    let value = member(&element, &[value]).unwrap_or("");
                    Some((Text(Cow::Borrowed(key)), Text(Cow::Borrowed(value))))
                })
                .collect(),
        )
    }
}

/// The elements of a flattened list among parameters, in the order of their numbers. What has no
/// number, `Attribute.Name` rather than `Attribute.1.Name`, is of one element, before the others.
pub fn elements<'f>(
    parameters: impl Iterator<Item = (&'f str, &'f str)>,
    names: &[&str],
) -> Vec<Element<'f>> {
    let mut elements: std::collections::BTreeMap<Option<u32>, Element<'f>> = Default::default();
    for (key, value) in parameters {
        // `Tags` begins with `Tag`: what follows must be the end or a period.
        let follows = |name: &&str| {
            key.strip_prefix(*name)
                .filter(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let Some(rest) = names.iter().find_map(follows) else {
            continue;
        };
        let Some(rest) = rest.strip_prefix('.') else {
            // Some clients write an empty list as an empty value.
            if !value.is_empty() {
                elements.entry(None).or_default().push(("", value));
            }
            continue;
        };
        let rest = rest.strip_prefix("member.").unwrap_or(rest);
        let (number, after) = rest.split_once('.').unwrap_or((rest, ""));
        if let Ok(number) = number.parse() {
            elements
                .entry(Some(number))
                .or_default()
                .push((after, value));
        } else if rest.starts_with(|first: char| first.is_ascii_uppercase()) {
            elements.entry(None).or_default().push((rest, value));
        }
    }
    elements.into_values().collect()
}

/// Undoes form encoding. What isn't UTF-8 then becomes U+FFFD, a `%` without two digits stays.
///
/// `form_urlencoded` does the same, and the same again for each byte.
fn form_text(encoded: &[u8]) -> Cow<'_, str> {
    let Some(first) = memchr::memchr2(b'%', b'+', encoded) else {
        return super::body::as_text(encoded);
    };
    let mut text = Vec::with_capacity(encoded.len());
    let (plain, mut rest) = encoded.split_at(first);
    text.extend_from_slice(plain);
    while let Some((&special, after)) = rest.split_first() {
        rest = after;
        if special == b'+' {
            text.push(b' ');
        } else {
            let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
            match (digit(0), digit(1)) {
                (Some(high), Some(low)) => {
                    text.push((high << 4 | low) as u8);
                    rest = &rest[2..];
                }
                _ => text.push(special),
            }
        }
        let next = memchr::memchr2(b'%', b'+', rest).unwrap_or(rest.len());
        let (plain, special) = rest.split_at(next);
        text.extend_from_slice(plain);
        rest = special;
    }
    let text = String::from_utf8(text);
    Cow::Owned(text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// A member of a list's element.
pub fn member<'f>(element: &Element<'f>, names: &[&str]) -> Option<&'f str> {
    element
        .iter()
        .find(|(key, _)| names.contains(key))
        .map(|(_, value)| *value)
}

/// Reads a JSON body. An empty one counts as an empty object.
pub fn from_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> SqsResult<T> {
    // Checked as a whole, which is cheaper than each string by itself.
    let body = std::str::from_utf8(body).map_err(serialization)?;
    let body = if body.is_empty() { "{}" } else { body };
    serde_json::from_str(body).map_err(serialization)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lists_are_in_order_of_their_numbers() {
        let form =
            Form::parse(&[b"A.2=b&A.10=c&A.1=a&B.1.Name=n&B.1.Value=v&C.member.1=m"]).unwrap();
        let texts: Vec<String> = form
            .texts(&["A"])
            .iter()
            .map(|text| text.to_string())
            .collect();
        assert_eq!(texts, ["a", "b", "c"]);
        let map = form.map(&["B", "Bs"], "Name", "Value");
        assert_eq!((&*map.0[0].0, &*map.0[0].1), ("n", "v"));
        assert_eq!(&*form.texts(&["C"])[0], "m");
    }

    #[test]
    fn a_list_of_one_needs_no_number() {
        let form = Form::parse(&[
            b"A=only&B.Name=n&B.Value=v&B.2.Name=m&AOther=x&C.Value.DataType=String&D.x=y",
        ])
        .unwrap();
        let texts = form.texts(&["A"]);
        assert_eq!((texts.len(), &*texts[0]), (1, "only"));
        let map = form.map(&["B"], "Name", "Value");
        assert_eq!((&*map.0[0].0, &*map.0[0].1), ("n", "v"));
        assert_eq!((&*map.0[1].0, map.0.len()), ("m", 2));
        assert_eq!(form.list(&["C"]), [[("Value.DataType", "String")]]);
        assert!(form.list(&["D"]).is_empty());
        assert!(Form::parse(&[b"A="]).unwrap().texts(&["A"]).is_empty());
        let longer = Form::parse(&[b"Tags.1.Key=k"]).unwrap();
        assert_eq!(longer.list(&["Tag", "Tags"]), [[("Key", "k")]]);
    }

    proptest! {
        #[test]
        fn forms_are_read_as_the_library_reads_them(body in "[a-c%+&=0-9A-F\u{e4}]{0,60}") {
            let form = Form::parse(&[body.as_bytes()]).unwrap();
            let read: Vec<_> = form_urlencoded::parse(body.as_bytes()).collect();
            prop_assert_eq!(form.parameters, read);
        }

        #[test]
        fn any_bytes_are_read_as_the_library_reads_them(
            body in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let form = Form::parse(&[&body]).unwrap();
            let read: Vec<_> = form_urlencoded::parse(&body).collect();
            prop_assert_eq!(form.parameters, read);
        }

        #[test]
        fn no_form_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(form) = Form::parse(&[&body]) {
                form.list(&["A", "Tag"]);
                let _ = form.int("A");
            }
        }

        #[test]
        fn no_json_panics(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = from_json::<Pairs<'_, Text<'_>>>(&body);
            let _ = from_json::<Int>(&body);
        }
    }
}
