//! Parses Avro definitions, in steps that grow with the definition's size and with nothing else.
//!
//! By code of our own, because a definition is made by a client and the usual parsers copy: each
//! nested type once per level and once per alias, and a record's default with all that the defaults
//! of its fields stand for, which doubles per level where a record has two fields of the one before.

use super::avro::{AvroSchema, Branch, Field, Node, NodeId, Record, Union};
use super::avro_default::Defaults;
use hashbrown::HashMap;
use serde_json::{Map, Value};

/// Parses a definition. serde_json bounds its nesting to 128 levels, and with that the recursion
/// here.
pub(super) fn parse(definition: &str) -> Result<AvroSchema, String> {
    let json: Value = serde_json::from_str(definition).map_err(|error| error.to_string())?;
    let mut parser = Parser::new();
    let root = parser.schema(&json, None)?;
    let schema = AvroSchema {
        nodes: parser.nodes,
        empty: parser.empty,
        root,
    };
    // Last, because a default may be of a record whose definition goes on behind it.
    let mut defaults = Defaults::new(&schema, definition.len());
    for (field, node, value) in parser.defaults {
        defaults.check(field, node, value)?;
    }
    Ok(schema)
}

/// The types that need no definition, at the index that their node has.
const PRIMITIVES: [&str; 8] = [
    "null", "boolean", "int", "long", "float", "double", "bytes", "string",
];

struct Parser<'a> {
    nodes: Vec<Node>,
    empty: Vec<bool>,
    /// Named types by full name, and by their aliases.
    named: HashMap<String, NodeId>,
    full_names: HashMap<NodeId, String>,
    /// Fields' names, types and defaults.
    defaults: Vec<(&'a str, NodeId, &'a Value)>,
}

type Parsed = Result<NodeId, String>;

impl<'a> Parser<'a> {
    fn new() -> Self {
        let nodes = vec![
            Node::Null,
            Node::Boolean,
            Node::Int,
            Node::Long,
            Node::Float,
            Node::Double,
            Node::Bytes,
            Node::String,
        ];
        let empty = nodes
            .iter()
            .map(|node| matches!(node, Node::Null))
            .collect();
        Self {
            nodes,
            empty,
            named: HashMap::new(),
            full_names: HashMap::new(),
            defaults: Vec::new(),
        }
    }

