//! What an Avro definition amounts to: nodes that refer to each other by index, so that recursive
//! types need no look-up by name. Looking up a field, a branch or a symbol takes the same time
//! whatever their number, because messages choose how often that happens.

use super::DefinitionError;
use super::avro_definition;
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
    /// Its symbols, with their places.
    Enum(HashMap<String, usize>),
    Array(NodeId),
    Map(NodeId),
    Union(Box<Union>),
    Record(Box<Record>),
}

#[derive(Debug, Default)]
pub(super) struct Union {
    /// In the order of the binary encoding.
    pub branches: Vec<Branch>,
    /// Branch's label to its place in `branches`.
    pub places: HashMap<String, usize>,
}

impl Union {
    /// True if null is one of the branches.
    pub(super) fn takes_null(&self) -> bool {
        self.places.contains_key("null")
    }

    /// The branch that its JSON encoding calls `label`.
    pub(super) fn branch(&self, label: &str) -> Option<&Branch> {
        Some(&self.branches[*self.places.get(label)?])
    }
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
    pub fields: Vec<Field>,
    /// Field's name to its place in `fields`.
    pub places: HashMap<String, usize>,
    /// Places of the fields that take at least a byte of the binary encoding. A walk that looked at
    /// the others would do any number of steps for one byte.
    pub with_bytes: Vec<usize>,
    /// Fields that have no default.
    pub without_default: usize,
}

#[derive(Debug)]
pub(super) struct Field {
    pub name: String,
    pub node: NodeId,
    pub has_default: bool,
}

/// A compiled Avro schema.
#[derive(Debug)]
pub(super) struct AvroSchema {
    pub(super) nodes: Vec<Node>,
    /// Whether every value of a node takes no bytes of the binary encoding.
    pub(super) empty: Vec<bool>,
    pub(super) root: NodeId,
}

impl AvroSchema {
    pub(super) fn compile(definition: &str) -> Result<Self, DefinitionError> {
        avro_definition::parse(definition)
            .map_err(|why| DefinitionError(format!("not a valid Avro schema: {why}")))
    }

    pub(super) fn root(&self) -> NodeId {
        self.root
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub(super) fn is_empty(&self, id: NodeId) -> bool {
        self.empty[id]
    }
}
