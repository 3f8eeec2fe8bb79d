//! What the walk over a protocol buffer's binary encoding needs to know of a definition, in tables.
//! A message may hold millions of others, so none of them may cost more than its own bytes.

use hashbrown::HashMap;
use prost_reflect::{Cardinality, FieldDescriptor, Kind, MessageDescriptor, Syntax};

/// Wire types that fields have.
pub(super) const VARINT: u8 = 0;
pub(super) const FIXED64: u8 = 1;
pub(super) const SIZED: u8 = 2;
pub(super) const GROUP: u8 = 3;
pub(super) const GROUP_END: u8 = 4;
pub(super) const FIXED32: u8 = 5;

/// Index of a message's layout.
pub(super) type MessageId = usize;

/// A message and those that it may hold. The first is the definition's own.
#[derive(Debug)]
pub(super) struct Layout {
    messages: Vec<MessageLayout>,
}

#[derive(Debug)]
pub(super) struct MessageLayout {
    pub name: String,
    /// By number.
    pub fields: HashMap<u32, FieldLayout>,
    /// Names of the fields that must be there.
    pub required: Vec<String>,
}

#[derive(Debug)]
pub(super) struct FieldLayout {
    pub name: String,
    pub wire: u8,
    pub holds: Holds,
    pub is_list: bool,
    /// Its place in `required`, if it must be there.
    pub required: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Holds {
    /// Also a group's.
    Message(MessageId),
    /// Proto2 doesn't check texts.
    Text {
        checked: bool,
    },
    Bytes,
    Scalar,
}

impl Layout {
    pub(super) fn of(message: &MessageDescriptor) -> Self {
        let mut found = Found::default();
        found.place(message);
        let mut messages = Vec::new();
        while let Some(message) = found.messages.get(messages.len()).cloned() {
            messages.push(found.layout(&message));
        }
        Self { messages }
    }

    pub(super) fn message(&self, id: MessageId) -> &MessageLayout {
        &self.messages[id]
    }
}

/// Messages in the order in which they were met.
#[derive(Default)]
struct Found {
    messages: Vec<MessageDescriptor>,
    places: HashMap<String, MessageId>,
}

impl Found {
    fn place(&mut self, message: &MessageDescriptor) -> MessageId {
        let next = self.messages.len();
        match self.places.entry_ref(message.full_name()) {
            hashbrown::hash_map::EntryRef::Occupied(place) => *place.get(),
            hashbrown::hash_map::EntryRef::Vacant(place) => {
                place.insert(next);
                self.messages.push(message.clone());
                next
            }
        }
    }

    fn layout(&mut self, message: &MessageDescriptor) -> MessageLayout {
        let proto2 = message.parent_file().syntax() == Syntax::Proto2;
        let mut layout = MessageLayout {
            name: message.name().to_owned(),
            fields: HashMap::new(),
            required: Vec::new(),
        };
        for field in message.fields() {
            let required = proto2 && field.cardinality() == Cardinality::Required;
            let required = required.then(|| {
                layout.required.push(field.name().to_owned());
                layout.required.len() - 1
            });
            let made = self.field(&field, proto2, required);
            layout.fields.insert(field.number(), made);
        }
        layout
    }

    fn field(
        &mut self,
        field: &FieldDescriptor,
        proto2: bool,
        required: Option<usize>,
    ) -> FieldLayout {
        let kind = field.kind();
        FieldLayout {
            name: field.name().to_owned(),
            wire: wire_type(&kind, field.is_group()),
            holds: match &kind {
                Kind::Message(message) => Holds::Message(self.place(message)),
                Kind::String => Holds::Text { checked: !proto2 },
                Kind::Bytes => Holds::Bytes,
                _ => Holds::Scalar,
            },
            is_list: field.is_list(),
            required,
        }
    }
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
