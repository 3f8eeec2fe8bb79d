//! `lclq cluster check`: whether a store's logs are whole and somebody runs each, for people.

use super::{open, print_lines};
use crate::cli::ClusterCheckArgs;
use crate::cluster::{NodeState, NodeView, Overview, PROTOCOL};
use lclq_shards::journal::LogRecord;
use lclq_shards::journal::codec::Record;
use lclq_stores::{Cluster, NodeError, ReadError, SeenMember, ShardOwner, StoreNode};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What reaching a node may take.
const REACH_WAIT: Duration = Duration::from_secs(2);

/// Why nothing is known.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The store can't be used.
    #[error("{0}")]
    Store(#[from] NodeError),
    /// Nothing can be printed.
    #[error("{0}")]
    Output(#[from] io::Error),
    /// Something is wrong; what, was printed.
    #[error("{0} of these lines have faults")]
    Faults(usize),
}

/// Reads all logs from where a node would that takes them over, and looks whether each has an owner that lives.
/// Prints a line for each node, for each shard and for each setting of the store that may lose something.
///
/// # Errors
/// If the store can't be used, or something is wrong.
pub fn check(args: &ClusterCheckArgs, out: &mut dyn Write) -> Result<(), CheckError> {
    let store = open(&args.store)?;
    let cluster = store.membership().look()?;
    let mut faulty = 0;
    let mut print = |line: Value| {
        let faults = line["faults"].as_array();
        faulty += usize::from(faults.is_some_and(|faults| !faults.is_empty()));
        print_lines(out, [line])
    };
    let nodes = Overview::new(&cluster, store.shards()).nodes;
    for (node, seen) in nodes.iter().zip(&cluster.members) {
        print(node_line(node, seen))?;
    }
    let is_cluster = nodes.iter().any(|node| node.state != NodeState::Gone);
    for shard in 0..store.shards() {
        let mut log = Log::default();
        let read = store.read(shard, 1, &mut |record| {
            log.take(record);
            Ok(())
        });
        let owner = owner(&cluster, &nodes, shard);
        print(shard_line(shard, log, read, owner, is_cluster))?;
    }
    for risk in risks(&store) {
        print(json!({ "risk": risk }))?;
    }
    match faulty {
        0 => Ok(()),
        faulty => Err(CheckError::Faults(faulty)),
    }
}

fn risks(store: &StoreNode) -> Vec<String> {
    store.risks().iter().map(ToString::to_string).collect()
}

fn node_line(node: &NodeView, seen: &SeenMember) -> Value {
    let mut line = json!(node);
    let mut faults = Vec::new();
    if node.state != NodeState::Gone {
        if seen.member.protocol != PROTOCOL {
            faults.push("it is of another version than this program".to_owned());
        }
        let address = node.address.parse::<SocketAddr>();
        let reached = address
            .map_err(|error| error.to_string())
            .and_then(|address| {
                let reached = TcpStream::connect_timeout(&address, REACH_WAIT);
                reached.map_err(|error| error.to_string())
            });
        if let Err(error) = reached {
            faults.push(format!("it can't be reached from here: {error}"));
        }
    }
    line["faults"] = faults.into();
    line
}

fn owner<'c>(cluster: &'c Cluster, nodes: &[NodeView], shard: u16) -> Option<&'c ShardOwner> {
    let owner = cluster.owners.get(&shard)?;
    let lives =
        |node: &NodeView| node.state != NodeState::Gone && node.node.as_str() == &*owner.node;
    nodes.iter().any(lives).then_some(owner)
}

fn shard_line(
    shard: u16,
    log: Log,
    read: Result<(), ReadError>,
    owner: Option<&ShardOwner>,
    is_cluster: bool,
) -> Value {
    let mut faults = log.faults();
    if let Err(error) = read {
        faults.push(format!("the log can't be read to its end: {error}"));
    }
    // A server alone names itself in its log only.
    if is_cluster && owner.is_none() {
        faults.push("no node that lives runs it".to_owned());
    }
    if let Some(owner) = owner
        && owner.epoch > log.epoch
    {
        faults.push("its owner's first record is missing".to_owned());
    }
    json!({
        "shard": shard, "node": owner.map(|owner| &owner.node), "epoch": log.epoch,
        "records": log.records, "bytes": log.bytes, "first": log.first, "last": log.last,
        "faults": faults,
    })
}

