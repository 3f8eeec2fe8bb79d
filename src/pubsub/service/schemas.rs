//! Schemas and their revisions.

use lclq_shards::pubsub::command::{AdminCommand, Kind, Resource};

use super::pages::Page;
use super::resources::{random_u64, spec};
use super::rules::timestamp;
use crate::mesh::wall_clock;
use crate::pubsub::core::{Pubsub, decode_spec, leaf, pubsub_refused};
use crate::pubsub::error::{
    PubsubResult, fixed_schema_type, invalid_argument, invalid_name, invalid_schema,
    nameless_schema_refusal, not_found, not_worked_out, only_revision, schema_refusal,
    too_many_revisions,
};
use crate::pubsub::limits::SCHEMA_REVISIONS_MAX;
use crate::pubsub::names;
use crate::pubsub::proto::schema::Type;
use crate::pubsub::proto::validate_message_request::SchemaSpec;
use crate::pubsub::proto::{
    CommitSchemaRequest, CreateSchemaRequest, DeleteSchemaRequest, DeleteSchemaRevisionRequest,
    Encoding, GetSchemaRequest, ListSchemaRevisionsRequest, ListSchemaRevisionsResponse,
    ListSchemasRequest, ListSchemasResponse, RollbackSchemaRequest, Schema, SchemaView,
    ValidateMessageRequest, ValidateMessageResponse, ValidateSchemaRequest, ValidateSchemaResponse,
};
use crate::pubsub::schema::{CompiledSchema, MessageEncoding, SchemaKind};

/// How much longer compiling takes than looking at as many bytes, about.
const COMPILING_COST: usize = 8;

/// All revisions of a schema, the newest first. It is kept as a [`ListSchemaRevisionsResponse`].
pub(in crate::pubsub) struct Revisions {
    newest_first: Vec<Schema>,
}

impl Revisions {
    fn of(resource: &Resource) -> PubsubResult<Self> {
        let kept: ListSchemaRevisionsResponse = decode_spec(resource)?;
        Ok(Revisions {
            newest_first: kept.schemas,
        })
    }

    /// The newest first; there is always one.
    pub(in crate::pubsub) fn newest_first(&self) -> &[Schema] {
        &self.newest_first
    }

    /// A revision by its id.
    pub(in crate::pubsub) fn find(&self, id: &str) -> PubsubResult<&Schema> {
        let mut all = self.newest_first.iter();
        all.find(|revision| revision.revision_id == id)
            .ok_or_else(|| not_found(id))
    }

    fn newest(&self) -> PubsubResult<&Schema> {
        self.newest_first.first().ok_or_else(|| not_found(""))
    }

    /// Puts a new revision in front: a definition that was checked.
    fn add(&mut self, name: &str, kind: i32, definition: String) -> PubsubResult<()> {
        if self.newest_first.len() >= SCHEMA_REVISIONS_MAX {
            return Err(too_many_revisions(leaf(name)));
        }
        let revision_id = loop {
            let id = format!("{:08x}", random_u64()? as u32);
            if self.find(&id).is_err() {
                break id;
            }
        };
        self.newest_first.insert(
            0,
            Schema {
                name: name.into(),
                r#type: kind,
                definition,
                revision_id,
                revision_create_time: Some(timestamp(wall_clock())),
                ..Default::default()
            },
        );
        Ok(())
    }

    fn into_spec(self) -> lclq_shards::pubsub::command::SharedBytes {
        spec(&ListSchemaRevisionsResponse {
            schemas: self.newest_first,
            ..Default::default()
        })
    }
}

/// A schema as it is answered: in full, or without its definition.
fn show(schema: &Schema, view: SchemaView) -> Schema {
    let mut shown = schema.clone();
    if view == SchemaView::Basic {
        shown.definition.clear();
    }
    shown
}

/// What is asked for, or what is usual for the method.
fn view(given: i32, usual: SchemaView) -> PubsubResult<SchemaView> {
    match SchemaView::try_from(given) {
        Ok(SchemaView::Unspecified) => Ok(usual),
        Ok(view) => Ok(view),
        Err(_) => Err(invalid_argument("view")),
    }
}

