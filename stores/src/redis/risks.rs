//! Settings of a server with which acknowledged records can be lost.

use super::session::{Client, Trouble};
use crate::Risk;
use redis::{Cmd, Value};

/// Asks the server, in whose place another may have come since it was last asked. Where it shows its
/// settings to nobody, as some services do, that is a risk of its own.
pub(super) async fn find(client: &Client) -> Result<Vec<Risk>, Trouble> {
    let mut found = Vec::new();
    let appendonly = setting(client, "appendonly").await?;
    let appendfsync = setting(client, "appendfsync").await?;
    let on_rewrite = setting(client, "no-appendfsync-on-rewrite").await?;
    match (appendonly.as_deref(), appendfsync.as_deref()) {
        (Some("yes"), Some("always")) if on_rewrite.as_deref() == Some("yes") => {
            found.push(Risk::NoFsyncOnRewrite);
        }
        (Some("yes"), Some("always")) => {}
        (Some("yes"), Some("everysec")) => found.push(Risk::FsyncEverySecond),
        (Some("yes"), Some("no")) => found.push(Risk::FsyncIsTheSystems),
        (Some("no"), _) => found.push(Risk::AppendOnlyIsOff),
        _ => found.push(Risk::SettingsAreHidden),
    }
    let memory = setting(client, "maxmemory").await?;
    let policy = setting(client, "maxmemory-policy").await?;
    // Keys of logs have no expiry, so only what drops any key drops them.
    let drops_any = policy.is_some_and(|policy| policy.starts_with("allkeys-"));
    if drops_any && memory.as_deref() != Some("0") {
        found.push(Risk::KeysAreEvicted);
    }
    let Some(replication) = replication(client).await? else {
        found.push(Risk::SettingsAreHidden);
        return Ok(found);
    };
    let has = |line: &str| replication.lines().any(|of| of.trim() == line);
    if has("role:slave") {
        let words = "it is a replica, and takes no writes";
        return Err(Trouble::Foreign(words.to_owned()));
    }
    if replication.contains("connected_slaves:") && !has("connected_slaves:0") {
        found.push(Risk::ReplicasLag);
    }
    Ok(found)
}

/// A setting's value; nothing where the server doesn't show it.
async fn setting(client: &Client, name: &str) -> Result<Option<String>, Trouble> {
    let mut command = Cmd::new();
    command.arg("CONFIG").arg("GET").arg(name);
    let Some(Value::Array(values)) = client.ask_if_allowed(&command).await? else {
        return Ok(None);
    };
    Ok(match values.into_iter().nth(1) {
        Some(Value::BulkString(value)) => String::from_utf8(value).ok(),
        Some(Value::SimpleString(value)) => Some(value),
        _ => None,
    })
}

/// What the server says of its replicas and itself; nothing where it doesn't.
async fn replication(client: &Client) -> Result<Option<String>, Trouble> {
    let mut command = Cmd::new();
    command.arg("INFO").arg("replication");
    Ok(match client.ask_if_allowed(&command).await? {
        Some(Value::BulkString(text)) => Some(String::from_utf8_lossy(&text).into_owned()),
        _ => None,
    })
}
