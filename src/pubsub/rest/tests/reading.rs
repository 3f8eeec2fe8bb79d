use prost_types::{Duration, FieldMask, Timestamp, value::Kind};

use super::{read, read_bytes};
use crate::pubsub::error::{PubsubError, rest_error};
use crate::pubsub::proto::*;

const TOPIC: &str = "/v1/projects/p/topics/t";
const SUB: &str = "/v1/projects/p/subscriptions/s";
const PUBLISH: &str = "/v1/projects/p/topics/t:publish";

fn topic(body: &str) -> Result<Topic, PubsubError> {
    read("PUT", TOPIC, body)
}

fn sub(body: &str) -> Result<Subscription, PubsubError> {
    read("PUT", SUB, body)
}

fn refusal(result: Result<impl std::fmt::Debug, PubsubError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code.http_status(), 400);
    assert_eq!(
        error.details[0].type_url,
        "type.googleapis.com/google.rpc.BadRequest"
    );
    error.message.into_owned()
}

#[test]
fn the_path_names_the_resource_whatever_the_body_says() {
    for body in ["", "  ", "{}", r#"{"name": "projects/p/topics/other"}"#] {
        assert_eq!(topic(body).unwrap().name, "projects/p/topics/t", "{body}");
    }
    let body = r#"{"topic": {"name": "other", "labels": {"a": "b"}}, "updateMask": "labels"}"#;
    let update: UpdateTopicRequest = read("PATCH", TOPIC, body).unwrap();
    let patched = update.topic.unwrap();
    assert_eq!(patched.name, "projects/p/topics/t");
    assert_eq!(patched.labels["a"], "b");
    let pull: PullRequest = read(
        "POST",
        &format!("{SUB}:pull?subscription=x"),
        r#"{"maxMessages": 1}"#,
    )
    .unwrap();
    assert_eq!(pull.subscription, "projects/p/subscriptions/s");
}

