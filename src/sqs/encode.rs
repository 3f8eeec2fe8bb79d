//! Writing answers: one set of calls, two forms on the wire.
//!
//! JSON nests where the query protocol repeats elements ("flattened" lists and maps), so each call
//! takes the names of both.

/// Writes the members of one structure.
pub trait Encoder {
    /// A text member.
    fn text(&mut self, name: &str, value: &str);
    /// A member whose text is known to need no escapes.
    fn plain(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>));
    /// A member that isn't there, for the form that says so.
    fn absent(&mut self, _name: &str) {}
    /// A number.
    fn number(&mut self, name: &str, value: u64);
    /// A boolean.
    fn boolean(&mut self, name: &str, value: bool);
    /// A list of texts; `element` is the name of each in the query protocol.
    fn texts<'t>(&mut self, name: &str, element: &str, values: impl IntoIterator<Item = &'t str>);
    /// A map from text to text; `element`, `key` and `value` are names in the query protocol.
    fn map<'t>(
        &mut self,
        name: &str,
        element: &str,
        tags: (&str, &str),
        entries: impl IntoIterator<Item = (&'t str, &'t str)>,
    );
    /// A list of structures.
    fn structures<T>(
        &mut self,
        name: &str,
        element: &str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut Self, T),
    );
    /// A map from text to structure.
    fn structure_map<'t, T>(
        &mut self,
        name: &str,
        element: &str,
        entries: impl IntoIterator<Item = (&'t str, T)>,
        write: impl FnMut(&mut Self, T),
    );
}

/// The JSON form.
pub struct JsonEncoder<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
}

impl<'o> JsonEncoder<'o> {
    /// Opens the outermost structure; [`JsonEncoder::finish`] closes it.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, first: true }
    }

    pub fn finish(self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if !std::mem::replace(&mut self.first, false) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn nested(&mut self, write: impl FnOnce(&mut Self)) {
        self.out.push(b'{');
        self.first = true;
        write(self);
        self.out.push(b'}');
        self.first = false;
    }
}

impl Encoder for JsonEncoder<'_> {
    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        json_string(self.out, value);
    }

    fn plain(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
        self.name(name);
        self.out.push(b'"');
        value(self.out);
        self.out.push(b'"');
    }

    fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        decimal(self.out, value);
    }

    fn boolean(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    fn texts<'t>(&mut self, name: &str, _element: &str, values: impl IntoIterator<Item = &'t str>) {
        self.name(name);
        self.out.push(b'[');
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            json_string(self.out, value);
        }
        self.out.push(b']');
    }

    fn map<'t>(
        &mut self,
        name: &str,
        _element: &str,
        _tags: (&str, &str),
        entries: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) {
        self.name(name);
        self.out.push(b'{');
        for (at, (key, value)) in entries.into_iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            json_string(self.out, key);
            self.out.push(b':');
            json_string(self.out, value);
        }
        self.out.push(b'}');
    }

    fn structures<T>(
        &mut self,
        name: &str,
        _element: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.name(name);
        self.out.push(b'[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            self.nested(|encoder| write(encoder, item));
        }
        self.out.push(b']');
    }

    fn structure_map<'t, T>(
        &mut self,
        name: &str,
        _element: &str,
        entries: impl IntoIterator<Item = (&'t str, T)>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.name(name);
        self.out.push(b'{');
        for (at, (key, value)) in entries.into_iter().enumerate() {
            if at > 0 {
                self.out.push(b',');
            }
            json_string(self.out, key);
            self.out.push(b':');
            self.nested(|encoder| write(encoder, value));
        }
        self.out.push(b'}');
    }
}

/// The JSON form of the query protocol: members that aren't there are null, maps are lists of their
/// entries, and two lists have a name of their own.
pub struct QueryJsonEncoder<'o>(JsonEncoder<'o>);

impl<'o> QueryJsonEncoder<'o> {
    /// Opens the outermost structure; [`QueryJsonEncoder::finish`] closes it.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self(JsonEncoder::new(out))
    }

    pub fn finish(self) {
        self.0.finish();
    }

    /// The name of a list in this form: as the service's own model has it, which other forms hide.
    fn list_name(name: &str) -> &str {
        match name {
            "Messages" => "messages",
            "QueueUrls" => "queueUrls",
            name => name,
        }
    }

    fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.0.name(Self::list_name(name));
        self.0.out.push(b'[');
        for (at, item) in items.into_iter().enumerate() {
            if at > 0 {
                self.0.out.push(b',');
            }
            self.structure(|encoder| write(encoder, item));
        }
        self.0.out.push(b']');
    }

    fn structure(&mut self, write: impl FnOnce(&mut Self)) {
        self.0.out.push(b'{');
        self.0.first = true;
        write(self);
        self.0.out.push(b'}');
        self.0.first = false;
    }
}

