//! Who is there, by three hashes.

use super::scripts;
use super::session::{Client, Trouble, odd};
use super::settings::RedisSettings;
use crate::remote::{Beat, Cluster, Member, REMEMBERED, SeenMember, ShardOwner, Wish};
use redis::{Cmd, Value};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

/// A connection that asks.
pub(super) struct Members {
    client: Client,
    nodes: String,
    owners: String,
    wishes: String,
}

/// What a wish begins with that a node runs nothing, before its name.
const DRAINED: &str = "drained ";
/// What a pin begins with, before its shard.
const PIN: &str = "pin ";

impl Members {
    pub fn new(client: Client, settings: &RedisSettings) -> Self {
        Self {
            client,
            nodes: settings.common_key("nodes"),
            owners: settings.common_key("owners"),
            wishes: settings.common_key("wishes"),
        }
    }

    fn command(&self) -> Cmd {
        let mut command = Cmd::new();
        command.arg("EVAL").arg(scripts::BEAT).arg(3);
        command.arg(&self.nodes).arg(&self.owners).arg(&self.wishes);
        command.arg(REMEMBERED.as_millis() as u64);
        command
    }

    pub async fn beat(&self, beat: &Beat) -> Result<Cluster, Trouble> {
        let mut command = self.command();
        let Member {
            node,
            address,
            protocol,
            key_hash,
        } = &*beat.member;
        let mut hash = String::new();
        for byte in key_hash {
            // Writing to a string can't fail.
            let _ = write!(hash, "{byte:02x}");
        }
        let draining = u8::from(beat.draining);
        command.arg(&**node);
        command.arg(format!("{draining} {protocol} {address} {hash}"));
        for (shard, epoch) in &beat.owns {
            command.arg(shard).arg(epoch);
        }
        cluster(self.client.ask_soon(&command).await?).ok_or_else(unknown)
    }

    pub async fn look(&self) -> Result<Cluster, Trouble> {
        cluster(self.client.ask_soon(&self.command()).await?).ok_or_else(unknown)
    }

    pub async fn leave(&self, node: &str) -> Result<(), Trouble> {
        let mut leave = Cmd::new();
        leave.arg("HDEL").arg(&self.nodes).arg(node);
        self.client.ask_soon(&leave).await.map(drop)
    }

    pub async fn wish(&self, wish: &Wish) -> Result<(), Trouble> {
        let (field, value, node) = match wish {
            Wish::Drain { node, drained } => {
                let value = if *drained { "1" } else { "" };
                (format!("{DRAINED}{node}"), value, &**node)
            }
            Wish::Pin { shard, node } => {
                let node = node.as_deref().unwrap_or_default();
                (format!("{PIN}{shard}"), node, node)
            }
        };
        let mut keep = Cmd::new();
        keep.arg("EVAL").arg(scripts::WISH).arg(2);
        keep.arg(&self.nodes).arg(&self.wishes);
        keep.arg(field).arg(value).arg(node);
        self.client.ask_soon(&keep).await.map(drop)
    }
}

fn unknown() -> Trouble {
    odd("who is there")
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}

/// The fields of a hash and their values.
fn pairs(value: Value) -> Option<Vec<(String, String)>> {
    let Value::Array(values) = value else {
        return None;
    };
    let mut values = values.into_iter();
    let mut pairs = Vec::new();
    while let Some(field) = values.next() {
        pairs.push((text(field)?, text(values.next()?)?));
    }
    Some(pairs)
}

fn cluster(answer: Value) -> Option<Cluster> {
    let Value::Array(parts) = answer else {
        return None;
    };
    let [now, nodes, owners, wishes] = <[Value; 4]>::try_from(parts).ok()?;
    let now: u64 = text(now)?.parse().ok()?;
    let mut cluster = Cluster::default();
    let mut drained = BTreeSet::new();
    for (wish, value) in pairs(wishes)? {
        if let Some(node) = wish.strip_prefix(DRAINED) {
            drained.insert(node.to_owned());
        } else if let Some(shard) = wish.strip_prefix(PIN) {
            cluster.pins.insert(shard.parse().ok()?, value.into());
        }
    }
    for (node, said) in pairs(nodes)? {
        let is_drained = drained.contains(&node);
        let mut words = said.split(' ');
        let seen: u64 = words.next()?.parse().ok()?;
        let draining = words.next()? == "1";
        let protocol = words.next()?.parse().ok()?;
        let address = words.next()?.into();
        cluster.members.push(SeenMember {
            member: Member {
                node: node.into(),
                address,
                protocol,
                key_hash: bytes(words.next()?)?,
            },
            draining,
            drained: is_drained,
            silent: Duration::from_millis(now.saturating_sub(seen)),
        });
    }
    for (shard, said) in pairs(owners)? {
        let (epoch, node) = said.split_once(' ')?;
        if !node.is_empty() {
            let owner = ShardOwner {
                node: node.into(),
                epoch: epoch.parse().ok()?,
            };
            cluster.owners.insert(shard.parse().ok()?, owner);
        }
    }
    Some(cluster)
}

fn bytes(hex: &str) -> Option<Box<[u8]>> {
    let digits = hex.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.chunks(2).map(byte).collect()
}
