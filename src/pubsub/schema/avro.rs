//! Avro definitions: parsed by `apache-avro`, then flattened into nodes that refer to each other by
//! index, so that recursive types need no look-up by name.

use super::DefinitionError;
use apache_avro::Schema;
use apache_avro::schema::{InnerDecimalSchema, UuidSchema};
use hashbrown::HashMap;

/// Index of a node.
pub(super) type NodeId = usize;

/// One type, logical types reduced to what carries them.
#[derive(Debug)]
pub(super) enum Node {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Fixed(usize),
    Enum(Vec<String>),
    Array(NodeId),
    Map(NodeId),
    Union(Vec<Branch>),
    Record(Record),
}

/// One alternative of a union.
#[derive(Debug)]
pub(super) struct Branch {
    /// What its JSON encoding is labelled with.
    pub label: String,
    pub node: NodeId,
}

#[derive(Debug, Default)]
pub(super) struct Record {
    pub name: String,
    /// In the order of the binary encoding.
    pub fields: Vec<(String, NodeId)>,
    /// Field's name to its place in `fields`.
    pub places: HashMap<String, usize>,
}

/// A compiled Avro schema.
#[derive(Debug)]
pub(super) struct AvroSchema {
    nodes: Vec<Node>,
    root: NodeId,
}

impl AvroSchema {
    pub(super) fn compile(definition: &str) -> Result<Self, DefinitionError> {
        let schema = Schema::parse_str(definition)
            .map_err(|error| DefinitionError(format!("not a valid Avro schema: {error}")))?;
        let mut flattening = Flattening::default();
        let root = flattening.add(&schema, None)?;
        Ok(Self {
            nodes: flattening.nodes,
            root,
        })
    }

    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }
}

#[derive(Default)]
struct Flattening {
    nodes: Vec<Node>,
    /// Named types by full name.
    named: HashMap<String, NodeId>,
}

impl Flattening {
    fn push(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn push_named(&mut self, name: String, node: Node) -> NodeId {
        let id = self.push(node);
        self.named.insert(name, id);
        id
    }

    fn add(&mut self, schema: &Schema, namespace: Option<&str>) -> Result<NodeId, DefinitionError> {
        Ok(match schema {
            Schema::Null => self.push(Node::Null),
            Schema::Boolean => self.push(Node::Boolean),
            Schema::Int | Schema::Date | Schema::TimeMillis => self.push(Node::Int),
            Schema::Long
            | Schema::TimeMicros
            | Schema::TimestampMillis
            | Schema::TimestampMicros
            | Schema::TimestampNanos
            | Schema::LocalTimestampMillis
            | Schema::LocalTimestampMicros
            | Schema::LocalTimestampNanos => self.push(Node::Long),
            Schema::Float => self.push(Node::Float),
            Schema::Double => self.push(Node::Double),
            Schema::Bytes | Schema::BigDecimal => self.push(Node::Bytes),
            Schema::String => self.push(Node::String),
            Schema::Uuid(UuidSchema::String) => self.push(Node::String),
            Schema::Uuid(UuidSchema::Bytes) => self.push(Node::Bytes),
            Schema::Uuid(UuidSchema::Fixed(fixed))
            | Schema::Fixed(fixed)
            | Schema::Duration(fixed) => {
                let name = fixed.name.fullname(namespace);
                self.push_named(name, Node::Fixed(fixed.size))
            }
            Schema::Decimal(decimal) => match &decimal.inner {
                InnerDecimalSchema::Bytes => self.push(Node::Bytes),
                InnerDecimalSchema::Fixed(fixed) => {
                    let name = fixed.name.fullname(namespace);
                    self.push_named(name, Node::Fixed(fixed.size))
                }
            },
            Schema::Enum(of) => {
                let name = of.name.fullname(namespace);
                self.push_named(name, Node::Enum(of.symbols.clone()))
            }
            Schema::Array(array) => {
                let item = self.add(&array.items, namespace)?;
                self.push(Node::Array(item))
            }
            Schema::Map(map) => {
                let value = self.add(&map.types, namespace)?;
                self.push(Node::Map(value))
            }
            Schema::Union(union) => {
                let mut branches = Vec::new();
                for variant in union.variants() {
                    let node = self.add(variant, namespace)?;
                    let label = self.label(variant, node, namespace);
                    branches.push(Branch { label, node });
                }
                self.push(Node::Union(branches))
            }
            Schema::Record(record) => {
                let name = record.name.fullname(namespace);
                // Its place is taken first: fields may refer to it.
                let id = self.push_named(name.clone(), Node::Record(Record::default()));
                let namespace = record.name.namespace().or(namespace);
                let mut made = Record {
                    name,
                    ..Record::default()
                };
                for field in &record.fields {
                    let node = self.add(&field.schema, namespace)?;
                    made.places.insert(field.name.clone(), made.fields.len());
                    made.fields.push((field.name.clone(), node));
                }
                self.nodes[id] = Node::Record(made);
                id
            }
            Schema::Ref { name } => {
                let name = name.fullname(namespace);
                let found = self.named.get(&name).copied();
                found.ok_or_else(|| DefinitionError(format!("the type {name} isn't defined")))?
            }
        })
    }

    /// The name that a union's JSON encoding has for a variant.
    fn label(&self, schema: &Schema, node: NodeId, namespace: Option<&str>) -> String {
        let named = match schema {
            Schema::Record(record) => Some(&record.name),
            Schema::Enum(of) => Some(&of.name),
            Schema::Ref { name } => Some(name),
            Schema::Fixed(fixed)
            | Schema::Duration(fixed)
            | Schema::Uuid(UuidSchema::Fixed(fixed)) => Some(&fixed.name),
            Schema::Decimal(decimal) => match &decimal.inner {
                InnerDecimalSchema::Fixed(fixed) => Some(&fixed.name),
                InnerDecimalSchema::Bytes => None,
            },
            _ => None,
        };
        match (named, &self.nodes[node]) {
            (Some(name), _) => name.fullname(namespace),
            (None, Node::Null) => "null".to_owned(),
            (None, Node::Boolean) => "boolean".to_owned(),
            (None, Node::Int) => "int".to_owned(),
            (None, Node::Long) => "long".to_owned(),
            (None, Node::Float) => "float".to_owned(),
            (None, Node::Double) => "double".to_owned(),
            (None, Node::Bytes) => "bytes".to_owned(),
            (None, Node::String) => "string".to_owned(),
            (None, Node::Array(_)) => "array".to_owned(),
            (None, Node::Map(_)) => "map".to_owned(),
            // Named types are above, and a union can't hold a union.
            (None, Node::Fixed(_) | Node::Enum(_) | Node::Union(_) | Node::Record(_)) => {
                String::new()
            }
        }
    }
}
