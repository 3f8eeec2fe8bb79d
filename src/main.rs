//! The `lclq` program: arguments in, exit code out.

mod memory;

use clap::Parser;
use lclq::cli::{Cli, Command};
use lclq::config::Config;
use lclq::operate;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: lclq::allocator::Allocator = lclq::allocator::Allocator;

fn main() -> ExitCode {
    // A server has message transforms done by processes of their own, of this same program.
    if let Some(code) = lclq::pubsub::transform::run_if_asked() {
        return code;
    }
    let cli = Cli::parse();
    let outcome = match cli.command {
        Command::Start(args) => start(*args).map_err(|message| (message, 1)),
        Command::Health(server) => operated(operate::health(&server)),
        Command::Stats(server) => operated(operate::stats(&server)),
        Command::Shards(server) => operated(operate::shards(&server)),
        Command::Queue(args) => operated(operate::queue(args)),
        Command::Message(args) => operated(operate::message(args)),
        Command::Topic(args) => operated(operate::topic(args)),
        Command::Subscription(args) => operated(operate::subscription(args)),
        Command::Snapshot(args) => operated(operate::snapshot(args)),
        Command::Schema(args) => operated(operate::schema(args)),
        Command::Clock(args) => operated(operate::clock(args)),
    };
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err((message, code)) => {
            lclq::log::last_words(&message);
            ExitCode::from(code)
        }
    };
    lclq::log::flush();
    code
}

fn operated(outcome: Result<(), operate::Failure>) -> Result<(), (String, u8)> {
    outcome.map_err(|failure| (failure.to_string(), failure.exit_code()))
}

fn start(args: lclq::cli::StartArgs) -> Result<(), String> {
    let check = args.check;
    let config = Config::resolve(args).map_err(|error| error.to_string())?;
    lclq::log::start(&config)?;
    if check {
        return lclq::server::check(config).map_err(|error| error.to_string());
    }
    lclq::server::run(config).map_err(|error| error.to_string())
}
