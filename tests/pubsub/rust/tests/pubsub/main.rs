//! Drives a running server with the official Pub/Sub client library.

mod configs;
mod dead_letter;
mod exactly_once;
mod filter;
mod iam;
mod ordering;
mod publish;
mod push;
mod retry_policy;
mod schema_topics;
mod schemas;
mod seek;
mod snapshots;
mod streaming;
mod subscriptions;
mod topics;
