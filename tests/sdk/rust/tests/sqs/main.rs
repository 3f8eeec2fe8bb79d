//! The AWS SDK for Rust against a running server: one module, one idea.

mod attributes;
mod batches;
mod bodies;
mod dead_letter;
mod deduplication;
mod delay;
mod endpoints;
mod fifo;
mod long_poll;
mod messages;
mod move_task;
mod permissions;
mod queues;
mod signatures;
mod tags;
mod visibility;
