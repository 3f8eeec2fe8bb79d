//! Actions that the server itself asks for: the same as a client's, without a connection.

use super::head::Head;
use super::heads::Heads;
use super::server::Sqs;
use crate::http::ReplyBody;
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Request, Response, StatusCode};
use lclq_shards::command::{Peeked, QueueRef};
use lclq_shards::{QueueName, Receipt};
use serde_json::Value;

impl Sqs {
    /// Carries out an action in the region and account of `of`, and answers as JSON.
    pub async fn act_inside(
        &self,
        of: &QueueName,
        action: &str,
        request: &Value,
    ) -> (StatusCode, Value) {
        let Some(head) = head(of, Some(action)) else {
            return (StatusCode::BAD_REQUEST, Value::Null);
        };
        let body = Bytes::from(request.to_string());
        read(Box::pin(self.answer(head, body, None)).await)
    }

    /// Looks at a queue's messages; see [`super::peek`].
    pub async fn peek_inside<'p>(
        &self,
        queue: &QueueName,
        parameters: impl Iterator<Item = (&'p str, &'p str)>,
    ) -> (StatusCode, Value) {
        let Some(head) = head(queue, None) else {
            return (StatusCode::BAD_REQUEST, Value::Null);
        };
        let scope = self.scope(&Heads::of(&head), &head.uri, None);
        let url = format!("/{}/{}", queue.account, queue.name);
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("QueueUrl", &url);
        for (name, value) in parameters {
            query.append_pair(name, value);
        }
        let query = query.finish();
        read(super::peek::answer(self, &scope, &query).await)
    }

    /// A receipt for a message that was looked at, as its last receiver has one. A standard queue takes
    /// it for a message that nobody has received, too.
    pub fn receipt_inside(&self, queue: QueueRef, message: &Peeked) -> String {
        let receipt = Receipt {
            shard: queue.shard,
            queue_id: queue.id,
            sequence: message.sequence,
            slot: message.slot,
            receive_count: message.receive_count,
            received_at: message.received_at,
        };
        let mut out = Vec::new();
        self.signer.seal(&receipt, &mut out);
        String::from_utf8(out).unwrap_or_default()
    }
}

/// A request's head as a client of that region and account would send it. `None` where they can't
/// stand in one.
fn head(of: &QueueName, action: Option<&str>) -> Option<Head> {
    let credential = format!(
        "AWS4-HMAC-SHA256 Credential={}/inside/{}/sqs/aws4_request",
        of.account, of.region
    );
    let mut request = Request::post("/")
        .header(AUTHORIZATION, credential)
        .header(CONTENT_TYPE, "application/x-amz-json-1.0");
    if let Some(action) = action {
        request = request.header("x-amz-target", format!("AmazonSQS.{action}"));
    }
    Some(Head::inside(request.body(()).ok()?.into_parts().0))
}

fn read(answer: Response<ReplyBody>) -> (StatusCode, Value) {
    let status = answer.status();
    let body = answer.into_body().into_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}