impl Encoder for QueryJsonEncoder<'_> {
    fn text(&mut self, name: &str, value: &str) {
        self.0.text(name, value);
    }

    fn plain(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
        self.0.plain(name, value);
    }

    fn absent(&mut self, name: &str) {
        self.0.name(Self::list_name(name));
        self.0.out.extend_from_slice(b"null");
    }

    fn number(&mut self, name: &str, value: u64) {
        self.0.number(name, value);
    }

    fn boolean(&mut self, name: &str, value: bool) {
        self.0.boolean(name, value);
    }

    fn texts<'t>(&mut self, name: &str, element: &str, values: impl IntoIterator<Item = &'t str>) {
        self.0.texts(Self::list_name(name), element, values);
    }

    fn map<'t>(
        &mut self,
        name: &str,
        _element: &str,
        tags: (&str, &str),
        entries: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) {
        self.list(name, entries, |encoder, (key, value)| {
            encoder.text(tags.0, key);
            encoder.text(tags.1, value);
        });
    }

    fn structures<T>(
        &mut self,
        name: &str,
        _element: &str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut Self, T),
    ) {
        self.list(name, items, write);
    }

    fn structure_map<'t, T>(
        &mut self,
        name: &str,
        _element: &str,
        entries: impl IntoIterator<Item = (&'t str, T)>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.list(name, entries, |encoder, (key, value)| {
            encoder.text("Name", key);
            encoder.0.name("Value");
            encoder.structure(|encoder| write(encoder, value));
        });
    }
}

/// The XML form of the query protocol.
pub struct XmlEncoder<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> XmlEncoder<'o> {
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out }
    }

    fn open(&mut self, name: &str) {
        self.out.push(b'<');
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }

    fn close(&mut self, name: &str) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b'>');
    }
}

impl Encoder for XmlEncoder<'_> {
    fn text(&mut self, name: &str, value: &str) {
        self.open(name);
        xml_text(self.out, value);
        self.close(name);
    }

    fn plain(&mut self, name: &str, value: impl FnOnce(&mut Vec<u8>)) {
        self.open(name);
        value(self.out);
        self.close(name);
    }

    fn number(&mut self, name: &str, value: u64) {
        self.plain(name, |out| decimal(out, value));
    }

    fn boolean(&mut self, name: &str, value: bool) {
        self.text(name, if value { "true" } else { "false" });
    }

    fn texts<'t>(&mut self, _name: &str, element: &str, values: impl IntoIterator<Item = &'t str>) {
        for value in values {
            self.text(element, value);
        }
    }

    fn map<'t>(
        &mut self,
        _name: &str,
        element: &str,
        tags: (&str, &str),
        entries: impl IntoIterator<Item = (&'t str, &'t str)>,
    ) {
        for (key, value) in entries {
            self.open(element);
            self.text(tags.0, key);
            self.text(tags.1, value);
            self.close(element);
        }
    }

    fn structures<T>(
        &mut self,
        _name: &str,
        element: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for item in items {
            self.open(element);
            write(self, item);
            self.close(element);
        }
    }

    fn structure_map<'t, T>(
        &mut self,
        _name: &str,
        element: &str,
        entries: impl IntoIterator<Item = (&'t str, T)>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        for (key, value) in entries {
            self.open(element);
            self.text("Name", key);
            self.open("Value");
            write(self, value);
            self.close("Value");
            self.close(element);
        }
    }
}

/// Bytes that are looked at in one go for whether any needs an escape.
const SCAN_BYTES: usize = 32;

/// Where the first byte is that `is_special` finds; `bytes.len()` if nowhere. Nearly all text has
/// none, so whole chunks are tested without a branch per byte, which the compiler makes vector code
/// as long as `is_special` has no branches either.
#[inline(always)]
fn plain_length(bytes: &[u8], is_special: impl Fn(u8) -> bool) -> usize {
    let mut at = 0;
    for chunk in bytes.chunks_exact(SCAN_BYTES) {
        let mut found = 0;
        for byte in chunk {
            found |= u8::from(is_special(*byte));
        }
        if found != 0 {
            break;
        }
        at += SCAN_BYTES;
    }
    let rest = &bytes[at..];
    at + rest
        .iter()
        .position(|byte| is_special(*byte))
        .unwrap_or(rest.len())
}

