//! The contracts of `proto/`, compiled by `build.rs`: messages, service traits, descriptors.
//!
//! `bytes` fields are [`bytes::Bytes`], so that decoding from `Bytes` copies no payload; maps are
//! sorted, so that what is returned has a stable order.

#![allow(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    rustdoc::all,
    unused_qualifications,
    reason = "what is generated isn't held to our lints"
)]

include!(concat!(env!("OUT_DIR"), "/contracts.rs"));

/// An encoded `google.protobuf.FileDescriptorSet`: every file of `proto/` and what it imports, each
/// after its imports, with the HTTP rules of methods.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