/// The language of a schema.
fn language(schema: &Schema) -> PubsubResult<SchemaKind> {
    let named = Type::try_from(schema.r#type).ok();
    let kind = named.and_then(SchemaKind::of);
    kind.ok_or_else(|| invalid_argument("schema.type"))
}

impl Pubsub {
    pub(super) async fn create_schema(&self, request: CreateSchemaRequest) -> PubsubResult<Schema> {
        let project = names::parse_project(&request.parent)?;
        let name = names::join(names::Kind::Schema, project, &request.schema_id);
        names::parse(names::Kind::Schema, &name)?;
        let Some(schema) = request.schema else {
            return Err(invalid_argument("schema"));
        };
        self.compile(&schema).await?;
        let mut revisions = Revisions {
            newest_first: Vec::new(),
        };
        revisions.add(&name, schema.r#type, schema.definition)?;
        let made = revisions.newest()?.clone();
        let command = AdminCommand::PutSchema {
            name: (*name).into(),
            version: None,
            spec: revisions.into_spec(),
        };
        self.for_resource(self.home_shard(&name), command)
            .await?
            .map_err(|refusal| pubsub_refused(refusal, &name))?;
        Ok(made)
    }

    pub(super) async fn get_schema(&self, request: GetSchemaRequest) -> PubsubResult<Schema> {
        let (name, revision) = names::parse_schema_revision(&request.name)?;
        let (_, revisions) = self.schema_revisions(name.full).await?;
        let schema = match revision {
            Some(id) => revisions.find(id)?,
            None => revisions.newest()?,
        };
        let view = view(request.view, SchemaView::Full)?;
        Ok(show(schema, view))
    }

    pub(super) async fn list_schemas(
        &self,
        request: ListSchemasRequest,
    ) -> PubsubResult<ListSchemasResponse> {
        let view = view(request.view, SchemaView::Basic)?;
        let (found, next_page_token) = self
            .list(
                Kind::Schema,
                &request.parent,
                request.page_size,
                &request.page_token,
            )
            .await?;
        let newest = |resource: &Resource| {
            let revisions = Revisions::of(resource)?;
            Ok(show(revisions.newest()?, view))
        };
        Ok(ListSchemasResponse {
            schemas: found.iter().map(newest).collect::<PubsubResult<_>>()?,
            next_page_token,
        })
    }

    pub(super) async fn list_schema_revisions(
        &self,
        request: ListSchemaRevisionsRequest,
    ) -> PubsubResult<ListSchemaRevisionsResponse> {
        let name = names::parse(names::Kind::Schema, &request.name)?;
        let (_, revisions) = self.schema_revisions(name.full).await?;
        let view = view(request.view, SchemaView::Basic)?;
        let list = format!("{}/revisions", name.full);
        let page = Page::read(list, request.page_size, &request.page_token)?;
        let all = revisions.newest_first();
        // A page goes on behind the revision that the one before ended with; if that has been
        // deleted meanwhile there is no telling where.
        let start = match &page.after {
            None => 0,
            Some(id) => all
                .iter()
                .position(|revision| *revision.revision_id == **id)
                .map_or(all.len(), |at| at + 1),
        };
        let mut schemas: Vec<Schema> = all[start..]
            .iter()
            .map(|revision| show(revision, view))
            .collect();
        let next_page_token = page.cut(&mut schemas, |schema| &schema.revision_id);
        Ok(ListSchemaRevisionsResponse {
            schemas,
            next_page_token,
        })
    }

    pub(super) async fn commit_schema(&self, request: CommitSchemaRequest) -> PubsubResult<Schema> {
        let name = names::parse(names::Kind::Schema, &request.name)?;
        self.existing(Kind::Schema, name.full).await?;
        let Some(schema) = &request.schema else {
            return Err(invalid_argument("schema"));
        };
        if !schema.name.is_empty() && schema.name != name.full {
            return Err(invalid_argument("schema.name"));
        }
        self.compile(schema).await?;
        self.change_schema(name.full, |revisions| {
            if revisions.newest()?.r#type != schema.r#type {
                return Err(fixed_schema_type());
            }
            revisions.add(name.full, schema.r#type, schema.definition.clone())
        })
        .await
    }

    pub(super) async fn rollback_schema(
        &self,
        request: RollbackSchemaRequest,
    ) -> PubsubResult<Schema> {
        let name = names::parse(names::Kind::Schema, &request.name)?;
        self.existing(Kind::Schema, name.full).await?;
        if !names::is_revision_id(&request.revision_id) {
            return Err(invalid_argument("revision_id"));
        }
        self.change_schema(name.full, |revisions| {
            let old = revisions.find(&request.revision_id)?;
            let (kind, definition) = (old.r#type, old.definition.clone());
            revisions.add(name.full, kind, definition)
        })
        .await
    }

    pub(super) async fn delete_schema_revision(
        &self,
        request: DeleteSchemaRevisionRequest,
    ) -> PubsubResult<Schema> {
        let (name, revision) = names::parse_schema_revision(&request.name)?;
        // The id once stood in a field of its own.
        let id = match revision {
            Some(id) => id,
            None if names::is_revision_id(&request.revision_id) => &request.revision_id,
            None => return Err(invalid_name(&request.name)),
        };
        self.change_schema(name.full, |revisions| {
            revisions.find(id)?;
            if revisions.newest_first.len() == 1 {
                return Err(only_revision(name.id));
            }
            revisions
                .newest_first
                .retain(|revision| revision.revision_id != id);
            Ok(())
        })
        .await
    }

    pub(super) async fn delete_schema(&self, request: DeleteSchemaRequest) -> PubsubResult<()> {
        let name = names::parse(names::Kind::Schema, &request.name)?;
        self.delete(Kind::Schema, name.full).await
    }

    pub(super) async fn validate_schema(
        &self,
        request: ValidateSchemaRequest,
    ) -> PubsubResult<ValidateSchemaResponse> {
        names::parse_project(&request.parent)?;
        let Some(schema) = &request.schema else {
            return Err(invalid_argument("schema"));
        };
        self.compile(schema).await?;
        Ok(ValidateSchemaResponse {})
    }

    pub(super) async fn validate_message(
        &self,
        request: ValidateMessageRequest,
    ) -> PubsubResult<ValidateMessageResponse> {
        names::parse_project(&request.parent)?;
        let (name, schema) = match &request.schema_spec {
            None => return Err(invalid_argument("schema_spec")),
            Some(SchemaSpec::Schema(schema)) => (None, schema.clone()),
            Some(SchemaSpec::Name(name)) => {
                let (name, revision) = names::parse_schema_revision(name)?;
                let (_, revisions) = self.schema_revisions(name.full).await?;
                let schema = match revision {
                    Some(id) => revisions.find(id)?,
                    None => revisions.newest()?,
                };
                (Some(name.full), schema.clone())
            }
        };
        let compiled = self.compile(&schema).await?;
        let encoding = match request.encoding() {
            Encoding::Json => MessageEncoding::Json,
            Encoding::Binary => MessageEncoding::Binary,
            Encoding::Unspecified => return Err(invalid_argument("encoding")),
        };
        let message = request.message;
        let kind = language(&schema)?;
        self.outside
            .workbench
            .run(message.len(), move || compiled.validate(encoding, &message))
            .await
            .map_err(not_worked_out)?
            .map_err(|why| match name {
                Some(name) => schema_refusal(name, &schema.revision_id, kind, encoding, &why),
                None => nameless_schema_refusal(kind, encoding, &why),
            })?;
        Ok(ValidateMessageResponse {})
    }

    /// Checks a definition.
    async fn compile(&self, schema: &Schema) -> PubsubResult<CompiledSchema> {
        let kind = language(schema)?;
        let definition = schema.definition.clone();
        self.outside
            .workbench
            .run(definition.len() * COMPILING_COST, move || {
                CompiledSchema::compile(kind, &definition)
            })
            .await
            .map_err(not_worked_out)?
            .map_err(|why| invalid_schema(&why))
    }

    /// A schema that must exist, and its revisions.
    pub(in crate::pubsub) async fn schema_revisions(
        &self,
        name: &str,
    ) -> PubsubResult<(Resource, Revisions)> {
        let resource = self.existing(Kind::Schema, name).await?;
        let revisions = Revisions::of(&resource)?;
        Ok((resource, revisions))
    }

    /// Changes a schema's revisions. Answers the newest as it is then.
    async fn change_schema(
        &self,
        name: &str,
        change: impl Fn(&mut Revisions) -> PubsubResult<()>,
    ) -> PubsubResult<Schema> {
        let change = &change;
        let derive = async |resource: Resource| {
            let mut revisions = Revisions::of(&resource)?;
            change(&mut revisions)?;
            Ok(AdminCommand::PutSchema {
                name: resource.name,
                version: Some(resource.version),
                spec: revisions.into_spec(),
            })
        };
        let resource = self.change(Kind::Schema, name, derive).await?;
        Ok(Revisions::of(&resource)?.newest()?.clone())
    }
}
