//! The API as an OpenAPI 3.1 document, made from the routes and the types of their handlers.

use super::route::{Route, SchemaOf, Taken};
use super::routes::{PREFIX, ROUTES};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// What each refusal is answered with.
const ERROR: &str = "Error";

/// The document.
pub fn document() -> Value {
    let mut of_answers = generator(SchemaSettings::for_serialize);
    let mut of_requests = generator(SchemaSettings::for_deserialize);
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES.iter() {
        let operation = operation(route, &mut of_answers, &mut of_requests);
        let path = paths
            .entry(route.path.to_owned())
            .or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    let mut schemas = of_requests.take_definitions(true);
    for (name, schema) in of_answers.take_definitions(true) {
        // A type that is taken and given would need two names.
        let taken = schemas.get(&name);
        debug_assert!(taken.is_none_or(|taken| *taken == schema), "{name}");
        schemas.insert(name, schema);
    }
    schemas.insert(ERROR.to_owned(), error_schema());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "lclq admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What an lclq server does and holds, and how to work on it.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": PREFIX }],
        "paths": paths,
        "components": { "schemas": schemas },
    })
}

fn generator(contract: fn(SchemaSettings) -> SchemaSettings) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    contract(settings).into_generator()
}

fn operation(
    route: &Route,
    of_answers: &mut SchemaGenerator,
    of_requests: &mut SchemaGenerator,
) -> Value {
    let mut content = json!({});
    if let Some(schema) = route.answered.schema {
        content["schema"] = json!(schema(of_answers));
    }
    let mut responses = json!({
        route.answered.status.as_str(): {
            "description": "As asked",
            "content": { route.answered.media_type: content },
        },
    });
    responses["default"] = json!({
        "description": "Refused, or not possible",
        "content": { "application/json": {
            "schema": { "$ref": format!("#/components/schemas/{ERROR}") },
        } },
    });
    let mut operation = json!({
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [tag(route.path)],
        "x-scope": route.scope.name(),
        "parameters": parameters(route, of_requests),
        "responses": responses,
    });
    let content = match &route.takes {
        Taken::Nothing => return operation,
        Taken::Json(schema) => json!({ "application/json": { "schema": schema(of_requests) } }),
        Taken::Stream(media_type) => json!({ *media_type: {} }),
    };
    operation["requestBody"] = json!({ "content": content });
    operation
}

/// What operations are about.
pub(super) const TAGS: [&str; 7] = [
    "server",
    "queues",
    "topics",
    "subscriptions",
    "snapshots",
    "schemas",
    "test",
];

fn tag(path: &str) -> &'static str {
    let first = path.split('/').nth(1).unwrap_or_default();
    let named = TAGS.iter().find(|tag| **tag == first);
    named.copied().unwrap_or(TAGS[0])
}

fn parameters(route: &Route, of_requests: &mut SchemaGenerator) -> Vec<Value> {
    let in_path = parts(route.path).map(|name| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
    });
    let mut parameters: Vec<Value> = in_path.collect();
    let query: SchemaOf = route.query;
    let query = json!(query(of_requests));
    let required = query["required"].as_array().cloned().unwrap_or_default();
    for (name, schema) in query["properties"].as_object().into_iter().flatten() {
        let mut schema = schema.clone();
        let description = schema
            .as_object_mut()
            .and_then(|schema| schema.remove("description"));
        parameters.push(json!({
            "name": name,
            "in": "query",
            "required": required.iter().any(|required| required == name),
            "description": description,
            "schema": schema,
        }));
    }
    parameters
}

/// Names of a path's parts in braces.
pub(super) fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {
                    "type": "string",
                    "description": "For programs; the dialect's where a dialect refused",
                },
                "message": { "type": "string", "description": "For people" },
            },
        } },
    })
}
