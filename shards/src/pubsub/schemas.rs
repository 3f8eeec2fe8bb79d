//! Schemas, of which the engine knows no more than their names.

use super::command::{Kind, PubsubRefusal, SharedBytes};
use super::state::Schema;
use crate::command::{Reply, Token};
use crate::definitions::{Change, NameSpace};
use crate::records::Op;
use crate::records::SchemaRecord;
use crate::shard::{Hold, Shard};

impl Shard {
    pub(super) fn put_schema(
        &mut self,
        token: Token,
        name: Box<str>,
        version: Option<u32>,
        spec: SharedBytes,
    ) -> Result<(), PubsubRefusal> {
        let slot = match (self.pubsub.slot(Kind::Schema, &name), version) {
            (Some(_), None) => return Err(PubsubRefusal::Exists),
            (None, Some(_)) => return Err(PubsubRefusal::NotFound),
            (Some(slot), Some(version)) => {
                let schema = &mut self.pubsub.schemas[slot];
                if schema.version != version {
                    return Err(PubsubRefusal::Changed);
                }
                schema.version += 1;
                schema.spec = spec;
                slot
            }
            (None, None) => {
                let id = self.take_resource_id();
                self.add_schema(SchemaRecord {
                    id,
                    name,
                    created_at: self.now,
                    spec,
                    policy: SharedBytes::from([]),
                })
            }
        };
        self.log_schema(slot);
        if version.is_none() {
            self.changed_names.was_made();
        }
        let resource = Box::new(self.resource(Kind::Schema, slot));
        self.reply(token, Reply::Resource(resource), Hold::UntilCommit);
        Ok(())
    }

    pub(crate) fn add_schema(&mut self, record: SchemaRecord) -> u32 {
        let name = record.name.clone();
        let slot = self.pubsub.schemas.insert(Schema {
            id: record.id,
            version: 1,
            name: record.name,
            created_at: record.created_at,
            spec: record.spec,
            policy: record.policy,
        });
        self.pubsub.names.insert((Kind::Schema, name), slot);
        slot
    }

    /// A schema was made or has changed.
    pub(crate) fn log_schema(&mut self, slot: u32) {
        let name = &self.pubsub.schemas[slot].name;
        let change = Change::Changed;
        self.changed_names.note(NameSpace::Schema, name, change);
        if self.config.durable {
            let record = self.schema_record(slot);
            self.ops.push(Op::PutSchema(Box::new(record)));
        }
    }

    pub(crate) fn schema_record(&self, slot: u32) -> SchemaRecord {
        let schema = &self.pubsub.schemas[slot];
        SchemaRecord {
            id: schema.id,
            name: schema.name.clone(),
            created_at: schema.created_at,
            spec: schema.spec.clone(),
            policy: schema.policy.clone(),
        }
    }
}
