//! `lclq clock`.

use super::client::Client;
use super::output::{Column, print};
use super::{Done, OperateArgs};
use crate::cli::ClockCommand;
use serde_json::json;

const COLUMNS: &[Column] = &[
    Column::text("NOW", "now"),
    Column::text("STATE", "state"),
    Column::number("AHEAD MS", "ahead_ms"),
];

/// Drives the clock of a test server.
pub fn clock(args: OperateArgs<ClockCommand>) -> Done {
    let client = Client::of(&args.server)?;
    let state = match args.command {
        ClockCommand::Show => client.get("test/clock", &[])?,
        ClockCommand::Stop => client.post("test/clock/stop", &json!({}))?,
        ClockCommand::Advance { by } => client.post("test/clock/advance", &json!({ "ms": by }))?,
        ClockCommand::Set { to } => client.post("test/clock/set", &json!({ "to": to }))?,
        ClockCommand::Resume => client.post("test/clock/resume", &json!({}))?,
    };
    print(args.server.output, &state, COLUMNS)
}
