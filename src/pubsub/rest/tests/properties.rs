//! Whatever comes in: no panic, and what goes out can be read.

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use prost::Message;
use prost_types::{Duration, FieldMask, Timestamp};
use serde_json::{Map, Value, json};

use super::super::bindings::{Bindings, Route};
use super::super::from_json::read_json;
use super::super::problems::Problems;
use super::super::to_json::{Style, write_json};
use super::super::types::{Field, Form, Kind, MessageId, Shape, Types};
use super::{Endpoint, typed};
use crate::pubsub::proto::*;

/// Reads JSON as that type.
fn parsed(id: MessageId, json: &[u8]) -> Result<Vec<u8>, String> {
    let mut problems = Problems::default();
    let mut out = Vec::new();
    read_json(
        &Bindings::all().types,
        id,
        json,
        &[],
        &mut problems,
        &mut out,
    );
    if problems.is_empty() {
        Ok(out)
    } else {
        Err(problems.into_error().message.into_owned())
    }
}

/// Shows a message and reads it again.
fn there_and_back<M: Message + Default + PartialEq + std::fmt::Debug>(
    type_name: &str,
    message: &M,
) -> M {
    let (types, id) = typed(type_name);
    for (pretty, enum_numbers) in [(true, false), (false, true)] {
        let style = Style {
            pretty,
            enum_numbers,
        };
        let json = write_json(types, id, &message.encode_to_vec(), style).unwrap();
        let bytes = parsed(id, &json).unwrap();
        assert_eq!(M::decode(&*bytes).unwrap(), *message);
    }
    let json = write_json(types, id, &message.encode_to_vec(), Style::default()).unwrap();
    M::decode(&*parsed(id, &json).unwrap()).unwrap()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9.:sTZ=_-]{0,12}".prop_map(Value::from),
        "\\PC{0,5}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("topic"),
        Just("messages"),
        Just("attributes"),
        Just("data"),
        Just("labels"),
        Just("messageTransforms"),
        Just("aiInference"),
        Just("unstructuredInference"),
        Just("parameters"),
        Just("pushConfig"),
        Just("expiration_policy"),
        Just("ttl"),
        Just("state"),
        Just("updateMask"),
        Just("x"),
    ];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(name.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_duration() -> impl Strategy<Value = Duration> {
    (0..315_576_000_000_i64, 0..1_000_000_000)
        .prop_map(|(seconds, nanos)| Duration { seconds, nanos })
}

fn any_message() -> impl Strategy<Value = PubsubMessage> {
    (
        vec(any::<u8>(), 0..300),
        btree_map(any::<String>(), any::<String>(), 0..4),
        any::<String>(),
        option::of((-60_000_000_000..250_000_000_000_i64, 0..1_000_000_000)),
        any::<String>(),
    )
        .prop_map(
            |(data, attributes, message_id, time, ordering_key)| PubsubMessage {
                data: data.into(),
                attributes,
                message_id,
                publish_time: time.map(|(seconds, nanos)| Timestamp { seconds, nanos }),
                ordering_key,
            },
        )
}

/// JSON that the type takes, made from random bytes.
fn fitting(
    types: &Types,
    id: MessageId,
    seed: &mut impl Iterator<Item = u8>,
    depth: usize,
) -> Value {
    let message = types.message(id);
    let byte = seed.next().unwrap_or(0);
    match message.form {
        Form::Duration => json!(format!("{byte}.{byte:03}s")),
        Form::Timestamp => json!(format!("2026-01-{:02}T00:00:00.{byte:03}Z", byte % 28 + 1)),
        Form::FieldMask => json!("a,bC.d"),
        Form::Struct => json!({"k": {"l": [1, null, byte]}}),
        Form::Value => json!([byte]),
        Form::ListValue => json!([byte, null]),
        Form::Fields => {
            let mut object = Map::new();
            let mut oneofs = Vec::new();
            for field in &message.fields {
                let wanted = seed.next().unwrap_or(0).is_multiple_of(2);
                let taken = field
                    .oneof
                    .as_ref()
                    .is_some_and(|(at, _)| oneofs.contains(at));
                let deep = matches!(field.kind, Kind::Message(_)) && depth == 0;
                if !wanted || taken || deep {
                    continue;
                }
                oneofs.extend(field.oneof.as_ref().map(|(at, _)| *at));
                let value = match (field.shape, field.kind) {
                    (Shape::Single, _) => fitting_one(types, field, seed, depth),
                    (Shape::Repeated { .. }, _) => {
                        let count = seed.next().unwrap_or(0) % 3;
                        (0..count)
                            .map(|_| fitting_one(types, field, seed, depth))
                            .collect()
                    }
                    (Shape::Map, Kind::Message(entry)) => {
                        let value = &types.message(entry).fields[1];
                        json!({"k": fitting_one(types, value, seed, depth), "": fitting_one(types, value, seed, depth)})
                    }
                    (Shape::Map, _) => unreachable!("maps have entries"),
                };
                object.insert(field.json_name.clone(), value);
            }
            Value::Object(object)
        }
    }
}

fn fitting_one(
    types: &Types,
    field: &Field,
    seed: &mut impl Iterator<Item = u8>,
    depth: usize,
) -> Value {
    let byte = seed.next().unwrap_or(0);
    match field.kind {
        Kind::Bool => json!(byte.is_multiple_of(2)),
        Kind::String => json!("x".repeat((byte % 200).into())),
        Kind::Bytes => json!(base64_simd::STANDARD.encode_to_string(vec![byte; (byte % 9).into()])),
        Kind::Enum(_) => json!(byte % 4),
        Kind::Message(id) => fitting(types, id, seed, depth.saturating_sub(1)),
        _ => json!(byte),
    }
}

/// Drops what isn't shown: defaults of fields that don't tell them from nothing.
fn without_defaults(types: &Types, id: MessageId, value: &Value) -> Value {
    let message = types.message(id);
    let (Form::Fields, Value::Object(object)) = (message.form, value) else {
        return value.clone();
    };
    let mut kept = Map::new();
    for (name, value) in object {
        let field = &message.fields[message.find(name).unwrap()];
        let inside = |value: &Value| match field.kind {
            Kind::Message(id) => without_defaults(types, id, value),
            Kind::Int64 | Kind::Uint64 if value.is_number() => json!(value.to_string()),
            _ => value.clone(),
        };
        let value = match field.shape {
            Shape::Single => inside(value),
            Shape::Repeated { .. } => value.as_array().unwrap().iter().map(inside).collect(),
            Shape::Map => value.clone(),
        };
        let empty = [json!(0), json!("0"), json!(""), json!(false), json!([])].contains(&value);
        if !empty || field.presence {
            kept.insert(field.json_name.clone(), value);
        }
    }
    Value::Object(kept)
}

proptest! {
    #[test]
    fn any_json_may_come(value in any_json(), at in any::<prop::sample::Index>()) {
        let types = &Bindings::all().types;
        let ids: Vec<_> = types.messages().map(|(id, _)| id).collect();
        let json = value.to_string();
        if let Ok(bytes) = parsed(*at.get(&ids), json.as_bytes()) {
            let id = *at.get(&ids);
            write_json(types, id, &bytes, Style::default()).unwrap();
            prop_assert!(bytes.len() <= json.len() * 8 + 64);
        }
    }

    #[test]
    fn any_text_may_come(text in "[{}\\[\\]\",:a0-9 \\\\u.eE+-]{0,40}", bytes: Vec<u8>) {
        for (id, _) in Bindings::all().types.messages().take(5) {
            let _ = parsed(id, text.as_bytes());
            let _ = parsed(id, &bytes);
        }
    }

    #[test]
    fn any_request_may_come(
        method in "GET|PUT|POST|PATCH|DELETE|HEAD",
        path in "/v1/projects/[a-z%:]{0,4}/(topics|subscriptions|schemas|snapshots)(/[a-z%A-F0-9]{0,6})?(:publish|:pull|:seek|:getIamPolicy)?",
        query in "(&?(pageSize|topic\\.labels|view|updateMask|\\$alt|ackIds|x)=[a-z0-9%;=,]{0,6}){0,3}",
        body in any_json(),
    ) {
        if let Ok(uri) = format!("{path}?{query}").parse::<http::Uri>() {
            let endpoint = Endpoint::new(Ok(bytes::Bytes::new()));
            let reply = endpoint.ask(&method, &uri.to_string(), &body.to_string());
            let status = reply.status().as_u16();
            prop_assert!([200, 400, 404, 405].contains(&status), "{status}");
            let _: Value = serde_json::from_slice(reply.body().as_bytes()).unwrap();
            let _ = matches!(Bindings::all().route(&http::Method::GET, uri.path()), Route::Nowhere);
        }
    }

    #[test]
    fn any_bytes_may_be_shown(bytes: Vec<u8>, at in any::<prop::sample::Index>()) {
        let types = &Bindings::all().types;
        let ids: Vec<_> = types.messages().map(|(id, _)| id).collect();
        if let Ok(json) = write_json(types, *at.get(&ids), &bytes, Style::default()) {
            let _: Value = serde_json::from_slice(&json).unwrap();
        }
    }

    #[test]
    fn messages_come_back(messages in vec(any_message(), 0..4), topic: String) {
        let request = PublishRequest { topic, messages };
        prop_assert_eq!(there_and_back("PublishRequest", &request), request);
    }

    #[test]
    fn subscriptions_come_back(
        texts in vec(any::<String>(), 4),
        numbers in vec(any::<i32>(), 3),
        flags in vec(any::<bool>(), 3),
        times in vec(option::of(any_duration()), 3),
        labels in btree_map(any::<String>(), any::<String>(), 0..4),
        long: i64,
    ) {
        let sub = Subscription {
            name: texts[0].clone(),
            topic: texts[1].clone(),
            push_config: flags[0].then(|| PushConfig {
                push_endpoint: texts[2].clone(),
                wrapper: Some(push_config::Wrapper::NoWrapper(push_config::NoWrapper {
                    write_metadata: flags[1],
                })),
                ..Default::default()
            }),
            ack_deadline_seconds: numbers[0],
            retain_acked_messages: flags[1],
            message_retention_duration: times[0],
            labels,
            expiration_policy: flags[2].then_some(ExpirationPolicy { ttl: times[1] }),
            filter: texts[3].clone(),
            state: numbers[1],
            retry_policy: Some(RetryPolicy { minimum_backoff: times[2], maximum_backoff: None }),
            cloud_storage_config: Some(CloudStorageConfig { max_bytes: long, ..Default::default() }),
            ..Default::default()
        };
        prop_assert_eq!(there_and_back("Subscription", &sub), sub.clone());
        let update = UpdateSubscriptionRequest {
            subscription: Some(sub),
            update_mask: Some(FieldMask { paths: vec!["labels".into(), "push_config.push_endpoint".into()] }),
        };
        prop_assert_eq!(there_and_back("UpdateSubscriptionRequest", &update), update);
    }

    #[test]
    fn every_type_comes_back(seed: [u8; 32], more: Vec<u8>) {
        let types = &Bindings::all().types;
        for (id, message) in types.messages() {
            if message.name.ends_with("Entry") || message.name.starts_with("google.protobuf.") {
                continue;
            }
            let mut seed = seed.iter().chain(&more).copied();
            let value = fitting(types, id, &mut seed, 4);
            let bytes = parsed(id, value.to_string().as_bytes()).unwrap();
            let style = Style { pretty: false, enum_numbers: true };
            let shown = write_json(types, id, &bytes, style).unwrap();
            // Fields are shown in their own order, whatever order they came in.
            let again = parsed(id, &shown).unwrap();
            prop_assert_eq!(&write_json(types, id, &again, style).unwrap(), &shown);
            let shown: Value = serde_json::from_slice(&shown).unwrap();
            let shown_again = without_defaults(types, id, &value);
            if !value.to_string().contains('.') {
                prop_assert_eq!(shown, shown_again, "{}", message.name);
            }
        }
    }
}
