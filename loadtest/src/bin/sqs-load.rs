//! Loads an SQS server over HTTP/1.1 keep-alive connections and tells how it fared.
//!
//! Closed loop by default: every connection sends its next request when it has its answer. With
//! --rate it is an open loop: requests are due at fixed times whatever the server does, and their
//! latency counts from when they were due, so that a stall shows in full.

#[cfg(unix)]
#[path = "sqs-load/drive.rs"]
mod drive;
#[cfg(unix)]
#[path = "sqs-load/options.rs"]
mod options;
#[cfg(unix)]
#[path = "sqs-load/targets.rs"]
mod targets;

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use clap::Parser;
    match drive::run(&options::Options::parse()) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sqs-load: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() {
    eprintln!("sqs-load runs on Unix only");
    std::process::exit(1);
}
