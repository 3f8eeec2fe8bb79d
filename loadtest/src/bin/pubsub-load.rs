//! Loads a Pub/Sub server over raw gRPC and tells how it fared: publishing, draining, latency at
//! idle, fan-out, memory, many streams.
//!
//! Every part starts the servers it measures: `lclq` and, where a figure is a ratio,
//! `noop-grpc-server`, by turns in the same run. `targets` runs all parts with their bounds; with
//! --check it exits with 1 if one is missed. With --json the last line has all figures.

#[cfg(target_os = "linux")]
#[path = "pubsub-load"]
mod parts {
    pub mod drain;
    pub mod fanout;
    pub mod idle;
    pub mod latency;
    pub mod load;
    pub mod memory;
    pub mod options;
    pub mod probe;
    pub mod publish;
    pub mod streams;
    pub mod targets;
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use clap::Parser;
    match parts::targets::run(&parts::options::Options::parse()) {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("pubsub-load: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("pubsub-load reads /proc, so it runs on Linux only");
    std::process::exit(2);
}