/// Writes a JSON string with its quotes.
pub fn json_string(out: &mut Vec<u8>, text: &str) {
    let mut bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    loop {
        let plain = plain_length(bytes, |byte| {
            (byte < 0x20) | (byte == b'"') | (byte == b'\\')
        });
        out.extend_from_slice(&bytes[..plain]);
        let Some(byte) = bytes.get(plain) else { break };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => {
                out.extend_from_slice(b"\\u00");
                crate::hex::write(out, &[*control]);
            }
        }
        bytes = &bytes[plain + 1..];
    }
    out.push(b'"');
}

/// Writes XML text as the service escapes it: quotes and carriage returns too.
pub fn xml_text(out: &mut Vec<u8>, text: &str) {
    let mut bytes = text.as_bytes();
    loop {
        let plain = plain_length(bytes, |byte| {
            (byte == b'<') | (byte == b'>') | (byte == b'&') | (byte == b'"') | (byte == b'\r')
        });
        out.extend_from_slice(&bytes[..plain]);
        let escaped: &[u8] = match bytes.get(plain) {
            Some(b'<') => b"&lt;",
            Some(b'>') => b"&gt;",
            Some(b'&') => b"&amp;",
            Some(b'"') => b"&quot;",
            Some(_) => b"&#xD;",
            None => break,
        };
        out.extend_from_slice(escaped);
        bytes = &bytes[plain + 1..];
    }
}

/// Writes a number in decimal.
pub fn decimal(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (value % 10) as u8;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Writes a UUID with hyphens.
pub fn uuid(out: &mut Vec<u8>, id: [u8; 16]) {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = uuid::Uuid::from_bytes(id)
        .hyphenated()
        .encode_lower(&mut buffer);
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_structure_in_all_forms() {
        fn write(encoder: &mut impl Encoder) {
            encoder.text("A", "x\"\r<");
            encoder.absent("Messages");
            encoder.texts("Names", "Name", ["p", "q"]);
            encoder.map("Tags", "Tag", ("Key", "Value"), [("k", "v")]);
            encoder.structures("Items", "Item", [1, 2], |encoder, n| encoder.number("N", n));
            encoder.boolean("B", true);
        }
        let mut json = Vec::new();
        let mut encoder = JsonEncoder::new(&mut json);
        write(&mut encoder);
        encoder.finish();
        assert_eq!(
            String::from_utf8(json).unwrap(),
            r#"{"A":"x\"\r<","Names":["p","q"],"Tags":{"k":"v"},"Items":[{"N":1},{"N":2}],"B":true}"#
        );
        let mut query = Vec::new();
        let mut encoder = QueryJsonEncoder::new(&mut query);
        write(&mut encoder);
        encoder.structure_map("Map", "Entry", [("k", 3)], |encoder, n| {
            encoder.absent("A");
            encoder.number("N", n);
        });
        encoder.boolean("C", false);
        encoder.finish();
        assert_eq!(
            String::from_utf8(query).unwrap(),
            r#"{"A":"x\"\r<","messages":null,"Names":["p","q"],"Tags":[{"Key":"k","Value":"v"}],"Items":[{"N":1},{"N":2}],"B":true,"Map":[{"Name":"k","Value":{"A":null,"N":3}}],"C":false}"#
        );
        let mut xml = Vec::new();
        write(&mut XmlEncoder::new(&mut xml));
        assert_eq!(
            String::from_utf8(xml).unwrap(),
            "<A>x&quot;&#xD;&lt;</A><Name>p</Name><Name>q</Name>\
             <Tag><Key>k</Key><Value>v</Value></Tag>\
             <Item><N>1</N></Item><Item><N>2</N></Item><B>true</B>"
        );
    }

    proptest! {
        #[test]
        fn json_strings_read_back(text in any::<String>()) {
            let mut out = Vec::new();
            json_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }

        #[test]
        fn escapes_are_found_wherever_they_stand(
            before in 0usize..70,
            special in prop::sample::select(vec!['"', '\\', '\n', '\u{1}', '<', '&', '\r', 'ä']),
            after in 0usize..70,
        ) {
            let text = format!("{}{special}{}", "a".repeat(before), "b".repeat(after));
            let mut out = Vec::new();
            json_string(&mut out, &text);
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text.clone());
            let mut xml = Vec::new();
            xml_text(&mut xml, &text);
            let read = String::from_utf8(xml).unwrap();
            prop_assert!(!read.contains(['<', '"', '\r']));
            let read = read.replace("&lt;", "<").replace("&quot;", "\"").replace("&#xD;", "\r");
            prop_assert_eq!(read.replace("&amp;", "&"), text);
        }

        #[test]
        fn numbers_are_as_the_library_writes_them(value in any::<u64>()) {
            let mut out = Vec::new();
            decimal(&mut out, value);
            prop_assert_eq!(String::from_utf8(out).unwrap(), value.to_string());
        }
    }
}
