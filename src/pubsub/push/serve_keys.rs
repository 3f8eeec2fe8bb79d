//! The documents that verify the tokens of push requests.

use crate::pubsub::core::Pubsub;
use crate::pubsub::error::{PubsubResult, no_token_key};
use bytes::Bytes;

/// The key set.
const JWKS_PATH: &str = "/_lclq/jwks";

/// What points to it.
const CONFIGURATION_PATH: &str = "/.well-known/openid-configuration";

/// The document at `path`, if there is one. `host` is the one that the client asked.
pub(in crate::pubsub) async fn token_keys(
    pubsub: &Pubsub,
    path: &str,
    host: &str,
) -> Option<PubsubResult<Bytes>> {
    let push = &pubsub.outside.push;
    match path {
        JWKS_PATH => Some(match push.jwks().await {
            Ok(keys) => Ok(keys.into()),
            Err(error) => {
                tracing::error!(error, "no key for the tokens of push requests");
                Err(no_token_key())
            }
        }),
        CONFIGURATION_PATH => {
            let keys = format!("http://{host}{JWKS_PATH}");
            Some(Ok(push.openid_configuration(&keys).into()))
        }
        _ => None,
    }
}
