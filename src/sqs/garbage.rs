//! Nearly right inputs, for tests: plain noise seldom comes past the first check.

use proptest::prelude::*;
use serde_json::Value;

/// Names that the actions' inputs know, in one protocol or the other.
const NAMES: &[&str] = &[
    "QueueName",
    "QueueUrl",
    "Attributes",
    "Attribute",
    "tags",
    "Tags",
    "TagKeys",
    "MessageBody",
    "DelaySeconds",
    "MessageAttributes",
    "MessageAttribute",
    "MessageSystemAttributes",
    "AWSTraceHeader",
    "DataType",
    "StringValue",
    "BinaryValue",
    "Entries",
    "SendMessageBatchRequestEntry",
    "DeleteMessageBatchRequestEntry",
    "ChangeMessageVisibilityBatchRequestEntry",
    "Id",
    "ReceiptHandle",
    "VisibilityTimeout",
    "MaxNumberOfMessages",
    "WaitTimeSeconds",
    "AttributeNames",
    "MaxResults",
    "NextToken",
    "AWSAccountIds",
    "Actions",
    "Label",
    "Name",
    "Key",
    "Value",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "Policy",
    "FifoQueue",
    "deadLetterTargetArn",
    "maxReceiveCount",
    "redrivePermission",
    "sourceQueueArns",
    "Statement",
    "Sid",
    "Version",
    "taskId",
    "sourceArn",
];

/// Texts that mean something somewhere.
const TEXTS: &[&str] = &[
    "",
    "0",
    "-1",
    "99999999999999999999",
    "true",
    "String",
    "Number.",
    "Binary.png",
    "AQI=",
    "arn:aws:sqs:us-east-1:000000000000:q",
    "arn:aws:sqs::::",
    "allowAll",
    "denyAll",
    "byQueue",
    "{}",
    "[]",
    "http://localhost/queue/us-east-1/000000000000/q.fifo",
];

fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => prop::sample::select(NAMES).prop_map(str::to_owned),
        1 => ".{0,12}",
    ]
}

pub fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => prop::sample::select(TEXTS).prop_map(str::to_owned),
        2 => ".{0,40}",
        1 => policy().prop_map(|policy| policy.to_string()),
    ]
}

fn policy() -> impl Strategy<Value = Value> {
    tree(prop_oneof![
        prop::sample::select(TEXTS).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
    ])
}

fn tree(leaf: impl Strategy<Value = Value> + 'static) -> impl Strategy<Value = Value> {
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// JSON of the shape that requests have.
pub fn json() -> impl Strategy<Value = Value> {
    tree(prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ])
}

/// The same JSON, with a few bytes of it changed or cut off.
pub fn json_bytes() -> impl Strategy<Value = Vec<u8>> {
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (json(), damage, any::<prop::sample::Index>(), any::<bool>()).prop_map(
        |(value, damage, end, cut)| {
            let mut bytes = value.to_string().into_bytes();
            for (at, byte) in damage {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            if cut {
                bytes.truncate(end.index(bytes.len() + 1));
            }
            bytes
        },
    )
}

/// A form with the keys that lists and maps have.
pub fn form() -> impl Strategy<Value = String> {
    let key = prop::collection::vec(
        prop_oneof![
            3 => name(),
            2 => (0..12u32).prop_map(|number| number.to_string()),
            1 => Just("member".to_owned()),
            1 => Just("4294967296".to_owned()),
        ],
        1..6,
    );
    prop::collection::vec((key, text()), 0..20).prop_map(|pairs| {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (key, value) in pairs {
            form.append_pair(&key.join("."), &value);
        }
        form.finish()
    })
}
