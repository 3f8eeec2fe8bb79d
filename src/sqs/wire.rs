//! What surrounds an action on the wire: which protocol, which action, and the answer's envelope.

use super::encode::{json_string, uuid, xml_text};
use super::error::SqsError;
use crate::http::ReplyBody;
use crate::observe::Wire;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};

/// How the client speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Protocol {
    /// AWS JSON 1.0.
    Json,
    /// Form in, XML out.
    Query,
    /// Form in, JSON out (`Accept: application/json`).
    QueryJson,
}

const NAMESPACE: &str = "http://queue.amazonaws.com/doc/2012-11-05/";
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");

impl Protocol {
    /// What it is called in figures.
    #[inline]
    pub fn wire(self) -> Wire {
        match self {
            Self::Json => Wire::Json,
            Self::Query | Self::QueryJson => Wire::Query,
        }
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Protocol::Json => "application/x-amz-json-1.0",
            Protocol::Query => "text/xml",
            Protocol::QueryJson => "application/json",
        })
    }

    /// Writes what comes before an action's result.
    pub fn begin(self, action: &str, has_result: bool, out: &mut Vec<u8>) {
        let text = match (self, has_result) {
            (Protocol::Json, _) => return,
            (Protocol::Query, true) => format!(
                "<?xml version=\"1.0\"?><{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>"
            ),
            (Protocol::Query, false) => {
                format!("<?xml version=\"1.0\"?><{action}Response xmlns=\"{NAMESPACE}\">")
            }
            (Protocol::QueryJson, true) => {
                format!("{{\"{action}Response\":{{\"{action}Result\":")
            }
            (Protocol::QueryJson, false) => format!("{{\"{action}Response\":{{"),
        };
        out.extend_from_slice(text.as_bytes());
    }

    /// Closes a result in XML whose members begin at `start`. Without any it is an empty element.
    pub fn end_result(self, action: &str, start: usize, out: &mut Vec<u8>) {
        if out.len() == start {
            out.truncate(start - 1);
            out.extend_from_slice(b"/>");
        } else {
            out.extend_from_slice(format!("</{action}Result>").as_bytes());
        }
    }

    /// Writes what comes after it.
    pub fn end(self, action: &str, has_result: bool, request_id: [u8; 16], out: &mut Vec<u8>) {
        match self {
            Protocol::Json => {}
            Protocol::Query => {
                out.extend_from_slice(b"<ResponseMetadata><RequestId>");
                uuid(out, request_id);
                out.extend_from_slice(b"</RequestId></ResponseMetadata></");
                out.extend_from_slice(format!("{action}Response>").as_bytes());
            }
            Protocol::QueryJson => {
                if has_result {
                    out.push(b',');
                }
                out.extend_from_slice(b"\"ResponseMetadata\":{\"RequestId\":\"");
                uuid(out, request_id);
                out.extend_from_slice(b"\"}}}");
            }
        }
    }

    /// Puts an answer together.
    pub fn reply(self, body: Bytes, request_id: [u8; 16]) -> Response<ReplyBody> {
        let mut reply = Response::new(ReplyBody::new(body));
        let headers = reply.headers_mut();
        headers.insert(REQUEST_ID, id_header(request_id));
        headers.insert(CONTENT_TYPE, self.content_type());
        reply
    }

    /// Puts an error together.
    pub fn error(self, error: &SqsError, request_id: [u8; 16]) -> Response<ReplyBody> {
        let mut body = Vec::with_capacity(256);
        let kind = error.kind;
        let party = if kind.is_senders() {
            "Sender"
        } else {
            "Receiver"
        };
        match self {
            Protocol::Json => {
                body.extend_from_slice(b"{\"__type\":");
                json_string(&mut body, kind.json_type());
                body.extend_from_slice(b",\"message\":");
                json_string(&mut body, &error.message);
                body.push(b'}');
            }
            Protocol::Query => {
                body.extend_from_slice(
                    format!(
                        "<?xml version=\"1.0\"?><ErrorResponse xmlns=\"{NAMESPACE}\"><Error>\
                         <Type>{party}</Type><Code>{}</Code><Message>",
                        kind.query_code()
                    )
                    .as_bytes(),
                );
                xml_text(&mut body, error.query_message());
                body.extend_from_slice(b"</Message><Detail/></Error><RequestId>");
                uuid(&mut body, request_id);
                body.extend_from_slice(b"</RequestId></ErrorResponse>");
            }
            Protocol::QueryJson => {
                body.extend_from_slice(b"{\"Error\":{\"Type\":");
                json_string(&mut body, party);
                body.extend_from_slice(b",\"Code\":");
                json_string(&mut body, kind.query_code());
                body.extend_from_slice(b",\"Message\":");
                json_string(&mut body, error.query_message());
                body.extend_from_slice(b",\"Detail\":null},\"RequestId\":\"");
                uuid(&mut body, request_id);
                body.extend_from_slice(b"\"}");
            }
        }
        let mut reply = self.reply(body.into(), request_id);
        *reply.status_mut() =
            StatusCode::from_u16(kind.status()).unwrap_or(StatusCode::BAD_REQUEST);
        if self == Protocol::Json {
            let value = format!("{};{party}", kind.query_code());
            if let Ok(value) = HeaderValue::from_str(&value) {
                reply.headers_mut().insert(QUERY_ERROR, value);
            }
        }
        reply
    }
}

/// The answer to a query request that names no action.
pub fn no_action(request_id: [u8; 16]) -> Response<ReplyBody> {
    let mut reply = Protocol::Query.reply(
        Bytes::from_static(b"<UnknownOperationException/>"),
        request_id,
    );
    *reply.status_mut() = StatusCode::NOT_FOUND;
    reply
}

fn id_header(id: [u8; 16]) -> HeaderValue {
    let mut text = Vec::with_capacity(36);
    uuid(&mut text, id);
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("a UUID is ASCII")
}
