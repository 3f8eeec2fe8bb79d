//! The pages that verify the tokens of push requests.

use crate::grpc::{Answer, GrpcBody};
use crate::http::ReplyBody;
use crate::pubsub::core::Pubsub;
use http::header::{CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode};

/// The key set.
const JWKS_PATH: &str = "/_lclq/jwks";

/// What points to it.
const CONFIGURATION_PATH: &str = "/.well-known/openid-configuration";

/// Answers a request for the key set or for what points to it; `None` for any other.
pub(in crate::pubsub) async fn token_keys<B>(
    pubsub: &Pubsub,
    request: &Request<B>,
) -> Option<Answer> {
    if request.method() != Method::GET {
        return None;
    }
    let push = &pubsub.outside.push;
    let (status, body) = match request.uri().path() {
        JWKS_PATH => match push.jwks().await {
            Ok(keys) => (StatusCode::OK, keys),
            Err(error) => {
                tracing::error!(error, "no key for the tokens of push requests");
                (StatusCode::SERVICE_UNAVAILABLE, "{}".to_owned())
            }
        },
        CONFIGURATION_PATH => {
            let host = request
                .headers()
                .get(HOST)
                .and_then(|host| host.to_str().ok());
            let host = host
                .or(request
                    .uri()
                    .authority()
                    .map(|authority| authority.as_str()))
                .unwrap_or("localhost");
            let keys = format!("http://{host}{JWKS_PATH}");
            (StatusCode::OK, push.openid_configuration(&keys))
        }
        _ => return None,
    };
    let mut reply = Response::new(GrpcBody::from(ReplyBody::new(body)));
    *reply.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(CONTENT_TYPE, json);
    Some(reply)
}
