//! What Pub/Sub is used for, a topic a file: cargo run --bin pubsub ordering

mod dead_letter;
mod exactly_once;
mod filtering;
mod ordering;
mod publish_subscribe;
mod push;
mod schema;
mod seek;
mod service;

use service::Service;

pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    let mut service = Service::new().await?;
    match std::env::args().nth(1).as_deref() {
        Some("publish_subscribe") => publish_subscribe::run(&mut service).await?,
        Some("ordering") => ordering::run(&mut service).await?,
        Some("filtering") => filtering::run(&mut service).await?,
        Some("push") => push::run(&mut service).await?,
        Some("dead_letter") => dead_letter::run(&mut service).await?,
        Some("schema") => schema::run(&mut service).await?,
        Some("exactly_once") => exactly_once::run(&mut service).await?,
        Some("seek") => seek::run(&mut service).await?,
        _ => Err("usage: pubsub publish_subscribe|ordering|filtering|push|dead_letter|schema|exactly_once|seek")?,
    }
    service.remove().await
}