/// What is seen of a log as its records pass.
#[derive(Default)]
struct Log {
    records: u64,
    bytes: u64,
    first: u64,
    last: u64,
    epoch: u64,
    /// Where a reader would begin.
    low: u64,
    /// The last position that isn't there. A server that runs drops what it needs no longer meanwhile.
    missing: u64,
    /// The last record that can't be read, and why.
    unreadable: Option<(u64, String)>,
    /// The last record whose epoch is before that of the one before it.
    back: Option<u64>,
}

impl Log {
    fn take(&mut self, record: &LogRecord) {
        let place = record.place;
        if place.position != self.last + 1 {
            self.missing = place.position - 1;
        }
        if self.records == 0 {
            self.first = place.position;
        }
        if place.epoch < self.epoch {
            self.back = Some(place.position);
        }
        self.records += 1;
        self.bytes += record.bytes.len() as u64;
        (self.last, self.epoch) = (place.position, self.epoch.max(place.epoch));
        match low(record) {
            Ok(low) => self.low = self.low.max(low),
            Err(why) => self.unreadable = Some((place.position, why)),
        }
    }

    /// What is wrong with records that a reader needs.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let low = self.low;
        if self.records > 0 && self.missing >= low {
            let missing = self.missing;
            faults.push(format!(
                "record {missing} is missing; records are needed from {low} on"
            ));
        }
        if let Some((position, why)) = &self.unreadable
            && *position >= low
        {
            faults.push(format!("record {position} can't be read: {why}"));
        }
        if let Some(position) = self.back
            && position >= low
        {
            faults.push(format!(
                "record {position} is of an earlier epoch than the one before it"
            ));
        }
        faults
    }
}

/// Reads a record to its end. Answers the position from which on a reader of it needs records.
fn low(record: &LogRecord) -> Result<u64, String> {
    let read = Record::read(&record.bytes).map_err(|error| error.to_string())?;
    let head = read.head;
    if (head.position, head.epoch) != (record.place.position, record.place.epoch) {
        return Err("it says that it is another one".to_owned());
    }
    let mut ignore = |_| {};
    let whole = read
        .changes(&mut ignore)
        .and_then(|()| read.carried(&mut ignore));
    whole.map(|()| head.low).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use lclq_shards::journal::Place;
    use lclq_shards::journal::codec::{Head, write_batch};

    fn record(position: u64, epoch: u64, low: u64) -> LogRecord {
        let head = Head {
            position,
            epoch,
            low,
            lap: 0,
        };
        LogRecord {
            place: Place { position, epoch },
            bytes: write_batch(head, &[], &[]).into(),
        }
    }

    fn faults(records: &[LogRecord]) -> Vec<String> {
        let mut log = Log::default();
        records.iter().for_each(|record| log.take(record));
        log.faults()
    }

    #[test]
    fn what_a_reader_needs_has_to_be_there() {
        assert!(faults(&[]).is_empty());
        assert!(faults(&[record(1, 1, 1), record(2, 1, 1), record(3, 2, 1)]).is_empty());
        // Its beginning was dropped, before it was read or meanwhile.
        assert!(faults(&[record(5, 1, 1), record(6, 1, 5)]).is_empty());
        assert!(faults(&[record(1, 1, 1), record(5, 1, 5)]).is_empty());
        for (records, wrong) in [
            (vec![record(5, 1, 4)], "record 4 is missing"),
            (
                vec![record(5, 1, 5), record(7, 1, 5)],
                "record 6 is missing",
            ),
            (vec![record(5, 2, 5), record(6, 1, 5)], "earlier epoch"),
        ] {
            let faults = faults(&records);
            assert!(faults.len() == 1 && faults[0].contains(wrong), "{faults:?}");
        }
        let mut moved = record(5, 1, 5);
        moved.place.position = 6;
        assert!(faults(&[record(5, 1, 5), moved])[0].contains("another one"));
        let mut broken = record(2, 1, 1);
        broken.bytes = broken.bytes[..broken.bytes.len() - 1].into();
        let faults = faults(&[record(1, 1, 1), broken]);
        assert!(
            faults[0].starts_with("record 2 can't be read"),
            "{faults:?}"
        );
    }
}
