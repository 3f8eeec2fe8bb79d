//! What is in Redis, and how it comes there: the first node makes it, and others find it.

use super::scripts;
use super::session::{self, Client, Trouble, odd};
use super::settings::RedisSettings;
use crate::NodeError;
use crate::remote::Common;
use lclq_shards::journal::Secrets;
use redis::{Cmd, Value};
use rustls::ClientConfig;
use std::sync::Arc;

/// The format that this program reads and writes.
const FORMAT: i32 = 1;

/// Makes it, or finds it made.
pub(super) async fn make(
    settings: &RedisSettings,
    tls: &Arc<ClientConfig>,
    client: &Client,
) -> Result<Common, NodeError> {
    let key = settings.common_key("cluster");
    let found = find(client, &key, settings).await?;
    let Found { cluster, is_begun } = found.ok_or_else(|| not_made(settings))?;
    if let Some(asked) = settings
        .common()
        .shards
        .filter(|asked| *asked != cluster.shards)
    {
        let found = cluster.shards.into();
        return Err(NodeError::Shards { found, asked });
    }
    if is_begun {
        return Ok(cluster);
    }
    if !settings.common().makes {
        return Err(not_made(settings));
    }
    // A log without a head is one that was lost. So heads are made once, and all of them before the
    // first log is used; whoever comes in between makes what is missing.
    for shard in 0..cluster.shards {
        begin_log(settings, tls, client, shard)
            .await
            .map_err(store)?;
    }
    let mut begun = Cmd::new();
    begun.arg("HSET").arg(&key).arg("begun").arg(1);
    client.ask_soon(&begun).await.map_err(store)?;
    Ok(cluster)
}

struct Found {
    cluster: Common,
    is_begun: bool,
}

async fn find(
    client: &Client,
    key: &str,
    settings: &RedisSettings,
) -> Result<Option<Found>, NodeError> {
    let (mut receipt, mut engine) = ([0; 32], [0; 16]);
    getrandom::fill(&mut receipt).map_err(NodeError::Random)?;
    getrandom::fill(&mut engine).map_err(NodeError::Random)?;
    let mut command = Cmd::new();
    command.arg("EVAL").arg(scripts::MAKE).arg(1).arg(key);
    if settings.common().makes {
        command.arg(FORMAT).arg(settings.common().shards_of_new());
        command.arg(&receipt[..]).arg(&engine[..]);
    }
    let answer = client.ask_soon(&command).await.map_err(store)?;
    let Value::Array(fields) = answer else {
        return Err(broken("can't be read"));
    };
    let mut fields = fields.into_iter().map(|field| match field {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    });
    let mut next = || fields.next().flatten();
    let Some(format) = next() else {
        return Ok(None);
    };
    let number = |bytes: Vec<u8>| String::from_utf8(bytes).ok()?.parse::<i32>().ok();
    let found = number(format).ok_or_else(|| broken("has no format"))?;
    if found != FORMAT {
        let known = FORMAT;
        return Err(NodeError::FromTheFuture { found, known });
    }
    let shards = next().and_then(number);
    let shards = shards.and_then(|shards| u16::try_from(shards).ok());
    let wrong = || broken("has secrets of another length");
    let receipt = next().and_then(|bytes| bytes.try_into().ok());
    let engine = next().and_then(|bytes| bytes.try_into().ok());
    let secrets = Secrets {
        receipt: receipt.ok_or_else(wrong)?,
        engine: engine.ok_or_else(wrong)?,
    };
    let shards = shards.ok_or_else(|| broken("has a number of shards that can't be"))?;
    Ok(Some(Found {
        cluster: Common { shards, secrets },
        is_begun: next().is_some_and(|begun| begun == b"1"),
    }))
}

async fn begin_log(
    settings: &RedisSettings,
    tls: &Arc<ClientConfig>,
    client: &Client,
    shard: u16,
) -> Result<(), Trouble> {
    let head = settings.keys(shard).head;
    let mut begin = Cmd::new();
    begin.arg("EVAL").arg(scripts::BEGIN).arg(1).arg(&head);
    let answer = match client.ask_soon(&begin).await {
        Err(Trouble::Redis(error)) if error.redirect_node().is_some() => {
            let (of_shard, _link) = session::connect(settings, tls, &head).await?;
            of_shard.ask_soon(&begin).await?
        }
        other => other?,
    };
    match answer {
        Value::Int(_) => Ok(()),
        _ => Err(odd("a new log")),
    }
}

fn not_made(settings: &RedisSettings) -> NodeError {
    NodeError::NotMade(settings.place())
}

fn broken(what: &str) -> NodeError {
    NodeError::Store(format!("the key of the cluster {what}"))
}

pub(super) fn store(trouble: Trouble) -> NodeError {
    NodeError::Store(trouble.words().into())
}
