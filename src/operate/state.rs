//! `lclq state`.

use super::client::Client;
use super::output::{Column, print};
use super::{Done, OperateArgs, say};
use crate::cli::StateCommand;
use serde_json::json;

const COLUMNS: &[Column] = &[
    Column::text("NAME", "name"),
    Column::number("SAVED AT MS", "saved_at_ms"),
    Column::number("PIECES", "pieces"),
    Column::number("BYTES", "bytes"),
];

/// Saves and restores states of a test server.
pub fn state(args: OperateArgs<StateCommand>) -> Done {
    let (server, client) = (&args.server, Client::of(&args.server)?);
    let path_of = |name: &str, part: &str| {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        format!("test/states/{name}{part}")
    };
    match args.command {
        StateCommand::List => {
            let answer = client.get("test/states", &[])?;
            print(server.output, &answer["states"], COLUMNS)
        }
        StateCommand::Save { name } => {
            let saved = client.post(&path_of(&name, ""), &json!({}))?;
            print(server.output, &saved, COLUMNS)
        }
        StateCommand::Restore { name } => {
            let answer = client.post(&path_of(&name, "/restore"), &json!({}))?;
            say(server, &format!("state {name} is restored"), &answer)
        }
        StateCommand::Delete { name } => {
            let answer = client.delete(&path_of(&name, ""))?;
            say(server, &format!("state {name} is deleted"), &answer)
        }
    }
}