    fn push(&mut self, node: Node) -> NodeId {
        self.empty.push(matches!(node, Node::Fixed(0)));
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn schema(&mut self, value: &'a Value, namespace: Option<&str>) -> Parsed {
        match value {
            Value::String(name) => self.reference(name, namespace),
            Value::Object(object) => self.object(object, namespace),
            Value::Array(branches) => self.union(branches, namespace),
            _ => Err("a type must be a name, an object or an array".to_owned()),
        }
    }

    fn reference(&self, name: &str, namespace: Option<&str>) -> Parsed {
        if let Some(id) = PRIMITIVES.iter().position(|primitive| *primitive == name) {
            return Ok(id);
        }
        let full = full_name(name, namespace)?;
        match self.named.get(&full) {
            Some(id) => Ok(*id),
            None => Err(format!("the type {} isn't defined", shown(&full))),
        }
    }

    fn object(&mut self, object: &'a Map<String, Value>, namespace: Option<&str>) -> Parsed {
        if object
            .get("logicalType")
            .is_some_and(|given| !given.is_string())
        {
            return Err("a logicalType must be a string".to_owned());
        }
        let Some(of) = object.get("type") else {
            return Err("a type's object must have a type".to_owned());
        };
        match of.as_str() {
            Some("record") => self.record(object, namespace),
            Some("enum") => self.symbols(object, namespace),
            Some("fixed") => self.fixed(object, namespace),
            Some("array") => {
                let items = object.get("items").ok_or("an array must have items")?;
                let items = self.schema(items, namespace)?;
                Ok(self.push(Node::Array(items)))
            }
            Some("map") => {
                let values = object.get("values").ok_or("a map must have values")?;
                let values = self.schema(values, namespace)?;
                Ok(self.push(Node::Map(values)))
            }
            _ => self.schema(of, namespace),
        }
    }

    /// Takes the place of a named type, so that what it is made of may refer to it. Answers the
    /// namespace of that too.
    fn define(
        &mut self,
        object: &Map<String, Value>,
        namespace: Option<&str>,
        node: Node,
    ) -> Result<(NodeId, Option<String>), String> {
        let name = text(object, "name")?.ok_or("a named type must have a name")?;
        let given = text(object, "namespace")?;
        let full = full_name(name, given.or(namespace))?;
        let own = full.rsplit_once('.').map(|(own, _)| own.to_owned());
        let id = self.push(node);
        if self.named.insert(full.clone(), id).is_some() {
            return Err(format!("the type {} is defined twice", shown(&full)));
        }
        self.full_names.insert(id, full);
        if let Some(aliases) = object.get("aliases") {
            let aliases = aliases.as_array().ok_or("aliases must be an array")?;
            for alias in aliases {
                let alias = alias.as_str().ok_or("an alias must be a string")?;
                let alias = full_name(alias, own.as_deref())?;
                self.named.entry(alias).or_insert(id);
            }
        }
        Ok((id, own))
    }

    fn record(&mut self, object: &'a Map<String, Value>, namespace: Option<&str>) -> Parsed {
        let (id, namespace) = self.define(object, namespace, Node::Record(Box::default()))?;
        let fields = object.get("fields").and_then(Value::as_array);
        let fields = fields.ok_or("a record must have an array of fields")?;
        let mut record = Box::new(Record {
            name: self.full_names[&id].clone(),
            ..Record::default()
        });
        for field in fields {
            let field = field.as_object().ok_or("a field must be an object")?;
            let name = text(field, "name")?.ok_or("a field must have a name")?;
            if !is_name(name) {
                return Err(format!("{} can't be a field's name", shown(name)));
            }
            let of = field.get("type").ok_or("a field must have a type")?;
            let node = self.schema(of, namespace.as_deref())?;
            let place = record.fields.len();
            if record.places.insert(name.to_owned(), place).is_some() {
                return Err(format!("the field {} comes twice", shown(name)));
            }
            // A record around this one isn't done yet, and never empty: it would have no end.
            if !self.empty[node] {
                record.with_bytes.push(place);
            }
            let default = field.get("default");
            match default {
                Some(value) => self.defaults.push((name, node, value)),
                None => record.without_default += 1,
            }
            record.fields.push(Field {
                name: name.to_owned(),
                node,
                has_default: default.is_some(),
            });
        }
        self.empty[id] = record.with_bytes.is_empty();
        self.nodes[id] = Node::Record(record);
        Ok(id)
    }

    fn symbols(&mut self, object: &Map<String, Value>, namespace: Option<&str>) -> Parsed {
        let given = object.get("symbols").and_then(Value::as_array);
        let given = given.ok_or("an enum must have an array of symbols")?;
        let mut symbols = HashMap::new();
        for symbol in given {
            let symbol = symbol.as_str().ok_or("a symbol must be a string")?;
            if !is_name(symbol) {
                return Err(format!("{} can't be a symbol", shown(symbol)));
            }
            let place = symbols.len();
            if symbols.insert(symbol.to_owned(), place).is_some() {
                return Err(format!("the symbol {} comes twice", shown(symbol)));
            }
        }
        if let Some(default) = text(object, "default")?
            && !symbols.contains_key(default)
        {
            return Err(format!("the default {} is no symbol", shown(default)));
        }
        let (id, _) = self.define(object, namespace, Node::Enum(symbols))?;
        Ok(id)
    }

    fn fixed(&mut self, object: &Map<String, Value>, namespace: Option<&str>) -> Parsed {
        let size = object.get("size").and_then(Value::as_u64);
        let size = size.and_then(|size| usize::try_from(size).ok());
        let size = size.ok_or("a fixed must have a size")?;
        let (id, _) = self.define(object, namespace, Node::Fixed(size))?;
        Ok(id)
    }

    fn union(&mut self, branches: &'a [Value], namespace: Option<&str>) -> Parsed {
        let mut union = Box::<Union>::default();
        for branch in branches {
            let node = self.schema(branch, namespace)?;
            let Some(label) = self.label(node) else {
                return Err("a union can't be a branch of a union".to_owned());
            };
            let place = union.branches.len();
            if union.places.insert(label.clone(), place).is_some() {
                return Err(format!("the type {} is in a union twice", shown(&label)));
            }
            union.branches.push(Branch { label, node });
        }
        Ok(self.push(Node::Union(union)))
    }

    /// The name that a union's JSON encoding has for a branch; none for a union.
    fn label(&self, node: NodeId) -> Option<String> {
        if let Some(name) = self.full_names.get(&node) {
            return Some(name.clone());
        }
        let label = match &self.nodes[node] {
            Node::Array(_) => "array",
            Node::Map(_) => "map",
            Node::Union(_) => return None,
            _ => PRIMITIVES.get(node)?,
        };
        Some(label.to_owned())
    }
}

/// A member that must be a string where it is given.
fn text<'a>(object: &'a Map<String, Value>, member: &str) -> Result<Option<&'a str>, String> {
    match object.get(member) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{member} must be a string")),
    }
}

/// A name with its namespace, which it may bring with it.
fn full_name(name: &str, namespace: Option<&str>) -> Result<String, String> {
    let namespace = namespace.filter(|namespace| !namespace.is_empty());
    let full = match namespace {
        Some(namespace) if !name.contains('.') => format!("{namespace}.{name}"),
        _ => name.strip_prefix('.').unwrap_or(name).to_owned(),
    };
    if full.split('.').all(is_name) {
        Ok(full)
    } else {
        Err(format!("{} can't be a type's name", shown(&full)))
    }
}

fn is_name(name: &str) -> bool {
    let first = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    name.bytes().next().is_some_and(first)
        && name
            .bytes()
            .all(|byte| first(byte) || byte.is_ascii_digit())
}

/// An error's text must not be as long as a definition.
fn shown(name: &str) -> String {
    format!("{:?}", name.chars().take(64).collect::<String>())
}
