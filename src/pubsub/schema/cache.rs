//! Compiled schemas of one core, so that publishing doesn't compile.

use super::{CompiledSchema, DefinitionError, SchemaKind};
use hashbrown::HashMap;
use std::rc::Rc;

/// Revisions that stay compiled. A topic takes up to 20.
const REVISIONS_MAX: usize = 256;

/// Bytes of definitions that stay compiled; a compiled form takes a small multiple.
const DEFINITIONS_BYTES_MAX: usize = 16 << 20;

/// Compiled schemas by schema and revision. A revision never changes, so nothing here goes stale; a
/// deleted one is pushed out by others. What names a schema must name no other of the same name.
#[derive(Default)]
pub struct SchemaCache {
    entries: HashMap<(String, String), Entry>,
    bytes: usize,
    /// Goes up with every use.
    clock: u64,
}

struct Entry {
    schema: Rc<CompiledSchema>,
    bytes: usize,
    used: u64,
}

impl SchemaCache {
    /// The compiled form of a revision, made from `definition` if it isn't here.
    pub fn get(
        &mut self,
        name: &str,
        revision: &str,
        kind: SchemaKind,
        definition: &str,
    ) -> Result<Rc<CompiledSchema>, DefinitionError> {
        self.clock += 1;
        let key = (name.to_owned(), revision.to_owned());
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.used = self.clock;
            return Ok(entry.schema.clone());
        }
        let schema = Rc::new(CompiledSchema::compile(kind, definition)?);
        let bytes = definition.len();
        while self.entries.len() >= REVISIONS_MAX
            || (!self.entries.is_empty() && self.bytes + bytes > DEFINITIONS_BYTES_MAX)
        {
            self.forget_oldest();
        }
        self.bytes += bytes;
        let entry = Entry {
            schema: schema.clone(),
            bytes,
            used: self.clock,
        };
        self.entries.insert(key, entry);
        Ok(schema)
    }

    /// Drops the least recently used. A scan: it happens once per compilation, which costs more.
    fn forget_oldest(&mut self) {
        let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
        if let Some(key) = oldest.map(|(key, _)| key.clone())
            && let Some(entry) = self.entries.remove(&key)
        {
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(cache: &mut SchemaCache, name: &str, revision: usize) -> Rc<CompiledSchema> {
        let revision = format!("{revision:08x}");
        cache
            .get(name, &revision, SchemaKind::Avro, r#"{"type":"string"}"#)
            .expect("a valid definition")
    }

    #[test]
    fn compiles_once() {
        let mut cache = SchemaCache::default();
        let first = get(&mut cache, "a", 1);
        assert!(Rc::ptr_eq(&first, &get(&mut cache, "a", 1)));
        assert!(!Rc::ptr_eq(&first, &get(&mut cache, "a", 2)));
        assert!(!Rc::ptr_eq(&first, &get(&mut cache, "b", 1)));
    }

    #[test]
    fn keeps_the_most_recently_used() {
        let mut cache = SchemaCache::default();
        let kept = get(&mut cache, "kept", 0);
        let dropped = get(&mut cache, "dropped", 0);
        for revision in 0..2 * REVISIONS_MAX {
            get(&mut cache, "other", revision);
            get(&mut cache, "kept", 0);
        }
        assert_eq!(cache.entries.len(), REVISIONS_MAX);
        assert!(Rc::ptr_eq(&kept, &get(&mut cache, "kept", 0)));
        assert!(!Rc::ptr_eq(&dropped, &get(&mut cache, "dropped", 0)));
    }

    #[test]
    fn a_bad_definition_is_not_kept() {
        let mut cache = SchemaCache::default();
        assert!(cache.get("a", "1", SchemaKind::Avro, "{").is_err());
        assert!(cache.entries.is_empty());
    }
}
