//! `lclq region`.

use super::client::Client;
use super::output::{Column, print};
use super::{Done, OperateArgs};
use crate::cli::{Output, RegionCommand};
use serde_json::{Value, json};

const COLUMNS: &[Column] = &[
    Column::text("REGION", "region"),
    Column::text("AND", "and"),
    Column::number("LATENCY MS", "latency_ms"),
    Column::text("STATE", "state"),
];

/// Says how far regions of a test server are from each other, and cuts them off.
pub fn region(args: OperateArgs<RegionCommand>) -> Done {
    let client = Client::of(&args.server)?;
    let answer = match args.command {
        RegionCommand::List => client.get("test/regions", &[])?,
        RegionCommand::Set { regions, latencies } => {
            let links = latencies.into_iter();
            let links = links
                .map(|(between, ms)| json!({ "between": between, "latency_ms": ms, "cut": false }));
            let set = json!({ "regions": regions, "links": links.collect::<Vec<_>>() });
            client.put("test/regions", &set)?
        }
        RegionCommand::Latency { one, other, time } => {
            let set = json!({ "between": [one, other], "latency_ms": time });
            client.post("test/regions/latency", &set)?
        }
        RegionCommand::Cut { one, other } => {
            let between: Vec<String> = [Some(one), other].into_iter().flatten().collect();
            client.post("test/regions/cut", &json!({ "between": between }))?
        }
        RegionCommand::Heal { one, other } => {
            let between: Vec<String> = [one, other].into_iter().flatten().collect();
            client.post("test/regions/heal", &json!({ "between": between }))?
        }
        RegionCommand::Reset => client.delete("test/regions")?,
    };
    match args.server.output {
        Output::Table | Output::Name => print(args.server.output, &rows_of(&answer), COLUMNS),
        output => print(output, &answer, COLUMNS),
    }
}

/// A row for each region, and one for each two that something lies between.
fn rows_of(answer: &Value) -> Value {
    let members = |of: &str| answer[of].as_array().cloned().unwrap_or_default();
    let regions = members("regions").into_iter().map(|region| {
        let is_default = region == answer["default"];
        json!({ "region": region, "state": if is_default { "default" } else { "" } })
    });
    let links = members("links").into_iter().map(|link| {
        json!({
            "region": link["between"][0], "and": link["between"][1], "latency_ms": link["latency_ms"],
            "state": if link["cut"] == true { "cut" } else { "whole" },
        })
    });
    regions.chain(links).collect()
}
