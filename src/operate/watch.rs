//! `lclq connection`, `lclq shard` and `lclq core`.

use super::client::Client;
use super::output::{Column, print};
use super::{Done, OperateArgs, every_page, say, shards};
use crate::cli::{ConnectionCommand, CoreCommand, ShardCommand};
use serde_json::{Value, json};

const CONNECTION_COLUMNS: &[Column] = &[
    Column::text("ID", "id"),
    Column::text("ENDPOINT", "endpoint"),
    Column::text("PEER", "peer"),
    Column::text("PROTOCOL", "protocol"),
    Column::number("REQUESTS", "requests"),
    Column::number("IN FLIGHT", "in_flight"),
    Column::number("RECEIVED", "bytes_received"),
    Column::number("SENT", "bytes_sent"),
    Column::text("CLIENT", "user_agent"),
];

const CORE_COLUMNS: &[Column] = &[
    Column::number("CORE", "core"),
    Column::number("CONNECTIONS", "connections"),
    Column::text("SHARDS", "shards"),
    Column::number("BUSY MS", "busy_ms"),
];

/// Carries out a command about connections.
pub fn connection(args: OperateArgs<ConnectionCommand>) -> Done {
    let (server, client) = (&args.server, Client::of(&args.server)?);
    match args.command {
        ConnectionCommand::List { endpoint } => {
            let filter = endpoint.as_deref().map(|endpoint| ("endpoint", endpoint));
            let filters: Vec<_> = filter.into_iter().collect();
            let all = every_page(&client, "connections", "connections", &filters)?;
            print(server.output, &all.into(), CONNECTION_COLUMNS)
        }
        ConnectionCommand::Close { id } => {
            let plain =
                percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC);
            client.delete(&format!("connections/{plain}"))?;
            let sentence = format!("connection {id} is closed");
            say(server, &sentence, &json!({ "closed": id }))
        }
    }
}

/// Carries out a command about shards.
pub fn shard(args: OperateArgs<ShardCommand>) -> Done {
    match args.command {
        ShardCommand::List => shards(&args.server),
    }
}

/// Carries out a command about cores.
pub fn core(args: OperateArgs<CoreCommand>) -> Done {
    let CoreCommand::List = args.command;
    let mut answer = Client::of(&args.server)?.get("cores", &[])?;
    let cores: Value = answer["cores"].take();
    print(args.server.output, &cores, CORE_COLUMNS)
}
