//! Compiled schemas of one core, so that publishing doesn't compile.

use super::{CompiledSchema, DefinitionError, SchemaKind};
use hashbrown::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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
    schema: Arc<CompiledSchema>,
    bytes: usize,
    used: u64,
}

impl SchemaCache {
    /// The compiled form of a revision, made from `definition` if it isn't here. Nobody waits for the
    /// cache while it is made.
    pub fn get(
        cache: &Mutex<Self>,
        name: &str,
        revision: &str,
        kind: SchemaKind,
        definition: &str,
    ) -> Result<Arc<CompiledSchema>, DefinitionError> {
        let lock = || cache.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (name.to_owned(), revision.to_owned());
        if let Some(schema) = lock().used(&key) {
            return Ok(schema);
        }
        let schema = Arc::new(CompiledSchema::compile(kind, definition)?);
        lock().keep(key, schema.clone(), definition.len());
        Ok(schema)
    }

    /// Whether a revision is compiled.
    pub fn has(&self, name: &str, revision: &str) -> bool {
        let key = (name.to_owned(), revision.to_owned());
        self.entries.contains_key(&key)
    }

    fn used(&mut self, key: &(String, String)) -> Option<Arc<CompiledSchema>> {
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        entry.used = self.clock;
        Some(entry.schema.clone())
    }

    fn keep(&mut self, key: (String, String), schema: Arc<CompiledSchema>, bytes: usize) {
        while self.entries.len() >= REVISIONS_MAX
            || (!self.entries.is_empty() && self.bytes + bytes > DEFINITIONS_BYTES_MAX)
        {
            self.forget_oldest();
        }
        let used = self.clock;
        let entry = Entry {
            schema,
            bytes,
            used,
        };
        self.bytes += bytes;
        if let Some(before) = self.entries.insert(key, entry) {
            self.bytes -= before.bytes;
        }
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

    fn get(cache: &Mutex<SchemaCache>, name: &str, revision: usize) -> Arc<CompiledSchema> {
        let revision = format!("{revision:08x}");
        let definition = r#"{"type":"string"}"#;
        SchemaCache::get(cache, name, &revision, SchemaKind::Avro, definition)
            .expect("a valid definition")
    }

    #[test]
    fn compiles_once() {
        let cache = Mutex::<SchemaCache>::default();
        let first = get(&cache, "a", 1);
        assert!(Arc::ptr_eq(&first, &get(&cache, "a", 1)));
        assert!(!Arc::ptr_eq(&first, &get(&cache, "a", 2)));
        assert!(!Arc::ptr_eq(&first, &get(&cache, "b", 1)));
    }

    #[test]
    fn keeps_the_most_recently_used() {
        let cache = Mutex::<SchemaCache>::default();
        let kept = get(&cache, "kept", 0);
        let dropped = get(&cache, "dropped", 0);
        for revision in 0..2 * REVISIONS_MAX {
            get(&cache, "other", revision);
            get(&cache, "kept", 0);
        }
        assert_eq!(cache.lock().unwrap().entries.len(), REVISIONS_MAX);
        assert!(Arc::ptr_eq(&kept, &get(&cache, "kept", 0)));
        assert!(!Arc::ptr_eq(&dropped, &get(&cache, "dropped", 0)));
    }

    #[test]
    fn a_bad_definition_is_not_kept() {
        let cache = Mutex::<SchemaCache>::default();
        assert!(SchemaCache::get(&cache, "a", "1", SchemaKind::Avro, "{").is_err());
        assert!(cache.lock().unwrap().entries.is_empty());
    }
}
