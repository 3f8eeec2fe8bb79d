//! `lclq profile`.

use super::client::Client;
use super::output::{Column, print};
use super::{Done, OperateArgs};
use crate::cli::{Output, ProfileCommand};
use serde_json::{Map, Value, json};

const COLUMNS: &[Column] = &[
    Column::text("WHAT", "what"),
    Column::number("VALUE", "value"),
];

/// Has a test server behave as in production.
pub fn profile(args: OperateArgs<ProfileCommand>) -> Done {
    let client = Client::of(&args.server)?;
    let answer = match args.command {
        ProfileCommand::Show => client.get("test/profile", &[])?,
        ProfileCommand::Set { seed, values } => {
            client.put("test/profile", &settings_of(seed, values))?
        }
        ProfileCommand::End => client.delete("test/profile")?,
    };
    match args.server.output {
        Output::Table | Output::Name => print(args.server.output, &rows_of(&answer), COLUMNS),
        output => print(output, &answer, COLUMNS),
    }
}

/// Settings as the admin API takes them.
fn settings_of(seed: u64, values: Vec<(String, serde_json::Number)>) -> Value {
    let mut settings = json!({ "seed": seed });
    for (key, number) in values {
        let mut place = &mut settings;
        for part in key.split('.') {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            place = &mut place[part];
        }
        *place = Value::Number(number);
    }
    settings
}

/// A row for each setting, by its key, and for each thing that was done.
fn rows_of(answer: &Value) -> Value {
    let mut rows = vec![json!({ "what": "on", "value": answer["on"] })];
    let members = |of: &Value| of.as_object().cloned().unwrap_or_default();
    for (key, value) in members(&answer["settings"]) {
        if value.is_object() {
            let inner = members(&value).into_iter();
            rows.extend(
                inner.map(
                    |(name, value)| json!({ "what": format!("{key}.{name}"), "value": value }),
                ),
            );
        } else {
            rows.push(json!({ "what": key, "value": value }));
        }
    }
    let done = members(&answer["done"]).into_iter();
    rows.extend(done.map(|(what, times)| json!({ "what": what, "value": times })));
    Value::Array(rows)
}
