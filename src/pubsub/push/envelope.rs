//! What a push request looks like.

use super::HEADERS_RESERVED;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

/// The subscriber sees this as the client's name.
const PUSH_USER_AGENT: &str = "CloudPubSub-Google";

/// How a message is put into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrapper {
    /// A JSON object that holds the message.
    PubSub,
    /// The message's data alone; with metadata in headers if asked for.
    None { write_metadata: bool },
}

/// A message as it is delivered.
#[derive(Clone, Debug, Default)]
pub struct PushMessage<'a> {
    pub data: &'a [u8],
    pub attributes: &'a [(&'a str, &'a str)],
    pub message_id: &'a str,
    /// RFC 3339 with milliseconds.
    pub publish_time: &'a str,
    pub ordering_key: &'a str,
    /// Present under a dead-letter policy only.
    pub delivery_attempt: Option<u32>,
}

/// Headers and body of the request that pushes a message of `subscription`, a full resource name.
pub fn push_request(
    wrapper: Wrapper,
    subscription: &str,
    message: &PushMessage<'_>,
) -> (HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    headers.insert(USER_AGENT, HeaderValue::from_static(PUSH_USER_AGENT));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    match wrapper {
        Wrapper::PubSub => {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            (headers, wrapped(subscription, message))
        }
        Wrapper::None { write_metadata } => {
            let octets = HeaderValue::from_static("application/octet-stream");
            headers.insert(CONTENT_TYPE, octets);
            if write_metadata {
                metadata_headers(&mut headers, subscription, message);
            }
            (headers, Bytes::copy_from_slice(message.data))
        }
    }
}

fn metadata_headers(headers: &mut HeaderMap, subscription: &str, message: &PushMessage<'_>) {
    // Attributes first: metadata must not be shadowed by an attribute of that name.
    for (key, value) in message.attributes {
        let reserved = HEADERS_RESERVED
            .iter()
            .any(|name| name.eq_ignore_ascii_case(key));
        // An attribute that can't be a header is left out, rather than the message held up.
        if !reserved
            && let Ok(name) = HeaderName::try_from(*key)
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
    }
    for (name, value) in [
        ("x-goog-pubsub-subscription-name", subscription),
        ("x-goog-pubsub-message-id", message.message_id),
        ("x-goog-pubsub-publish-time", message.publish_time),
        ("x-goog-pubsub-ordering-key", message.ordering_key),
    ] {
        let name = HeaderName::from_static(name);
        headers.remove(&name);
        if !value.is_empty()
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_attempt: Option<u32>,
    message: Message<'a>,
    subscription: &'a str,
}

/// Id and time stand there twice, under both spellings.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Attributes::is_empty")]
    attributes: Attributes<'a>,
    #[serde(skip_serializing_if = "String::is_empty")]
    data: String,
    #[serde(rename = "messageId")]
    message_id: &'a str,
    #[serde(rename = "message_id")]
    message_id_again: &'a str,
    #[serde(rename = "orderingKey", skip_serializing_if = "str::is_empty")]
    ordering_key: &'a str,
    #[serde(rename = "publishTime")]
    publish_time: &'a str,
    #[serde(rename = "publish_time")]
    publish_time_again: &'a str,
}

struct Attributes<'a>(&'a [(&'a str, &'a str)]);

impl Attributes<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

