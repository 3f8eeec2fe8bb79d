//! What the walks over messages need to know of a protocol buffer's definition, in tables. A message
//! may hold millions of others, so none of them may cost more than its own bytes.

use hashbrown::{HashMap, HashSet};
use prost_reflect::{
    Cardinality, EnumDescriptor, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    Syntax,
};
use std::sync::Arc;

use crate::protobuf::wire::{FIXED32, FIXED64, GROUP, SIZED, VARINT};

/// Index of a message's layout.
pub(super) type MessageId = usize;

/// A message and those that it may hold. The first is the definition's own.
#[derive(Debug)]
pub(super) struct Layout {
    messages: Vec<MessageLayout>,
    by_name: HashMap<String, MessageId>,
}

#[derive(Debug)]
pub(super) struct MessageLayout {
    pub name: String,
    /// By number.
    pub fields: HashMap<u32, FieldLayout>,
    /// By the names that JSON has for them, which are two.
    pub numbers: HashMap<String, u32>,
    /// Extensions, by the name that JSON has for them.
    pub extensions: HashMap<String, FieldLayout>,
    pub form: Form,
    /// Names of the fields that must be there.
    pub required: Vec<String>,
}

#[derive(Debug)]
pub(super) struct FieldLayout {
    pub name: String,
    pub wire: u8,
    pub holds: Holds,
    pub scalar: Scalar,
    pub is_list: bool,
    /// A list of entries of a key and a value.
    pub is_map: bool,
    /// Of a group of which one may be set, which one.
    pub oneof: Option<usize>,
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

/// What a field's value is in JSON, if it isn't a message.
#[derive(Clone, Debug)]
pub(super) enum Scalar {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Bool,
    Text,
    Bytes,
    /// By name; numbers may be any.
    Enum(Arc<HashSet<String>>),
    /// `google.protobuf.NullValue`.
    Null,
    Message,
}

/// How a message stands in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Object,
    /// As the value of its only field.
    Wrapper,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    List,
    Value,
    Empty,
    Any,
}

impl Form {
    fn of(full_name: &str) -> Self {
        match full_name.strip_prefix("google.protobuf.").unwrap_or("") {
            "DoubleValue" | "FloatValue" | "Int32Value" | "Int64Value" | "UInt32Value"
            | "UInt64Value" | "BoolValue" | "StringValue" | "BytesValue" => Self::Wrapper,
            "Timestamp" => Self::Timestamp,
            "Duration" => Self::Duration,
            "FieldMask" => Self::FieldMask,
            "Struct" => Self::Struct,
            "ListValue" => Self::List,
            "Value" => Self::Value,
            "Empty" => Self::Empty,
            "Any" => Self::Any,
            _ => Self::Object,
        }
    }
}

impl Layout {
    pub(super) fn of(message: &MessageDescriptor) -> Self {
        let mut found = Found::default();
        found.place(message);
        let mut messages = Vec::new();
        while let Some(message) = found.messages.get(messages.len()).cloned() {
            let layout = found.layout(&message);
            if layout.form == Form::Any {
                // It may hold any other.
                for other in message.parent_pool().all_messages() {
                    found.place(&other);
                }
            }
            messages.push(layout);
        }
        Self {
            messages,
            by_name: found.places,
        }
    }

    /// A message by its full name, if one that any message can hold.
    pub(super) fn find(&self, full_name: &str) -> Option<MessageId> {
        self.by_name.get(full_name).copied()
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
    enums: HashMap<String, Arc<HashSet<String>>>,
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
            numbers: HashMap::new(),
            extensions: HashMap::new(),
            form: Form::of(message.full_name()),
        };
        let oneofs: HashMap<String, usize> = message
            .oneofs()
            .enumerate()
            .map(|(place, oneof)| (oneof.name().to_owned(), place))
            .collect();
        for field in message.fields() {
            let required = proto2 && field.cardinality() == Cardinality::Required;
            let required = required.then(|| {
                layout.required.push(field.name().to_owned());
                layout.required.len() - 1
            });
            let mut made = self.field(&field, proto2, required);
            let oneof = field.containing_oneof();
            made.oneof = oneof.and_then(|oneof| oneofs.get(oneof.name()).copied());
            layout.fields.insert(field.number(), made);
            let names = &mut layout.numbers;
            names.insert(field.json_name().to_owned(), field.number());
        }
        for field in message.fields() {
            let name = field.name().to_owned();
            layout.numbers.entry(name).or_insert(field.number());
        }
        for extension in message.extensions() {
            let made = self.extension(&extension, proto2);
            let name = extension.json_name().to_owned();
            layout.extensions.insert(name, made);
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
            holds: self.holds(&kind, proto2),
            scalar: self.scalar(&kind),
            is_list: field.is_list(),
            is_map: field.is_map(),
            oneof: None,
            required,
        }
    }

    fn extension(&mut self, extension: &ExtensionDescriptor, proto2: bool) -> FieldLayout {
        let kind = extension.kind();
        FieldLayout {
            name: extension.name().to_owned(),
            wire: wire_type(&kind, extension.is_group()),
            holds: self.holds(&kind, proto2),
            scalar: self.scalar(&kind),
            is_list: extension.is_list(),
            is_map: extension.is_map(),
            oneof: None,
            required: None,
        }
    }

    fn holds(&mut self, kind: &Kind, proto2: bool) -> Holds {
        match kind {
            Kind::Message(message) => Holds::Message(self.place(message)),
            Kind::String => Holds::Text { checked: !proto2 },
            Kind::Bytes => Holds::Bytes,
            _ => Holds::Scalar,
        }
    }

    fn scalar(&mut self, kind: &Kind) -> Scalar {
        match kind {
            Kind::Double => Scalar::Double,
            Kind::Float => Scalar::Float,
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Scalar::Int32,
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Scalar::Int64,
            Kind::Uint32 | Kind::Fixed32 => Scalar::Uint32,
            Kind::Uint64 | Kind::Fixed64 => Scalar::Uint64,
            Kind::Bool => Scalar::Bool,
            Kind::String => Scalar::Text,
            Kind::Bytes => Scalar::Bytes,
            Kind::Enum(of) if of.full_name() == "google.protobuf.NullValue" => Scalar::Null,
            Kind::Enum(of) => Scalar::Enum(self.names(of)),
            Kind::Message(_) => Scalar::Message,
        }
    }

    fn names(&mut self, of: &EnumDescriptor) -> Arc<HashSet<String>> {
        let names = || {
            let names = of.values().map(|value| value.name().to_owned());
            Arc::new(names.collect())
        };
        let known = self.enums.entry_ref(of.full_name());
        known.or_insert_with(names).clone()
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
