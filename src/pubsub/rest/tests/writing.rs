use prost::Message;
use prost_types::{Duration, ListValue, Struct, Timestamp, Value, value::Kind};
use serde_json::json;
use std::collections::BTreeMap;

use super::super::to_json::{Style, write_json};
use super::{show, show_value, typed};
use crate::pubsub::proto::*;

#[test]
fn a_subscription_shows_what_is_set() {
    let sub = Subscription {
        name: "projects/p/subscriptions/s".into(),
        topic: "projects/p/topics/t".into(),
        push_config: Some(PushConfig::default()),
        ack_deadline_seconds: 10,
        message_retention_duration: Some(Duration {
            seconds: 604_800,
            nanos: 0,
        }),
        expiration_policy: Some(ExpirationPolicy {
            ttl: Some(Duration {
                seconds: 2_678_400,
                nanos: 0,
            }),
        }),
        state: subscription::State::Active as i32,
        ..Default::default()
    };
    assert_eq!(
        show("Subscription", &sub),
        r#"{
  "name": "projects/p/subscriptions/s",
  "topic": "projects/p/topics/t",
  "pushConfig": {},
  "ackDeadlineSeconds": 10,
  "messageRetentionDuration": "604800s",
  "expirationPolicy": {
    "ttl": "2678400s"
  },
  "state": "ACTIVE"
}
"#
    );
    let (types, id) = typed("Subscription");
    let style = Style {
        pretty: false,
        enum_numbers: true,
    };
    let bytes = Subscription {
        name: "n".into(),
        state: 1,
        ..Default::default()
    }
    .encode_to_vec();
    let json = write_json(types, id, &bytes, style).unwrap();
    assert_eq!(json, b"{\"name\":\"n\",\"state\":1}\n");
}

#[test]
fn nothing_is_an_empty_object() {
    assert_eq!(show("PullResponse", &PullResponse::default()), "{}\n");
    assert_eq!(show("google.protobuf.Empty", &()), "{}\n");
}

#[test]
fn deliveries_are_shown() {
    let reply = PullResponse {
        received_messages: vec![ReceivedMessage {
            ack_id: "a".into(),
            message: Some(PubsubMessage {
                data: (0..=255).collect::<Vec<u8>>().into(),
                attributes: BTreeMap::from([("ü".into(), "😀\"\n".into()), ("".into(), "".into())]),
                message_id: "12345678901234567".into(),
                publish_time: Some(Timestamp {
                    seconds: 1_767_323_045,
                    nanos: 678_000_000,
                }),
                ordering_key: "o".into(),
            }),
            delivery_attempt: 2,
        }],
    };
    let data: Vec<u8> = (0..=255).collect();
    assert_eq!(
        show_value("PullResponse", &reply),
        json!({"receivedMessages": [{
            "ackId": "a",
            "message": {
                "data": base64_simd::STANDARD.encode_to_string(data),
                "attributes": {"": "", "ü": "😀\"\n"},
                "messageId": "12345678901234567",
                "publishTime": "2026-01-02T03:04:05.678Z",
                "orderingKey": "o",
            },
            "deliveryAttempt": 2,
        }]})
    );
}

