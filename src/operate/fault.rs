//! `lclq fault`.

use super::client::Client;
use super::output::{Column, print};
use super::{Done, OperateArgs};
use crate::cli::{FaultArgs, FaultCommand};
use serde_json::{Value, json};

const COLUMNS: &[Column] = &[
    Column::text("NAME", "name"),
    Column::number("MATCHED", "matched"),
    Column::number("FIRED", "fired"),
    Column::text("RULE", "rule"),
];
const SET: &[Column] = &[Column::text("NAME", "name")];
const REMOVED: &[Column] = &[Column::number("REMOVED", "removed")];

/// Says what requests to a test server suffer.
pub fn fault(args: OperateArgs<FaultCommand>) -> Done {
    let client = Client::of(&args.server)?;
    let output = args.server.output;
    match args.command {
        FaultCommand::List => {
            let mut answer = client.get("test/faults", &[])?;
            print(output, &answer["faults"].take(), COLUMNS)
        }
        FaultCommand::Set(rule) => {
            print(output, &client.post("test/faults", &rule_of(&rule))?, SET)
        }
        FaultCommand::Remove { name } => {
            let path = format!("test/faults/{name}");
            print(output, &client.delete(&path)?, REMOVED)
        }
        FaultCommand::Clear => print(output, &client.delete("test/faults")?, REMOVED),
    }
}

/// A rule as the admin API takes it.
fn rule_of(args: &FaultArgs) -> Value {
    let effect = &args.effect;
    let effect = if let Some(code) = &effect.error {
        json!({ "error": { "code": code, "message": args.message } })
    } else if let Some(ms) = effect.latency {
        json!({ "latency": { "ms": ms, "ms_max": args.latency_max } })
    } else if let Some(when) = &effect.drop {
        json!({ "drop": when })
    } else if let Some(share) = effect.entries {
        json!({ "entries": { "share": share } })
    } else {
        json!("throttle")
    };
    json!({
        "name": args.name,
        "dialect": args.dialect,
        "action": args.action,
        "resource": args.resource,
        "share": args.share,
        "every": args.every,
        "times": args.times,
        "seed": args.seed.unwrap_or(0),
        "effect": effect,
    })
}
