//! The schema service: definitions, revisions, validation.

use google_cloud_gax::paginator::{ItemPaginator, Paginator};
use google_cloud_pubsub::client::SchemaService;
use google_cloud_pubsub::model::schema::Type;
use google_cloud_pubsub::model::{Encoding, Schema, SchemaView};
use lclq_pubsub_rust::*;

pub const AVRO: &str = r#"{"type":"record","name":"Person","fields":[
  {"name":"name","type":"string"},{"name":"age","type":"int"}]}"#;
pub const AVRO_WITH_DEFAULT: &str = r#"{"type":"record","name":"Person","fields":[
  {"name":"name","type":"string"},{"name":"age","type":"int"},
  {"name":"email","type":"string","default":""}]}"#;
pub const PROTO: &str = r#"syntax = "proto3"; message Person { string name = 1; int32 age = 2; }"#;

/// The person {bob, 30} in each encoding.
pub const BOB_JSON: &[u8] = br#"{"name":"bob","age":30}"#;
pub const BOB_AVRO: &[u8] = b"\x06bob\x3c";
pub const BOB_PROTO: &[u8] = b"\x0a\x03bob\x10\x1e";

pub fn definition(kind: Type, text: &str) -> Schema {
    Schema::new().set_type(kind).set_definition(text)
}

pub async fn create(
    world: &World,
    schemas: &SchemaService,
    kind: Type,
    text: &str,
) -> Result<Schema, google_cloud_pubsub::Error> {
    schemas
        .create_schema()
        .set_parent(world.parent())
        .set_schema(definition(kind, text))
        .set_schema_id(unique("sc"))
        .send()
        .await
}

async fn revisions(schemas: &SchemaService, name: &str) -> Vec<String> {
    let mut items = schemas
        .list_schema_revisions()
        .set_name(name)
        .set_page_size(2)
        .by_item();
    let mut ids = Vec::new();
    while let Some(schema) = items.next().await {
        ids.push(schema.unwrap().revision_id);
    }
    ids
}

#[tokio::test]
async fn what_is_created_reads_back() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    for (kind, text) in [(Type::Avro, AVRO), (Type::ProtocolBuffer, PROTO)] {
        let made = create(&world, &schemas, kind.clone(), text).await.unwrap();
        assert_eq!(made.definition, text);
        assert_eq!(made.r#type, kind);
        assert_eq!(made.revision_id.len(), 8);
        assert!(
            made.revision_id.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{}",
            made.revision_id
        );
        assert!(made.revision_create_time.is_some());
        assert_eq!(
            made,
            schemas.get_schema().set_name(&made.name).send().await.unwrap(),
            "full by default"
        );
        let basic = schemas
            .get_schema()
            .set_name(&made.name)
            .set_view(SchemaView::Basic)
            .send()
            .await
            .unwrap();
        assert_eq!(basic.definition, "");
    }
}

#[tokio::test]
async fn name_taken_or_missing() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    let made = create(&world, &schemas, Type::Avro, AVRO).await.unwrap();
    let again = schemas
        .create_schema()
        .set_parent(world.parent())
        .set_schema(definition(Type::Avro, AVRO))
        .set_schema_id(leaf(&made.name));
    exists(again.send().await, leaf(&made.name));
    let missing = world.schema_name("missing");
    not_found(schemas.get_schema().set_name(&missing).send().await, "missing");
    not_found(schemas.delete_schema().set_name(&missing).send().await, "missing");
    schemas.delete_schema().set_name(&made.name).send().await.unwrap();
    not_found(schemas.get_schema().set_name(&made.name).send().await, leaf(&made.name));
}