#[test]
fn every_kind_of_value_is_shown() {
    let sub = Subscription {
        cloud_storage_config: Some(CloudStorageConfig {
            max_bytes: i64::MAX,
            max_messages: -1,
            max_duration: Some(Duration {
                seconds: 0,
                nanos: 100_000_000,
            }),
            state: 77,
            output_format: Some(cloud_storage_config::OutputFormat::TextConfig(
                cloud_storage_config::TextConfig {},
            )),
            ..Default::default()
        }),
        detached: true,
        labels: BTreeMap::from([("b".into(), "2".into()), ("a".into(), "1".into())]),
        message_transforms: vec![MessageTransform::default(); 2],
        ..Default::default()
    };
    assert_eq!(
        show_value("Subscription", &sub),
        json!({
            "cloudStorageConfig": {
                "maxBytes": "9223372036854775807",
                "maxMessages": "-1",
                "maxDuration": "0.100s",
                "state": 77,
                "textConfig": {},
            },
            "detached": true,
            "labels": {"a": "1", "b": "2"},
            "messageTransforms": [{}, {}],
        })
    );
    let source = IngestionDataSourceSettings {
        source: Some(ingestion_data_source_settings::Source::CloudStorage(
            ingestion_data_source_settings::CloudStorage {
                input_format: Some(
                    ingestion_data_source_settings::cloud_storage::InputFormat::TextFormat(
                        ingestion_data_source_settings::cloud_storage::TextFormat {
                            delimiter: Some(String::new()),
                        },
                    ),
                ),
                ..Default::default()
            },
        )),
        ..Default::default()
    };
    assert_eq!(
        show_value("IngestionDataSourceSettings", &source),
        json!({"cloudStorage": {"textFormat": {"delimiter": ""}}}),
        "what was set to its default is shown where that differs from not set"
    );
    let value = |kind| Value { kind: Some(kind) };
    let list = ListValue {
        values: vec![
            value(Kind::NullValue(0)),
            value(Kind::BoolValue(false)),
            value(Kind::StringValue("x".into())),
            value(Kind::ListValue(ListValue::default())),
            Value { kind: None },
        ],
    };
    let parameters = Struct {
        fields: BTreeMap::from([
            ("l".into(), value(Kind::ListValue(list))),
            ("n".into(), value(Kind::NumberValue(-2.5))),
            ("s".into(), value(Kind::StructValue(Struct::default()))),
            ("z".into(), value(Kind::NumberValue(f64::NAN))),
        ]),
    };
    assert_eq!(
        show_value("google.protobuf.Struct", &parameters),
        json!({"l": [null, false, "x", [], null], "n": -2.5, "s": {}, "z": "NaN"})
    );
}

#[test]
fn fields_may_come_in_any_order_and_in_pieces() {
    let (types, id) = typed("ReceivedMessage");
    let message = |data: &'static [u8], key: &str| PubsubMessage {
        data: data.into(),
        attributes: BTreeMap::from([(key.to_owned(), "v".to_owned())]),
        ..Default::default()
    };
    let mut bytes = ReceivedMessage {
        delivery_attempt: 5,
        ..Default::default()
    }
    .encode_to_vec();
    for (data, key) in [(&b"x"[..], "a"), (b"", "a"), (b"y", "b")] {
        let piece = ReceivedMessage {
            message: Some(message(data, key)),
            ..Default::default()
        };
        piece.encode(&mut bytes).unwrap();
    }
    ReceivedMessage {
        ack_id: "i".into(),
        delivery_attempt: 6,
        ..Default::default()
    }
    .encode(&mut bytes)
    .unwrap();
    // A field that nobody knows.
    bytes.extend_from_slice(&[0xfa, 0x3f, 2, 1, 2]);
    let json = write_json(
        types,
        id,
        &bytes,
        Style {
            pretty: false,
            enum_numbers: false,
        },
    )
    .unwrap();
    assert_eq!(
        std::str::from_utf8(&json).unwrap(),
        "{\"ackId\":\"i\",\"message\":{\"data\":\"eQ==\",\"attributes\":{\"a\":\"v\",\"b\":\"v\"}},\
         \"deliveryAttempt\":6}\n"
    );
}

#[test]
fn what_is_no_message_is_an_error() {
    let (types, id) = typed("ReceivedMessage");
    for bad in [
        &b"\x0a"[..],
        b"\x0a\x05x",
        b"\x0a\x01\xff",
        b"\x08\x01",
        b"\x12\x02\x22\x09",
        b"\x0b",
        b"\xff",
    ] {
        assert!(
            write_json(types, id, bad, Style::default()).is_err(),
            "{bad:?}"
        );
    }
}