#[test]
fn a_body_can_be_one_field_of_the_request() {
    let path = "/v1/projects/p/schemas?schemaId=sc";
    let body = r#"{"type": "AVRO", "definition": "d", "name": ""}"#;
    let request: CreateSchemaRequest = read("POST", path, body).unwrap();
    assert_eq!(
        (&*request.parent, &*request.schema_id),
        ("projects/p", "sc")
    );
    let made = request.schema.unwrap();
    assert_eq!(
        (made.r#type, &*made.definition),
        (schema::Type::Avro as i32, "d")
    );
    let unknown = read::<CreateSchemaRequest>("POST", path, r#"{"x": 1}"#);
    assert_eq!(
        refusal(unknown),
        "Invalid JSON payload received. Unknown name \"x\" at 'schema': Cannot find field."
    );
}

#[test]
fn every_kind_of_value_is_read() {
    let body = r#"{
        "topic": "projects/p/topics/t",
        "ackDeadlineSeconds": "42",
        "retainAckedMessages": true,
        "messageRetentionDuration": "601.000000005s",
        "labels": {"k": "v", "": ""},
        "expirationPolicy": {},
        "filter": "\u00fc\ud83d\ude00",
        "pushConfig": {"pushEndpoint": "http://x", "oidcToken": {"audience": "a"}},
        "cloudStorageConfig": {"maxBytes": "9007199254740993", "maxMessages": 1.5e3},
        "messageTransforms": [{"disabled": true}, {"javascriptUdf": {"code": "c"}}],
        "enable_message_ordering": "true",
        "state": 1
    }"#;
    let read = sub(body).unwrap();
    assert_eq!(read.ack_deadline_seconds, 42);
    assert!(read.retain_acked_messages && read.enable_message_ordering);
    assert_eq!(
        read.message_retention_duration,
        Some(Duration {
            seconds: 601,
            nanos: 5
        })
    );
    assert_eq!(read.labels.len(), 2);
    assert_eq!(read.expiration_policy, Some(ExpirationPolicy { ttl: None }));
    assert_eq!(read.filter, "ü😀");
    assert_eq!(read.push_config.unwrap().push_endpoint, "http://x");
    let storage = read.cloud_storage_config.unwrap();
    assert_eq!(
        (storage.max_bytes, storage.max_messages),
        (9_007_199_254_740_993, 1500)
    );
    assert_eq!(read.message_transforms.len(), 2);
    assert!(read.message_transforms[0].disabled);
    assert_eq!(read.state, subscription::State::Active as i32);
    assert_eq!(sub(r#"{"state": "RESOURCE_ERROR"}"#).unwrap().state, 2);
    assert_eq!(sub(r#"{"state": 77}"#).unwrap().state, 77);
}

#[test]
fn null_is_absent() {
    let body = r#"{"ackDeadlineSeconds": null, "labels": null, "pushConfig": null, "topic": null}"#;
    let name = "projects/p/subscriptions/s".to_owned();
    assert_eq!(
        sub(body).unwrap(),
        Subscription {
            name,
            ..Default::default()
        }
    );
}

#[test]
fn messages_are_read_as_bytes() {
    let data: Vec<u8> = (0..=255).collect();
    for text in [
        base64_simd::STANDARD.encode_to_string(&data),
        base64_simd::URL_SAFE.encode_to_string(&data),
        base64_simd::STANDARD_NO_PAD.encode_to_string(&data),
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(&data),
    ] {
        let body = format!(
            r#"{{"messages": [{{"data": "{text}", "attributes": {{"k": "v"}}, "orderingKey": "o",
                "publishTime": "2026-01-02T03:04:05.678Z", "messageId": "1"}}, {{}}]}}"#
        );
        let request: PublishRequest = read("POST", PUBLISH, &body).unwrap();
        assert_eq!(request.topic, "projects/p/topics/t");
        let [message, empty] = &request.messages[..] else {
            panic!("{request:?}");
        };
        assert_eq!(message.data, data);
        assert_eq!(
            (&*message.attributes["k"], &*message.ordering_key),
            ("v", "o")
        );
        let time = Timestamp {
            seconds: 1_767_323_045,
            nanos: 678_000_000,
        };
        assert_eq!(message.publish_time, Some(time));
        assert_eq!(*empty, PubsubMessage::default());
    }
    for (text, bytes) in [
        ("", &b""[..]),
        ("eA", b"x"),
        ("eA==", b"x"),
        ("-_8", b"\xfb\xff"),
    ] {
        let body = format!(r#"{{"messages": [{{"data": "{text}"}}]}}"#);
        let request: PublishRequest = read("POST", PUBLISH, &body).unwrap();
        assert_eq!(request.messages[0].data, bytes, "{text}");
    }
    for bad in [
        "e", "eA=", "eA===", "e===", "=", "====", "+_8=", "eA==eA==", "e A=", "é", "eB",
    ] {
        let body = format!(r#"{{"messages": [{{"data": "{bad}"}}]}}"#);
        let text = refusal(read::<PublishRequest>("POST", PUBLISH, &body));
        assert_eq!(
            text,
            format!(
                "Invalid value at 'messages[0].data' (TYPE_BYTES), Base64 decoding failed for \
                 \"{bad}\""
            )
        );
    }
}

#[test]
fn the_topic_stands_before_the_messages() {
    let body = br#"{"messages": [{"data": "eA=="}], "topic": "other"}"#;
    let bytes = super::super::request::transcode(
        super::Bindings::all(),
        match super::Bindings::all().route(&super::Method::POST, PUBLISH) {
            super::Route::To(binding, _) => binding,
            other => panic!("{other:?}"),
        },
        &[(&[0], "t".into())],
        "",
        body,
    );
    assert_eq!(bytes.unwrap().0, b"\x0a\x01t\x12\x03\x0a\x01x");
}

#[test]
fn masks_come_in_the_body_or_the_query() {
    let paths = |paths: &[&str]| {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        Some(FieldMask { paths })
    };
    for (path, body, expected) in [
        (
            TOPIC,
            r#"{"updateMask": "labels,messageRetentionDuration"}"#.to_owned(),
            paths(&["labels", "message_retention_duration"]),
        ),
        (
            TOPIC,
            r#"{"update_mask": "schema_settings.encoding"}"#.to_owned(),
            paths(&["schema_settings.encoding"]),
        ),
        (TOPIC, r#"{"updateMask": ""}"#.to_owned(), paths(&[])),
        (TOPIC, "{}".to_owned(), None),
        (
            "/v1/projects/p/topics/t?updateMask=labels%2CkmsKeyName",
            "{}".to_owned(),
            paths(&["labels", "kms_key_name"]),
        ),
    ] {
        let update: UpdateTopicRequest = read("PATCH", path, &body).unwrap();
        assert_eq!(update.update_mask, expected, "{path} {body}");
        assert_eq!(update.topic.unwrap().name, "projects/p/topics/t");
    }
}

#[test]
fn the_query_fills_fields() {
    let list = "/v1/projects/p/topics?pageSize=2&page_token=a%2Bb+c&$alt=json&key=k&prettyPrint=0";
    let request: ListTopicsRequest = read("GET", list, "").unwrap();
    assert_eq!((request.page_size, &*request.page_token), (2, "a+b c"));
    let schemas: ListSchemasRequest = read("GET", "/v1/projects/p/schemas?view=2", "").unwrap();
    assert_eq!(schemas.view, 2);
    let schemas: ListSchemasRequest = read(
        "GET",
        "/v1/projects/p/schemas?view=BASIC&%24alt=json%3Benum-encoding%3Dint",
        "",
    )
    .unwrap();
    assert_eq!(schemas.view, 1);
    let ack: AcknowledgeRequest =
        read("POST", &format!("{SUB}:acknowledge?ackIds=a&ackIds=b"), "").unwrap();
    assert_eq!(ack.ack_ids, ["a", "b"]);
    let policy: iam::GetIamPolicyRequest = read(
        "GET",
        &format!("{TOPIC}:getIamPolicy?options.requestedPolicyVersion=3"),
        "",
    )
    .unwrap();
    assert_eq!(policy.resource, "projects/p/topics/t");
    assert_eq!(policy.options.unwrap().requested_policy_version, 3);
    let nested: UpdateTopicRequest = read(
        "PATCH",
        &format!("{TOPIC}?topic.kmsKeyName=k&topic.messageRetentionDuration=1.5s"),
        "",
    )
    .unwrap();
    let patched = nested.topic.unwrap();
    assert_eq!(
        (&*patched.name, &*patched.kms_key_name),
        ("projects/p/topics/t", "k")
    );
    assert_eq!(
        patched.message_retention_duration.unwrap().nanos,
        500_000_000
    );

    for (query, text) in [
        (
            "nothing=1",
            "Invalid JSON payload received. Unknown name \"nothing\": Cannot bind query parameter. \
             Field 'nothing' could not be found in request message.",
        ),
        (
            "pageSize=x",
            "Invalid value at 'page_size' (TYPE_INT32), \"x\"",
        ),
        (
            "pageSize=",
            "Invalid value at 'page_size' (TYPE_INT32), \"\"",
        ),
        (
            "alt=xml",
            "Invalid JSON payload received. Unknown name \"alt\": The only format is JSON, not \
             'xml'.",
        ),
    ] {
        let result =
            read::<ListTopicsRequest>("GET", &format!("/v1/projects/p/topics?{query}"), "");
        assert_eq!(refusal(result), text);
    }
    for query in [
        "topic=x",
        "topic.labels=x",
        "topic.labels.k=v",
        "topic.messageTransforms=x",
    ] {
        let result = read::<UpdateTopicRequest>("PATCH", &format!("{TOPIC}?{query}"), "{}");
        assert!(
            refusal(result).contains("Cannot bind query parameter."),
            "{query}"
        );
    }
}

#[test]
fn unknown_names_are_told_all_at_once() {
    let error = topic(r#"{"x": 1, "schemaSettings": {"y": {"z": [1]}}, "name": "n"}"#).unwrap_err();
    assert_eq!(
        error.message,
        "Invalid JSON payload received. Unknown name \"x\": Cannot find field.\nInvalid JSON \
         payload received. Unknown name \"y\" at 'schema_settings': Cannot find field."
    );
    let (_, body) = rest_error(&error);
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        body["error"]["details"][0]["fieldViolations"],
        serde_json::json!([
            {"description":
                "Invalid JSON payload received. Unknown name \"x\": Cannot find field."},
            {"field": "schema_settings", "description":
                "Invalid JSON payload received. Unknown name \"y\" at 'schema_settings': Cannot \
                 find field."},
        ])
    );
    let many: String = (0..1000).map(|n| format!(r#""x{n}": 1, "#)).collect();
    let text = refusal(topic(&format!(r#"{{{many} "y": 1}}"#)));
    assert_eq!(text.lines().count(), 20);
    let long = refusal(topic(&format!(r#"{{"{}": 1}}"#, "é".repeat(100_000))));
    assert!(long.len() < 400);
}

#[test]
fn values_of_the_wrong_type_are_told() {
    for (body, text) in [
        (
            r#"{"ackDeadlineSeconds": 10.5}"#,
            "'ack_deadline_seconds' (TYPE_INT32), 10.5",
        ),
        (
            r#"{"ackDeadlineSeconds": "ten"}"#,
            "'ack_deadline_seconds' (TYPE_INT32), \"ten\"",
        ),
        (
            r#"{"ackDeadlineSeconds": 2147483648}"#,
            "'ack_deadline_seconds' (TYPE_INT32), 2147483648",
        ),
        (
            r#"{"ackDeadlineSeconds": 1e99}"#,
            "'ack_deadline_seconds' (TYPE_INT32), 1",
        ),
        (
            r#"{"ackDeadlineSeconds": true}"#,
            "'ack_deadline_seconds' (TYPE_INT32), true",
        ),
        (
            r#"{"ackDeadlineSeconds": {}}"#,
            "'ack_deadline_seconds' (TYPE_INT32), Starting an object on a scalar field",
        ),
        (
            r#"{"retainAckedMessages": "yes"}"#,
            "'retain_acked_messages' (TYPE_BOOL), \"yes\"",
        ),
        (
            r#"{"retainAckedMessages": 1}"#,
            "'retain_acked_messages' (TYPE_BOOL), 1",
        ),
        (r#"{"filter": 5}"#, "'filter' (TYPE_STRING), 5"),
        (
            r#"{"labels": {"k": 5}}"#,
            "'labels[0].value' (TYPE_STRING), 5",
        ),
        (
            r#"{"labels": {"j": "v", "k": null}}"#,
            "'labels[1].value' (TYPE_STRING), null",
        ),
        (
            r#"{"labels": "k"}"#,
            "'labels' (type.googleapis.com/google.pubsub.v1.Subscription.Lab",
        ),
        (
            r#"{"pushConfig": "http://x"}"#,
            "'push_config' (type.googleapis.com/google.pubsub.v1.PushConfig), \"http://x\"",
        ),
        (
            r#"{"state": "NO"}"#,
            "'state' (type.googleapis.com/google.pubsub.v1.Subscription.State), \"NO\"",
        ),
        (
            r#"{"messageRetentionDuration": 600}"#,
            "'message_retention_duration' (type.googleapis.com/google.protobuf.Duration), 600",
        ),
        (
            r#"{"messageRetentionDuration": "600"}"#,
            "'message_retention_duration' (type.googleapis.com/google.protobuf.Duration), Illegal \
          duration format; duration must end with 's'",
        ),
        (
            r#"{"messageRetentionDuration": {"seconds": 1}}"#,
            "'message_retention_duration' (type.googleapis.com/google.protobuf.Duration), Starting",
        ),
        (
            r#"{"messageTransforms": {}}"#,
            "'message_transforms' (type.googleapis.com/google.pubsub.v1.MessageTransform), Starting",
        ),
        (
            r#"{"messageTransforms": [null]}"#,
            "'message_transforms[0]' (type.googleapis.com/google.pubsub.v1.MessageTransform), null",
        ),
        (
            r#"{"pushConfig": {"noWrapper": {}, "pubsubWrapper": {}}}"#,
            "'push_config.pubsub_wrapper' (oneof), oneof field 'wrapper' is already set. Cannot set \
          'pubsubWrapper'",
        ),
    ] {
        let found = refusal(sub(body));
        let text = format!("Invalid value at {text}");
        assert!(found.starts_with(&text), "{body}: {found}");
    }
    for (body, text) in [
        (
            r#"{"labels": ["k"]}"#,
            "\"labels\" at 'labels': Cannot bind a list to map for field 'labels'.",
        ),
        (
            r#"{"filter": []}"#,
            "\"filter\" at 'filter': Proto field is not repeating, cannot start list.",
        ),
        (
            r#"{"pushConfig": []}"#,
            "\"pushConfig\" at 'push_config': Proto field is not repeating, cannot start list.",
        ),
        (
            r#"{"filter": "a", "filter": "b"}"#,
            "\"filter\": The field is there twice.",
        ),
        ("[]", "\"\": Root element must be a message."),
        ("null", "\"\": Root element must be a message."),
        ("5", "\"\": Root element must be a message."),
        ("\"x\"", "\"\": Root element must be a message."),
    ] {
        let text = format!("Invalid JSON payload received. Unknown name {text}");
        assert_eq!(refusal(sub(body)), text, "{body}");
    }
}

#[test]
fn broken_json_is_shown_where_it_breaks() {
    for (body, text) in [
        ("{", "Unexpected end of string.\n{\n ^"),
        ("{'a': 1}", "Unexpected token.\n{'a': 1}\n ^"),
        (
            "{\n \"filter\": \"x\",\n oops}",
            "Unexpected token.\n{  \"filter\": \"x\",  oops}\n                   ^",
        ),
        ("{} {}", "Unexpected token.\n{} {}\n   ^"),
        (r#"{"filter": "\ud800"}"#, "Unexpected token.\n"),
        (r#"{"filter": 01}"#, "Unexpected token.\n"),
    ] {
        let found = refusal(sub(body));
        let text = format!("Invalid JSON payload received. {text}");
        assert!(found.starts_with(&text), "{found}");
    }
    let bytes = b"{\"filter\": \"\xff\"}";
    refusal(read_bytes::<Subscription>("PUT", SUB, bytes));
    for deep in ["[", "{\"a\":"] {
        for place in ["messages", "x"] {
            let body = format!("{{\"{place}\": {}", deep.repeat(5000));
            refusal(read::<PublishRequest>("POST", PUBLISH, &body));
        }
    }
}

/// `{"messageTransforms": [{"aiInference": {"unstructuredInference": {"parameters": ...`
fn with_parameters(parameters: &str) -> Result<Topic, PubsubError> {
    topic(&format!(
        r#"{{"messageTransforms": [{{"aiInference": {{"unstructuredInference":
            {{"parameters": {parameters}}}}}}}]}}"#
    ))
}

#[test]
fn structs_hold_anything() {
    let made = with_parameters(r#"{"a": null, "b": [1, -2.5, "x", [true], {}], "c": {"d": {}}}"#);
    let transform = made.unwrap().message_transforms.remove(0);
    let Some(message_transform::Transform::AiInference(inference)) = transform.transform else {
        panic!("{transform:?}");
    };
    let Some(ai_inference::InferenceMode::UnstructuredInference(mode)) = inference.inference_mode
    else {
        panic!("{inference:?}");
    };
    let fields = mode.parameters.unwrap().fields;
    assert_eq!(fields["a"].kind, Some(Kind::NullValue(0)));
    let Some(Kind::ListValue(list)) = &fields["b"].kind else {
        panic!("{fields:?}");
    };
    let kinds: Vec<_> = list
        .values
        .iter()
        .map(|value| value.kind.clone().unwrap())
        .collect();
    assert_eq!(kinds[0], Kind::NumberValue(1.0));
    assert_eq!(kinds[1], Kind::NumberValue(-2.5));
    assert_eq!(kinds[2], Kind::StringValue("x".into()));
    assert!(matches!(kinds[3], Kind::ListValue(_)) && matches!(kinds[4], Kind::StructValue(_)));
    assert!(with_parameters("[]").is_err() && with_parameters("1").is_err());
}

#[test]
fn what_is_too_deep_to_decode_is_refused() {
    // `read` panics if what comes out can't be decoded.
    let mut taken = 0;
    for depth in 1..200 {
        let objects = format!("{}{}", r#"{"a":"#.repeat(depth) + "1", "}".repeat(depth));
        taken += usize::from(with_parameters(&objects).is_ok());
        let lists = format!(r#"{{"a": {}{}}}"#, "[".repeat(depth), "]".repeat(depth));
        taken += usize::from(with_parameters(&lists).is_ok());
    }
    assert!((60..100).contains(&taken), "{taken}");
    let deep = format!("{}1{}", r#"{"a":"#.repeat(60), "}".repeat(60));
    assert_eq!(
        refusal(with_parameters(&deep)),
        "Invalid JSON payload received. Message too deep."
    );
}