fn wrapped(subscription: &str, message: &PushMessage<'_>) -> Bytes {
    let envelope = Envelope {
        delivery_attempt: message.delivery_attempt,
        message: Message {
            attributes: Attributes(message.attributes),
            data: base64_simd::STANDARD.encode_to_string(message.data),
            message_id: message.message_id,
            message_id_again: message.message_id,
            ordering_key: message.ordering_key,
            publish_time: message.publish_time,
            publish_time_again: message.publish_time,
        },
        subscription,
    };
    serde_json::to_vec(&envelope)
        .expect("strings and numbers always serialise")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const SUBSCRIPTION: &str = "projects/p/subscriptions/s";

    fn message<'a>(attributes: &'a [(&'a str, &'a str)]) -> PushMessage<'a> {
        PushMessage {
            data: b"\x00\xffx",
            attributes,
            message_id: "2070443601311540",
            publish_time: "2021-02-26T19:13:55.749Z",
            ordering_key: "key",
            delivery_attempt: Some(5),
        }
    }

    fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
        headers.get(name).map(|value| value.to_str().expect("text"))
    }

    #[test]
    fn wrapped_has_everything_twice() {
        let (headers, body) = push_request(Wrapper::PubSub, SUBSCRIPTION, &message(&[("a", "b")]));
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            body,
            json!({
                "deliveryAttempt": 5,
                "message": {
                    "attributes": {"a": "b"},
                    "data": "AP94",
                    "messageId": "2070443601311540",
                    "message_id": "2070443601311540",
                    "orderingKey": "key",
                    "publishTime": "2021-02-26T19:13:55.749Z",
                    "publish_time": "2021-02-26T19:13:55.749Z",
                },
                "subscription": SUBSCRIPTION,
            })
        );
        assert_eq!(header(&headers, "content-type"), Some("application/json"));
        assert_eq!(header(&headers, "user-agent"), Some("CloudPubSub-Google"));
    }

    #[test]
    fn wrapped_leaves_out_what_is_empty() {
        let least = PushMessage {
            message_id: "1",
            publish_time: "2021-02-26T19:13:55.749Z",
            ..PushMessage::default()
        };
        let (_, body) = push_request(Wrapper::PubSub, SUBSCRIPTION, &least);
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            body,
            json!({
                "message": {
                    "messageId": "1",
                    "message_id": "1",
                    "publishTime": "2021-02-26T19:13:55.749Z",
                    "publish_time": "2021-02-26T19:13:55.749Z",
                },
                "subscription": SUBSCRIPTION,
            })
        );
    }

    #[test]
    fn unwrapped_is_the_data_alone() {
        let wrapper = Wrapper::None {
            write_metadata: false,
        };
        let (headers, body) = push_request(wrapper, SUBSCRIPTION, &message(&[("a", "b")]));
        assert_eq!(body, &b"\x00\xffx"[..]);
        assert_eq!(header(&headers, "a"), None);
        assert_eq!(header(&headers, "x-goog-pubsub-message-id"), None);
    }

    #[test]
    fn metadata_goes_into_headers() {
        let attributes = [
            ("Status", "active"),
            ("content-type", "text/plain"),
            ("not a header", "x"),
            ("line", "a\r\nb: c"),
            ("Content-Length", "0"),
            ("Transfer-Encoding", "chunked"),
            ("Authorization", "Bearer forged"),
            ("host", "elsewhere"),
            ("x-goog-pubsub-message-id", "forged"),
        ];
        let wrapper = Wrapper::None {
            write_metadata: true,
        };
        let (headers, _) = push_request(wrapper, SUBSCRIPTION, &message(&attributes));
        assert_eq!(header(&headers, "status"), Some("active"));
        assert_eq!(header(&headers, "content-type"), Some("text/plain"));
        for name in [
            "line",
            "content-length",
            "transfer-encoding",
            "authorization",
            "host",
        ] {
            assert_eq!(header(&headers, name), None, "{name}");
        }
        assert_eq!(
            header(&headers, "x-goog-pubsub-subscription-name"),
            Some(SUBSCRIPTION)
        );
        assert_eq!(
            header(&headers, "x-goog-pubsub-message-id"),
            Some("2070443601311540")
        );
        assert_eq!(
            header(&headers, "x-goog-pubsub-publish-time"),
            Some("2021-02-26T19:13:55.749Z")
        );
        assert_eq!(header(&headers, "x-goog-pubsub-ordering-key"), Some("key"));
    }
}
