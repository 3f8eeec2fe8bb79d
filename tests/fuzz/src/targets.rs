//! All targets, and what an input may take in each.

use crate::{iam, policies};
use lclq::fuzzing::{bearer, config, grpc, portable, pubsub, server, sigv4, sqs};

/// What inputs are given to.
pub struct Target {
    pub name: &'static str,
    pub run: fn(&[u8]),
    /// Time on a CPU for an input of 4 KiB, ms.
    pub cpu_ms_max: u64,
    /// Bytes that it may take at once.
    pub bytes_max: usize,
}

/// Time on a CPU for an input, ms. Counting branches makes all of it several times slower.
const CPU_MS_MAX: u64 = 30;

/// Time on a CPU for what a server does with an input and for being reset behind it, ms.
const SERVER_CPU_MS_MAX: u64 = 100;

/// Bytes that an input may take at once.
const BYTES_MAX: usize = 4 << 20;

/// Bytes that a server may take at once for a connection.
const SERVER_BYTES_MAX: usize = 16 << 20;

const fn parser(name: &'static str, run: fn(&[u8])) -> Target {
    Target {
        name,
        run,
        cpu_ms_max: CPU_MS_MAX,
        bytes_max: BYTES_MAX,
    }
}

const fn front(name: &'static str, run: fn(&[u8])) -> Target {
    Target {
        name,
        run,
        cpu_ms_max: SERVER_CPU_MS_MAX,
        bytes_max: SERVER_BYTES_MAX,
    }
}

/// All of them. A name is that of a folder in `corpus/`, too.
pub const TARGETS: &[Target] = &[
    parser("sqs_json", sqs::json),
    parser("sqs_form", sqs::form),
    parser("sqs_queue_url", sqs::queue_url),
    parser("sqs_queue_attributes", sqs::queue_attributes),
    parser("sqs_message_attributes", sqs::message_attributes),
    parser("sqs_receipt_handle", sqs::receipt_handle),
    parser("sqs_text", sqs::text),
    parser("aws_policy", policies::decision),
    parser("sigv4", sigv4::signature),
    parser("bearer", bearer::bearer),
    parser("bearer_grant", bearer::grant),
    parser("oidc_issuer", bearer::issuer),
    parser("iam_policy", iam::decision),
    parser("iam_condition", iam::condition),
    parser("grpc_frames", grpc::frames),
    parser("pubsub_filter", pubsub::filter),
    parser("pubsub_avro", pubsub::avro),
    parser("pubsub_protobuf", pubsub::protobuf),
    parser("pubsub_rest", pubsub::rest),
    parser("pubsub_values", pubsub::values),
    parser("pubsub_names", pubsub::names),
    parser("push_answer", pubsub::push_answer),
    parser("config", config::configuration),
    parser("config_import", config::import),
    parser("credentials", config::credentials),
    parser("export_line", portable::line),
    parser("export_file", portable::file),
    front("front_sqs", server::sqs_bytes),
    front("front_sqs_http2", server::sqs_http2),
    front("front_sqs_json", server::sqs_json),
    front("front_sqs_query", server::sqs_query),
    front("front_pubsub_http2", server::pubsub_http2),
    front("front_pubsub_grpc", server::grpc),
    front("front_pubsub_rest", server::rest),
    front("front_admin", server::admin_bytes),
    front("front_admin_api", server::admin),
    front("front_import", server::import),
];
