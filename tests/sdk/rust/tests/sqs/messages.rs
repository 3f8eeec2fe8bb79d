//! One message's way: what comes back from a send, a receive and a delete.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_sqs::types::{
    MessageSystemAttributeName, MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName,
};
use lclq_sdk_rust::*;

#[test]
fn send_receive_delete() {
    run(async {
        let queue = Queue::standard().await;
        let sent = queue.sending("hello").send().await.unwrap();
        let id = sent.message_id().expect("an id");
        assert!(uuid::Uuid::try_parse(id).is_ok(), "{id}");
        assert_eq!(sent.md5_of_message_body(), Some(md5_of("hello").as_str()));
        assert_eq!(sent.md5_of_message_attributes(), None);
        assert_eq!(sent.md5_of_message_system_attributes(), None);
        assert_eq!(sent.sequence_number(), None);

        let got = queue.receive_one().await;
        assert_eq!(got.message_id(), Some(id));
        assert_eq!(got.body(), Some("hello"));
        assert_eq!(got.md5_of_body(), Some(md5_of("hello").as_str()));
        assert_eq!(got.message_attributes(), None);
        assert_eq!(got.md5_of_message_attributes(), None);
        queue.delete(&got).await;
        queue.is_empty("deleted").await;
    });
}

#[test]
fn empty_receive_has_no_messages() {
    run(async {
        let got = Queue::standard().await.receiving().send().await.unwrap();
        assert_eq!(got.messages, None);
    });
}

#[test]
fn attributes_of_every_kind() {
    run(async {
        let queue = Queue::standard().await;
        let md5 = md5_of_attributes(&every_kind());
        let sent = queue
            .sending("attributes")
            .set_message_attributes(Some(every_kind()))
            .send()
            .await
            .unwrap();
        assert_eq!(sent.md5_of_message_attributes(), Some(md5.as_str()));
        let got = queue.receive_one().await;
        assert_eq!(got.message_attributes(), Some(&every_kind()));
        assert_eq!(got.md5_of_message_attributes(), Some(md5.as_str()));
    });
}

#[test]
fn trace_header() {
    run(async {
        let queue = Queue::standard().await;
        let header = MessageSystemAttributeValue::builder()
            .data_type("String")
            .string_value(TRACE)
            .build()
            .unwrap();
        let sending = queue.sending("traced");
        let sent = sending
            .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, header)
            .send()
            .await
            .unwrap();
        assert_eq!(sent.md5_of_message_system_attributes(), Some(TRACE_MD5));
        assert_eq!(
            TRACE_MD5,
            md5_of_attributes(&attributes([("AWSTraceHeader", string(TRACE))]))
        );
        assert_eq!(sent.md5_of_message_attributes(), None);
        assert_eq!(system(&queue.receive_one().await, "AWSTraceHeader"), Some(TRACE));
    });
}

#[test]
fn attributes_asked_for() {
    run(async {
        let queue = Queue::with(&[("VisibilityTimeout", "0")]).await;
        queue
            .sending("some")
            .set_message_attributes(Some(every_kind()))
            .send()
            .await
            .unwrap();
        let asking = async |names: &[&str]| {
            let names = names.iter().map(|name| name.to_string()).collect();
            one(queue.receiving().set_message_attribute_names(Some(names))).await
        };
        let everything = sorted(every_kind().into_keys());
        for (asked, wanted) in [
            (&["text"][..], vec!["text"]),
            (&["custom.*"], vec!["custom.bytes", "custom.number", "custom.text"]),
            (&["number", "custom.text", "missing"], vec!["custom.text", "number"]),
            (&[".*"], everything.iter().map(String::as_str).collect()),
        ] {
            let got = asking(asked).await;
            let mut subset = every_kind();
            subset.retain(|name, _| wanted.contains(&name.as_str()));
            assert_eq!(got.message_attributes(), Some(&subset), "asked for {asked:?}");
            assert_eq!(
                got.md5_of_message_attributes(),
                Some(md5_of_attributes(&subset).as_str()),
                "{asked:?}"
            );
        }
        let none = asking(&[]).await;
        assert_eq!(none.message_attributes(), None);
        assert_eq!(none.md5_of_message_attributes(), None);
    });
}

