//! What requests and replies look like, as compact tables made of the descriptors.

use hashbrown::HashMap;
use prost_reflect::{
    Cardinality, EnumDescriptor, FieldDescriptor, Kind as DescribedKind, MessageDescriptor,
};

/// Fields, and oneofs, of one message. The sets of those seen are bits of a word.
const FIELDS_MAX: usize = 64;

/// A message's place in [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageId(usize);

/// An enum's place in [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnumId(usize);

/// Every message and enum that the methods take or give.
#[derive(Debug, Default)]
pub struct Types {
    messages: Vec<MessageType>,
    enums: Vec<EnumType>,
    message_ids: HashMap<String, MessageId>,
    enum_ids: HashMap<String, EnumId>,
}

/// A message.
#[derive(Debug)]
pub struct MessageType {
    /// Full name: `google.pubsub.v1.Topic`.
    pub name: String,
    pub form: Form,
    /// By their numbers.
    pub fields: Vec<Field>,
    by_name: HashMap<String, usize>,
}

/// How a message stands in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An object of its fields.
    Fields,
    /// `"1.5s"`.
    Duration,
    /// `"2026-01-02T03:04:05Z"`.
    Timestamp,
    /// `"labels,retryPolicy.minimumBackoff"`.
    FieldMask,
    /// Any object.
    Struct,
    /// Anything.
    Value,
    /// Any array.
    ListValue,
}

/// A field of a message.
#[derive(Debug)]
pub struct Field {
    pub number: u32,
    /// As in the contract: `ack_ids`.
    pub name: String,
    /// As in JSON: `ackIds`.
    pub json_name: String,
    pub shape: Shape,
    /// Of its elements, if it is repeated; the entry's message, if it is a map.
    pub kind: Kind,
    /// Which of the message's oneofs it belongs to, and that one's name.
    pub oneof: Option<(usize, String)>,
    /// Whether its default value, where it is set, differs from no value.
    pub presence: bool,
}

/// How many values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Single,
    Repeated { packed: bool },
    Map,
}

/// What kind of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    Enum(EnumId),
    Message(MessageId),
}

/// An enum.
#[derive(Debug)]
pub struct EnumType {
    /// Full name: `google.pubsub.v1.Topic.State`.
    pub name: String,
    by_name: HashMap<String, i32>,
    by_number: HashMap<i32, String>,
}

impl Types {
    /// Adds a message and everything it is made of, unless they are there.
    ///
    /// # Panics
    /// If it has more than [`FIELDS_MAX`] fields. A test adds all there are.
    pub fn add(&mut self, message: &MessageDescriptor) -> MessageId {
        if let Some(id) = self.message_ids.get(message.full_name()) {
            return *id;
        }
        let id = MessageId(self.messages.len());
        self.message_ids.insert(message.full_name().to_owned(), id);
        // Holds the place, since messages can contain themselves.
        self.messages.push(MessageType {
            name: message.full_name().to_owned(),
            form: form_of(message.full_name()),
            fields: Vec::new(),
            by_name: HashMap::new(),
        });
        let mut described: Vec<_> = message.fields().collect();
        described.sort_by_key(FieldDescriptor::number);
        assert!(
            described.len() <= FIELDS_MAX && message.oneofs().len() <= FIELDS_MAX,
            "{} is too large",
            message.full_name()
        );
        let fields: Vec<_> = described
            .iter()
            .map(|field| self.field(message, field))
            .collect();
        let mut by_name = HashMap::new();
        for (at, field) in fields.iter().enumerate() {
            by_name.insert(field.name.clone(), at);
            by_name.insert(field.json_name.clone(), at);
        }
        self.messages[id.0].fields = fields;
        self.messages[id.0].by_name = by_name;
        id
    }

    fn field(&mut self, message: &MessageDescriptor, field: &FieldDescriptor) -> Field {
        let oneof = field.containing_oneof().filter(|one| !one.is_synthetic());
        Field {
            number: field.number(),
            name: field.name().to_owned(),
            json_name: field.json_name().to_owned(),
            shape: match field.cardinality() {
                Cardinality::Repeated if field.is_map() => Shape::Map,
                Cardinality::Repeated => Shape::Repeated {
                    packed: field.is_packed(),
                },
                _ => Shape::Single,
            },
            kind: self.kind(&field.kind()),
            oneof: oneof.and_then(|one| {
                let at = message.oneofs().position(|other| other == one)?;
                Some((at, one.name().to_owned()))
            }),
            presence: field.supports_presence(),
        }
    }

