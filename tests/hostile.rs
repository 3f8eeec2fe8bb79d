//! Inputs that were made to hurt: each may cost its sender time, and nobody else. Every case asserts
//! how long it takes, what memory it takes, and that others are answered meanwhile.

#![cfg(target_os = "linux")]

#[path = "hostile/ending.rs"]
mod ending;
#[path = "hostile/ordeal.rs"]
mod ordeal;
#[path = "hostile/pushes.rs"]
mod pushes;
#[path = "hostile/schemas.rs"]
mod schemas;
mod support;
#[path = "hostile/transforms.rs"]
mod transforms;