#[tokio::test]
async fn definitions_are_checked() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    let validate = |kind: Type, text: &str| {
        schemas
            .validate_schema()
            .set_parent(world.parent())
            .set_schema(definition(kind, text))
            .send()
    };
    for (kind, good, wrong) in [
        (Type::Avro, AVRO, ["", "{", r#"{"type":"nonsense"}"#]),
        (Type::ProtocolBuffer, PROTO, ["", "message {", r#"syntax = "proto3";"#]),
    ] {
        validate(kind.clone(), good).await.unwrap();
        for text in wrong {
            invalid(validate(kind.clone(), text).await, "");
            invalid(create(&world, &schemas, kind.clone(), text).await, "");
        }
    }
}

#[tokio::test]
async fn messages_are_validated_in_both_encodings() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    for (kind, text, binary) in [(Type::Avro, AVRO, BOB_AVRO), (Type::ProtocolBuffer, PROTO, BOB_PROTO)] {
        let name = create(&world, &schemas, kind.clone(), text).await.unwrap().name;
        for named in [true, false] {
            let validate = |encoding: Encoding, message: &'static [u8]| {
                let request = schemas
                    .validate_message()
                    .set_parent(world.parent())
                    .set_encoding(encoding)
                    .set_message(bytes::Bytes::from_static(message));
                if named {
                    request.set_name(&name)
                } else {
                    request.set_schema(definition(kind.clone(), text))
                }
                .send()
            };
            validate(Encoding::Json, BOB_JSON).await.unwrap();
            validate(Encoding::Binary, binary).await.unwrap();
            invalid(validate(Encoding::Json, br#"{"name":7}"#).await, "");
            invalid(validate(Encoding::Binary, b"\xff\xff\xff").await, "");
        }
    }
}

#[tokio::test]
async fn revisions_are_committed_rolled_back_and_deleted() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    let first = create(&world, &schemas, Type::Avro, AVRO).await.unwrap();
    let name = first.name.clone();
    let commit = schemas
        .commit_schema()
        .set_name(&name)
        .set_schema(definition(Type::Avro, AVRO_WITH_DEFAULT));
    let second = commit.send().await.unwrap();
    assert_eq!(second.definition, AVRO_WITH_DEFAULT);
    let newest = schemas.get_schema().set_name(&name).send().await.unwrap();
    assert_eq!(newest.revision_id, second.revision_id);
    let old = format!("{name}@{}", first.revision_id);
    assert_eq!(
        schemas.get_schema().set_name(&old).send().await.unwrap().definition,
        AVRO
    );
    assert_eq!(
        revisions(&schemas, &name).await,
        [second.revision_id.clone(), first.revision_id.clone()]
    );

    let back = schemas
        .rollback_schema()
        .set_name(&name)
        .set_revision_id(&first.revision_id)
        .send()
        .await
        .unwrap();
    assert_eq!(back.definition, AVRO);
    assert_eq!(revisions(&schemas, &name).await.len(), 3);
    for revision in [&first.revision_id, &second.revision_id] {
        let delete = schemas.delete_schema_revision().set_name(format!("{name}@{revision}"));
        delete.send().await.unwrap();
    }
    assert_eq!(revisions(&schemas, &name).await, [back.revision_id.as_str()]);
    let last = schemas
        .delete_schema_revision()
        .set_name(format!("{name}@{}", back.revision_id))
        .send()
        .await;
    last.expect_err("the last revision stays");
    let other = schemas
        .commit_schema()
        .set_name(&name)
        .set_schema(definition(Type::ProtocolBuffer, PROTO));
    invalid(other.send().await, "");
}

#[tokio::test]
async fn lists_come_by_pages() {
    let world = World::new().await;
    let schemas = world.schemas().await;
    let mut names = Vec::new();
    for _ in 0..5 {
        names.push(create(&world, &schemas, Type::Avro, AVRO).await.unwrap().name);
    }
    let mut pages = schemas
        .list_schemas()
        .set_parent(world.parent())
        .set_page_size(2)
        .by_page();
    let mut listed = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.unwrap().schemas;
        assert!(page.len() <= 2, "a page of at most two");
        for schema in page {
            assert_eq!(schema.definition, "", "a list is basic by default");
            listed.push(schema.name);
        }
    }
    assert_eq!(sorted(listed), sorted(names));
    let full = schemas
        .list_schemas()
        .set_parent(world.parent())
        .set_view(SchemaView::Full)
        .send()
        .await
        .unwrap();
    assert!(full.schemas.iter().all(|schema| schema.definition == AVRO));
}
