//! Measures, through the real binary over loopback and on the engine alone, that what costs little with little costs little
//! with a lot: long queues, many groups, many queues, many long polls, many messages in memory.
//!
//! It prints a table and, as its last line, the same as JSON. With --check it exits with 1 if a
//! bound is missed. The binary is --binary, or $LCLQ_BIN, or `lclq` beside this program.

#[cfg(target_os = "linux")]
#[path = "scale/client.rs"]
mod client;
#[cfg(target_os = "linux")]
#[path = "scale/engine.rs"]
mod engine;
#[cfg(target_os = "linux")]
#[path = "scale/parts.rs"]
mod parts;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    use clap::Parser;
    match parts::run(&parts::Options::parse()) {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => std::process::ExitCode::FAILURE,
        Err(error) => {
            eprintln!("scale: {error}");
            std::process::ExitCode::from(2)
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("scale reads /proc, so it runs on Linux only");
    std::process::exit(2);
}
