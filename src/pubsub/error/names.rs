//! What goes wrong with names of resources, and with resources by their names.

use super::{PubsubError, exhausted, failed, invalid};
use crate::grpc::{Code, Status};

/// A name that no resource can have.
pub fn invalid_name(name: &str) -> PubsubError {
    invalid(format!(
        "Invalid resource name given (name={name}). Refer to \
         https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names for more information."
    ))
}

/// A resource that doesn't exist. `id` is the last part of its name.
pub fn not_found(id: &str) -> PubsubError {
    Status::new(
        Code::NotFound,
        format!("Resource not found (resource={id})."),
    )
}

/// A resource that exists already. `id` is the last part of its name.
pub fn already_exists(id: &str) -> PubsubError {
    Status::new(
        Code::AlreadyExists,
        format!("Resource already exists in the project (resource={id})."),
    )
}

/// A page token that no answer has had.
pub fn invalid_page_token(token: &str) -> PubsubError {
    invalid(format!("Invalid page token given (token={token})."))
}

/// A subscription that no longer gets messages.
pub fn detached(id: &str) -> PubsubError {
    failed(format!(
        "The subscription is detached from its topic (resource={id})."
    ))
}

/// A subscription whose topic was deleted, where the topic is needed.
pub fn topic_deleted(id: &str) -> PubsubError {
    failed(format!(
        "The subscription's topic has been deleted (resource={id})."
    ))
}

/// A topic that is made or changed again and again while it is published to.
pub fn topic_keeps_changing() -> PubsubError {
    exhausted("The topic changes too often; please retry.")
}

/// A subscription that is changed again and again while it is asked.
pub fn subscription_keeps_changing() -> PubsubError {
    exhausted("The subscription changes too often; please retry.")
}

/// A resource that another request is making or changing.
pub fn being_changed() -> PubsubError {
    exhausted("The resource is being changed by another request; please retry.")
}

/// A resource that other requests have changed each time that a change was tried.
pub fn changed_too_often() -> PubsubError {
    exhausted("The resource is being changed by other requests; please retry.")
}
