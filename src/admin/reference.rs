//! The API as a page for people, made from the OpenAPI document.

use super::openapi::{TAGS, document};
use serde_json::Value;
use std::fmt::Write;

const HEAD: &str = "\
# Admin API

JSON over HTTP on the admin port (9000), below `/api/v1`; `/api/v1/openapi.json` has it as OpenAPI 3.1.
The same paths answer without `/api/v1`. This page is printed by `lclq generate admin-api`.

A refusal is `{\"error\": {\"code\": \"…\", \"message\": \"…\"}}` with a status that fits. Lists come in pages:
the `next` of one is the `after` of the following. The scope of an operation says what somebody must be
allowed to do: `read` looks, `operate` works with messages and resources, `admin` works on the server.

Operations that follow something answer with server-sent events (`text/event-stream`). `/events` has an id
with each `resource`, which `Last-Event-ID` takes; a subscriber that was away or is slow gets `missed` with
the number of events it has lost, or null where nobody knows. Lines that begin with `:` keep the connection
alive. An event of a change may come a moment before the change is on disk.

Pub/Sub's own REST API answers on this port too, at `/v1/projects/…`.
";

/// The page, in Markdown.
pub fn reference() -> String {
    let document = document();
    let mut page = HEAD.to_owned();
    for tag in TAGS {
        let _ = writeln!(page, "\n## {}", capital(tag));
        for (path, operations) in members(&document["paths"]) {
            for (method, operation) in members(operations) {
                if operation["tags"][0] == tag {
                    write_operation(&mut page, path, method, operation);
                }
            }
        }
    }
    page.push_str("\n## Types\n");
    for (name, schema) in members(&document["components"]["schemas"]) {
        write_type(&mut page, name, schema);
    }
    page
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}

fn write_operation(page: &mut String, path: &str, method: &str, operation: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let _ = writeln!(
        page,
        "\n### `{} {path}`\n\n{}. Scope `{}`.\n",
        method.to_ascii_uppercase(),
        text(&operation["summary"]),
        text(&operation["x-scope"])
    );
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    for parameter in parameters.filter(|parameter| parameter["in"] == "query") {
        let _ = writeln!(
            page,
            "- `{}`, {}: {}",
            text(&parameter["name"]),
            kind(&parameter["schema"]),
            one_line(&parameter["description"])
        );
    }
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    if !body.is_null() {
        let _ = writeln!(page, "- Takes {}", kind(body));
    }
    for (status, answer) in members(&operation["responses"]) {
        for (media_type, content) in members(&answer["content"]) {
            if status == "default" {
                continue;
            }
            let _ = match &content["schema"] {
                Value::Null => writeln!(page, "- Answers {status} with {media_type}"),
                schema => writeln!(page, "- Answers {status} with {}", kind(schema)),
            };
        }
    }
}

fn write_type(page: &mut String, name: &str, schema: &Value) {
    let _ = writeln!(page, "\n### {name}\n");
    if let Some(text) = schema["description"].as_str() {
        let _ = writeln!(page, "{}\n", text.replace('\n', " "));
    }
    let required = schema["required"].as_array();
    for (member, schema) in members(&schema["properties"]) {
        let must = required.is_some_and(|required| required.iter().any(|name| name == member));
        let said = one_line(&schema["description"]);
        let _ = writeln!(
            page,
            "- `{member}`, {}{}{}",
            kind(schema),
            if must { "" } else { ", may be absent" },
            if said.is_empty() {
                String::new()
            } else {
                format!(": {said}")
            },
        );
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
        let _ = writeln!(page, "One of {}", values.join(", "));
    }
}

fn one_line(text: &Value) -> String {
    text.as_str().unwrap_or_default().replace('\n', " ")
}

/// What a schema is, in a few words.
fn kind(schema: &Value) -> String {
    if let Some(reference) = schema["$ref"].as_str() {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return format!("[{name}](#{})", name.to_ascii_lowercase());
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        if let Some(schemas) = schema[several].as_array() {
            let kinds: Vec<String> = schemas.iter().map(kind).collect();
            return kinds.join(" or ");
        }
    }
    let plain = match &schema["type"] {
        Value::String(one) => one.clone(),
        Value::Array(several) => {
            let several: Vec<&str> = several.iter().filter_map(Value::as_str).collect();
            several.join(" or ")
        }
        _ => "anything".to_owned(),
    };
    match (&schema["items"], &schema["minimum"], &schema["maximum"]) {
        (Value::Null, least, most) if !most.is_null() && most.as_u64() < Some(100_000) => {
            format!("{plain} from {least} to {most}")
        }
        (Value::Null, ..) => plain,
        (items, ..) => format!("{plain} of {}", kind(items)),
    }
}