#[test]
fn system_attributes() {
    run(async {
        let queue = Queue::with(&[("VisibilityTimeout", "0")]).await;
        queue.send("system").await;
        let first = queue.receive_one().await;
        assert_eq!(system(&first, "ApproximateReceiveCount"), Some("1"));
        assert!(!system(&first, "SenderId").expect("SenderId").is_empty());
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        for name in ["SentTimestamp", "ApproximateFirstReceiveTimestamp"] {
            let stamp: u128 = system(&first, name).expect(name).parse().expect("milliseconds");
            assert!(now.abs_diff(stamp) < 10_000, "{name} {stamp}, now {now}");
        }

        let second = queue.receive_one().await;
        assert_eq!(system(&second, "ApproximateReceiveCount"), Some("2"));
        for name in ["SentTimestamp", "ApproximateFirstReceiveTimestamp"] {
            assert_eq!(system(&second, name), system(&first, name), "{name}");
        }
    });
}

#[test]
#[expect(deprecated, reason = "the old parameter must go on working")]
fn system_attributes_asked_for() {
    run(async {
        let queue = Queue::with(&[("VisibilityTimeout", "0")]).await;
        queue.send("which").await;
        let receiving = queue.receiving().set_message_system_attribute_names(None);
        let names = |message: aws_sdk_sqs::types::Message| {
            message
                .attributes
                .map(|attributes| sorted(attributes.into_keys().map(|name| name.as_str().to_owned())))
        };
        let old = one(receiving
            .clone()
            .attribute_names(QueueAttributeName::from("SentTimestamp")))
        .await;
        assert_eq!(names(old), Some(vec!["SentTimestamp".to_owned()]));
        let new = receiving
            .clone()
            .message_system_attribute_names(MessageSystemAttributeName::SenderId);
        assert_eq!(names(one(new).await), Some(vec!["SenderId".to_owned()]));
        let unknown = receiving.clone().message_system_attribute_names("Foobar".into());
        assert_eq!(names(one(unknown).await), None);
        assert_eq!(names(one(receiving).await), None);
    });
}

#[test]
fn repeated_delete() {
    run(async {
        let queue = Queue::standard().await;
        queue.send("once").await;
        let got = queue.receive_one().await;
        queue.delete(&got).await;
        assert!(queue.delete_handle(handle(&got)).await.is_ok());
    });
}

#[test]
fn attributes_that_no_message_can_have() {
    run(async {
        let queue = Queue::standard().await;
        let eleven = (0..11).map(|i| (format!("name{i}"), string("v"))).collect();
        for refused in [
            eleven,
            attributes([("AWS.name", string("v"))]),
            attributes([("amazon.name", string("v"))]),
            attributes([(&"n".repeat(257), string("v"))]),
            attributes([("number", typed("Number", "twelve"))]),
            attributes([("kind", typed("Bool", "true"))]),
        ] {
            let sent = queue
                .sending("refused")
                .set_message_attributes(Some(refused))
                .send()
                .await;
            raises_code!(sent, "InvalidParameterValue");
        }
        raises_code!(
            queue
                .sending("refused")
                .message_attributes("X", string(""))
                .send()
                .await,
            "InvalidParameterValue",
            "Message (user) attribute 'X' must contain a non-empty value of type 'String'"
        );
        queue.is_empty("nothing was sent").await;
    });
}

#[test]
fn receive_parameters_out_of_range() {
    run(async {
        let queue = Queue::standard().await;
        for count in [0, 11] {
            let got = queue.receiving().max_number_of_messages(count).send().await;
            raises_code!(got, "InvalidParameterValue", "Must be between 1 and 10, if provided.");
        }
        for seconds in [-1, 21] {
            let got = queue.receiving().wait_time_seconds(seconds).send().await;
            raises_code!(got, "InvalidParameterValue", "Must be >= 0 and <= 20, if provided.");
        }
    });
}

#[test]
fn group_on_a_standard_queue() {
    run(async {
        let queue = Queue::standard().await;
        let sent = queue.sending("fair").message_group_id("tenant-1").send().await.unwrap();
        assert_eq!(sent.sequence_number(), None);
        let got = queue.receive_one().await;
        assert_eq!(system(&got, "MessageGroupId"), Some("tenant-1"));
        assert_eq!(system(&got, "SequenceNumber"), None);
        raises_code!(
            queue.sending("x").message_group_id("not a group").send().await,
            "InvalidParameterValue"
        );
    });
}
