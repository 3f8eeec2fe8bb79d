//! The `lclq` program: arguments in, exit code out.

mod memory;

use clap::Parser;
use lclq::cli::{Cli, Command, LogFormat};
use lclq::config::Config;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;

#[global_allocator]
static ALLOCATOR: lclq::allocator::Allocator = lclq::allocator::Allocator;

fn main() -> ExitCode {
    // A server has message transforms done by processes of their own, of this same program.
    if let Some(code) = lclq::pubsub::transform::run_if_asked() {
        return code;
    }
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Start(args) => start(*args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("lclq: {message}");
            ExitCode::FAILURE
        }
    }
}

fn start(args: lclq::cli::StartArgs) -> Result<(), String> {
    let check = args.check;
    let config = Config::resolve(args).map_err(|error| error.to_string())?;
    log_to_stderr(&config)?;
    if check {
        return lclq::server::check(config).map_err(|error| error.to_string());
    }
    lclq::server::run(config).map_err(|error| error.to_string())
}

fn log_to_stderr(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| format!("--log {}: {error}", config.log))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => log.with_target(false).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