    fn kind(&mut self, kind: &DescribedKind) -> Kind {
        match kind {
            DescribedKind::Double => Kind::Double,
            DescribedKind::Float => Kind::Float,
            DescribedKind::Int32 => Kind::Int32,
            DescribedKind::Int64 => Kind::Int64,
            DescribedKind::Uint32 => Kind::Uint32,
            DescribedKind::Uint64 => Kind::Uint64,
            DescribedKind::Sint32 => Kind::Sint32,
            DescribedKind::Sint64 => Kind::Sint64,
            DescribedKind::Fixed32 => Kind::Fixed32,
            DescribedKind::Fixed64 => Kind::Fixed64,
            DescribedKind::Sfixed32 => Kind::Sfixed32,
            DescribedKind::Sfixed64 => Kind::Sfixed64,
            DescribedKind::Bool => Kind::Bool,
            DescribedKind::String => Kind::String,
            DescribedKind::Bytes => Kind::Bytes,
            DescribedKind::Enum(described) => Kind::Enum(self.add_enum(described)),
            DescribedKind::Message(message) => Kind::Message(self.add(message)),
        }
    }

    fn add_enum(&mut self, described: &EnumDescriptor) -> EnumId {
        if let Some(id) = self.enum_ids.get(described.full_name()) {
            return *id;
        }
        let id = EnumId(self.enums.len());
        self.enum_ids.insert(described.full_name().to_owned(), id);
        let mut added = EnumType {
            name: described.full_name().to_owned(),
            by_name: HashMap::new(),
            by_number: HashMap::new(),
        };
        for value in described.values() {
            added
                .by_name
                .insert(value.name().to_owned(), value.number());
            // Of several names for a number, the first is the one to show.
            added
                .by_number
                .entry(value.number())
                .or_insert_with(|| value.name().to_owned());
        }
        self.enums.push(added);
        id
    }

    /// The message at that place.
    pub fn message(&self, id: MessageId) -> &MessageType {
        &self.messages[id.0]
    }

    /// The enum at that place.
    pub fn enumeration(&self, id: EnumId) -> &EnumType {
        &self.enums[id.0]
    }

    /// All messages.
    #[cfg(test)]
    pub fn messages(&self) -> impl Iterator<Item = (MessageId, &MessageType)> {
        let ids = (0..).map(MessageId);
        ids.zip(&self.messages)
    }

    /// What the service calls a kind when it refuses a value.
    pub fn kind_name(&self, kind: Kind) -> String {
        let name = match kind {
            Kind::Double => "TYPE_DOUBLE",
            Kind::Float => "TYPE_FLOAT",
            Kind::Int32 => "TYPE_INT32",
            Kind::Int64 => "TYPE_INT64",
            Kind::Uint32 => "TYPE_UINT32",
            Kind::Uint64 => "TYPE_UINT64",
            Kind::Sint32 => "TYPE_SINT32",
            Kind::Sint64 => "TYPE_SINT64",
            Kind::Fixed32 => "TYPE_FIXED32",
            Kind::Fixed64 => "TYPE_FIXED64",
            Kind::Sfixed32 => "TYPE_SFIXED32",
            Kind::Sfixed64 => "TYPE_SFIXED64",
            Kind::Bool => "TYPE_BOOL",
            Kind::String => "TYPE_STRING",
            Kind::Bytes => "TYPE_BYTES",
            Kind::Enum(id) => return format!("type.googleapis.com/{}", self.enumeration(id).name),
            Kind::Message(id) => return format!("type.googleapis.com/{}", self.message(id).name),
        };
        name.to_owned()
    }
}

impl MessageType {
    /// The field of that name, in either spelling: its place in [`MessageType::fields`].
    pub fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// The field of that number: its place in [`MessageType::fields`].
    pub fn find_number(&self, number: u32) -> Option<usize> {
        self.fields
            .binary_search_by_key(&number, |field| field.number)
            .ok()
    }
}

impl EnumType {
    /// The number of a value.
    pub fn number(&self, name: &str) -> Option<i32> {
        self.by_name.get(name).copied()
    }

    /// The name of a value.
    pub fn name_of(&self, number: i32) -> Option<&str> {
        self.by_number.get(&number).map(String::as_str)
    }
}

fn form_of(name: &str) -> Form {
    match name {
        "google.protobuf.Duration" => Form::Duration,
        "google.protobuf.Timestamp" => Form::Timestamp,
        "google.protobuf.FieldMask" => Form::FieldMask,
        "google.protobuf.Struct" => Form::Struct,
        "google.protobuf.Value" => Form::Value,
        "google.protobuf.ListValue" => Form::ListValue,
        _ => Form::Fields,
    }
}
